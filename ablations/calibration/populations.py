"""Populations of pairs whose truth is known by construction, through the tests' own arithmetic.

Cells get values at random, and are then shifted along the test's weights W such that the contrast
is x: v + W⁺ (x − W v). What a run shows of its value, a number, a limit, nothing, or that it
diverged, is read by the test's `contrast`, and turned by judging's `oriented`, as for stored runs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ablations.calibration.noises import SIZE, Noise
from ablations.calibration.questions import Place, parts, scale
from ablations.judging.case import oriented
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number
from ablations.rule import Pairs
from ablations.rule.pairs import Array
from ablations.specs.tests import Both, Test

COMMON = 2.0  # scale of a shift that all cells of a seed share, in scales of the noise


def population(
    test: Test, noise: Noise, place: Place, random: np.random.Generator
) -> tuple[Pairs, ...]:
    """Return (SIZE,) pairs for each statement of a test, in random order.

    Args:
        test: The test.
        noise: The distribution of contrasts.
        place: The place of their median, or of their lower quartile.
        random: Generator of the cells' values.
    """
    decided = parts(test)
    weights = np.array([_weights(part) for part in decided])
    z = noise.contrasts()
    at = round((1 - place.share) * SIZE)
    z = z - (z[at - 1] + z[at]) / 2
    order = np.array([random.permutation(SIZE) for _ in decided])
    x = np.array(
        [
            median + scale(part.zones, wide=place.wide) * z[ranks]
            for part, median, ranks in zip(decided, place.medians, order, strict=True)
        ]
    )
    spread = COMMON * scale(decided[0].zones, wide=place.wide)
    start = random.normal(0.0, spread, (weights.shape[1], SIZE))
    values = _values(decided, weights, x, start)
    shown = _shown(values, weights, noise, order, higher_is_better=not _fewer(test))
    contrasts = [
        test.contrasts(row) if isinstance(test, Both) else (test.contrast(row),) for row in shown
    ]
    return tuple(
        oriented([row[i] for row in contrasts], part, part.zones) for i, part in enumerate(decided)
    )


def _weights(test: Test) -> tuple[float, ...]:
    return getattr(test, "weights", (1.0,))


def _fewer(test: Test) -> bool:
    return parts(test)[0].zones.sign < 0


def _values(decided: Sequence[Test], weights: Array, x: Array, start: Array) -> Array:
    """Return (cells, SIZE), values with these contrasts, the claimed direction positive."""
    log = decided[0].zones.log
    # A test compares with a constant if its contrast of zeros isn't zero.
    nothing = [number(1.0 if log else 0.0)] * len(start)
    constants = np.array([[part.contrast(nothing).low] for part in decided])
    natural = x * np.array([[part.zones.sign] for part in decided]) - constants
    found: Array = start + np.linalg.pinv(weights) @ (natural - weights @ start)
    return np.exp(found) if log else found


def _shown(
    values: Array,
    weights: Array,
    noise: Noise,
    order: np.ndarray[Any, np.dtype[np.intp]],
    *,
    higher_is_better: bool,
) -> list[list[Value]]:
    """Return the observed values of runs, a list of cells for each pair."""
    cap = np.quantile(values, 1 - noise.censored) if noise.censored else np.inf
    shown = [[beyond(float(cap)) if v > cap else number(float(v)) for v in p] for p in values.T]
    fatal = diverged(higher_is_better=higher_is_better)
    for part, rank in zip(weights, order, strict=True):
        worst, best = int(part.argmax()), int(part.argmin())
        for pair in np.flatnonzero(rank < noise.diverged * SIZE):
            shown[pair][worst] = fatal
        for pair in np.flatnonzero(rank < noise.unknown * SIZE):
            shown[pair][worst] = UNKNOWN
        if part[best] < 0:  # with a baseline, whose failure is the best outcome for the claim
            for pair in np.flatnonzero(rank >= (1 - noise.diverged) * SIZE):
                shown[pair][best] = fatal
    return shown
