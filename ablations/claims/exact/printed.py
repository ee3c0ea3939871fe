"""Figures that a document prints, recomputed from their parts; nothing is run."""

from collections.abc import Iterator, Sequence

from ablations.claims.printed import parse, prints_as
from ablations.records.checks import Check, Holds
from hrm.config.learning import System


def demonstration(
    _arms: Sequence[System], _seed: int, *, figures: Sequence[str]
) -> Iterator[Check]:
    """What the demonstration prints follows from the cycles that it prints.

    Figures: four cycles, their average and total of the original; the same of the enhanced model;
    both lines of the summary, original and enhanced; the reduction.
    """
    rows = {"Original": figures[:6], "Enhanced": figures[6:12]}
    *summary, reduction = figures[12:]
    totals: list[int] = []
    for name, (*cycles, mean, total) in rows.items():
        used = [int(text) for text in cycles]
        totals.append(sum(used))
        yield printed(f"{name} {used}: average", sum(used) / len(used), mean)
        yield printed(f"{name} {used}: operations", totals[-1], total)
    for name, figure, used_up in zip(rows, summary, totals, strict=True):
        yield printed(f"total of the printed {name} rows", used_up, figure)
    stated = [parse(figure)[0] for figure in summary]
    for (a, b), primary in ((stated, True), (totals, False)):
        what = f"reduction from {a:g} to {b:g}, in percent"
        yield printed(what, 100 * (1 - b / a), reduction, primary=primary)


def printed(what: str, value: float, figure: str, *, primary: bool = True) -> Check:
    """Return whether a value is what a document prints."""
    return Holds(
        what,
        documented=figure,
        observed=f"{value:g}",
        holds=prints_as(value, figure),
        rule="rounds or truncates to the printed figure",
        primary=primary,
    )
