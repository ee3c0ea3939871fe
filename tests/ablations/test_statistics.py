import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from ablations.flips import sign_flip
from ablations.statistics import (
    clopper_pearson,
    interval,
    mcnemar,
    moments,
    skewed,
    skewness_bound,
    trend,
    widening,
)

family = 1 - 0.05 / 65
examples = settings(deadline=None, derandomize=True, max_examples=50)
contrasts = st.lists(st.integers(-1000, 1000).map(lambda i: i / 64), min_size=1, max_size=9)


# ── The interval ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("level", [0.5, 0.95, family])
@pytest.mark.parametrize("n", [2, 3, 12, 40, 300])
def test_the_interval_is_students_as_statsmodels_computes_it(n, level):
    values = np.random.default_rng(n).normal(3.0, 2.0, n)
    found = interval(values, level)
    assert (found.low, found.high) == pytest.approx(
        DescrStatsW(values).tconfint_mean(alpha=1 - level), rel=1e-9
    )
    assert (found.estimate, found.sd) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert (found.n, found.level) == (n, level)


def test_fewer_than_two_values_leave_the_whole_line():
    assert (found := interval([0.7], 0.95)).estimate == 0.7
    assert (found.low, found.high, found.sd, found.n) == (-math.inf, math.inf, math.inf, 1)
    assert math.isnan((none := interval([], 0.95)).estimate)
    assert (none.low, none.high, none.n) == (-math.inf, math.inf, 0)


@pytest.mark.parametrize("value", [0.0, -0.1, math.log(3), 1e-300])
def test_equal_values_give_the_interval_that_is_their_value(value):
    found = interval([value] * 40, family)
    assert (found.low, found.estimate, found.high, found.sd) == (value, value, value, 0.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("function", [lambda x: interval(x, 0.95), sign_flip, skewed, trend])
def test_values_that_are_not_finite_are_refused_with_their_count(function, bad):
    with pytest.raises(ValueError, match="2 of 4 values aren't finite"):
        function([0.0, bad, 1.0, bad])


@examples
@given(values=contrasts, order=st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_sign_of_the_values_changes_a_digit(values, order):
    shuffled = values.copy()
    order.shuffle(shuffled)
    negated = [-v for v in values]
    found, mirrored = interval(values, 0.9), interval(negated, 0.9)
    assert interval(shuffled, 0.9) == found
    assert (mirrored.low, mirrored.high, mirrored.sd) == (-found.high, -found.low, found.sd)
    assert sign_flip(values, 0.3) == sign_flip(shuffled, 0.3) == sign_flip(negated, -0.3)
    assert skewed(values) == skewed(shuffled) == skewed(negated)


@examples
@given(values=contrasts, scale=st.sampled_from([2.0**-40, 0.25, 2.0**30]))
def test_a_change_of_unit_changes_the_interval_alone(values, scale):
    scaled = [v * scale for v in values]
    found = interval(values, 0.9)
    assert interval(scaled, 0.9).high == pytest.approx(found.high * scale, rel=1e-12)
    assert sign_flip(scaled) == sign_flip(values)
    assert skewed(scaled) == skewed(values)


# ── Shape ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("n", [3, 12, 40])
def test_moments_are_those_of_scipy_over_the_last_axis(n):
    x = np.random.default_rng(n).lognormal(size=(2, 5, n))
    found = moments(x)
    assert found.mean == pytest.approx(x.mean(-1), rel=1e-12)
    assert found.sd == pytest.approx(x.std(-1, ddof=1), rel=1e-12)
    assert found.skewness == pytest.approx(stats.skew(x, axis=-1), rel=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(x, axis=-1), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [2, 12, 40])
def test_many_samples_at_once_have_the_moments_of_each(n):
    x = np.random.default_rng(n).standard_normal((6, n)) * 10.0 ** np.arange(-3, 3)[:, None]
    x[0] = 0.3
    many, each = moments(x), [moments(row) for row in x]
    for name in ("mean", "sd", "skewness", "kurtosis"):
        expected = [float(getattr(one, name)) for one in each]
        assert getattr(many, name) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert (many.sd[0], many.skewness[0], many.mean[0]) == (0, 0, 0.3)


@pytest.mark.parametrize("n", [12, 20, 40])
def test_normal_values_are_withheld_one_time_in_twenty(n):
    x = np.random.default_rng(n).standard_normal((20_000, n))
    assert 0.045 < skewed(x).mean() < 0.055


def test_equal_values_and_rounding_noise_are_not_skewed():
    assert not skewed([0.3] * 40)
    assert not skewed([0.3] * 39 + [0.1 + 0.2])
    assert skewed([0.3] * 39 + [0.31])
    assert not skewed([0.0] * 5)
    assert not skewed([0.0, 5.0])
    assert not skewed([])


@pytest.mark.parametrize("n", [6, 12, 40])
def test_the_bound_is_two_standard_errors_of_the_samples_skewness(n):
    base = np.random.default_rng(n).standard_normal(n)
    assert skewness_bound(n) == 2 * math.sqrt(6 * (n - 2) / ((n + 1) * (n + 3)))
    verdicts = set()
    for stretch in np.linspace(0.01, 3, 200):
        values = np.exp(stretch * base)
        assert skewed(values) == (abs(stats.skew(values)) > skewness_bound(n))
        verdicts.add(bool(skewed(values)))
    assert verdicts == {True, False}


def test_an_interval_is_widened_where_nothing_but_the_sample_speaks_for_symmetry():
    assert {widening(n, True) for n in (3, 12, 40, 400)} == {1.0}
    factors = [widening(n, False) for n in (12, 16, 20, 26, 32, 36, 40, 400)]
    assert factors == pytest.approx([2.8, 2.6, 2.4, 2.1, 1.8, 1.6, 1.4, 1.4])


# ── Contrasts and counts ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("levels", [[1, 2, 4], [0, 0.003, 0.01, 0.03, 0.1], [3, 1], [-1, 5, 5]])
def test_a_trend_is_the_slope_of_the_least_squares_line(levels):
    scores = np.random.default_rng(1).normal(size=len(levels))
    assert trend(levels) @ scores == pytest.approx(np.polyfit(levels, scores, 1)[0])
    assert trend(levels) @ np.ones(len(levels)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("levels", [[], [1], [2, 2, 2]])
def test_a_trend_without_two_levels_is_refused(levels):
    with pytest.raises(ValueError, match="two different levels"):
        trend(levels)


@examples
@given(b=st.integers(0, 60), c=st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 20_000), (20_000, 20_000), (7, 9)])
def test_bounds_of_a_rate_are_those_of_statsmodels(hits, trials):
    expected = proportion_confint(hits, trials, alpha=0.05, method="beta")
    assert clopper_pearson(hits, trials) == pytest.approx(expected, rel=1e-9)


def test_importing_the_statistics_loads_neither_scipy_nor_torch():
    script = "import sys, ablations.statistics, ablations.verdict; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"scipy", "torch"}.isdisjoint(ran.stdout.split())
