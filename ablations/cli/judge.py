"""`ablations judge`: the count rule for a user's own numbers, without a model."""

import argparse
import csv
import io
import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ablations.cli.strip import strip
from ablations.rule import zones as fixed
from ablations.rule.outcomes import Verdict
from ablations.rule.pairs import Array, Bools, Pairs
from ablations.rule.table import Table, table_for
from ablations.rule.verdict import judge as decide
from ablations.rule.words import Reader
from ablations.rule.zones import Zones
from hrm.errors import UserError

ALLOWED = "allowed are numbers, inf, -inf, >=300, <=300, or nothing for unknown"
ARMS, CONTRAST = ("baseline", "treatment"), "contrast"
_limited = re.compile(r"\s*([<>])=?\s*(.+)")

Limits = tuple[float, float]


def judge(asked: argparse.Namespace) -> int:
    """JSON: {word, group, estimate, low, high, n, look, exceptions, sentence}.

    estimate, low and high (of the median) are in the reader's unit (ratios, not their logarithms),
    null if unknown. n is the number of pairs; look is the last look reached, 0 before the first.
    exceptions are [{edge, side, pairs, of, exceptions, established}]: the number of pairs on that
    side of the edge; all others are exceptions.
    """
    zones, table = _zones(asked), table_for(asked.claims)
    pairs = read(_text(asked.file), asked.file, ratio=asked.ratio, sign=zones.sign)
    verdict = decide(pairs, zones, table, noun=asked.noun)
    if asked.json:
        sys.stdout.write(json.dumps(data(verdict, zones), indent=2, allow_nan=False) + "\n")
        return 0
    sys.stdout.write(f"{verdict.word} ({verdict.group})\n{verdict.sentence}\n")
    sys.stdout.write(f"{_interval(verdict, zones, table)}\n\n{strip(pairs, zones, verdict)}\n")
    return 0


def data(verdict: Verdict, zones: Zones) -> dict[str, Any]:
    """Return a verdict as the command prints it in JSON."""
    low, high = sorted(map(zones.value, (verdict.low, verdict.high)))
    if verdict.low > verdict.high:  # the intervals of the looks don't intersect
        low = high = math.nan
    return {
        "word": verdict.word,
        "group": verdict.group,
        "estimate": None if verdict.estimate is None else _finite(zones.value(verdict.estimate)),
        "low": _finite(low) if verdict.look else None,
        "high": _finite(high) if verdict.look else None,
        "n": verdict.n,
        "look": verdict.look,
        "exceptions": [
            {
                "edge": zones.value(count.edge),
                "side": "above" if up == (zones.sign > 0) else "below",
                "pairs": tally.pairs,
                "of": tally.of,
                "exceptions": tally.exceptions,
                "established": tally.established,
            }
            for count in verdict.counts
            for up, tally in ((True, count.above), (False, count.below))
        ],
        "sentence": verdict.sentence,
    }


def read(text: str, name: str, *, ratio: bool, sign: int) -> Pairs:
    """Return the pairs in a text, CSV or JSON, as contrasts with the claimed direction positive.

    Args:
        text: The content of the file.
        name: Name of the file, for messages.
        ratio: Whether arms are compared by their ratio.
        sign: -1 if the claim is that the treatment has less.

    Raises:
        UserError: If there are no pairs, no such columns, or cells that are no values.
    """
    columns = _columns(text, name)
    has_arms, has_contrast = set(ARMS) <= set(columns), CONTRAST in columns
    if has_arms == has_contrast:
        raise UserError(
            f"{name!r} has the columns {', '.join(columns) or 'none'}; allowed are baseline and "
            "treatment, or only contrast; name them in the first line"
        )
    cells = {key: _cells(columns[key], key) for key in (ARMS if has_arms else (CONTRAST,))}
    lengths = {len(column) for column in cells.values()}
    if lengths == {0} or len(lengths) > 1:
        raise UserError(
            f"{name!r} has {' and '.join(str(len(c)) for c in cells.values())} values; allowed are "
            "one or more pairs, in columns of equal length; add them below the first line"
        )
    if ratio:
        for key, column in cells.items():
            _check_ratio(column, key)
    failed: Bools | None = None
    if has_arms:
        baseline, treatment = (np.array(cells[arm]) for arm in ARMS)
        low, high = _compared(baseline, treatment, ratio)
        failed = np.stack([_failed(baseline), _failed(treatment)], axis=-1)
    else:
        low, high = np.array(cells[CONTRAST]).T
    with np.errstate(divide="ignore"):
        ends = (np.log(low), np.log(high)) if ratio else (low, high)
    if sign < 0:
        ends = (-ends[1], -ends[0])
    return Pairs.within(*ends, failed=failed)


