"""Series of runs for pictures, reduced to at most 40 points per cell.

Only reports need them. The arrays of a run are read once, however many claims share the run.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablations.judging.case import Case, noun
from ablations.judging.cells import Pair, Reader, Run, parts_of, value_of
from ablations.metrics.base import Metric, Observations
from ablations.metrics.costs import (
    Allocation,
    BytesOf,
    Cycles,
    HaltingEntropy,
    Rows,
    RowShare,
    SlowestRows,
)
from ablations.metrics.curves import Arrival
from ablations.metrics.ladder import LargestRate
from ablations.metrics.timing import TimeRatio
from ablations.metrics.value import Value
from ablations.records.pictures import Kind, Line, Picture
from ablations.records.trials import Status
from ablations.specs.claim import Cell
from ablations.specs.protocols import Evaluate, Forced
from ablations.specs.tests import Factorial, Trend
from hrm.errors import UserError

POINTS = 40  # largest number of points in a line
LINES = 6  # largest number of lines in a picture
STRATA = 6  # number of ranges of difficulty
DIGITS = 4  # significant digits; more wouldn't be visible
HALTING = (Allocation, Cycles, HaltingEntropy, Rows, RowShare, SlowestRows)

Array = NDArray[np.float64]
Points = tuple[Array, Array]  # horizontal positions and heights
_unreadable = (ArithmeticError, LookupError, OSError, TypeError, UserError, ValueError)


class Album:
    """Makes the pictures of claims.

    Args:
        reader: Reader of the store.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._found: dict[tuple[str, int, str], Points | None] = {}

    def of(self, case: Case) -> tuple[Picture, ...]:
        """Return the pictures of a claim's pairs that count."""
        cells, pairs = case.claim.compared, case.gathered.pairs[: case.read]
        if not pairs:
            return ()
        metrics = [cell.metric for cell in cells]
        made = [
            _arrivals(cells, pairs) if _all(metrics, Arrival) else None,
            self._course(cells, pairs),
            self._over_pairs(Kind.STEPS, cells, pairs, lambda found, _: by_step(found))
            if _forced(cells)
            else None,
            self._over_pairs(Kind.DIFFICULTY, cells, pairs, lambda found, _: by_difficulty(found))
            if _all(metrics, HALTING)
            else None,
            self._over_pairs(Kind.RATES, cells, pairs, _by_rate)
            if _all(metrics, LargestRate)
            else None,
            self._over_pairs(Kind.MEMORY, cells, pairs, _by_batch)
            if _all(metrics, BytesOf)
            else None,
            self._turns(case, pairs) if _all(metrics, TimeRatio) else None,
            *_levels(case, pairs),
        ]
        return tuple(picture for picture in made if picture is not None)

    def _course(self, cells: Sequence[Cell], pairs: Sequence[Pair]) -> Picture | None:
        """Return learning curves of each cell's own training, or of its parent's."""
        drawn = self._over_pairs(Kind.COURSE, cells, pairs, _curve, trained=True)
        metric = cells[0].metric
        if drawn is None or not isinstance(metric, Arrival) or metric.cost is not None:
            return drawn
        return replace(drawn, level=metric.threshold, level_name="target")

    def _over_pairs(
        self,
        kind: Kind,
        cells: Sequence[Cell],
        pairs: Sequence[Pair],
        read: Callable[[Observations, Metric], Points],
        *,
        trained: bool = False,
    ) -> Picture | None:
        """Return lines with the median and the quartiles over pairs, one per cell."""
        lines: dict[frozenset[str], Line] = {}
        for place, cell in enumerate(cells[:LINES]):
            found, runs = [], set[str]()
            for pair in pairs:
                run = self._trained(pair.runs[place]) if trained else pair.runs[place]
                points = None if run is None else self._points(run, cell.metric, kind, read)
                if run is not None and run.result is not None and points is not None:
                    found.append(points)
                    runs.add(run.result.fingerprint)
            if not found and kind is Kind.STEPS:  # a single step has no line
                continue
            if not found:
                return None
            same = lines.get(frozenset(runs))
            label = cell.label if same is None else f"{same.label}, {cell.label}"
            lines[frozenset(runs)] = middle(label, found)
        if not lines:
            return None
        across, up = _axes[kind]
        return Picture(kind=kind, across=across, up=up, lines=tuple(lines.values()))

    def _points(
        self, run: Run, metric: Metric, kind: Kind, read: Callable[[Observations, Metric], Points]
    ) -> Points | None:
        """Return the points of a run, None if it has none; each run is read once per kind."""
        if run.result is None or run.status not in (Status.OK, Status.DIVERGED):
            return None
        key = run.result.fingerprint, run.arm, f"{kind} {metric!r}" if kind is Kind.MEMORY else kind
        if key not in self._found:
            try:
                across, up = read(self._reader.observed(run), metric)
                usable = len(across) > 1 and bool(np.isfinite(up).any())
                self._found[key] = (across, up) if usable else None
            except _unreadable:  # for example a protocol without a curve
                self._found[key] = None
        return self._found[key]

    def _trained(self, run: Run) -> Run | None:
        """Return the run that trained the weights of a run; the run itself if it trains."""
        step: Run | None = run
        while step is not None and step.trial.protocol.get("kind") != "Train":
            step = self._reader.parent(step)
        return step

    def _turns(self, case: Case, pairs: Sequence[Pair]) -> Picture | None:
        """Return timing contrasts in the order of their processes, and those of the twin."""
        metric = case.claim.compared[0].metric
        assert isinstance(metric, TimeRatio)
        started = sorted(pairs, key=lambda pair: getattr(pair.runs[0].result, "started", ""))
        places = tuple(float(i) for i in range(1, len(started) + 1))
        ratios = [pair.values[-1].low if pair.values[-1].known else None for pair in started]
        last = len(case.claim.compared) - 1  # the cell whose twin is also checked for faults
        read = [value_of(pair.runs[last], metric.twin, self._reader, "")[0] for pair in started]
        twins = [value.low if value.known else None for value in read]
        label = case.claim.compared[-1].label
        lines = [Line(label=label, across=places, middle=short(ratios), n=len(started))]
        if any(twin is not None for twin in twins):
            beside = "baseline, twice"
            lines.append(Line(label=beside, across=places, middle=short(twins), n=len(started)))
        return Picture(
            kind=Kind.TURNS,
            across=f"{noun(case.claim)}, in the order in which they ran",
            up="time / time of the baseline",
            lines=tuple(lines),
            level=1.0,
            level_name="equal times",
        )


