"""Contrasts of each form, by hand and by other libraries."""

import doctest
import importlib
import math
import pkgutil

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from statsmodels.stats.weightstats import DescrStatsW

from ablations import forms
from ablations.forms import (
    External,
    Factorial,
    NonInferior,
    OneSample,
    Paired,
    Quality,
    Ratio,
    Reading,
    Statistical,
    TimeToTarget,
    Timing,
    Trend,
    about,
    between,
    difference,
    interaction,
    main_effect,
)
from ablations.forms.time_to_target import arrival
from ablations.records import Zones

LOG = Zones(null=0.1, null_reason="test", log=True)
PLAIN = Zones(null=0.1, null_reason="test")
MARGIN = Zones(null=0.1, null_reason="test", margin=True)
MODULES = [m.name for m in pkgutil.iter_modules(forms.__path__)]
EACH = {
    form.name: (form, arms)
    for form, arms in (
        (Ratio(metric="m", zones=LOG), 2),
        (Timing(metric="m", zones=LOG), 2),
        (TimeToTarget(metric="m", threshold=0.5, cap=1e9, zones=LOG), 2),
        (Quality(metric="m", zones=PLAIN), 2),
        (NonInferior(metric="m", zones=MARGIN), 2),
        (Trend(metric="m", levels=(0.0, 1.0, 3.0), zones=PLAIN), 3),
        (Factorial(metric="m", weights=main_effect((0, 1), (0, 1, 2), of=1), zones=PLAIN), 6),
        (OneSample(metric="m", zones=PLAIN, constant=0.5), 1),
    )
}
each = pytest.mark.parametrize(("form", "arms"), EACH.values(), ids=list(EACH))


def metrics(form, values):
    """One seed's arms with these values."""
    curve = isinstance(form, TimeToTarget)
    return [{"m": [[v, 1.0]]} if curve else {"m": v} for v in values]


# -- what all forms share -------------------------------------------------------------------------
@pytest.mark.parametrize("name", MODULES)
def test_every_module_of_a_form_shows_how_it_works(name):
    found = doctest.testmod(importlib.import_module(f"ablations.forms.{name}"))
    assert found.failed == 0
    assert found.attempted > 0 or name in ("base", "paired", "readings")


def test_every_form_of_the_ledger_has_a_class_of_its_name():
    names = {"exact", "consistency", "external", *EACH}
    assert names == {
        form.name
        for form in vars(forms).values()
        if isinstance(form, type) and issubclass(form, forms.Form) and hasattr(form, "name")
    }


@each
def test_many_seeds_at_once_have_the_contrasts_of_each(form, arms):
    x = np.random.default_rng(arms).uniform(1, 9, (arms, 20))
    one_by_one = [form.contrasts(metrics(form, seed))[0].theta for seed in x.T]
    assert form.theta(x).tolist() == one_by_one


@each
def test_a_forms_interval_is_students_over_its_contrasts(form, arms):
    thetas = form.theta(np.random.default_rng(arms).uniform(1, 9, (arms, 20)))
    found = form.interval(thetas, 0.99)
    oracle = DescrStatsW(thetas).tconfint_mean(alpha=0.01)
    assert (found.low, found.high) == pytest.approx(oracle, rel=1e-9)
    assert found.estimate == pytest.approx(thetas.mean())


@each
@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_a_plans_spread_is_that_of_contrasts_of_correlated_arms(form, arms, correlation):
    rng = np.random.default_rng(arms)
    shared, own = rng.standard_normal(50_000), rng.standard_normal((arms, 50_000))
    x = 0.1 * (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own)
    found = form.theta(np.exp(x) if form.zones.log else x).std()
    assert form.spread(0.1, correlation) == pytest.approx(found, rel=0.03)


@each
def test_more_spread_or_no_symmetry_by_construction_takes_more_pairs(form, arms):
    level = 1 - 0.05 / 79
    needed = [form.pairs_needed(sd, level) for sd in (0.05, 0.1, 0.2)]
    assert needed == sorted(needed)
    assert needed[0] < needed[2]
    assert form.detectable(0.1, needed[1], level) <= 0.1
    assert form.detectable(0.1, needed[1] - 1, level) > 0.1
    assert bool(form.symmetry) == isinstance(form, Timing)