def _compared(baseline: Array, treatment: Array, ratio: bool) -> tuple[Array, Array]:
    """Return the limits of ratios or differences; NaN means that there is no limit."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if ratio:
            return treatment[:, 0] / baseline[:, 1], treatment[:, 1] / baseline[:, 0]
        return treatment[:, 0] - baseline[:, 1], treatment[:, 1] - baseline[:, 0]


def _failed(arm: Array) -> Bools:
    """Return which runs of an arm diverged or never arrived."""
    known = ~np.isnan(arm).any(axis=1)
    diverged = np.isinf(arm[:, 0]) & (arm[:, 0] == arm[:, 1])
    never = np.isfinite(arm[:, 0]) & (arm[:, 1] == math.inf)
    found: Bools = known & (diverged | never)
    return found


def _columns(text: str, name: str) -> Mapping[str, Sequence[Any]]:
    """Return the columns of a text by name."""
    if not text.strip():
        raise UserError(
            f"{name!r} is empty; allowed are CSV whose first line names the columns, or JSON; "
            "write baseline,treatment in the first line and one pair in each line below it"
        )
    if text.lstrip()[0] in "[{":
        return _json_columns(text, name)
    try:
        first, *rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except (csv.Error, ValueError) as error:
        raise UserError(f"{name!r} isn't CSV ({error}); allowed is CSV or JSON; mend it") from None
    names = [cell.strip().lower() for cell in first]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise UserError(
                f"row {number} of {name!r} has {len(row)} cells; allowed are {len(names)}, as in "
                "the first line; leave an unknown cell empty, but keep its comma"
            )
    return {key: [row[i] for row in rows] for i, key in enumerate(names)}


def _json_columns(text: str, name: str) -> Mapping[str, Sequence[Any]]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{name!r} isn't JSON ({error}); allowed is CSV or JSON; mend it") from None
    if isinstance(found, dict) and all(isinstance(column, list) for column in found.values()):
        return found
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        names = dict.fromkeys(key for row in found for key in row)
        return {key: [row.get(key) for row in found] for key in names}
    raise UserError(
        f"{name!r} is JSON without columns or rows; allowed are an object of columns, such as "
        '{"contrast": [0.1, 0.2]}, or a list of rows, such as [{"baseline": 1, "treatment": 2}]; '
        "write it so"
    )


def _cells(column: Sequence[Any], name: str) -> list[Limits]:
    """Return the limits of each cell of a column."""
    return [_limits(cell, f"{name} in row {i}") for i, cell in enumerate(column, start=1)]


def _limits(cell: Any, where: str) -> Limits:
    if cell is None:
        return math.nan, math.nan
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell), float(cell)
    text = cell.strip().replace("≥", ">=").replace("≤", "<=") if isinstance(cell, str) else None
    if text is None:
        raise UserError(f"{where} is {cell!r}; {ALLOWED}; mend it")
    if not text:
        return math.nan, math.nan
    limited = _limited.fullmatch(text)
    try:
        value = float(limited[2] if limited else text)
    except ValueError:
        raise UserError(f"{where} is {cell!r}; {ALLOWED}; mend it") from None
    if limited and not math.isfinite(value):
        raise UserError(f"{where} is {cell!r}; {ALLOWED}; mend it")
    if not limited:
        return value, value
    return (value, math.inf) if limited[1] == ">" else (-math.inf, value)


def _check_ratio(column: list[Limits], name: str) -> None:
    """Refuse negative values, which have no ratio; without a lower limit a value is at least 0."""
    for i, (low, high) in enumerate(column):
        if high < 0 or (low < 0 and math.isfinite(low)):
            raise UserError(
                f"{name} in row {i + 1} is {low:g}; allowed with --ratio are values of 0 or more; "
                "compare by --difference, or give the ratio itself, not its logarithm"
            )
        column[i] = max(low, 0.0) if not math.isnan(low) else low, high


def _zones(asked: argparse.Namespace) -> Zones:
    """Return the zones that the arguments fix."""
    because = "it was given"
    if asked.not_worse is not None:
        if asked.null is not None:
            raise UserError(
                f"--null {asked.null:g} and --not-worse {asked.not_worse:g} belong to different "
                "claims; allowed is one of both; leave --null out"
            )
        return fixed.not_worse(
            margin=asked.not_worse, because=because, fewer=asked.fewer, log=asked.ratio
        )
    if asked.null is None:
        raise UserError(
            "--null is missing; allowed is the smallest effect worth having, above 0 (with --ratio "
            "as a share: 0.05 is 5 %), or --not-worse MARGIN; fix it before you look at the pairs"
        )
    about = None if asked.about is None else (asked.about[0], asked.about[1])
    build = fixed.ratio if asked.ratio else fixed.difference
    return build(
        null=asked.null, because=because, fewer=asked.fewer, about=about, at_least=asked.at_least
    )


def _interval(verdict: Verdict, zones: Zones, table: Table) -> str:
    """Return a line with the median, its interval, and the pairs of the following looks."""
    reader = Reader(zones=zones)
    said = f"{reader.median} "
    said += "unknown" if verdict.estimate is None else reader.value(verdict.estimate)
    if verdict.look and verdict.low <= verdict.high:
        said += f", interval {reader.span(verdict.low, verdict.high)}"
    later = [str(look) for look in table.looks if look > verdict.look]
    if not verdict.settled:
        said += f"; not settled: the next looks are at {', '.join(later)}"
    return said


def _text(file: str) -> str:
    raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return raw.decode("utf-8-sig", errors="replace")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
