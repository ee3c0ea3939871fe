"""Tests form contrasts that keep their meaning under a change of unit, order or arms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number
from ablations.specs.contrasts import combined, interaction, main_effect, slope
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    OneSample,
    Ratio,
    Reliable,
    Spread,
    TimeToTarget,
    Timing,
    Trend,
)
from hrm.errors import UserError

examples = settings(deadline=None, derandomize=True, max_examples=150)
WHY = {"null": 0.05, "because": "a test"}
RATIO, DIFFERENCE = Ratio(**WHY), Difference(**WHY)
finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-3, 1e3)


def numbers(*values):
    return [number(value) for value in values]


def intervals(low=-1e6, high=1e6):
    ends = st.one_of(st.floats(low, high), st.just(math.inf), st.just(-math.inf))
    return st.tuples(ends, ends).map(
        lambda pair: Value(low=min(pair), high=max(pair), mean=math.nan)
    )


# -- invariance -----------------------------------------------------------------------------------
@examples
@given(positive, positive, positive)
def test_a_ratio_does_not_depend_on_the_unit(a, b, unit):
    found = RATIO.contrast(numbers(a * unit, b * unit))
    assert found.low == pytest.approx(RATIO.contrast(numbers(a, b)).low, abs=1e-9)


@examples
@given(finite, finite, st.floats(-1e3, 1e3), positive)
def test_a_difference_does_not_depend_on_the_zero_and_scales_with_the_unit(a, b, zero, unit):
    found = DIFFERENCE.contrast(numbers(a * unit + zero, b * unit + zero)).low
    assert found == pytest.approx((b - a) * unit, rel=1e-6, abs=1e-6)


@examples
@given(positive, positive)
def test_exchanged_arms_turn_the_contrast_around(a, b):
    for test in (RATIO, DIFFERENCE, Timing(**WHY), TimeToTarget(**WHY)):
        there, back = (test.contrast(numbers(*pair)) for pair in ((a, b), (b, a)))
        assert there.low == pytest.approx(-back.high)
        assert there.mean == pytest.approx(-back.mean)


@examples
@given(intervals(), intervals())
def test_exchanged_intervals_turn_the_contrast_around(a, b):
    there, back = DIFFERENCE.contrast([a, b]), DIFFERENCE.contrast([b, a])
    assert (there.low, there.high) == (-back.high, -back.low)


@examples
@given(st.lists(finite, min_size=3, max_size=3), st.permutations(range(3)))
def test_a_trend_does_not_depend_on_the_order_in_which_levels_are_listed(values, order):
    levels = (0.0, 1.0, 2.5)
    straight = Trend(levels=levels, **WHY).contrast(numbers(*values))
    shuffled = Trend(levels=tuple(levels[i] for i in order), **WHY)
    found = shuffled.contrast(numbers(*(values[i] for i in order)))
    assert found.low == pytest.approx(straight.low, rel=1e-9, abs=1e-6)


# -- weights --------------------------------------------------------------------------------------
@examples
@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=6, unique=True),
    st.floats(-10, 10),
    finite,
)
def test_a_trend_finds_the_slope_of_a_line_whatever_its_height(levels, steep, height):
    assume(max(levels) - min(levels) > 1e-2)
    found = Trend(levels=tuple(levels), **WHY).contrast(
        numbers(*(height + steep * level for level in levels))
    )
    assert found.low == pytest.approx(steep, abs=1e-3)


@examples
@given(st.lists(st.integers(-20, 20), min_size=3, max_size=6, unique=True), st.data())
def test_a_trend_is_the_least_squares_slope(levels, data):
    values = data.draw(st.lists(st.floats(-100, 100), min_size=len(levels), max_size=len(levels)))
    expected = np.polyfit(levels, values, 1)[0]
    found = Trend(levels=tuple(map(float, levels)), **WHY).contrast(numbers(*values))
    assert found.low == pytest.approx(expected, abs=1e-6)


@examples
@given(finite, finite, finite, finite)
def test_effects_and_interaction_are_those_of_a_two_by_two_table(height, first, second, both):
    """y = height + first·a + second·b + both·a·b, with a and b in {0, 1}."""
    cells = numbers(height, height + second, height + first, height + first + second + both)

    def found(weights):
        return combined(weights, cells).low

    near = {"rel": 1e-6, "abs": 1e-4}
    assert found(main_effect((0, 1), (0, 1), of=0)) == pytest.approx(first + both / 2, **near)
    assert found(main_effect((0, 1), (0, 1), of=1)) == pytest.approx(second + both / 2, **near)
    assert found(interaction((0, 1), (0, 1))) == pytest.approx(both, **near)


def test_a_main_effect_spans_all_levels_of_its_factor():
    cells = numbers(0, 1, 2, 0, 1, 2)  # two of the first factor; 1, 2, 4 segments, in doublings
    assert combined(main_effect((0, 1), (0, 1, 2), of=1), cells).low == pytest.approx(2)
    assert combined(main_effect((0, 1), (0, 1, 2), of=0), cells).low == pytest.approx(0)


def test_weights_sum_to_nothing():
    for weights in (
        slope((1.0, 2.0, 8.0)),
        main_effect((0, 1), (1, 2, 4), of=1),
        interaction((0, 1), (1, 2, 4)),
    ):
        assert math.fsum(weights) == pytest.approx(0)


# -- intervals ------------------------------------------------------------------------------------
@examples
@given(intervals(), intervals(), st.floats(0, 1), st.floats(0, 1))
def test_a_contrast_holds_that_of_every_pair_of_values_within(a, b, x, y):
    assume(all(math.isfinite(end) for end in (a.low, a.high, b.low, b.high)))
    inner = (a.low + x * (a.high - a.low), b.low + y * (b.high - b.low))
    found = DIFFERENCE.contrast([a, b])
    room = 1e-6 + 1e-9 * (abs(inner[0]) + abs(inner[1]))
    assert found.low - room <= inner[1] - inner[0] <= found.high + room


@examples
@given(intervals(), intervals())
def test_no_contrast_has_its_ends_exchanged_or_missing(a, b):
    for test in (RATIO, DIFFERENCE):
        found = test.contrast([a, b])
        assert found.low <= found.high
        assert not math.isinf(found.mean)


@pytest.mark.parametrize("test", [RATIO, DIFFERENCE, Trend(levels=(0.0, 1.0), **WHY)])
def test_unknown_stays_unknown_on_either_side(test):
    for values in ([UNKNOWN, number(2)], [number(2), UNKNOWN], [UNKNOWN, UNKNOWN]):
        found = test.contrast(values)
        assert (found.low, found.high) == (-math.inf, math.inf)
        assert math.isnan(found.mean)


def test_one_arm_that_diverged_is_the_worst_outcome_on_its_side():
    failed = diverged(higher_is_better=True, worst=0.0)
    treatment, baseline = (
        DIFFERENCE.contrast(pair) for pair in ([number(0.5), failed], [failed, number(0.5)])
    )
    assert (treatment.low, treatment.high, treatment.mean) == (-math.inf, -math.inf, -0.5)
    assert (baseline.low, baseline.high, baseline.mean) == (math.inf, math.inf, 0.5)
    assert treatment.failed == (False, True)
    assert baseline.failed == (True, False)


@pytest.mark.parametrize("test", [OneSample, OneRatio])
@pytest.mark.parametrize("higher", [True, False])
@pytest.mark.parametrize("fewer", [True, False])
def test_a_run_of_the_only_arm_that_diverged_counts_against_what_is_claimed(test, higher, fewer):
    failed = diverged(higher_is_better=higher, worst=2.0)
    found = test(constant=3.0, fewer=fewer, **WHY).contrast([failed])
    against = math.inf if fewer else -math.inf
    assert (found.low, found.high) == (against, against)
    assert found.failed == (True,)
    assert math.isfinite(found.mean) == (higher != fewer)


def test_a_ratio_with_an_arm_that_diverged_has_no_mean():
    slow = diverged(higher_is_better=False)
    found = RATIO.contrast([number(3), slow])
    assert (found.low, found.high) == (math.inf, math.inf)
    assert math.isnan(found.mean)
    bad = diverged(higher_is_better=True, worst=0.0)
    found = RATIO.contrast([number(3), bad])
    assert (found.low, found.high) == (-math.inf, -math.inf)
    assert math.isnan(found.mean)


def test_two_arms_that_diverged_say_nothing():
    for higher in (True, False):
        failed = diverged(higher_is_better=higher)
        for test in (RATIO, DIFFERENCE):
            found = test.contrast([failed, failed])
            assert (found.low, found.high) == (-math.inf, math.inf)


def test_an_arm_that_never_arrived_bounds_the_ratio_on_one_side():
    test = TimeToTarget(**WHY)
    late = test.contrast([number(100), beyond(300)])
    assert (late.low, late.high) == (pytest.approx(math.log(3)), math.inf)
    early = test.contrast([beyond(300), number(100)])
    assert (early.low, early.high) == (-math.inf, pytest.approx(-math.log(3)))
    assert early.failed == (True, False)


def test_the_logarithm_of_nothing_is_the_end_and_that_of_less_is_unknown():
    nothing = RATIO.contrast(numbers(2, 0))
    assert (nothing.low, nothing.high) == (-math.inf, -math.inf)
    less = RATIO.contrast(numbers(2, -1))
    assert (less.low, less.high) == (-math.inf, math.inf)
    bounded = RATIO.contrast([number(2), Value(low=-1, high=4, mean=math.nan)])
    assert (bounded.low, bounded.high) == (-math.inf, pytest.approx(math.log(2)))


# -- against what is known ------------------------------------------------------------------------
def test_one_value_is_compared_with_a_constant():
    assert OneSample(constant=0.3, **WHY).contrast(numbers(0.5)).low == pytest.approx(0.2)
    assert OneRatio(constant=4, **WHY).contrast(numbers(2)).low == pytest.approx(-math.log(2))


@pytest.mark.parametrize("sd", [0.1, 2.0])
def test_the_median_spread_of_three_normal_replicas_is_their_standard_deviation(sd):
    draws = np.random.default_rng(7).normal(5, sd, size=(20_000, 3))
    test = Spread(constant=1.0, **WHY)
    logs = [test.contrast(numbers(*row)).low for row in draws]
    assert math.exp(float(np.median(logs))) == pytest.approx(sd, rel=0.02)


def test_a_spread_with_an_unknown_or_failed_replica_or_none_at_all_is_unknown():
    test = Spread(constant=1.0, **WHY)
    failed = diverged(higher_is_better=True, worst=0.0)
    for last in (UNKNOWN, failed, beyond(3)):
        found = test.contrast([*numbers(1, 2), last])
        assert (found.low, found.high) == (-math.inf, math.inf)
    assert test.contrast(numbers(1, 1, 1)).low == -math.inf


@pytest.mark.parametrize("fewer", [False, True])
@pytest.mark.parametrize("higher_is_better", [False, True])
@pytest.mark.parametrize("kind", [OneSample, OneRatio, Reliable])
def test_a_diverged_run_counts_against_a_claim_about_one_cell(kind, higher_is_better, fewer):
    given = {"above": 0.1, "because": "a test"} if kind is Reliable else WHY
    test = kind(fewer=fewer, **given)
    found = test.contrast([diverged(higher_is_better=higher_is_better)])
    assert found.low == found.high == (math.inf if fewer else -math.inf)
    assert found.failed == (True,)
    assert test.contrast([beyond(3)]).high == math.inf, "what never arrived lies above its cap"


def test_a_claim_about_nearly_all_runs_reads_the_difference_or_the_value():
    worse = NotWorse(margin=0.02, because="a test")
    assert worse.contrast(numbers(0.5, 0.4)).low == pytest.approx(-0.1)
    assert worse.zones.margin == 0.02
    mean = NotWorse(margin=0.02, because="a test", weights=(-0.5, -0.5, 1.0))
    assert mean.contrast(numbers(0.4, 0.6, 0.5)).low == pytest.approx(0)
    assert Reliable(above=0.1, because="a test").contrast(numbers(0.4)).low == 0.4


def test_a_conjunction_reads_each_part_from_its_own_cells():
    both = Both(parts=(DIFFERENCE, OneSample(**WHY)), reads=((0, 2), (1,)))
    first, second = both.contrasts(numbers(1, 5, 3))
    assert (first.low, second.low) == (2, 5)
    assert both.contrast(numbers(1, 5, 3)) == first
    assert (both.places, both.cells, both.form) == (2, 3, "quality")


# -- zones ----------------------------------------------------------------------------------------
def test_zones_have_the_claimed_direction_up():
    band = {"about": (0.6, 0.8), "band_because": "a test"}
    zones = Ratio(null=0.1, because="a test", fewer=True, **band).zones
    assert zones.band == pytest.approx((-math.log(0.8), -math.log(0.6)))
    assert (zones.sign, zones.log) == (-1, True)
    least = Difference(**WHY, at_least=0.15, band_because="a test").zones
    assert least.band == (0.15, math.inf)


def test_an_effect_of_either_sign_may_be_claimed_of_a_factorial():
    test = Factorial(factors=interaction((0, 1), (0, 1)), either_side=True, **WHY)
    assert test.zones.two_sided
    assert not replace(test, either_side=False).zones.two_sided


def test_zones_that_cant_be_meant_are_refused_where_they_are_written():
    with pytest.raises(UserError, match="wrong side"):
        Ratio(null=0.1, because="a test", about=(0.5, 0.8), band_because="a test")
    with pytest.raises(UserError, match="null zone"):
        Difference(null=0.0, because="a test")


def test_a_test_without_reasons_is_our_mistake():
    for make in (
        lambda: Difference(null=0.1, because=""),
        lambda: Ratio(null=0.1, because="a test", about=(1.5, 2.0)),
        lambda: Factorial(factors=(1.0, 1.0), **WHY),
        lambda: NotWorse(margin=0.1, because="a test", weights=(1.0, 1.0)),
        lambda: Both(parts=(DIFFERENCE,), reads=((0,),)),
    ):
        with pytest.raises(AssertionError):
            make()
