"""Faults that make a claim INVALID, whatever its contrasts are.

They are: an arm that learnt nothing although the claim needs it to; a floor or ceiling that all
cells reach, so that nothing is left to compare; times that drift.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ablations.judging import readings, timing
from ablations.judging.cells import Pair, Reader, Run, parts_of, trained, value_of
from ablations.metrics.base import Metric
from ablations.metrics.scores import ERRORS
from ablations.metrics.timing import TimeRatio
from ablations.records.rows import Skill
from ablations.records.trials import Status
from ablations.rule import Table
from ablations.specs.claim import Statistical
from ablations.specs.tests import Reliable
from hrm.errors import UserError


def skills(claim: Statistical, pairs: Sequence[Pair], reader: Reader) -> tuple[Skill, ...]:
    """Return the margin of each trained cell over the best trivial method.

    The margin of a run is the mean over its test boards; that of a run that diverged, or whose
    record is lost, is 0. Boards are drawn for each seed, so the spread over seeds includes that
    over boards. If few seeds happen to agree, the spread over boards is used:

        error = max(sd of the margins, mean error over boards) / √n.

    Args:
        claim: The claim.
        pairs: The pairs that count.
        reader: Reader of the store.
    """
    found = []
    for place, cell in enumerate(claim.compared):
        if not trained(cell) or not pairs:
            continue
        scored = [_margin(pair.runs[place], reader) for pair in pairs]
        margins = [margin for margin, _ in scored]
        spread = float(np.std(margins, ddof=1)) if len(margins) > 1 else 0.0
        boards = float(np.mean([error for _, error in scored]))
        margin, error = float(np.mean(margins)), max(spread, boards) / math.sqrt(len(margins))
        found.append(
            Skill(
                label=cell.label,
                margin=margin,
                error=error,
                n=len(margins),
                needed=cell.label not in claim.unskilled,
                passed=margin > ERRORS * error,
            )
        )
    return tuple(found)


def unskilled(found: Iterable[Skill]) -> Iterator[str]:
    """Yield sentences about cells that lack the skill that the claim needs."""
    for one in found:
        if one.needed and not one.passed:
            yield (
                f"{one.label!r} doesn't beat the best trivial method: its margin is "
                f"{one.margin:+.4f} over {one.n} seeds, three standard errors are "
                f"{ERRORS * one.error:.4f}"
            )


def hopeless(found: Iterable[Skill], pairs: int) -> Iterator[str]:
    """Yield sentences about cells that, judging by a few seeds, will lack the needed skill.

    The margin is compared with the error that it will have after many seeds: a few seeds seldom
    show that an arm has skill, but do show where it has none.

    Args:
        found: Margins over a few seeds.
        pairs: Number of seeds that the claim will have.
    """
    for one in found:
        error = one.error * math.sqrt(one.n / pairs)
        if one.needed and one.margin <= ERRORS * error:
            yield (
                f"{one.label!r} doesn't beat the best trivial method: its margin is "
                f"{one.margin:+.4f} over {one.n} seeds, and over {pairs} three standard errors "
                f"would be {ERRORS * error:.4f}"
            )


def extra_faults(
    claim: Statistical, pairs: Sequence[Pair], reader: Reader, table: Table
) -> list[str]:
    """Return further faults of a claim.

    Args:
        claim: The claim.
        pairs: The pairs that count.
        reader: Reader of the store.
        table: Table of the family.
    """
    return [*shared_end(claim, pairs, reader), *unsteady(claim, pairs, reader, table)]


def shared_end(claim: Statistical, pairs: Sequence[Pair], reader: Reader) -> Iterator[str]:
    """Yield a fault if all runs of all cells lie at one end of their scale.

    Then nothing is left to compare. Claims that runs are reliable are exempt: they compare nothing,
    and that all runs fail is an answer.
    """
    if not pairs or isinstance(claim.test, Reliable):
        return
    if all(value.failed for pair in pairs for value in pair.values):
        yield "no run of any cell reaches the target, or finishes"
        return
    ends = (
        _end(cell.metric, run, reader)
        for pair in pairs
        for cell, run in zip(claim.compared, pair.runs, strict=False)
    )
    first = next(ends)
    if first and all(end == first for end in ends):
        yield f"all cells sit at the same {first}"
        return
    numbers = {value.low if value.known else math.nan for p in pairs for value in p.values}
    if claim.test.cells > 1 and len(pairs) > 1 and len(numbers) == 1:
        only = numbers.pop()
        if math.isfinite(only):
            yield f"all cells have the value {only:g} at every seed"


def unsteady(
    claim: Statistical, pairs: Sequence[Pair], reader: Reader, table: Table
) -> Iterator[str]:
    """Yield faults of timings: contrasts that drift, or a twin that differs from its baseline."""
    if not any(cell.protocol.alone for cell in claim.compared):
        return
    order = sorted(pairs, key=_started)
    for part, (test, reads) in enumerate(parts_of(claim)):
        contrasts = [pair.contrasts[part] for pair in order]
        measured = [x.low if x.low == x.high else math.nan for x in contrasts]
        metric = claim.cells[reads[-1]].metric
        if isinstance(metric, TimeRatio):
            read = [
                value_of(pair.runs[reads[-1]], metric.twin, reader, "twin")[0] for pair in pairs
            ]
            twins = [math.log(v.low) if v.known and v.low > 0 else math.nan for v in read]
            yield from timing.faults(measured, twins, test.zones, table)
        elif drift := timing.drift(measured):
            yield drift


def _started(pair: Pair) -> str:
    return min((run.result.started for run in pair.runs if run.result is not None), default="")


def _end(metric: Metric, run: Run, reader: Reader) -> str:
    if run.lost or run.status is not Status.OK:
        return ""
    try:
        return readings.extreme(metric, reader.observed(run))
    except (ArithmeticError, LookupError, OSError, TypeError, UserError, ValueError):
        return ""  # an unreadable value is a fault of its own


def _margin(run: Run, reader: Reader) -> tuple[float, float]:
    """Return a run's margin over the best trivial method, and its error over boards.

    They are those of the run itself if it is scored, otherwise those of its parent.
    """
    step: Run | None = run
    while step is not None:
        if not step.lost and step.status is Status.OK and step.result is not None:
            try:
                margin, error = reader.margin(step)
            except (ArithmeticError, LookupError, OSError, TypeError, UserError, ValueError):
                pass
            else:
                if math.isfinite(margin) and math.isfinite(error):
                    return margin, error
        step = reader.parent(step)
    return 0.0, 0.0
