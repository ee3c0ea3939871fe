"""Contrasts that are known, known within limits, infinite or unknown."""

import math

import numpy as np
import pytest

from ablations.rule.pairs import Pairs

INF, NAN = math.inf, math.nan


def test_a_known_contrast_has_equal_limits_and_is_stored_once():
    pairs = Pairs.exact([1.0, -2.0])
    assert pairs.known and pairs.low.tolist() == pairs.high.tolist() == [1, -2]


def test_what_is_not_a_number_is_unknown():
    pairs = Pairs.exact([1.0, NAN])
    assert (pairs.low[1], pairs.high[1]) == (-INF, INF)
    assert pairs.unknown.tolist() == [False, True]
    censored = Pairs.within([NAN, 2.0], [3.0, NAN])
    assert censored.low.tolist() == [-INF, 2] and censored.high.tolist() == [3, INF]
    assert not censored.unknown.any()


def test_the_mean_reads_finite_known_contrasts_unless_it_is_told_what_to_read():
    within = Pairs.within([1.0, -INF, 2.0, NAN], [1.0, -INF, 3.0, NAN])
    np.testing.assert_array_equal(within.mean_value, [1, NAN, NAN, NAN])
    told = Pairs.exact([1.0, -INF], mean_value=[1.0, -0.8])
    assert told.mean_value.tolist() == [1, -0.8]
    np.testing.assert_array_equal(Pairs.exact([1.0, 2.0], mean_value=[INF, NAN]).mean_value, NAN)


def test_no_run_has_failed_unless_it_is_said():
    assert not Pairs.exact([1.0, 2.0]).failed.any()
    assert Pairs.exact([1.0], failed=[[True, False]]).failed.tolist() == [[True, False]]


def test_the_first_pairs_are_the_first_of_everything():
    first = Pairs.within([1.0, 2, 3], [2.0, 3, 4], failed=[[1, 0], [0, 1], [1, 1]]).first(2)
    assert first.low.tolist() == [1, 2] and first.high.tolist() == [2, 3]
    assert first.failed.tolist() == [[True, False], [False, True]]
    assert Pairs.exact([1.0, 2, 3]).first(2).known


def test_one_sample_is_many_of_which_there_is_one():
    pairs = Pairs.within([1.0, 2], [2.0, 3])
    assert pairs.many().low.shape == (1, 2) and pairs.many().many().low.shape == (1, 2)
    assert pairs.n == pairs.many().n == 2


def test_exchanged_arms_have_the_opposite_contrasts_and_each_others_failures():
    turned = Pairs.within([1.0, -INF], [2.0, 3.0], failed=[[1, 0], [0, 0]]).turned()
    assert turned.low.tolist() == [-2, -3] and turned.high.tolist() == [-1, INF]
    assert turned.failed.tolist() == [[False, True], [False, False]]
    assert Pairs.exact([1.0]).turned().known


def test_a_pair_on_an_edge_or_across_it_is_not_beyond_it():
    pairs = Pairs.within([1.0, 2, 0, -INF], [1.0, 2, 3, INF])
    assert pairs.beyond(1, 1).tolist() == [False, True, False, False]
    assert pairs.beyond(2, -1).tolist() == [True, False, False, False]
    assert Pairs.exact([0.9 - 0.7]).beyond(0.2, 1).all()
    assert not Pairs.exact([0.9 - 0.7]).beyond(0.2, 1, 1e-10).any()


def test_limits_the_wrong_way_round_are_our_mistake():
    with pytest.raises(AssertionError, match="low above high"):
        Pairs.within([2.0], [1.0])
