"""The statements of a claim as a report shows them: verdicts, pairs and zones in its units."""

import math
import statistics
from collections.abc import Sequence

from ablations import rule
from ablations.judging.case import Case, noun, oriented
from ablations.judging.cells import Pair, Reader, parts_of, value_of
from ablations.metrics.value import Value
from ablations.records.rows import Failures
from ablations.records.statements import Beside, Exceptions, Part, Point, Scale
from ablations.rule import Pairs, Table, Verdict, Zones
from ablations.specs.claim import Cell, Reading
from ablations.specs.tests import Contrast, Test


def parts(case: Case, table: Table) -> tuple[Part, ...]:
    """Return the statements of a claim, each with its zones, counts and pairs."""
    said = zip(parts_of(case.claim), case.zones, case.verdicts, strict=case.zones != ())
    return tuple(
        _part(case, place, test, reads, zones, verdict, table)
        for place, ((test, reads), zones, verdict) in enumerate(said)
    )


def exceptions(verdict: Verdict, zones: Zones) -> tuple[Exceptions, ...]:
    """Return the counts on both sides of each edge."""
    return tuple(
        Exceptions(
            edge=finite(zones.value(count.edge)),
            side="above" if up == (zones.sign > 0) else "below",
            pairs=tally.pairs,
            of=tally.of,
            exceptions=tally.exceptions,
            established=tally.established,
        )
        for count in verdict.counts
        for up, tally in ((True, count.above), (False, count.below))
    )


def interval(verdict: Verdict, zones: Zones) -> tuple[float | None, float | None]:
    """Return the ends of the median's interval; None for an open end, or if it is empty."""
    if not verdict.look or verdict.low > verdict.high:
        return None, None
    low, high = sorted((zones.value(verdict.low), zones.value(verdict.high)))
    return end(low, zones), end(high, zones)


def smallest(pairs: Pairs, verdict: Verdict, zones: Zones, table: Table) -> float | None:
    """Return the smallest median, in the reader's unit, that such pairs would have established.

    It is edge + x̃ − x₍c₊₁₎: the claimed edge of the null zone (or what nearly all pairs should lie
    beyond), the median, and the ascending contrast after the c exceptions that the look allows.
    Were the median that far from zero and the scatter about it the same, all but c pairs would lie
    beyond the edge.

    Args:
        pairs: The pairs read, with the claimed direction positive.
        verdict: Their verdict.
        zones: Their zones.
        table: Table of the family.
    """
    edge, allowed = zones.null, table.exceptions.get(verdict.look)
    if zones.nearly_all is not None:
        edge, allowed = zones.nearly_all, table.shares.get(verdict.look)
    if edge is None or allowed is None or verdict.estimate is None:
        return None
    lowest = float(sorted(pairs.low)[allowed])
    found = edge + verdict.estimate - lowest
    return finite(zones.value(found)) if math.isfinite(found) else None


def scale(test: Test, zones: Zones, unit: str) -> Scale:
    """Return the zones in the reader's unit."""
    null = zones.null
    return Scale(
        unit=unit,
        log=zones.log,
        neutral=1.0 if zones.log else 0.0,
        sign=zones.sign,
        two_sided=zones.two_sided,
        null=None if null is None else _ordered(zones, -null, null),
        because=zones.because,
        band=None if zones.band is None else _band(zones),
        band_because=getattr(test, "band_because", ""),
        edge=None if zones.nearly_all is None else zones.value(zones.nearly_all),
    )


def point(pair: Pair, contrast: Contrast, cells: Sequence[Cell], zones: Zones, read: bool) -> Point:
    """Return one pair in the reader's unit.

    Args:
        pair: Its values.
        contrast: Contrast of the statement.
        cells: The cells that the statement reads.
        zones: Zones of the statement.
        read: Whether the pair counts.
    """
    low, high = (zones.value(x * zones.sign) for x in (contrast.low, contrast.high))
    beyond = contrast.low == contrast.high and math.isinf(contrast.low)
    labels = [cell.label for cell in cells]
    return Point(
        seed=pair.seed,
        values=dict(zip(labels, map(_number, contrast.values), strict=True)),
        low=None if beyond else end(low, zones),
        high=None if beyond else end(high, zones),
        infinite=int(math.copysign(1, contrast.low)) if beyond else 0,
        failed=tuple(label for label, gone in zip(labels, contrast.failed, strict=True) if gone),
        read=read,
        note="; ".join(pair.notes),
    )


def failures(case: Case) -> tuple[Failures, ...]:
    """Return how many runs of each cell failed, among the pairs that count."""
    counting = case.gathered.pairs[: case.read]
    if not counting:
        return ()
    return tuple(
        share(cell.label, [pair.values[i].failed for pair in counting])
        for i, cell in enumerate(case.claim.compared)
    )


