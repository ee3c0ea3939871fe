"""Looks at a growing sample: what they spend, when they stop, how often they are wrong."""

import math

import numpy as np
import pytest
from scipy import stats

from ablations import sequential
from ablations.records import Word, Zones
from ablations.sequential import looks, prospects, see, stops, walk
from ablations.verdict import measure, settle, words

family = 1 - 0.05 / 79
plain = Zones(null=1.0, null_reason="for the test")


def test_looks_spend_what_obrien_and_fleming_would_and_no_more_than_the_level():
    spent = [1 - level for level in sequential.levels(0.95) if level is not None]
    z = stats.norm.isf(0.025)
    total = [2 * stats.norm.sf(z / math.sqrt(n / 32)) for n in (16, 20, 32)]
    assert spent == pytest.approx(np.diff([0.0, *total]), rel=1e-9)
    assert sum(spent) == pytest.approx(0.05)


def test_a_look_at_which_flips_cannot_reject_spends_nothing():
    # At the family's level the second look would have 1.3e-6, and 16 pairs can't go below 3.1e-5.
    found = sequential.levels(family)
    assert found[:2] == (None, None)
    spent = [1 - level for level in found[2:]]
    assert sum(spent) == pytest.approx(1 - family)
    assert spent[0] == pytest.approx(
        2 * stats.norm.sf(stats.norm.isf((1 - family) / 2) / 0.625**0.5)
    )


def test_only_what_is_hopeless_stops_at_the_first_look():
    base = np.linspace(-1, 1, 12)
    far, near = base + 3.0, base + 1.0 + 1e-3
    last = sequential.levels(family)[-1]
    found = stops(measure(np.stack([far, near, np.full(12, 1.0)]), last), plain, symmetric=True)
    assert found.tolist() == [False, True, False]


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_sample_is_stopped_where_its_prospects_are_below_a_tenth(symmetric):
    x = np.random.default_rng(6).normal(0, 0.6, (400, 12)) + np.linspace(-4, 4, 400)[:, None]
    last = sequential.levels(family)[-1]
    zones = Zones(null=1.0, null_reason="test", band=(2.0, 3.0))
    found = stops(measure(x, last), zones, symmetric=symmetric, shift=0.25)
    chances = prospects(x + 0.25, zones, last, symmetric=symmetric)
    assert found.tolist() == (chances < sequential.hopeless).tolist()
    assert 0.1 < found.mean() < 0.9


def test_a_shifted_walk_is_the_walk_of_shifted_samples():
    x = np.random.default_rng(8).normal(0, 0.5, (400, 32))
    for truth in (-1.0, 0.0, 1.3):
        shifted = walk(see(x, 0.9), plain, symmetric=False, shift=truth)
        walked = walk(see(x + truth, 0.9), plain, symmetric=False)
        assert [found.tolist() for found in shifted] == [found.tolist() for found in walked]


def test_a_sample_stops_at_the_look_that_settles_it():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 32)) * 0.1
    x += np.array([[5.0], [1.0], [-4.0], [1.15]])
    x[3] = 1.15 + 0.13 * np.tile([1.0, -1.0], 16)
    found, pairs = walk(see(x, family), plain, symmetric=True)
    assert [words[k] for k in found] == ["CONFIRMED", "INCONCLUSIVE", "CONTRADICTED", "CONFIRMED"]
    assert pairs.tolist() == [20, 12, 20, 32]
    assert set(pairs) <= set(looks)


def test_a_walk_says_at_a_look_what_the_rule_says_there():
    x = np.random.default_rng(4).normal(1.9, 1.0, (300, 32))
    found, pairs = walk(see(x, 0.95), plain, symmetric=True)
    for n, level in zip(looks, sequential.levels(0.95), strict=True):
        here = pairs == n
        if level is not None and here.any():
            at_once = settle(measure(x[:, :n], level), plain, symmetric=True)
            assert (found[here] == at_once[here]).all()
    assert len(set(pairs)) == 4


@pytest.mark.parametrize("truth", [1.0, -1.0])
def test_several_looks_are_wrong_no_more_often_than_their_level(truth):
    samples = 20_000
    x = np.random.default_rng(5).normal(truth, 0.5, (samples, 32))
    found, _ = walk(see(x, 0.9), plain, symmetric=True)
    false = (Word.CONFIRMED if truth > 0 else Word.CONTRADICTED, Word.NO_EFFECT)
    for word in false:
        rate = (found == words.index(word)).mean()
        assert 0.02 < rate < 0.05 + 4 * math.sqrt(0.05 * 0.95 / samples)
    # Looking at the full level each time would be wrong more often.
    careless = np.zeros(samples, dtype=bool)
    for n in (16, 20, 32):
        careless |= settle(measure(x[:, :n], 0.9), plain, symmetric=True) == words.index(false[0])
    assert careless.mean() > 0.05 + 4 * math.sqrt(0.05 * 0.95 / samples)
