"""The different names that the documents use for the same thing.

Error messages use them to suggest the right name. Each set holds the names of one thing: document
gru's ``T`` is document act-v1's ``L_cycles`` and our ``low_steps``.
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
    """Return the allowed name that is most likely meant by a wrong one; None if there is none.

    It is another document's name for the same thing, or a name with a similar spelling.
    """
    for names in SYNONYMS:
        if name in names:
            for other in allowed:
                if other in names:
                    return other
    near = difflib.get_close_matches(name, allowed, n=1)
    return near[0] if near else None
