"""Zones are built in the reader's unit and can't be got wrong."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablations.rule import zones
from hrm.errors import UserError

WHY = {"because": "a reader would notice"}


def test_the_null_zone_of_a_ratio_is_a_share_in_the_claimed_direction():
    assert zones.ratio(null=0.05, fewer=True, **WHY).null == pytest.approx(-math.log(0.95))
    assert zones.ratio(null=0.05, **WHY).null == pytest.approx(math.log(1.05))


def test_a_band_of_ratios_is_given_as_the_ratios_and_held_as_contrasts():
    fewer = zones.ratio(null=0.05, fewer=True, about=(0.6, 0.8), **WHY)
    assert fewer.band == pytest.approx((-math.log(0.8), -math.log(0.6)))
    more = zones.ratio(null=0.05, about=(1.5, 2), **WHY)
    assert more.band == pytest.approx((math.log(1.5), math.log(2)))


def test_at_least_has_a_weak_edge_alone():
    fewer = zones.ratio(null=0.05, fewer=True, at_least=0.8, **WHY)
    assert fewer.at_least and fewer.band == pytest.approx((-math.log(0.8), math.inf))
    assert zones.difference(null=1, fewer=True, at_least=-3, **WHY).band == (3, math.inf)
    assert not zones.difference(null=1, about=(2, 3), **WHY).at_least


def test_a_band_of_differences_has_the_claims_sign():
    assert zones.difference(null=1, about=(2, 5), **WHY).band == (2, 5)
    assert zones.difference(null=1, fewer=True, about=(-5, -2), **WHY).band == (2, 5)


def test_a_band_may_begin_where_the_null_zone_ends():
    assert zones.difference(null=2, at_least=2, **WHY).band == (2, math.inf)
    assert zones.ratio(null=0.2, fewer=True, at_least=0.8, **WHY).at_least


def test_a_margin_is_on_the_worse_side():
    assert zones.not_worse(margin=2, **WHY).nearly_all == -2
    assert zones.not_worse(margin=2, fewer=True, **WHY).nearly_all == -2
    assert zones.not_worse(margin=2, **WHY).margin == 2
    costs = zones.not_worse(margin=0.05, fewer=True, log=True, **WHY)
    assert costs.value(costs.nearly_all) == pytest.approx(1.05)
    scores = zones.not_worse(margin=0.05, log=True, **WHY)
    assert scores.value(scores.nearly_all) == pytest.approx(0.95)


def test_a_reliable_treatment_lies_beyond_a_value_in_the_readers_unit():
    assert zones.reliable(above=0.9, **WHY).nearly_all == 0.9
    assert zones.reliable(above=0.9, fewer=True, **WHY).nearly_all == -0.9
    assert zones.reliable(above=0.5, fewer=True, log=True, **WHY).nearly_all == math.log(2)
    assert zones.reliable(above=0.9, **WHY).margin is None


def test_edges_are_ascending_and_finite():
    assert zones.difference(null=1, about=(2, 5), **WHY).edges == (-1, 0, 1, 2, 5)
    assert zones.difference(null=1, at_least=2, **WHY).edges == (-1, 0, 1, 2)
    assert zones.difference(null=1, at_least=1, **WHY).edges == (-1, 0, 1)
    assert zones.not_worse(margin=3, **WHY).edges == (-3,)
    assert zones.either_side(null=1, **WHY).edges == (-1, 0, 1)


@given(
    value=st.floats(0.01, 100),
    fewer=st.booleans(),
    build=st.sampled_from([zones.ratio, zones.difference]),
)
def test_a_value_goes_to_a_contrast_and_back(value, fewer, build):
    made = build(null=0.05, fewer=fewer, **WHY)
    assert made.value(made.contrast(value)) == pytest.approx(value)
    better = value * 0.9 if fewer else value * 1.1
    assert made.contrast(better) > made.contrast(value)


def test_a_ratio_of_nothing_and_one_beyond_all_numbers_have_contrasts_and_values():
    made = zones.ratio(null=0.05, **WHY)
    assert made.contrast(0) == -math.inf
    assert made.value(math.inf) == math.inf and made.value(-math.inf) == 0
    assert made.value(1e4) == math.inf


@pytest.mark.parametrize("null", [0, -0.1, math.inf, math.nan])
@pytest.mark.parametrize("build", [zones.ratio, zones.difference, zones.either_side])
def test_a_null_zone_is_a_finite_number_above_zero(build, null):
    with pytest.raises(UserError, match=r"the null zone is .*; allowed is "):
        build(null=null, **WHY)


@pytest.mark.parametrize("margin", [0, -0.1, math.inf, math.nan])
@pytest.mark.parametrize("log", [False, True])
def test_a_margin_is_a_finite_number_above_zero(margin, log):
    with pytest.raises(UserError, match=r"the margin is .*; allowed is "):
        zones.not_worse(margin=margin, log=log, **WHY)


def test_a_ratio_cannot_fall_by_everything():
    with pytest.raises(UserError, match=r"the null zone is 1; .* below 1"):
        zones.ratio(null=1, fewer=True, **WHY)
    assert zones.ratio(null=1, **WHY).null == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("build", "given", "fault"),
    [
        (zones.difference, {"null": 1, "about": (-5, -2)}, "wrong side.*1 or above"),
        (zones.difference, {"null": 1, "about": (2, 5), "fewer": True}, "wrong side.*-1 or below"),
        (zones.difference, {"null": 1, "at_least": -2}, "wrong side"),
        (zones.difference, {"null": 1, "about": (-2, 5)}, "wrong side"),
        (zones.difference, {"null": 1, "about": (0.5, 5)}, "inside the null zone"),
        (zones.difference, {"null": 1, "at_least": 0.5}, "inside the null zone"),
        (zones.ratio, {"null": 0.05, "about": (1.2, 1.4), "fewer": True}, "wrong side.*0.95"),
        (zones.ratio, {"null": 0.05, "about": (0.6, 0.8)}, "wrong side.*1.05 or above"),
        (zones.ratio, {"null": 0.05, "about": (0.6, 0.97), "fewer": True}, "inside the null"),
        (zones.ratio, {"null": 0.05, "about": (0, 0.8), "fewer": True}, "is 0; .*ratio above 0"),
        (zones.ratio, {"null": 0.05, "at_least": -2}, "is -2; allowed is a finite ratio above 0"),
        (zones.difference, {"null": 1, "about": (2, math.inf)}, "is inf"),
        (zones.difference, {"null": 1, "about": (math.nan, 5)}, "is nan"),
        (zones.difference, {"null": 1, "at_least": math.nan}, "is nan"),
        (zones.difference, {"null": 1, "about": (5, 2)}, "5 to 2; .*lower to the higher"),
        (zones.difference, {"null": 1, "about": (5, 5)}, "5 to 5; .*lower to the higher"),
        (zones.difference, {"null": 1, "about": (2, 5), "at_least": 2}, "not both"),
        (zones.reliable, {"above": math.inf}, "is inf; allowed is a finite number"),
        (zones.reliable, {"above": 0, "log": True}, "is 0; allowed is a finite ratio above 0"),
    ],
)
def test_a_figure_that_cannot_be_meant_is_one_named_fault(build, given, fault):
    with pytest.raises(UserError, match=fault) as told:
        build(**given, **WHY)
    assert "\n" not in str(told.value) and ";" in str(told.value)
