"""Reading evidence with json only, and a short count rule, without code of `ablations`."""

import functools
import json
import math
from collections import Counter

EXCEPTIONS = {16: 0, 26: 3, 40: 8, 60: 15, 120: 38, 240: 90}
INF = math.inf


@functools.cache
def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def spec(folder, claim):
    """Return the present version of a claim, which is the last one in the file."""
    return [one for one in lines(folder / "claims.jsonl") if one["claim"] == claim][-1]


def cell(folder, found):
    """Return the values of one cell by seed, each as an interval that contains it."""
    rows = lines(folder / "runs" / f"{found['runs']}.jsonl")
    readings = [
        row
        for row in rows
        if "reading" in row and (row["arm"], row["metric"]) == (found["arm"], found["metric"])
    ]
    keys = [row["reading"] for row in sorted(readings, key=lambda row: -row["order"])]
    where = {row["where"]: row for row in rows if "where" in row and "seed" not in row}
    edition = {
        key: str([row["sources"], row["versions"], row["class"]]) for key, row in where.items()
    }
    runs = [row for row in rows if "seed" in row]
    largest = Counter(edition[run["where"]] for run in runs).most_common(1)[0][0]
    values = {}
    for run in runs:
        if edition[run["where"]] == largest:
            kept = [run["values"][key] for key in keys if key in run.get("values", {})]
            values[run["seed"]] = ends(kept[0]) if kept else (-INF, INF)
    return values


def ends(value):
    if isinstance(value, dict):
        return -INF, INF
    return (float(value[0]), float(value[1])) if isinstance(value, list) else (value, value)


def pairs(folder, claim, reads):
    """Return the values of some cells of a claim by seed, up to the first seed that lacks one."""
    columns = [cell(folder, claim["cells"][place]) for place in reads]
    first, count = claim["seeds"]
    found = []
    for seed in range(first, first + count):
        if not all(seed in column for column in columns):
            break
        found.append([column[seed] for column in columns])
    return found


def added(weights, values):
    """Return Σ weight · value for values that are intervals; ∞ − ∞ is unknown."""
    spans = [sorted((w * a, w * b)) for w, (a, b) in zip(weights, values, strict=True) if w]
    low, high = sum(a for a, _ in spans), sum(b for _, b in spans)
    return (-INF if math.isnan(low) else low), (INF if math.isnan(high) else high)


def logarithms(values):
    """Return logarithms; a diverged run's −∞ is kept, and a negative value is unknown."""

    def log(x):
        return math.log(x) if x > 0 else -INF

    return [(log(a), log(b) if b >= 0 or a == b == -INF else INF) for a, b in values]


def interval(contrasts):
    """Return the last look, and the intersection of the median's intervals at all looks so far."""
    low, high, last = -INF, INF, 0
    for look, c in EXCEPTIONS.items():
        if look <= len(contrasts):
            low = max(low, sorted(a for a, _ in contrasts[:look])[c])
            high = min(high, sorted(b for _, b in contrasts[:look])[look - 1 - c])
            last = look
    return last, low, high


def word(low, high, w, band=None):
    weak, strong = band or (w, INF)
    if low > high:
        return "INVALID"
    if high < w:
        return "CONTRADICTED" if high < -w else "NO EFFECT" if low > -w else "NO GAIN"
    if low > max(w, weak):
        return (
            "EXCEEDED"
            if low > strong
            else "CONFIRMED"
            if high < strong or strong == INF
            else "AT LEAST"
        )
    if low > w and high < weak:
        return "WEAKER"
    return "DIRECTION ONLY" if low > 0 else "INCONCLUSIVE"
