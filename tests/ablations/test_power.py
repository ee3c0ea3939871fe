import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from ablations.power import fewest_pairs, minimum_detectable, most_power, pairs_needed
from ablations.records import Word, Zones
from ablations.statistics import widening
from ablations.verdict import measure, settle, words

family = 1 - 0.05 / 65


def test_the_floor_is_the_fewest_pairs_with_which_flips_can_reject():
    for level in (0.5, 0.9, 0.95, family, 1 - 2.0**-11):
        n = fewest_pairs(level)
        assert 2.0 ** (1 - n) <= 1 - level
        assert n == 2 or 2.0 ** (2 - n) > 1 - level
    assert fewest_pairs(family) == fewest_pairs(1 - 2.0**-11) == 12


@pytest.mark.parametrize("n", [20, 32, 40])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_beside_flips_and_skewness_the_power_is_that_of_statsmodels(n, power):
    effect = minimum_detectable(2.0, n, family, power) / 2.0 / (1 + 0.5 / n)
    oracle = TTestPower().power(effect, n, (1 - family) / 2, alternative="larger")
    assert 0.95 * oracle == pytest.approx(power, abs=0.002)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("n", [12, 13, 16, 20, 32])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_the_rule_has_the_power_that_a_plan_promises(n, power, symmetric):
    # Within 3 points, and within what so many samples can tell.
    samples = 2000
    zones = Zones(null=1e-9, null_reason="zero's price")
    effect = minimum_detectable(3.0, n, family, power, symmetric=symmetric)
    x = np.random.default_rng(n).normal(effect, 3.0, (samples, n))
    found = settle(measure(x, family), zones, symmetric=symmetric)
    share = (found == words.index(Word.CONFIRMED)).mean()
    assert abs(share - power) < 0.03 + 2 * math.sqrt(power * (1 - power) / samples)


def test_too_few_pairs_detect_nothing_and_equal_values_everything():
    assert minimum_detectable(1.0, 11, family) == math.inf
    assert minimum_detectable(0.0, 12, family) == 0
    assert pairs_needed(0.0, 1e-9, family) == 12
    assert pairs_needed(1.0, 1e6, 0.95) == 6


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("effect", [2.5, 1.0, 0.5, 0.1])
@pytest.mark.parametrize("level", [0.9, family])
def test_the_pairs_needed_are_the_fewest_that_detect_the_distance(effect, level, symmetric):
    n = pairs_needed(3.0, 3.0 * effect, level, symmetric=symmetric)
    how = {"symmetric": symmetric}
    assert minimum_detectable(3.0, n, level, **how) <= 3.0 * effect
    assert n == fewest_pairs(level) or minimum_detectable(3.0, n - 1, level, **how) > 3.0 * effect
    oracle = TTestPower().solve_power(
        effect, alpha=(1 - level) / 2, power=0.8, alternative="larger"
    )
    assert n >= oracle
    assert not symmetric or n < 1.15 * oracle + 4


def test_a_skew_that_may_hide_costs_pairs_and_power_has_a_most():
    assert pairs_needed(1.0, 1.0, family, symmetric=False) > pairs_needed(1.0, 1.0, family)
    assert minimum_detectable(1.0, 100, family, most_power) < math.inf
    with pytest.raises(AssertionError):
        minimum_detectable(1.0, 20, family, 0.95)


def test_a_need_beyond_counting_is_still_a_number():
    for symmetric in (True, False):
        factor = widening(100_000, symmetric)
        z = factor * stats.norm.isf((1 - family) / 2) + stats.norm.ppf(0.8 / 0.95)
        found = pairs_needed(1.0, 1e-6, family, symmetric=symmetric)
        assert found == pytest.approx((z * 1e6) ** 2, rel=1e-9)
