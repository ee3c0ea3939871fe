"""The series of one run from which pictures are drawn: curves at a few points and to a few digits.

Values per board are reduced to one board, the mean over all boards, or to a few boards of similar
difficulty, so that evidence is read like a run. Values of metrics are never taken from here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.evidence import files
from ablations.evidence.files import Runs
from hrm.codec import Json

CURVES = ("evaluation_score", "evaluation_error", "evaluation_taken")
LISTS = ("rate", "final_loss", "finite")  # observations of a ladder of learning rates
POINTS = 40  # largest number of points of a curve
STRATA = 6  # number of ranges of difficulty
DIGITS = 4  # significant digits of a point

Array = NDArray[np.float64]


def kept(runs: Runs, observed: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    """Return {"series": {arm: {name: values}}} of a run; empty if there is nothing to draw."""
    found = {}
    for arm, each in enumerate(observed):
        series = {**_curves(runs, each), **_by_step(each), **_by_difficulty(each), **_lists(each)}
        if series:
            found[str(arm)] = series
    return {"series": found} if found else {}


def restored(runs: Runs, series: Mapping[str, Json]) -> dict[str, Any]:
    """Return series with the names and shapes of a run's observations."""
    found = dict(series)
    if "at" in found:
        found["evaluation_update"] = runs.grids[found.pop("at")]
    for name in ("right_by_step", "error_by_step"):
        if name in found:
            found[name] = [[value] for value in found[name]]
            found["unknown"] = [1.0]
    return found


def _curves(runs: Runs, found: Mapping[str, Any]) -> dict[str, Json]:
    if "evaluation_update" not in found:
        return {}
    at = np.asarray(found["evaluation_update"], dtype=np.float64)
    curves = {
        name: np.asarray(found[name], dtype=np.float64)
        for name in CURVES
        if name in found and len(found[name]) == len(at) > 0
    }
    if not curves:
        return {}
    places = np.unique(np.linspace(0, len(at) - 1, min(POINTS, len(at))).round().astype(int))
    grid = [float(x) for x in at[places]]
    key = files.short(grid, 6)
    runs.grids[key] = grid
    return {"at": key} | {name: _short(curve[places]) for name, curve in curves.items()}


def _by_step(found: Mapping[str, Any]) -> dict[str, Json]:
    if "error_by_step" in found:
        errors = np.asarray(found["error_by_step"], dtype=np.float64)
        return {"error_by_step": _short(errors.mean(axis=1))}
    if "right_by_step" in found and "unknown" in found:
        right = np.asarray(found["right_by_step"], dtype=np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = right / np.asarray(found["unknown"], dtype=np.float64)
        return {"right_by_step": _short(np.nanmean(shares, axis=1))}
    return {}


def _by_difficulty(found: Mapping[str, Any]) -> dict[str, Json]:
    """Return the mean difficulty and mean halting step in each range of difficulty."""
    if "steps" not in found or "difficulty" not in found:
        return {}
    steps, hard = (np.asarray(found[name], dtype=np.float64) for name in ("steps", "difficulty"))
    if steps.shape != hard.shape or steps.ndim != 1 or not len(steps):
        return {}
    edges = np.unique(np.quantile(hard, np.linspace(0, 1, STRATA + 1)))
    stratum = np.clip(np.searchsorted(edges, hard, side="right") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(stratum)
    filled = counts > 0
    return {
        name: _short(np.bincount(stratum, weights=x)[filled] / counts[filled])
        for name, x in (("difficulty", hard), ("steps", steps))
    }


def _lists(found: Mapping[str, Any]) -> dict[str, Json]:
    """Return observations that are short already: ladders of rates, bytes by batch."""
    names = [name for name in found if name in LISTS or name.endswith(("_batches", "_bytes"))]
    lists = {name: np.asarray(found[name]) for name in names}
    return {
        name: values.tolist() if values.dtype.kind in "bi" else _short(values)
        for name, values in lists.items()
        if values.ndim == 1 and values.dtype.kind in "biuf" and len(values) <= POINTS
    }


def _short(values: Iterable[float]) -> list[float | None]:
    """Return numbers rounded to `DIGITS` digits, None for those that aren't finite."""
    return [float(f"{x:.{DIGITS}g}") if math.isfinite(x) else None for x in values]
