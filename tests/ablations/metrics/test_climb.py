"""Whether training converges at any rate of a ladder."""

import math

import numpy as np
import pytest

from ablations.metrics.climb import Removed


def climbed(*ends):
    losses = np.array(ends, dtype=np.float64)
    return {"final_loss": losses, "finite": np.isfinite(losses), "constant_loss": 2.0}


def test_the_best_rate_counts():
    value = Removed().read(climbed(1.9, 0.5, 2.5))
    assert (value.mean, value.failed) == (pytest.approx(0.75), False)


def test_rates_that_diverge_do_not_count_wherever_they_are():
    assert Removed().read(climbed(math.nan, 1.0, math.nan, 1.5)).mean == pytest.approx(0.5)


def test_no_better_than_a_constant_answer_removes_nothing():
    assert Removed().read(climbed(2.0, 3.0)).mean == pytest.approx(0.0)
    assert Removed().read(climbed(2.2, 3.0)).mean == pytest.approx(-0.1)


def test_a_run_that_diverges_at_all_rates_is_a_failure():
    found = climbed(math.nan, math.nan)
    value = Removed().read(found)
    assert value == Removed().of_diverged()
    assert (value.high, value.failed) == (-math.inf, True)
    assert "floor" in Removed().extreme(found)


def test_a_best_rate_at_an_end_of_the_ladder_is_told():
    assert "lowest" in Removed().extreme(climbed(0.5, 1.0, math.nan))
    assert "highest" in Removed().extreme(climbed(math.nan, 1.0, 0.5))
    assert Removed().extreme(climbed(1.0, 0.5, math.nan)) == ""
