"""Times are read as ratios within rounds, and found by target and batch size."""

import numpy as np
import pytest

from ablations.metrics.timing import ForeignLoad, Milliseconds, TimeRatio, TwinRatio

CALL = {"target": "bench.controller:controller_call", "batch": 32}


@pytest.fixture
def found():
    """Two targets at two batch sizes; what is read is that of the second target and first batch."""
    baseline, other = np.full((2, 2, 3), 9.0), np.full((2, 2, 3), 7.0)
    baseline[1, 0] = [1e-3, 2e-3, 4e-3]
    other[1, 0] = [2e-3, 8e-3, 12e-3]  # ratios 2, 4, 3
    return {
        "targets": ["bench.controller:forward", CALL["target"]],
        "batches": [32, 128],
        "times": other,
        "baseline": baseline,
        "twin": 1.5 * baseline,
        "foreign_on_core": 0.07,
    }


def test_a_ratio_is_the_median_of_the_ratios_within_rounds(found):
    assert TimeRatio(**CALL).read(found).low == pytest.approx(3), "not that of the medians, 4"
    assert TimeRatio(**{**CALL, "batch": 128}).read(found).low == pytest.approx(7 / 9)


def test_of_an_even_number_of_rounds_it_is_the_geometric_middle(found):
    found["times"] = found["times"][..., :2]
    found["baseline"] = found["baseline"][..., :2]
    assert TimeRatio(**CALL).read(found).low == pytest.approx(8**0.5), "of 2 and 4"


def test_the_baselines_ratio_is_one_exactly(found):
    found["times"] = found["baseline"]
    assert TimeRatio(**CALL).read(found).low == 1


def test_the_twins_ratio_is_beside_every_arm(found):
    assert TimeRatio(**CALL).twin == TwinRatio(**CALL)
    assert TwinRatio(**CALL).read(found).low == pytest.approx(1.5)


def test_an_arms_own_time_is_a_median_in_milliseconds(found):
    assert Milliseconds(**CALL).read(found).low == pytest.approx(8)


@pytest.mark.parametrize("change", [{"target": "bench.controller:other"}, {"batch": 1}])
def test_what_was_not_timed_is_a_missing_metric(found, change):
    with pytest.raises(KeyError, match="at batch"):
        TimeRatio(**{**CALL, **change}).read(found)


def test_foreign_load_is_unknown_where_it_cannot_be_told(found):
    assert ForeignLoad().read(found).low == 0.07
    assert not ForeignLoad().read({"foreign_on_core": None}).known


def test_quantities_say_what_is_timed():
    call = "time of a controller call at batch 32"
    assert Milliseconds(**CALL).quantity == call
    assert TimeRatio(**CALL).quantity == f"{call}, over the baseline's"
    assert TwinRatio(**CALL).quantity.startswith(call)


def test_less_time_is_better():
    assert not TimeRatio(**CALL).higher_is_better
    assert not ForeignLoad().higher_is_better
