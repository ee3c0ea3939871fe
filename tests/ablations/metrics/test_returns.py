"""Returns, regrets, what is allocated, and how peaked or heavy-tailed gradients are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from ablations.metrics.costs import Allocation, RowShare
from ablations.metrics.curves import Arrival, ControllerPeak
from ablations.metrics.gradients import TailRatio, ValueNorm
from ablations.metrics.returns import Regret, Return
from ablations.metrics.value import UNKNOWN
from hrm.errors import UserError

# after step 1, 2 and 3, of four boards: two are solved at once, two need three steps
ERRORS = np.array([[0.0, 0.1, 0.9, 0.9], [0.0, 0.1, 0.5, 0.9], [0.0, 0.1, 0.0, 0.1]])
FORCED = {"error_by_step": ERRORS, "validation_error": ERRORS.mean(1)}


def regret(chosen, cost=0.1, **found):
    return Regret(cost=cost, chosen=chosen).read({**FORCED, **found}).low


def test_a_return_is_minus_the_error_and_the_price_of_the_steps():
    found = {"error": np.array([0.1, 0.3]), "steps": np.array([1, 4], dtype=np.uint8)}
    assert Return(cost=0.01).read(found).low == pytest.approx(-0.2 - 0.025)


def test_who_stops_each_board_at_its_best_step_regrets_nothing():
    assert regret("policy", wanted=np.array([1, 1, 3, 3])) == pytest.approx(0.0)


def test_a_policys_regret_is_what_its_steps_return_less_than_the_best():
    late = regret("policy", wanted=np.array([3, 3, 3, 3]))
    assert late == pytest.approx((0.2 + 0.2) / 4)
    assert regret("policy", wanted=np.array([1, 1, 3, 2])) == pytest.approx((0.8 - 0.1) / 4)


def test_the_fixed_step_is_the_best_one_of_the_validation_boards_not_of_the_test():
    assert regret("fixed") == pytest.approx((0.2 + 0.2) / 4)
    misled = regret("fixed", validation_error=np.array([0.0, 0.5, 0.5]))
    assert misled == pytest.approx((0.9 - 0.2 + 0.8 - 0.2) / 4)


@given(st.lists(st.integers(1, 3), min_size=4, max_size=4), st.floats(0, 1))
def test_no_regret_is_negative(steps, cost):
    assert regret("policy", cost, wanted=np.array(steps)) >= -1e-12
    assert regret("fixed", cost) >= -1e-12


def test_what_is_chosen_is_by_the_policy_or_fixed():
    with pytest.raises(UserError, match="chosen is 'best'"):
        Regret(cost=0.1, chosen="best")


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=3, max_size=30))
def test_the_allocation_is_spearmans_and_nothing_where_all_take_as_many_steps(pairs):
    difficulty, steps = map(np.array, zip(*pairs, strict=True))
    found = Allocation().read({"difficulty": difficulty, "steps": steps}).low
    if len(set(difficulty)) == 1 or len(set(steps)) == 1:
        assert found == 0.0
    else:
        assert found == pytest.approx(spearmanr(difficulty, steps).statistic, abs=1e-9)


def test_the_share_of_rows_is_of_all_samples_in_all_steps():
    found = {"rows": np.array([4, 2, 1]), "steps": np.array([3, 1, 2, 1]), "max_steps": 8}
    assert RowShare().read(found).low == pytest.approx(7 / 32)
    assert RowShare().extreme({**found, "steps": np.array([1, 1, 1, 1])}).startswith("floor")


def test_a_return_arrives_where_the_curve_crosses_it():
    found = {
        "evaluation_update": np.array([10, 20, 30]),
        "evaluation_score": np.zeros(3),
        "evaluation_error": np.array([0.9, 0.5, 0.1]),
        "evaluation_taken": np.array([4.0, 2.0, 2.0]),
    }
    metric = Arrival(threshold=-0.4, cap=30.0, smooth=1, cost=0.05)
    assert metric.read(found).low == pytest.approx(25.0)
    assert "return of -0.4" in metric.quantity


def test_a_peak_is_the_largest_norm_over_the_median_one():
    assert ControllerPeak().read({"update_controller_norm": np.array([1, 2, 8])}).low == 4.0
    assert ControllerPeak().read({"update_controller_norm": np.zeros(3)}) == UNKNOWN


def test_tails_are_compared_with_normal_noise_or_with_none():
    found = {
        "value_norms": np.array([1.0, 1.0]),
        "value_norms_normal": np.array([1.0, 3.0]),
        "value_norms_heavy": np.array([4.0, 8.0]),
    }
    assert TailRatio().read(found).low == pytest.approx(3.0)
    assert TailRatio(noise="none").read(found).low == pytest.approx(6.0)
    assert ValueNorm().read(found).low == 1.0
    assert math.isinf(TailRatio().bounds[1])
