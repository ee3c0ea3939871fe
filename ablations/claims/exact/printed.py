"""Printed figures, recomputed from their parts without a run."""

from collections.abc import Iterator, Sequence

from ablations.claims.printed import parse, prints_as
from ablations.records.checks import Check, Holds
from hrm.config.learning import System


def demonstration(
    _arms: Sequence[System], _seed: int, *, figures: Sequence[str]
) -> Iterator[Check]:
    """The printed results of the demonstration follow from its printed cycles.

    Figures: four cycles, their average and total, for the original and for the enhanced model; both
    lines of the summary, original and enhanced; the reduction.
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


def one_mix(_arms: Sequence[System], _seed: int, *, figures: Sequence[str]) -> Iterator[Check]:
    """The savings printed in several places can all be true for one mix of easy and hard samples.

    Figures: the range for mixed batches; the percentage for a mixed batch, and its operations
        before
    and after; the percentage for easy samples, and their cycles before and after (a range); the
    cycles of hard samples.
    """
    low, high, mixed, before, after, easy, cycles, fewest, fewer, _, fewest_hard, most = (
        parse(text)[0] for text in figures
    )
    yield Holds(
        "the saving of a mixed batch, in percent, and the range promised for mixed batches",
        documented=f"{low:g} to {high:g}",
        observed=f"{mixed:g} ({100 * (1 - after / before):.1f} from {before:g} to {after:g})",
        holds=low <= mixed <= high,
        rule="one lies within the other",
    )
    saved_easy = 1 - (fewest + fewer) / 2 / cycles
    saved_hard = 1 - (fewest_hard + most) / 2 / cycles
    for saving, primary in ((mixed, True), (low, False), (high, False)):
        share = (saving / 100 - saved_hard) / (saved_easy - saved_hard)
        yield Holds(
            f"share of easy samples that saves {saving:g} %, at the middle of the printed cycles",
            documented="a share",
            observed=f"{share:.2f}",
            holds=0 <= share <= 1,
            rule="between 0 and 1",
            primary=primary,
        )
    least, best = (100 * (1 - end / cycles) for end in (fewer, fewest))
    yield Holds(
        "the saving of easy samples alone, in percent, and that of their printed cycles",
        documented=f"{easy:g}",
        observed=f"{least:g} to {best:g}",
        holds=least <= easy <= best,
        rule="one lies within the other",
        primary=False,
    )


def printed(what: str, value: float, figure: str, *, primary: bool = True) -> Check:
    """Return the check that a value agrees with a printed figure."""
    return Holds(
        what,
        documented=figure,
        observed=f"{value:g}",
        holds=prints_as(value, figure),
        rule="rounds or truncates to the printed figure",
        primary=primary,
    )
