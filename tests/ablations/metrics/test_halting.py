"""Learned halting: entropy of completions, regret of stops."""

import math

import numpy as np
import pytest

from ablations.metrics.halting import AnswerRegret, StepEntropy


def completions(*rows):
    """Shares of places that complete with each step, an update a row."""
    columns = zip(*rows, strict=True)
    found = {f"update_halted_{k}": np.array(c) for k, c in enumerate(columns, start=1)}
    return {**found, "max_steps": len(rows[0])}


def test_completions_are_pooled_over_a_window_and_windows_averaged():
    found = completions((1.0, 0.0), (0.0, 1.0), (0.5, 0.0), (0.5, 0.0))
    assert StepEntropy(window=2).read(found).mean == pytest.approx(math.log(2) / 2)
    assert StepEntropy(window=4).read(found).mean == pytest.approx(
        -(2 / 3) * math.log(2 / 3) - math.log(1 / 3) / 3
    )


def test_windows_without_completions_do_not_count():
    assert StepEntropy(window=1).read(completions((0.0, 0.0), (0.5, 0.5))).mean == pytest.approx(
        math.log(2)
    )
    assert not StepEntropy().read(completions((0.0, 0.0))).known


def test_the_regret_of_the_best_stops_is_zero_and_others_pay_for_answers_and_steps():
    exact = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]])
    best = {"exact_by_step": exact, "wanted": np.array([1, 2, 1])}
    assert AnswerRegret(cost=0.1).read(best).mean == pytest.approx(0.0)
    late = {"exact_by_step": exact, "wanted": np.array([3, 3, 3])}
    assert AnswerRegret(cost=0.1).read(late).mean == pytest.approx((1.2 + 0.1 + 0.2) / 3)
    early = {"exact_by_step": exact, "wanted": np.array([1, 1, 1])}
    assert AnswerRegret(cost=0.1).read(early).mean == pytest.approx(0.9 / 3)