_axes = {
    Kind.COURSE: ("updates", "accuracy on validation boards"),
    Kind.STEPS: ("halting steps", "accuracy on unknown cells, or squared error"),
    Kind.DIFFICULTY: ("difficulty of the board", "halting steps"),
    Kind.RATES: ("learning rate", "loss at the end"),
    Kind.MEMORY: ("batch", "bytes"),
}


def middle(label: str, found: Sequence[Points]) -> Line:
    """Return the median and quartiles of curves at up to 40 points; some may end early."""
    longest = max((across for across, _ in found), key=len)
    places = longest[spaced(len(longest))]
    each: Array = np.stack([_on(places, across, up) for across, up in found])
    alive = [bool(np.isfinite(column).any()) for column in each.T]
    low, mid, high = (
        np.array(
            [np.nanquantile(c, q) if ok else np.nan for c, ok in zip(each.T, alive, strict=True)]
        )
        for q in (0.25, 0.5, 0.75)
    )
    several = len(found) > 2
    return Line(
        label=label,
        across=tuple(float(f"{x:.6g}") for x in places),
        middle=short(mid),
        low=short(low) if several else (),
        high=short(high) if several else (),
        n=len(found),
    )


def spaced(number: int) -> NDArray[np.int_]:
    """Return the indices of up to 40 of so many points, evenly spaced."""
    return np.unique(np.linspace(0, number - 1, min(POINTS, number)).round().astype(int))


def _on(places: Array, across: Array, up: Array) -> Array:
    """Return a curve interpolated at some positions, NaN beyond its ends or where it is unknown."""
    known = np.isfinite(up)
    if not known.any():
        return np.full(len(places), np.nan)
    heights: Array = np.interp(places, across[known], up[known], left=np.nan, right=np.nan)
    return heights


def _curve(found: Observations, _: Metric) -> Points:
    updates = np.asarray(found["evaluation_update"], dtype=np.float64)
    scores = np.asarray(found["evaluation_score"], dtype=np.float64)
    most = min(len(updates), len(scores))  # a run that diverged may lack its last score
    return updates[:most], scores[:most]


