"""One function per documented system. Plain data without torch.

The arms of a claim are one recipe in which `dataclasses.replace` changes one thing. `named` maps
the names that the command line uses to the recipes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hrm.config.learning import System
from hrm.recipes.sequences import (
    act_v1,
    complete,
    plain_transformer,
    swiglu_inner,
    tiny_network,
)
from hrm.recipes.vectors import act_v1_vector, amulgent, amulgent_enhanced, gru, v2

__all__ = [
    "Named",
    "act_v1",
    "act_v1_vector",
    "amulgent",
    "amulgent_enhanced",
    "complete",
    "gru",
    "named",
    "plain_transformer",
    "swiglu_inner",
    "tiny_network",
    "v2",
]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A recipe at a documented size.

    Args:
        make: Builds the system from the recipe's keyword arguments, whose defaults are the
            documented values.
        source: Where the document describes the system.
        parameters: The number of parameters as printed there; None if it prints none.
    """

    make: Callable[..., System]
    source: str
    parameters: str | None = None


_enhanced = {"use_rmsnorm": True, "use_swiglu": True, "use_iterative_refinement": True}
_complete = "document complete, Model Configurations"
_act = "document act-v1; HRM (arXiv 2506.21734), section 3"
named: dict[str, Named] = {  # an included module may add recipes of its own
    "gru": Named(make=gru, source="document gru, Basic Usage"),
    "v2": Named(make=v2, source="document v2, Configuration Management"),
    "amulgent-original": Named(
        make=partial(amulgent, original=True),
        source="document amulgent, before its enhancements",
    ),
    "amulgent-baseline": Named(
        make=amulgent, source="document amulgent, Performance Improvements", parameters="844,610"
    ),
    "amulgent-enhanced": Named(
        make=partial(amulgent, **_enhanced),
        source="document amulgent, Performance Improvements",
        parameters="1,011,522",
    ),
    "act-v1": Named(
        make=partial(act_v1, vocabulary=10_000, positions=128, h_cycles=3, max_steps=5),
        source="document act-v1, Basic Usage",
    ),
    "act-v1-sudoku": Named(make=partial(act_v1, puzzle_size=512), source=_act, parameters="27M"),
    "act-v1-maze": Named(
        make=partial(act_v1, vocabulary=6, positions=900, puzzle_size=512),
        source=_act,
        parameters="27M",
    ),
    "act-v1-arc": Named(
        make=partial(act_v1, vocabulary=12, positions=900, puzzle_size=512, identities=1_000),
        source=_act,
        parameters="27M",
    ),
    "complete-tiny": Named(
        make=partial(complete, h_dim=32, l_dim=16, h_layers=1, l_layers=1, l_heads=1),
        source=_complete,
        parameters="16K",
    ),
    "complete-small": Named(make=complete, source=_complete, parameters="115K"),
    "complete-medium": Named(
        make=partial(complete, h_dim=128, l_dim=64, h_layers=3, l_layers=2, h_heads=4),
        source=_complete,
        parameters="500K+",
    ),
    "complete-paper": Named(
        make=partial(complete, h_dim=512, l_dim=256, h_layers=6, l_layers=3, h_heads=8, l_heads=4),
        source=_complete,
        parameters="27M",
    ),
    "tiny-network": Named(
        make=tiny_network, source="Less is More (arXiv 2510.04871), table 1", parameters="7M"
    ),
}
