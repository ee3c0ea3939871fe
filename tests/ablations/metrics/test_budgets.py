"""Scores after a budget of operations."""

import numpy as np
import pytest

from ablations.metrics import UNKNOWN
from ablations.metrics.budgets import ScoreAtCost
from hrm.errors import UserError

CURVE = {
    "evaluation_update": np.array([10, 20, 30, 40]),
    "evaluation_score": np.array([0.1, 0.3, 0.4, 0.8]),
}


def score(parameters, budget=(100, 40)):
    metric = ScoreAtCost(parameters=budget[0], updates=budget[1])
    return metric.read({**CURVE, "parameters": parameters})


def test_a_model_of_the_budgets_own_size_is_read_at_its_end():
    assert score(100).mean == pytest.approx(0.8)


def test_a_model_of_twice_the_size_is_read_after_half_the_updates():
    assert score(200).mean == pytest.approx(0.3)
    assert score(160).mean == pytest.approx(0.35), "interpolated between evaluations"


def test_a_budget_beyond_the_curve_leaves_the_score_unknown():
    assert score(500) == UNKNOWN, "it is spent before the first evaluation"
    assert score(99) == UNKNOWN, "the run ends before it is spent"


@pytest.mark.parametrize("budget", [(0, 40), (100, 0)])
def test_a_budget_of_nothing_is_refused(budget):
    with pytest.raises(UserError, match="allowed is 1 or more"):
        score(100, budget)
