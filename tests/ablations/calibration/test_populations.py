"""Populations of pairs: their truth is what it is said to be, through the tests' arithmetic."""

import itertools

import numpy as np
import pytest

from ablations.calibration.noises import NOISES, OUT, SIZE
from ablations.calibration.populations import population
from ablations.calibration.questions import SHARE, TESTS, edges, far_out, parts

CELLS = list(itertools.product(TESTS, NOISES))


def shares(pairs, part, edge):
    """What is known to lie above an edge, and below it, as shares."""
    rounding = part.zones.rounding
    return (pairs.low > edge + rounding).mean(), (pairs.high < edge - rounding).mean()


def made(test, noise, place, seed=0):
    return population(TESTS[test], NOISES[noise], place, np.random.default_rng(seed))


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_no_statement_about_an_edge_is_true_of_more_pairs_than_its_share(number):
    test, noise = CELLS[number]
    places = edges(TESTS[test])
    place = places[(number + number // len(NOISES)) % len(places)]
    for part, pairs, edge in zip(
        parts(TESTS[test]), made(test, noise, place), place.medians, strict=True
    ):
        above, below = shares(pairs, part, edge)
        assert above <= place.share and below <= 1 - place.share + 1e-12


@pytest.mark.parametrize("test", TESTS)
def test_of_normal_noise_the_statements_are_barely_false(test):
    for place in edges(TESTS[test]):
        found = made(test, "normal", place)
        for part, pairs, edge in zip(parts(TESTS[test]), found, place.medians, strict=True):
            assert shares(pairs, part, edge) == pytest.approx((place.share, 1 - place.share))


@pytest.mark.parametrize("test", TESTS)
def test_a_claim_that_holds_far_out_has_nearly_all_pairs_on_its_side(test):
    for noise in ("normal", "Cauchy", "far against", "diverged"):
        place = far_out(TESTS[test])
        for part, pairs in zip(parts(TESTS[test]), made(test, noise, place), strict=True):
            zones = part.zones
            weak = zones.nearly_all if zones.nearly_all is not None else zones.null
            assert shares(pairs, part, weak if zones.band is None else zones.band[0])[0] > 0.9


def test_runs_that_diverge_are_the_worst_outcome_on_their_side():
    place = edges(TESTS["ratio, about"])[0]
    (pairs,) = made("ratio, about", "diverged", place)
    assert (pairs.high == -np.inf).mean() == (pairs.low == np.inf).mean() == OUT
    assert pairs.failed[pairs.high == -np.inf, 1].all()
    assert pairs.failed[pairs.low == np.inf, 0].all()


def test_censored_and_missing_values_bound_a_contrast_as_far_as_they_can():
    place = edges(TESTS["time to target"])[0]
    (censored,) = made("time to target", "censored", place)
    (missing,) = made("time to target", "unknown", place)
    limited = (censored.low < censored.high) & ~censored.unknown
    assert 0.2 < limited.mean() < 0.5
    assert missing.unknown.mean() == OUT and not missing.failed.any()


def test_three_quarters_lie_beyond_the_edge_of_claims_about_nearly_all_pairs():
    place = next(p for p in edges(TESTS["not worse"]) if p.share == SHARE)
    (pairs,) = made("not worse", "lognormal for", place)
    assert (pairs.low > place.medians[0]).sum() == SHARE * SIZE