def share(label: str, failed: Sequence[bool]) -> Failures:
    """Return the share of failed runs with its exact 95 % interval (Clopper-Pearson).

    The ends are quantiles of beta distributions; `scipy.stats` has them too, but loads slowly.
    """
    from scipy.special import betaincinv  # slow to import, and rarely needed

    k, n = sum(failed), len(failed)
    return Failures(
        label=label,
        failed=k,
        of=n,
        low=float(betaincinv(k, n - k + 1, 0.025)) if k else 0.0,
        high=float(betaincinv(k + 1, n - k, 0.975)) if k < n else 1.0,
    )


def beside(case: Case, reader: Reader, table: Table) -> tuple[Beside, ...]:
    """Return the other readings of a claim's runs, each with its median and interval."""
    return tuple(_beside(case, reading, reader, table) for reading in case.claim.beside)


def finite(value: float) -> float | None:
    """Return a number, None if it isn't finite, since JSON has no infinities."""
    return value if math.isfinite(value) else None


def end(value: float, zones: Zones) -> float | None:
    """Return an end of an interval in the reader's unit; an infinite log-ratio may give 0."""
    return None if zones.log and value == 0 else finite(value)


def _part(
    case: Case,
    place: int,
    test: Test,
    reads: tuple[int, ...],
    zones: Zones,
    verdict: Verdict,
    table: Table,
) -> Part:
    cells = [case.claim.cells[i] for i in reads]
    counting = [pair.contrasts[place] for pair in case.gathered.pairs[: verdict.look]]
    low, high = interval(verdict, zones)
    return Part(
        verdict=verdict.word,
        sentence=verdict.sentence,
        estimate=None if verdict.estimate is None else finite(zones.value(verdict.estimate)),
        low=low,
        high=high,
        mean=None if verdict.mean is None else finite(zones.value(verdict.mean)),
        look=verdict.look,
        exceptions=exceptions(verdict, zones),
        scale=scale(test, zones, cells[0].metric.quantity),
        points=tuple(
            point(pair, pair.contrasts[place], cells, zones, i < case.read)
            for i, pair in enumerate(case.gathered.pairs)
        ),
        settled_at=verdict.at_look,
        needed=verdict.needed,
        seen=smallest(oriented(counting, test, zones), verdict, zones, table),
        sd=_sd([pair.contrasts[place] for pair in case.gathered.pairs[: case.read]]),
    )


def _sd(contrasts: Sequence[Contrast]) -> float | None:
    """Return the standard deviation of the finite contrasts; None with fewer than two."""
    known = [x.low for x in contrasts if x.low == x.high and math.isfinite(x.low)]
    return finite(statistics.stdev(known)) if len(known) > 1 else None


def _beside(case: Case, reading: Reading, reader: Reader, table: Table) -> Beside:
    claim = case.claim
    places = range(claim.test.cells) if reading.cells is None else reading.cells
    metrics = [reading.metric or claim.cells[i].metric for i in places]
    test = reading.test or claim.test
    zones, contrasts, wrong = test.zones, [], ""
    for pair in case.gathered.pairs:
        read = [
            value_of(pair.runs[i], metric, reader, claim.cells[i].label)
            for i, metric in zip(places, metrics, strict=True)
        ]
        wrong = wrong or next((fault for _, _, fault in read if fault), "")
        try:
            contrasts.append(test.contrast([value for value, _, _ in read]))
        except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
            wrong = wrong or f"{type(error).__name__}: {error}"
    pairs = oriented(contrasts, test, zones)
    verdict = rule.judge(pairs, zones, table, noun=noun(claim))
    low, high = (None, None) if wrong else interval(verdict, zones)
    known = not wrong and verdict.estimate is not None
    return Beside(
        label=reading.label,
        unit=metrics[0].quantity,
        log=zones.log,
        estimate=finite(zones.value(verdict.estimate or 0.0)) if known else None,
        low=low,
        high=high,
        n=int((~pairs.unknown).sum()),
        note=wrong,
    )


def _ordered(zones: Zones, first: float, second: float) -> tuple[float, float]:
    low, high = sorted((zones.value(first), zones.value(second)))
    return low, high


def _band(zones: Zones) -> tuple[float | None, float | None]:
    assert zones.band is not None
    weak = zones.value(zones.band[0])
    strong = None if zones.at_least else zones.value(zones.band[1])
    return (weak, strong) if zones.sign > 0 else (strong, weak)


def _number(value: Value) -> float | None:
    if value.known:
        return value.low
    return value.low if value.failed and math.isfinite(value.low) else None
