"""The series of one run from which pictures are drawn: curves at a few points and to a few digits.

Values per board are reduced to one board, the mean over all boards, or to a few boards of similar
difficulty, so that evidence is read like a run. Values of metrics are never taken from here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ablations.evidence import files
from ablations.evidence.files import Runs
from ablations.judging.pictures import POINTS, by_difficulty, by_step, short, spaced
from hrm.codec import Json

CURVES = ("evaluation_score", "evaluation_error", "evaluation_taken")
LISTS = ("rate", "final_loss", "finite")  # observations of a ladder of learning rates


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
    places = spaced(len(at))
    grid = [float(x) for x in at[places]]
    key = files.short(grid, 6)
    runs.grids[key] = grid
    return {"at": key} | {name: list(short(curve[places])) for name, curve in curves.items()}


def _by_step(found: Mapping[str, Any]) -> dict[str, Json]:
    for name, needed in (("error_by_step", "error_by_step"), ("right_by_step", "unknown")):
        if name in found and needed in found:
            return {name: list(short(by_step(found)[1]))}
    return {}


def _by_difficulty(found: Mapping[str, Any]) -> dict[str, Json]:
    """Return the mean difficulty and mean halting step in each range of difficulty."""
    if "steps" not in found or "difficulty" not in found:
        return {}
    steps, hard = (np.asarray(found[name]) for name in ("steps", "difficulty"))
    if steps.shape != hard.shape or steps.ndim != 1 or not len(steps):
        return {}
    means = zip(("difficulty", "steps"), by_difficulty(found), strict=True)
    return {name: list(short(values)) for name, values in means}


def _lists(found: Mapping[str, Any]) -> dict[str, Json]:
    """Return observations that are short already: ladders of rates, bytes by batch."""
    names = [name for name in found if name in LISTS or name.endswith(("_batches", "_bytes"))]
    lists = {name: np.asarray(found[name]) for name in names}
    return {
        name: values.tolist() if values.dtype.kind in "bi" else list(short(values))
        for name, values in lists.items()
        if values.ndim == 1 and values.dtype.kind in "biuf" and len(values) <= POINTS
    }
