"""Numbers and durations as a reader expects them. Formatting only: nothing here is a statistic."""

import math
from collections.abc import Sequence

from ablations.tables import Bounded, Family

from ablations.records import Report, Row, Word
from reports.words import looks

minus, dash, infinity, times = "\u2212", "\u2014", "\u221e", "\u00d7"
_raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, decimals: int | None = None) -> str:
    """Return a number with the given decimals, or else three significant digits."""
    if value is None or math.isnan(value):
        return dash
    if math.isinf(value):
        return infinity if value > 0 else minus + infinity
    size = math.floor(math.log10(abs(value))) if value else 0
    if not -5 <= size < 7:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa} {times} 10{str(int(exponent)).translate(_raised)}".replace("-", minus)
    shown = f"{value:,.{max(2 - size, 0) if decimals is None else decimals}f}"
    if decimals is None and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return shown.replace("-", minus)


def numbers(values: Sequence[float | None], log: bool = False) -> list[str]:
    """Return an estimate and its bounds, to two digits of the interval's width.

    Args:
        values: The estimate, the low and the high bound, any of which may be missing.
        log: Whether small values keep two digits of their own, as ratios should.
    """
    finite = [v for v in values if v is not None and math.isfinite(v)]
    width = max(finite, default=0.0) - min(finite, default=0.0)
    if width <= 0 or not math.isfinite(width):
        return [number(v) for v in values]

    def shown(value: float | None) -> str:
        sizes = [width, abs(value)] if log and value and math.isfinite(value) else [width]
        return number(value, min(max(0, *(1 - math.floor(math.log10(s)) for s in sizes)), 6))

    return [shown(v) for v in values]


def estimate(row: Row) -> str:
    """Return "0.547×" or "+1.2": the estimate, in digits that its interval supports."""
    verdict = row.verdict
    if verdict.estimate is None:
        return dash
    shown = numbers((verdict.estimate, verdict.low, verdict.high), row.log)[0]
    if row.log:
        return shown + times
    return f"+{shown}" if verdict.estimate > 0 else shown


def interval(row: Row) -> str:
    """Return "[0.48, 0.63]", or nothing where there is no interval."""
    verdict = row.verdict
    if verdict.low is None and verdict.high is None:
        return ""
    _, low, high = numbers((verdict.estimate, verdict.low, verdict.high), row.log)
    return f"[{low}, {high}]"


def unit(name: str) -> str:
    """Return a unit with "x" written as the multiplication sign."""
    return times + name[1:] if name == "x" or name.startswith("x ") else name


def zone(bounds: tuple[float, float], log: bool) -> str:
    """Return "0.95× to 1.05×", "at least 0.2" or "at most −1": a zone in words."""
    low, high = ("any" if math.isinf(b) else number(b) + (times if log else "") for b in bounds)
    if math.isinf(bounds[0]) and math.isinf(bounds[1]):
        return "any value"
    if math.isinf(bounds[0]):
        return f"at most {high}"
    return f"at least {low}" if math.isinf(bounds[1]) else f"{low} to {high}"


def percent(share: float) -> str:
    """Return "99.92 %": a confidence level, with the digits that tell it from 100 %."""
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "\u00a0%"


def duration(seconds: float) -> str:
    """Return "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600:,} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def share(value: float) -> str:
    """Return "2.3 %": a share with two digits."""
    return f"{number(100 * value, 1)}\u00a0%"


def multiple(cell: Bounded) -> str:
    """Return "0.52 (0.71)": a rate and its bound as multiples of what is allowed."""
    shown = f"{number(cell.rate, 2)} ({number(cell.bound, 2)})"
    return shown if cell.within else f"{shown} withheld"


def family(found: Family) -> str:
    """Return what became of the family's members, as a sentence."""
    fates = [
        f"{count} {name if name == 'failed' else f'was {name}' if count == 1 else f'were {name}'}"
        for count, name in (
            (found.tested, "tested"),
            (found.withheld, "withheld"),
            (found.failed, "failed"),
            (found.not_run, "not run"),
        )
        if count or name != "not run"
    ]
    later = f"; {found.without_spec} have no spec yet" if found.without_spec else ""
    return f"Of the family’s {found.members} members, {listed(fates)}{later}."


def planned(row: Row) -> str:
    """Return what a claim's plan can tell, as sentences."""
    found = row.planning
    assert found is not None, row
    if found.sd is None:
        return f"{found.pairs} pairs; their spread is {found.source}."
    if found.sd == 0:
        return f"{found.pairs} pairs; they don't differ at all ({found.source})."
    shape = times if row.log else ""
    power = "" if found.power is None else f"{number(100 * found.power, 0)}\u00a0%"
    least = "" if found.detectable is None else f"{number(found.detectable)}{shape}"
    told = [
        f"tell {least} apart from an edge with a power of 80\u00a0%" if least else "",
        f"confirm {number(found.effect)}{shape} with one of {power}" if power else "",
    ]
    pairs = [
        f"{value:,} pairs for {share}\u00a0%"
        for value, share in ((found.pairs_80, 80), (found.pairs_90, 90))
        if value is not None
    ]
    needed = f" That takes {listed(pairs)}." if pairs else ""
    return (
        f"{found.pairs} pairs at a spread of {number(found.sd)} ({found.source}) "
        f"{listed([t for t in told if t])}.{needed}"
    )


def controls(report: Report) -> str:
    """Return how many controls passed, as a sentence."""
    words = ((True, "passed"), (False, "failed"), (None, "open"))
    counts = [(sum(c.passed is state for c in report.controls), word) for state, word in words]
    parts = [
        f"{n} {'is' if n == 1 else 'are'} open" if w == "open" else f"{n} {w}"
        for n, w in counts
        if n
    ]
    return f"Of {len(report.controls)}, {listed(parts)}."


def listed(items: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(p for p in (", ".join(items[:-1]), *items[-1:]) if p)


def tally(report: Report) -> list[tuple[Word, int]]:
    """Return the verdicts that occur, the best first, with how many claims have each."""
    return [(k.word, report.tally[k.word]) for k in reversed(looks) if report.tally.get(k.word)]


def sentence(report: Report) -> str:
    """Return "Of 24 documented claims, 9 are EXACT, 3 CONFIRMED and 12 NOT RUN."."""
    counts = tally(report)
    if not counts:
        return "No claim was asked for."
    total, (best, first) = sum(n for _, n in counts), counts[0]
    parts = [
        f"{first} {'is' if first == 1 else 'are'} {best}",
        *(f"{n} {w}" for w, n in counts[1:]),
    ]
    return f"Of {total} documented claim{'s' * (total != 1)}, {listed(parts)}."
