"""Sizes: parameters of a documented model beside the printed figure."""

from collections.abc import Iterator, Sequence
from typing import Any

from ablations.claims.printed import parse, prints_as
from ablations.records.checks import Check, Holds
from hrm.config.learning import System


def printed(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """Each arm has as many parameters as its figure prints."""
    for system, figure in zip(arms, figures, strict=True):
        yield _figure("parameters of the model", _parameters(_model(system)), figure)


def bounded(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """As `printed`; beside, whether other inputs and outputs could yield the figure."""
    for system, figure in zip(arms, figures, strict=True):
        model = _model(system)
        yield _figure("parameters of the model", _parameters(model), figure)
        layers = _parameters(model.low) + _parameters(model.high)
        yield Holds(
            "whether other input and output sizes could yield the figure",
            documented=f"yes: the layers alone hold at most {figure}",
            observed=f"{layers:,} in the layers alone",
            holds=layers <= parse(figure)[0],
            rule="a part is no larger than the whole",
            primary=False,
        )


def increase(arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The second arm is larger than the first by what is printed.

    Figures: both printed sizes, from which it is computed as from the models, and the increase.
    """
    *sizes, grown = figures
    counts = [float(_parameters(_model(system))) for system in arms]
    for source, (a, b) in (
        ("from the printed sizes", [parse(size)[0] for size in sizes]),
        ("of the models", counts),
    ):
        yield _figure(f"increase {source}, in percent", 100 * (b / a - 1), grown)


def _model(system: System) -> Any:
    from hrm.model import HRM

    return HRM(system.model)


def _parameters(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def _figure(what: str, value: float, figure: str) -> Check:
    return Holds(
        what,
        documented=figure,
        observed=f"{value:,}" if isinstance(value, int) else f"{value:.3f}",
        holds=prints_as(value, figure),
        rule="rounds or truncates to the printed figure",
    )
