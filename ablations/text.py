"""Format numbers, durations and lists for readers. Nothing here computes a statistic."""

import datetime
import math
from collections.abc import Sequence

minus, dash, infinity, times, space = "\u2212", "\u2014", "\u221e", "\u00d7", "\u00a0"
byte_units = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))
_months = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, decimals: int | None = None) -> str:
    """Return a number with the given decimals, or else three significant digits."""
    if value is None or math.isnan(value):
        return dash
    if math.isinf(value):
        return infinity if value > 0 else minus + infinity
    size = math.floor(math.log10(abs(value))) if value else 0
    if not -5 <= size < 9:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa} {times} 10{str(int(exponent)).translate(_raised)}".replace("-", minus)
    shown = f"{value:,.{max(2 - size, 0) if decimals is None else decimals}f}"
    if decimals is None and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    if not shown.strip("-0.,"):  # "-0.00" would suggest a sign
        shown = shown.removeprefix("-")
    return shown.replace("-", minus)


def numbers(values: Sequence[float | None]) -> list[str]:
    """Return an estimate and the ends of its interval, to a tenth of the interval's width or finer.

    Args:
        values: The estimate, the lower end and the upper end; None for a missing one.
    """
    finite = [v for v in values if v is not None and math.isfinite(v)]
    width = max(finite, default=0.0) - min(finite, default=0.0)
    if width <= 0 or len(finite) < 2:
        return [number(v) for v in values]
    size = math.floor(math.log10(width))
    decimals = min(max(0, (width < 4 * 10.0**size) - size), 6)
    return [number(v, decimals) for v in values]


def signed(shown: str) -> str:
    """Return a shown number with its sign, a plus included."""
    return shown if shown.startswith((minus, dash)) or shown.strip("0.") == "" else f"+{shown}"


def duration(seconds: float) -> str:
    """Return "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600:,} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def days(first: str, last: str) -> str:
    """Return "3 to 29 November 2026" of two days such as "2026-11-03"."""
    ends = [datetime.date.fromisoformat(day) for day in (first, last)]
    said = [f"{end.day} {_months[end.month - 1]} {end.year}" for end in ends]
    if first == last:
        return said[0]
    shared = 2 if first[:7] == last[:7] else 1 if first[:4] == last[:4] else 0
    words = said[0].split()
    return f"{' '.join(words[: 3 - shared])} to {said[1]}"


def percent(share: float) -> str:
    """Return "2.3 %": a share with three digits at most."""
    return f"{number(100 * share)}{space}%"


def count(n: int, one: str, many: str = "") -> str:
    """Return "1 run", "1,200 runs"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def nouns(n: int, many: str) -> str:
    """Return "1 seed" or "26 processes" from a noun in the plural."""
    one = many.removesuffix("es") if many.endswith("sses") else many.removesuffix("s")
    return count(n, one, many)


def listed(items: Sequence[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return " and ".join(p for p in (", ".join(items[:-1]), *items[-1:]) if p)


def short(words: str, most: int) -> str:
    """Return a text as one line of at most `most` printable characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def started(sentence: str) -> str:
    """Return a sentence with a capital at its beginning and a full stop at its end."""
    said = sentence.strip()
    if not said:
        return said
    return said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")
