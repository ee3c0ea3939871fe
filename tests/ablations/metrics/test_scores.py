"""Scores: shares of cells and boards, strata, and the best trivial method."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.metrics.scores import (
    Accuracy,
    AccuracyAt,
    Gain,
    Margin,
    TrivialAccuracy,
    chosen,
    per_board,
    skill,
)
from ablations.metrics.value import UNKNOWN
from hrm.errors import UserError

FOUND = {
    "right": np.array([2, 2, 0, 1]),
    "unknown": np.array([2, 4, 4, 2]),
    "all_right": np.array([4, 2, 1, 3]),
    "cells": 4,
    "exact": np.array([1, 0, 0, 0]),
    "valid": np.array([1, 1, 0, 0]),
    "difficulty": np.array([5.0, 8.0, 8.0, 11.0]),
    "steps": np.array([1, 2, 2, 3]),
    "trivial_right": np.array([1, 1, 0, 1]),
    "trivial_method": "copy",
}


def test_accuracy_is_a_mean_over_boards_of_what_is_asked_for():
    read = {
        cells: Accuracy(cells=cells).read(FOUND) for cells in ("unknown", "all", "exact", "valid")
    }
    assert {cells: value.mean for cells, value in read.items()} == {
        "unknown": (1 + 0.5 + 0 + 0.5) / 4,
        "all": 10 / 16,
        "exact": 0.25,
        "valid": 0.5,
    }
    assert all(value.known for value in read.values())


def test_a_stratum_is_the_boards_of_a_difficulty_both_ends_included():
    assert chosen(FOUND, None).all()
    assert chosen(FOUND, (8.0, 11.0)).tolist() == [False, True, True, True]
    assert Accuracy(stratum=(8.0, 8.0)).read(FOUND).low == 0.25
    assert Accuracy(stratum=(20.0, 30.0)).read(FOUND) == UNKNOWN


def test_a_score_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="cells is 'some'"):
        Accuracy(cells="some")


def test_the_ends_of_the_scale_are_named():
    perfect = {**FOUND, "right": FOUND["unknown"]}
    hopeless = {**FOUND, "right": 0 * FOUND["unknown"]}
    assert Accuracy().extreme(perfect).startswith("ceiling")
    assert Accuracy().extreme(hopeless).startswith("floor")
    assert Accuracy().extreme(FOUND) == ""
    assert Accuracy(cells="exact").extreme(perfect) == "", "it reads its own score"


def test_skill_is_measured_against_the_best_trivial_method_board_by_board():
    found = skill(FOUND)
    margins = np.array([0.5, 0.25, 0.0, 0.0])
    assert (found.method, found.score, found.baseline) == ("copy", 0.5, 0.3125)
    assert found.margin == margins.mean() == Margin().read(FOUND).low
    assert found.error == pytest.approx(margins.std(ddof=1) / 2)
    assert not found.shown


@given(st.floats(0.05, 1.0), st.integers(2, 60))
def test_skill_is_shown_beyond_three_standard_errors(share, boards):
    unknown = np.full(boards, 100)
    right = (unknown * share).round()
    run = {
        "right": right,
        "unknown": unknown,
        "trivial_right": np.zeros(boards),
        "trivial_method": "x",
    }
    assert skill(run).shown, "equal margins have no error"
    noisy = {**run, "right": np.where(np.arange(boards) == 0, 100, 0)}
    assert not skill(noisy).shown, "one lucky board of many isn't skill"


def test_accuracy_at_a_step_reads_that_step():
    found = {**FOUND, "right_by_step": np.array([[0, 0, 0, 0], [2, 4, 4, 2]])}
    assert [AccuracyAt(step=k).read(found).low for k in (1, 2)] == [0.0, 1.0]
    with pytest.raises(AssertionError):
        AccuracyAt(step=3).read(found)


def test_what_a_protocol_does_not_leave_is_a_fault_with_its_name():
    with pytest.raises(KeyError, match="right"):
        Accuracy().read({"flops": 1})


def test_scores_per_board_stay_within_the_metrics_bounds():
    for cells in ("unknown", "all", "exact", "valid"):
        shares = per_board(FOUND, cells)
        low, high = Accuracy.bounds
        assert ((shares >= low) & (shares <= high)).all()


def test_a_diverged_run_has_the_worst_score():
    value = Accuracy().of_diverged()
    assert (value.low, value.high, value.mean, value.failed) == (-np.inf, -np.inf, 0.0, True)


SEVERAL = {
    "task": np.array([0, 1, 0, 1]),
    "right": np.array([3, 1, 1, 3]),
    "unknown": np.array([4, 4, 4, 4]),
    "all_right": np.array([7, 5, 5, 7]),
    "cells": 8,
    "difficulty": np.array([1.0, 1.0, 2.0, 2.0]),
    "trivial_right": np.array([1, 2, 1, 2]),
    "trivial_all_right": np.array([5, 6, 5, 6]),
    "trivial_method": "copy",
}


def test_a_task_among_several_is_scored_by_its_own_boards():
    assert Accuracy().read(SEVERAL).low == 0.5
    assert Accuracy(task=0, stratum=(1.0, 1.0)).read(SEVERAL).low == 0.75
    assert Accuracy(task=1, cells="all").read(SEVERAL).low == 12 / 16
    assert TrivialAccuracy(task=0).read(SEVERAL).low == 0.25
    assert TrivialAccuracy(task=1, cells="all").read(SEVERAL).low == 0.75
    assert TrivialAccuracy().read(SEVERAL).low == 0.375


def test_the_gain_is_that_of_the_worst_task():
    """Of the first task's errors a third is mended, of the second one's none."""
    assert Gain().read(SEVERAL).low == 0.0
    first = {name: v[::2] if isinstance(v, np.ndarray) else v for name, v in SEVERAL.items()}
    assert Gain().read(first).low == pytest.approx(1 / 3)
    alone = {name: value for name, value in first.items() if name != "task"}
    assert Gain().read(alone) == Gain().read(first)


def test_where_a_trivial_method_is_always_right_there_is_no_gain_to_speak_of():
    easy = {**SEVERAL, "trivial_right": SEVERAL["unknown"]}
    assert Gain().read(easy) == UNKNOWN


def test_a_trivial_score_that_is_not_kept_is_refused():
    with pytest.raises(UserError, match="cells is 'exact'"):
        TrivialAccuracy(cells="exact")
