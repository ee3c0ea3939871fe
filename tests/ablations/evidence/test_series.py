"""What pictures are drawn from: few points, in the shape of a run's observations."""

import numpy as np
import pytest

from ablations.evidence.files import Runs
from ablations.evidence.series import POINTS, kept, restored


def back(found):
    runs = Runs(name="made", trial={})
    data = kept(runs, [found])
    return restored(runs, data["series"]["0"]) if data else {}


def test_a_curve_has_its_ends_and_few_points():
    at = np.arange(10, 2010, 10)
    found = back({"evaluation_update": at, "evaluation_score": at / 2000 + 0.00001})
    assert len(found["evaluation_update"]) == len(found["evaluation_score"]) == POINTS
    assert (found["evaluation_update"][0], found["evaluation_update"][-1]) == (10.0, 2000.0)
    assert found["evaluation_score"] == pytest.approx(
        np.array(found["evaluation_update"]) / 2000, abs=1e-4
    )


def test_runs_of_one_kind_share_their_updates():
    runs = Runs(name="made", trial={})
    for _ in range(3):
        kept(runs, [{"evaluation_update": [10, 20], "evaluation_score": [0.1, np.nan]}])
    assert list(runs.grids.values()) == [[10.0, 20.0]]


def test_shares_by_step_are_those_of_all_boards():
    right, unknown = np.array([[1, 2, 3], [4, 4, 4]]), np.array([4, 4, 4])
    found = back({"right_by_step": right, "unknown": unknown})
    drawn = np.nanmean(np.array(found["right_by_step"]) / np.array(found["unknown"]), axis=1)
    assert drawn == pytest.approx(np.nanmean(right / unknown, axis=1))


def test_steps_by_difficulty_are_those_of_equally_difficult_boards():
    hard = np.repeat([1.0, 2.0, 3.0], 20)
    found = back({"steps": 2 * hard, "difficulty": hard})
    assert found == {"difficulty": [1.0, 2.0, 3.0], "steps": [2.0, 4.0, 6.0]}


def test_ladders_and_bytes_are_kept_as_they_are():
    found = {
        "rate": [0.001, 0.01],
        "final_loss": [0.5, np.inf],
        "finite": [True, False],
        "call_bytes": np.array([128, 256]),
    }
    assert back(found) == {
        "rate": [0.001, 0.01],
        "final_loss": [0.5, None],
        "finite": [True, False],
        "call_bytes": [128, 256],
    }


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"value": 1.0},
        {"evaluation_update": [], "evaluation_score": []},
        {"evaluation_update": [1, 2], "evaluation_score": [0.5]},
        {"steps": [1.0], "difficulty": [1.0, 2.0]},
    ],
)
def test_where_nothing_can_be_drawn_nothing_is_kept(found):
    assert back(found) == {}
