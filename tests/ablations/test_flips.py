import itertools
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from ablations import flips
from ablations.flips import rejects, sign_flip

family = 1 - 0.05 / 65
examples = settings(deadline=None, derandomize=True, max_examples=50)
contrasts = st.lists(st.integers(-1000, 1000).map(lambda i: i / 64), min_size=1, max_size=9)


def enumerated(values, shift=0.0):
    """All 2ⁿ flips, one by one; for values whose sums are exact."""
    d = [v - shift for v in values]
    flips = list(itertools.product((-1, 1), repeat=len(d)))
    hits = sum(abs(sum(s * x for s, x in zip(f, d, strict=True))) >= abs(sum(d)) for f in flips)
    return hits / len(flips)


@examples
@given(values=contrasts, shift=st.sampled_from([0.0, 1.5, -0.25]))
def test_sign_flips_agree_with_listing_every_one_of_them(values, shift):
    assert sign_flip(values, shift) == enumerated(values, shift)


@pytest.mark.parametrize("n", [5, 10])
@pytest.mark.parametrize("mean", [0.0, 0.4, -0.8])
def test_sign_flips_agree_with_scipy_permutation_test(n, mean):
    values = np.random.default_rng(n).normal(mean, 1, n)
    oracle = stats.permutation_test(
        (values,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(values) == pytest.approx(oracle.pvalue, abs=1e-15)


@pytest.mark.parametrize("n", [1, 2, 11, 12, 40, 44])
def test_values_of_one_sign_reach_the_floor_and_no_less(n):
    assert sign_flip(np.linspace(1, 2, n)) == 2.0 ** (1 - n)
    assert sign_flip([-math.log(3)] * n) == 2.0 ** (1 - n)


def test_sums_that_differ_by_rounding_alone_are_ties():
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in floating point; as decimals, flips tie that as floats would not.
    values = [0.1, 0.2, -0.3, 0.7, 0.6, 0.4]
    assert sign_flip(values) == enumerated([1, 2, -3, 7, 6, 4])
    assert sign_flip([v * 1e-9 for v in values]) == enumerated([1, 2, -3, 7, 6, 4])
    assert sign_flip([0.1 + 0.2] * 12, shift=0.3) == 1.0
    assert sign_flip([0.0] * 12) == sign_flip([]) == 1.0


def test_forty_pairs_take_less_than_a_second_and_agree_with_drawn_flips():
    values = np.random.default_rng(3).normal(0.3, 1, 40)
    start = time.process_time()
    exact = sign_flip(values)
    assert time.process_time() - start < 1
    signs = np.random.default_rng(4).choice([-1.0, 1.0], size=(200_000, 40))
    drawn = (np.abs(signs @ values) >= abs(values.sum())).mean()
    assert 0.01 < exact < 0.5
    assert abs(exact - drawn) < 4 * math.sqrt(exact / 200_000)


def test_beyond_the_exact_range_flips_are_drawn_alike_each_time_and_never_give_zero():
    values = np.random.default_rng(5).normal(0.25, 1, 60)
    p = sign_flip(values)
    assert p == sign_flip(values) == sign_flip(values[::-1])
    expected = 2 * special.ndtr(-abs(values.sum()) / math.sqrt((values**2).sum()))
    assert p == pytest.approx(expected, rel=0.1)
    assert sign_flip(np.ones(60)) == 1 / (1 + flips.drawn_flips)


@pytest.mark.parametrize(
    "values",
    [np.random.default_rng(6).normal(0.4, 1, 20), [0.1] * 14 + [-0.1] * 6],  # the latter all ties
)
def test_drawn_flips_agree_with_exact_ones(monkeypatch, values):
    exact = sign_flip(values)
    monkeypatch.setattr(flips, "exact_up_to", 19)
    drawn = sign_flip(values)
    assert drawn != exact
    assert abs(drawn - exact) < 4 * math.sqrt(exact / flips.drawn_flips)


# ── Rejections of many samples ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("n", [1, 2, 6, 12, 20, 26])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 79])
def test_whether_samples_are_rejected_is_what_their_p_values_say(n, alpha):
    rng = np.random.default_rng(n)
    x = rng.standard_normal((60, n)) + rng.uniform(-2, 2, (60, 1))
    x[:3] = [[0.0], [1.0], [-1.0]]
    for about in (0.0, 0.7):
        expected = [sign_flip(row, about) <= alpha for row in x]
        assert rejects(x, about, alpha).tolist() == expected


def test_ties_and_zeros_are_counted_as_the_p_value_counts_them():
    rng = np.random.default_rng(1)
    x = rng.integers(-1, 4, (200, 10)) * 0.1
    for alpha in (0.01, 0.05, 0.2):
        expected = [sign_flip(row, 0.1) <= alpha for row in x]
        assert rejects(x, 0.1, alpha).tolist() == expected
        assert len(set(expected)) == 2, alpha


@pytest.mark.parametrize(("cells", "close"), [(2**11, 3.0), (2**14, 1.2), (2**17, 1.02)])
@pytest.mark.parametrize("n", [25, 30])
def test_a_rounded_distribution_brackets_the_p_value_closely(n, cells, close):
    rng = np.random.default_rng(n)
    for mean in (0.2, 0.5, 0.8):
        x = rng.normal(mean, 1, n)
        least, most = flips._bracket(*flips._terms(x, 0.0), cells)
        p = sign_flip(x)
        assert least <= p <= most
        assert most < close * least


@pytest.mark.parametrize("levels", [2, 5])
def test_values_that_are_equal_are_counted_together_and_give_the_same_p_value(levels):
    rng = np.random.default_rng(levels)
    for _ in range(20):
        x = rng.integers(-1, levels, 10) / 4
        assert sign_flip(x, 0.125) == enumerated(x, 0.125)
    many = rng.integers(-1, levels, 44) / 4
    start = time.process_time()
    exact = sign_flip(many, 0.125)
    assert time.process_time() - start < 0.2, "each of 2^22 sums was listed"
    assert 0 < exact <= 1


def test_the_gaussian_bound_is_above_every_p_value_and_below_hoeffdings():
    rng = np.random.default_rng(9)
    for n in (3, 8, 14):
        for x in rng.standard_normal((40, n)) + rng.uniform(-1, 1, (40, 1)):
            far = abs(x.sum()) / math.sqrt((x**2).sum())
            bound = special.ndtr(-far) / (2 * special.ndtr(-math.sqrt(2)))
            assert sign_flip(x) <= bound
            assert far < 2 or bound < 2 * math.exp(-(far**2) / 2)


def test_no_samples_and_no_values_reject_nothing():
    assert rejects(np.zeros((0, 5)), 0.0, 0.05).shape == (0,)
    assert rejects(np.zeros((3, 0)), 0.0, 0.05).tolist() == [False] * 3