@each
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, "much", True, [], {}])
def test_a_value_that_is_no_finite_number_leaves_its_pair_without_a_contrast(form, arms, bad):
    values = [2.0] * arms
    values[-1] = bad
    found = form.contrasts(metrics(form, values))
    if isinstance(form, TimeToTarget) and bad in (math.inf,):
        assert found[0].censored == (False, True)  # it never arrives
        return
    assert found
    assert all(math.isnan(c.theta) for c in found)


@each
def test_an_arm_without_the_metric_leaves_no_contrast(form, arms):
    for lost in (None, {}, {"other": 1.0}):
        found = form.contrasts([*metrics(form, [2.0] * (arms - 1)), lost])
        if isinstance(form, TimeToTarget):
            assert found[0].censored == (False, True)
        else:
            assert [math.isnan(c.theta) for c in found] == [True]


def test_a_score_that_is_not_finite_never_arrives():
    form = TimeToTarget(metric="m", threshold=0.5, cap=100.0, zones=LOG)
    for score in (math.inf, math.nan, "1", None):
        (found,) = form.contrasts([{"m": [[10, 0.6]]}, {"m": [[10, score], [30, 0.7]]}])
        assert found.values == (10.0, 30.0)


def test_a_value_too_large_for_a_ratio_leaves_no_contrast():
    assert math.isnan(difference(5e-324, 1e308, log=True))
    assert math.isnan(difference(-1e308, 1e308, log=False))


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (NonInferior, {"metric": "m", "zones": PLAIN}),
        (Factorial, {"metric": "m", "zones": PLAIN, "weights": (1.0, 1.0)}),
        (Factorial, {"metric": "m", "zones": PLAIN, "weights": (0.0, 0.0)}),
        (OneSample, {"metric": "m", "zones": LOG}),
    ],
)
def test_a_form_that_means_nothing_is_our_mistake(make, wrong):
    with pytest.raises(AssertionError):
        make(**wrong)


def test_an_external_claim_says_what_it_takes_and_how_it_is_decided_then():
    form = External(cost="8 GPUs", inner=OneSample(metric="m", zones=PLAIN))
    assert (form.name, form.cost) == ("external", "8 GPUs")
    assert not isinstance(form, Statistical)


# -- two factors ----------------------------------------------------------------------------------
def test_effects_of_two_factors_are_the_coefficients_of_a_linear_model():
    first, second = (0.0, 1.0), (0.0, 1.0, 2.0, 3.0)
    cells = np.random.default_rng(5).normal(size=8)
    a, b = (column.ravel() for column in np.meshgrid(first, second, indexing="ij"))
    a, b = a - a.mean(), b - b.mean()
    columns = np.stack([np.ones(8), a, b, a * b], axis=1)
    _, by_a, by_b, by_both = np.linalg.lstsq(columns, cells, rcond=None)[0]
    assert main_effect(first, second, of=0) @ cells == pytest.approx(by_a)
    assert main_effect(first, second, of=1) @ cells == pytest.approx(3 * by_b)
    assert interaction(first, second) @ cells == pytest.approx(3 * by_both)


def test_a_one_sample_reads_differences_from_its_constant_or_ratios_to_it():
    plain = OneSample(metric="m", zones=PLAIN, constant=0.5)
    assert [c.theta for c in plain.contrasts([{"m": [0.75, 0.25]}])] == [0.25, -0.25]
    ratio = OneSample(metric="m", zones=LOG, constant=10.0)
    assert [c.theta for c in ratio.contrasts([{"m": 40.0}])] == [pytest.approx(math.log(4))]


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


def test_pairs_stay_together_whatever_their_order():
    blocks = [{"m": [8.0, 1.0, 4.0]}, {"m": [4.0, 2.0, 2.0]}]
    found = thetas(Timing(metric="m", zones=LOG), *blocks)
    assert found == pytest.approx([-math.log(2), math.log(2), -math.log(2)])
    assert thetas(Quality(metric="m", zones=PLAIN), *blocks) == [-4.0, 1.0, -2.0]


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


def test_arrivals_are_described_as_lifelines_describes_them():
    rng = np.random.default_rng(6)
    for n in (1, 3, 5, 9, 21):
        times = np.minimum(rng.integers(1, 14, n) * 10.0, 100.0)
        late = rng.random(n) < 0.4
        times[late] = 100.0
        found = arrival(times.tolist(), late.tolist())
        fitter = KaplanMeierFitter().fit(times, ~late)
        assert found["median"] == fitter.median_survival_time_
        assert found["mean"] == pytest.approx(restricted_mean_survival_time(fitter, t=100.0))
        assert found["share"] == pytest.approx(1 - late.mean())


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