def by_step(found: Observations) -> Points:
    """Return the accuracy after each halting step, or the squared error of numeric answers."""
    if "error_by_step" in found:
        errors = np.asarray(found["error_by_step"], dtype=np.float64)
        return np.arange(1.0, len(errors) + 1), errors.mean(axis=1)
    right = np.asarray(found["right_by_step"], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = right / np.asarray(found["unknown"], dtype=np.float64)
    return np.arange(1.0, len(right) + 1), np.nanmean(shares, axis=1)


def by_difficulty(found: Observations) -> Points:
    """Return the mean halting step in each range of difficulty."""
    steps = np.asarray(found["steps"], dtype=np.float64)
    hard = np.asarray(found["difficulty"], dtype=np.float64)
    edges = np.unique(np.quantile(hard, np.linspace(0, 1, STRATA + 1)))
    stratum = np.clip(np.searchsorted(edges, hard, side="right") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(stratum)
    filled = counts > 0
    means = [np.bincount(stratum, weights=x)[filled] / counts[filled] for x in (hard, steps)]
    return means[0], means[1]


def _by_rate(found: Observations, _: Metric) -> Points:
    ends = np.asarray(found["final_loss"], dtype=np.float64)
    return np.asarray(found["rate"], dtype=np.float64), np.where(found["finite"], ends, np.nan)


def _by_batch(found: Observations, metric: Metric) -> Points:
    assert isinstance(metric, BytesOf)
    batches, sizes = (found[f"{metric.what}_{name}"] for name in ("batches", "bytes"))
    return np.asarray(batches, dtype=np.float64), np.asarray(sizes, dtype=np.float64)


def _arrivals(cells: Sequence[Cell], pairs: Sequence[Pair]) -> Picture:
    """Return the share of runs that reached the target by each update; others count as beyond."""
    lines, metric = [], cells[0].metric
    assert isinstance(metric, Arrival)
    for place, cell in enumerate(cells):
        values = [pair.values[place] for pair in pairs]
        known = [v for v in values if v.failed or np.isfinite(v.high)]
        at = sorted(float(v.high) for v in known if not v.failed)
        share = [(i + 1) / len(known) for i in range(len(at))]
        cap = getattr(cell.metric, "cap", metric.cap)
        lines.append(
            Line(
                label=cell.label,
                across=tuple(float(f"{x:.6g}") for x in (0.0, *at, cap)),
                middle=short([0.0, *share, share[-1] if share else 0.0]),
                n=len(known),
                beyond=len(known) - len(at),
            )
        )
    return Picture(
        kind=Kind.ARRIVAL,
        across=metric.quantity,
        up="share of runs that reached the target",
        lines=tuple(lines),
    )


def _levels(case: Case, pairs: Sequence[Pair]) -> Iterable[Picture]:
    """Yield the values of a trend over its levels, or of a factorial by cell."""
    for test, reads in parts_of(case.claim):
        if not isinstance(test, Factorial | Trend):
            continue
        cells = [case.claim.cells[i] for i in reads]
        each = [[pair.values[i] for pair in pairs] for i in reads]
        ordered = isinstance(test, Trend)
        places = test.levels if isinstance(test, Trend) else tuple(map(float, range(len(cells))))
        low, mid, high = (short([_quantile(v, q) for v in each]) for q in (0.25, 0.5, 0.75))
        yield Picture(
            kind=Kind.CELLS,
            across="level" if ordered else "cell",
            up=cells[0].metric.quantity,
            lines=(
                Line(
                    label=f"median of the {noun(case.claim)}",
                    across=places,
                    middle=mid,
                    low=low,
                    high=high,
                    n=len(pairs),
                ),
            ),
            names=tuple(cell.label for cell in cells),
        )


def _quantile(values: Sequence[Value], share: float) -> float:
    known = [v.low for v in values if v.known]
    return float(np.quantile(known, share)) if known else np.nan


def _forced(cells: Sequence[Cell]) -> bool:
    """Return whether the answers of all cells are known after each halting step."""
    modes = [c.protocol.mode for c in cells if isinstance(c.protocol, Evaluate)]
    return len(modes) == len(cells) and all(isinstance(mode, Forced) for mode in modes)


def _all(metrics: Sequence[Metric], kinds: type | tuple[type, ...]) -> bool:
    return all(isinstance(metric, kinds) for metric in metrics)


def short(values: Iterable[float | None]) -> tuple[float | None, ...]:
    """Return numbers for JSON, with as many digits as a picture shows."""
    return tuple(
        None if x is None or not math.isfinite(x) else float(f"{x:.{DIGITS}g}") for x in values
    )
