"""What the documents call the same thing, so that a name from one is understood beside another's.

Each set has the names of one thing: document gru's ``T`` is act-v1's ``L_cycles`` and our
``low_steps``.
"""

import difflib
from collections.abc import Collection

SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "T low_steps L_cycles l_cycles",
        "H_cycles h_cycles cycles",
        "max_cycles max_steps halt_max_steps",
        "hidden_low l_dim low_width",
        "hidden_high h_dim high_width",
        "hidden_size width",
        "num_heads heads",
        "H_layers h_layers",
        "L_layers l_layers",
        "input_dim inputs embedding_size",
        "output_dim outputs",
        "vocab_size vocabulary",
        "seq_len positions",
        "puzzle_emb_ndim puzzle_size",
        "num_puzzle_identifiers identities",
        "halt_exploration_prob exploration_prob exploration",
        "compute_cost_weight cost",
        "refinement_segments segments",
        "lr learning_rate",
        "batch_size batch global_batch_size",
    )
)


def nearest(name: str, allowed: Collection[str]) -> str | None:
    """Return the allowed name that a wrong one most likely stands for, None where none does.

    That is another document's name for the same thing, or one that is spelled much alike.
    """
    for names in SYNONYMS:
        if name in names:
            for other in allowed:
                if other in names:
                    return other
    near = difflib.get_close_matches(name, allowed, n=1)
    return near[0] if near else None
