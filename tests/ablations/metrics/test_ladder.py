"""Ladders of rates: the largest stable one, and what is censored."""

import math

import numpy as np
import pytest

from ablations.metrics.ladder import LargestRate, stable


def ladder(*ends):
    losses = np.array(ends, dtype=np.float64)
    return {
        "rate": 0.01 * 2.0 ** np.arange(len(ends)),
        "final_loss": losses,
        "finite": np.isfinite(losses),
        "constant_loss": 1.0,
    }


def test_the_largest_stable_rate_has_no_failing_rung_below():
    assert LargestRate().read(ladder(0.5, 0.4, 1.2, 0.3)).mean == pytest.approx(0.02)
    assert stable(ladder(0.5, 0.4, 1.2, 0.3)) == 2


def test_a_rung_whose_loss_is_not_finite_fails():
    assert LargestRate().read(ladder(0.5, math.nan, 0.3)).mean == pytest.approx(0.01)


def test_a_loss_like_the_best_constant_answers_fails():
    assert stable(ladder(0.5, 1.0, 0.5)) == 1


def test_a_stable_top_rung_bounds_the_rate_from_below_and_is_no_failure():
    found = ladder(0.5, 0.4)
    value = LargestRate().read(found)
    assert (value.low, value.high, value.failed) == (0.02, math.inf, False)
    assert "ceiling" in LargestRate().extreme(found)


def test_an_unstable_lowest_rung_bounds_the_rate_from_above():
    found = ladder(math.nan, 0.4)
    value = LargestRate().read(found)
    assert (value.low, value.high, value.failed) == (0.0, 0.01, True)
    assert "floor" in LargestRate().extreme(found)
    assert not LargestRate(over_best=True).read(found).known


def test_over_the_best_is_the_room_above_the_rate_with_the_least_loss():
    assert LargestRate(over_best=True).read(ladder(0.5, 0.2, 0.4, 2.0)).mean == pytest.approx(2.0)
    assert LargestRate().extreme(ladder(0.5, 0.2, 0.4, 2.0)) == ""
