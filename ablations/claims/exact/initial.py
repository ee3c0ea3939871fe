"""Initial values: their bounds, and their scale by width."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from scipy import stats

from ablations.records.checks import AtMost, Check, Holds
from hrm.config import Learned, TruncatedNormal
from hrm.config.learning import System

if TYPE_CHECKING:
    from torch import Tensor

_WITHIN = 5.0  # standard errors


def bounds(arms: Sequence[System], seed: int, *, draws: int = 2**18) -> Iterator[Check]:
    """Initial states lie within ± 2/√D, with the standard deviation of a clipped N(0, 1/D).

    Arms: the enhanced model at several widths, then one whose maps are truncated normal. States are
    drawn repeatedly until there are `draws` numbers; maps are drawn once.
    """
    *widths, truncated = arms
    for system in widths:
        width, part = system.model.low.width, system.model.initial
        assert isinstance(part, Learned) and part.clip is not None
        values = _states(system, seed, draws) * math.sqrt(width)
        yield AtMost(
            f"width {width}: largest initial state, in 1/√D",
            limit=part.clip * (1 + 1e-6),
            observed=float(values.abs().max()),
        )
        what = f"width {width}: spread of {len(values):,} initial states, in 1/√D"
        yield _spread(what, values, part.clip)
        share = float((values.abs() >= part.clip * (1 - 1e-6)).double().mean())
        yield Holds(
            f"width {width}: share of initial states on a bound",
            documented="0 if truncated (drawn again)",
            observed=f"{100 * share:.2f} %; clipping leaves {200 * stats.norm.sf(part.clip):.2f} %",
            holds=share == 0,
            rule="none",
            primary=False,
        )
    yield from _maps(widths[0], seed, "uniform maps, as drawn by default", 1.0)
    assert isinstance(truncated.model.initialisation, TruncatedNormal)
    left = float(stats.truncnorm.std(-2, 2))  # what is left of a standard normal cut at ± 2
    yield from _maps(truncated, seed, "truncated normal maps, rescaled to 1/√fan_in", 2 / left)


def _maps(system: System, seed: int, label: str, limit: float) -> Iterator[Check]:
    import torch

    from hrm.model import HRM

    torch.manual_seed(seed)
    maps = [m for m in HRM(system.model).modules() if isinstance(m, torch.nn.Linear)]
    scaled = [float(m.weight.detach().abs().max()) * math.sqrt(m.in_features) for m in maps]
    yield AtMost(
        f"{label}: largest weight of {len(maps)} maps, in 1/√fan_in",
        limit=limit * (1 + 1e-6),
        observed=max(scaled),
        primary=False,
    )


def _states(system: System, seed: int, draws: int) -> "Tensor":
    """Draw the initial states of a system until there are `draws` numbers."""
    import torch

    from hrm.model import HRM
    from hrm.model.embedding import InitialState

    torch.manual_seed(seed)
    model, found = HRM(system.model), []
    noise = torch.Generator().manual_seed(seed + system.model.low.width)
    for _ in range(draws // (2 * system.model.low.width)):
        for start in (model.start_low, model.start_high):
            assert isinstance(start, InitialState)
            start.draw_weights(lambda _: noise)
            found.append(start.value.detach().clone())
    return torch.cat(found)


def _spread(what: str, values: "Tensor", c: float) -> Check:
    """The standard deviation of a standard normal clipped at ± c, to five standard errors."""
    inside = math.erf(c / math.sqrt(2)) - 2 * c * float(stats.norm.pdf(c))
    expected = math.sqrt(inside + 2 * c**2 * float(stats.norm.sf(c)))
    observed = float(values.double().std())
    error = expected / math.sqrt(2 * len(values))
    return Holds(
        what,
        documented=f"{expected:.4f}, a standard normal clipped at ± {c:g}",
        observed=f"{observed:.4f}",
        holds=abs(observed - expected) <= _WITHIN * error,
        rule=f"to {_WITHIN:g} standard errors of {error:.1g}",
    )
