"""Contrasts of each form, by hand."""

import math

import pytest

from ablations.forms import (
    Paired,
    Quality,
    Ratio,
    Reading,
    TimeToTarget,
    Timing,
    Trend,
    about,
    between,
    difference,
)
from ablations.records import Zones

LOG = Zones(null=0.1, null_reason="test", log=True)
PLAIN = Zones(null=0.1, null_reason="test")


def thetas(form, *arms):
    return [contrast.theta for contrast in form.contrasts(arms)]


def values(form, *arms):
    return [contrast.values for contrast in form.contrasts(arms)]


# -- pairs ----------------------------------------------------------------------------------------
def test_a_ratio_is_the_logarithm_of_treatment_over_baseline():
    form = Ratio(metric="m", zones=LOG)
    assert thetas(form, {"m": 4}, {"m": 1}) == [pytest.approx(-math.log(4))]
    assert values(form, {"m": 4}, {"m": 1}) == [(4.0, 1.0)]


def test_a_quality_is_treatment_less_baseline():
    assert thetas(Quality(metric="m", zones=PLAIN), {"m": 0.5}, {"m": 0.75}) == [0.25]


def test_the_ith_processes_of_a_block_are_a_pair():
    form = Timing(metric="m", zones=LOG)
    assert thetas(form, {"m": [1.0, 2.0]}, {"m": [2.0, 8.0]}) == pytest.approx(
        [math.log(2), math.log(4)]
    )
    assert values(form, {"m": [1.0, 2.0]}, {"m": [2.0, 8.0]}) == [(1.0, 2.0), (2.0, 8.0)]


@pytest.mark.parametrize("form", [Ratio(metric="m", zones=LOG), Quality(metric="m", zones=PLAIN)])
@pytest.mark.parametrize("arms", [(None, {"m": 1.0}), ({"m": 1.0}, None), (None, None)])
def test_an_arm_that_diverged_leaves_one_pair_without_a_contrast(form, arms):
    (contrast,) = form.contrasts(arms)
    assert math.isnan(contrast.theta)
    assert [math.isnan(v) for v in contrast.values] == [arm is None for arm in arms]


def test_a_list_beside_an_arm_that_diverged_keeps_its_number_of_pairs():
    found = Timing(metric="m", zones=LOG).contrasts([{"m": [1.0, 2.0]}, None])
    assert [c.values[0] for c in found] == [1.0, 2.0]
    assert all(math.isnan(c.theta) for c in found)


def test_a_metric_that_is_not_there_is_no_number():
    (contrast,) = Ratio(metric="m", zones=LOG).contrasts([{"m": 1.0}, {"other": 1.0}])
    assert math.isnan(contrast.theta)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 1), (-1, -1), (math.nan, 1)])
def test_values_that_are_not_positive_have_no_log_ratio(a, b):
    assert math.isnan(difference(a, b, log=True))


def test_values_that_are_not_positive_have_a_difference():
    assert difference(-1.0, 0.0, log=False) == 1.0


def test_each_paired_form_has_a_name_of_its_own():
    assert [form.name for form in (Ratio, Timing, Quality)] == ["ratio", "timing", "quality"]
    assert all(issubclass(form, Paired) for form in (Ratio, Timing, Quality))


# -- trends ---------------------------------------------------------------------------------------
def test_a_trend_is_the_least_squares_slope_over_the_levels():
    form = Trend(metric="m", levels=(0.0, 1.0, 2.0), zones=PLAIN)
    assert thetas(form, {"m": 1}, {"m": 3}, {"m": 5}) == [pytest.approx(2.0)]
    assert thetas(form, {"m": 0}, {"m": 9}, {"m": 1}) == [pytest.approx(0.5)]  # the middle is idle
    assert values(form, {"m": 0}, {"m": 9}, {"m": 1}) == [(0.0, 9.0, 1.0)]


def test_a_trend_counts_uneven_levels_by_their_distance():
    form = Trend(metric="m", levels=(0.0, 1.0, 4.0), zones=PLAIN)
    assert thetas(form, {"m": 3}, {"m": 1}, {"m": -5}) == [pytest.approx(-2.0)]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_trend_without_one_of_its_arms_has_no_slope(lost):
    arms = [None if i == lost else {"m": 1.0} for i in range(3)]
    (contrast,) = Trend(metric="m", levels=(0.0, 1.0, 2.0), zones=PLAIN).contrasts(arms)
    assert math.isnan(contrast.theta)


# -- time to target -------------------------------------------------------------------------------
ARRIVAL = TimeToTarget(metric="curve", threshold=0.8, cap=100.0, zones=LOG)


def curve(*points):
    return {"curve": [list(point) for point in points]}


def test_time_to_target_is_the_first_update_at_or_above_the_threshold():
    slow = curve((0, 0.1), (20, 0.79), (40, 0.8), (60, 0.5))
    fast = curve((0, 0.1), (20, 0.9), (40, 0.7))
    (contrast,) = ARRIVAL.contrasts([slow, fast])
    assert contrast.values == (40.0, 20.0)
    assert contrast.theta == pytest.approx(math.log(0.5))
    assert contrast.censored == (False, False)


@pytest.mark.parametrize(
    "late", [None, {}, curve((0, 0.1), (100, 0.79)), curve((50, 0.1), (120, 0.9))]
)
def test_a_run_that_does_not_arrive_counts_at_the_cap_and_as_censored(late):
    (contrast,) = ARRIVAL.contrasts([late, curve((50, 0.9))])
    assert contrast.values == (100.0, 50.0)
    assert contrast.theta == pytest.approx(math.log(0.5))
    assert contrast.censored == (True, False)


def test_two_runs_at_the_cap_show_no_difference_and_are_both_censored():
    (contrast,) = ARRIVAL.contrasts([None, None])
    assert contrast.theta == 0.0
    assert contrast.censored == (True, True)


# -- readings and bands ---------------------------------------------------------------------------
def test_a_reading_takes_its_own_metric_arms_and_kind_of_difference():
    arms = [{"m": 1.0, "n": 8.0}, {"m": 2.0}, {"m": 6.0, "n": 2.0}]
    assert Reading(label="", metric="m").contrasts(arms) == [pytest.approx(math.log(2))]
    assert Reading(label="", metric="m", arms=(1, 2), log=False).contrasts(arms) == [4.0]
    own = Reading(label="", metric="n", baseline="m", arms=(2, 2))
    assert own.contrasts(arms) == [pytest.approx(math.log(2 / 6))]


def test_a_reading_pairs_lists_and_has_nothing_of_an_arm_that_diverged():
    reading = Reading(label="", metric="m")
    found = reading.contrasts([{"m": [1.0, 2.0]}, {"m": [2.0, 2.0]}])
    assert found == pytest.approx([math.log(2), 0.0])
    assert all(math.isnan(v) for v in reading.contrasts([{"m": 1.0}, None]))


def test_bands_have_the_claimed_side_up_whichever_way_the_ratio_goes():
    middle, room = math.log(5), math.log(1.25)
    assert about(5) == pytest.approx((middle - room, middle + room))
    assert about(1 / 5) == pytest.approx(about(5))
    assert about(5, factor=2) == pytest.approx((middle - math.log(2), middle + math.log(2)))
    assert between(0.8, 0.6) == pytest.approx((-math.log(0.8), -math.log(0.6)))
    assert between(0.6, 0.8) == between(0.8, 0.6)
