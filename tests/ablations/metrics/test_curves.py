"""The course of a training run: arrivals, last scores, losses and norms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.metrics import UNKNOWN
from ablations.metrics.curves import (
    Arrival,
    GradientNorm,
    Settling,
    Spikes,
    TrainingLoss,
    ValidationScore,
    averaged,
)
from hrm.errors import UserError


def curve(*scores, every=10):
    updates = every * np.arange(1, len(scores) + 1)
    return {"evaluation_update": updates, "evaluation_score": np.array(scores)}


def arrives(*scores, threshold=0.5, cap=100.0, smooth=1):
    return Arrival(threshold=threshold, cap=cap, smooth=smooth).read(curve(*scores))


def test_a_crossing_is_interpolated_between_two_evaluations():
    value = arrives(0.0, 0.4, 0.8)
    assert value.known
    assert value.mean == pytest.approx(22.5)
    assert arrives(0.0, 0.5, 0.8).mean == pytest.approx(20.0)


def test_a_run_that_has_not_arrived_lies_beyond_the_cap():
    value = arrives(0.1, 0.2, 0.3)
    assert (value.low, value.high, value.failed) == (100.0, math.inf, True)
    assert arrives(0.1, 0.2, 0.3, 0.6, cap=30.0).failed, "it arrives after the cap"


def test_a_run_that_has_arrived_when_the_curve_begins_did_so_before():
    value = arrives(0.9, 0.9)
    assert (value.low, value.high, value.failed) == (0.0, 10.0, False)


def test_a_score_that_is_not_finite_leaves_the_arrival_unknown():
    assert arrives(0.1, math.nan, 0.9) == UNKNOWN
    assert Arrival(threshold=0.5, cap=1.0).read(curve()) == UNKNOWN


def test_a_spike_is_no_arrival_once_the_curve_is_smoothed():
    spiky = (0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.0)
    assert arrives(*spiky).known
    assert arrives(*spiky, smooth=5).failed


@given(st.floats(0.12, 0.88), st.integers(1, 9))
def test_smoothing_delays_no_arrival_of_a_straight_curve(threshold, smooth):
    scores = np.linspace(0.02, 1.0, 50)
    plain = Arrival(threshold=threshold, cap=500.0, smooth=1).read(curve(*scores))
    smoothed = Arrival(threshold=threshold, cap=500.0, smooth=smooth).read(curve(*scores))
    assert smoothed.mean == pytest.approx(plain.mean)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 15))
def test_windows_hold_means_and_are_all_values_where_they_are_fewer(values, window):
    found = averaged(values, window)
    assert len(found) == max(1, len(values) - window + 1)
    assert found[0] == pytest.approx(np.mean(values[:window]))
    assert found[-1] == pytest.approx(np.mean(values[-window:]))


def test_the_cap_bounds_what_is_known_of_a_late_run():
    value = Arrival(threshold=0.5, cap=15.0).read(curve(0.9, 0.9, 0.9, 0.9, 0.9))
    assert value.high == 15.0, "its first window lies beyond the cap"


def test_last_scores_and_losses_are_means():
    assert ValidationScore(last=2).read(curve(0.1, 0.3, 0.5)).low == pytest.approx(0.4)
    assert TrainingLoss(last=2).read({"update_loss": np.array([9.0, 1.0, 3.0])}).low == 2.0


def test_gradient_norms_are_read_as_asked():
    norms = {"update_norm": np.array([1.0] * 10 + [2.0] * 80 + [math.e] * 10)}
    read = {of: GradientNorm(of=of).read(norms).low for of in ("median", "largest", "growth")}
    assert read == {"median": 2.0, "largest": pytest.approx(math.e), "growth": pytest.approx(1.0)}
    assert GradientNorm(of="mean").read(norms).low == pytest.approx((10 + 160 + 10 * math.e) / 100)
    assert GradientNorm(of="growth").read({"update_norm": np.zeros(4)}) == UNKNOWN
    assert GradientNorm().read({"update_norm": np.zeros(0)}) == UNKNOWN


def test_a_norm_that_an_adapter_does_not_report_is_unknown():
    for of in ("median", "mean", "largest", "growth"):
        assert GradientNorm(of=of).read({"update_norm": np.full(3, math.nan)}) == UNKNOWN


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Arrival(threshold=0.5, cap=1.0, smooth=0), "smooth is 0"),
        (lambda: GradientNorm(of="least"), "of is 'least'"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_a_diverged_run_arrives_never():
    value = Arrival(threshold=0.5, cap=1.0).of_diverged()
    assert value.low == math.inf
    assert math.isnan(value.mean)


# -- when halting steps settle, and how often gradients spike -------------------------------------
def settles(*steps, **how):
    found = {"evaluation_update": 10.0 * np.arange(1, len(steps) + 1), "evaluation_taken": steps}
    return Settling(**{"within": 0.5, "smooth": 1, **how}).read(found)


def test_steps_have_settled_when_they_leave_their_end_no_more():
    assert settles(8.0, 8.0, 3.2, 5.0, 3.1, 2.8, 3.0).mean == 50.0
    assert settles(8.0, 3.0).mean == 20.0


def test_steps_that_never_move_had_settled_before_the_curve_begins():
    value = settles(3.0, 3.1, 2.9)
    assert (value.low, value.high, value.failed) == (0.0, 10.0, False)
    assert settles(3.0, math.nan) == UNKNOWN


def test_settling_is_counted_from_a_share_of_the_training():
    assert settles(8.0, 8.0, 8.0, 5.0, 3.0, 3.0, since=0.5).mean == 20.0


def test_spikes_are_the_share_of_updates_far_above_the_median():
    norms = [1.0] * 18 + [5.1, 4.9]
    assert Spikes().read({"update_controller_norm": norms}).mean == pytest.approx(0.05)
    assert Spikes(since=0.5).read({"update_controller_norm": norms}).mean == pytest.approx(0.1)
    assert Spikes().read({"update_controller_norm": [math.nan]}) == UNKNOWN
    with pytest.raises(UserError, match="times"):
        Spikes(times=1.0)
