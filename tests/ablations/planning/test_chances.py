"""Chances by counting paths, against simulations by the rule itself."""

import numpy as np
import pytest

from ablations.planning.chances import (
    Spread,
    ahead,
    chances,
    documented,
    needed,
    prospects,
    together,
    ways,
)
from ablations.records.plans import Chance
from ablations.rule import Group, Pairs, Word, group_of, judge, judge_many, table_for, zones
from ablations.rule.outcomes import UNSETTLED
from ablations.rule.verdict import WORDS

TABLE = table_for(89)
SAMPLES = 4000
ABOUT = zones.ratio(null=0.05, because="made up", fewer=True, about=(0.6, 0.8))
PLAIN = zones.difference(null=0.1, because="made up")
LEAST = zones.difference(null=0.1, because="made up", at_least=0.3)
EITHER = zones.either_side(null=0.1, because="made up")
SAFE = zones.not_worse(margin=0.1, because="made up")


def simulated(given, truth, spread, seed=0):
    """The share of samples in each group by each look."""
    random = np.random.default_rng(seed)
    x = random.normal(truth, spread.sd, (SAMPLES, TABLE.looks[-1]))
    x[random.random(x.shape) < spread.lost] = np.nan
    words = judge_many(Pairs.exact(x), given, TABLE)
    groups = np.array([group_of(word) for word in WORDS])[words.by_itself]
    settled = ~np.isin(np.array(WORDS)[words.by_itself], list(UNSETTLED))
    return {
        look: {
            group: float((settled[i] & (groups[i] == group)).mean())
            for group in (Group.HOLDS, Group.PARTLY, Group.FAILS)
        }
        for i, look in enumerate(words.looks)
        if look
    }


@pytest.mark.parametrize(
    ("given", "truth", "spread"),
    [
        (ABOUT, 0.36, Spread(sd=0.12)),
        (ABOUT, 0.0, Spread(sd=0.1)),
        (ABOUT, 0.13, Spread(sd=0.1)),  # between the null zone and the band: both statements
        (PLAIN, 0.2, Spread(sd=0.1)),
        (PLAIN, 0.05, Spread(sd=0.1)),
        (PLAIN, -0.2, Spread(sd=0.3)),
        (PLAIN, 0.2, Spread(sd=0.1, lost=0.08)),
        (LEAST, 0.2, Spread(sd=0.1)),
        (EITHER, 0.0, Spread(sd=0.1)),
        (EITHER, -0.2, Spread(sd=0.15)),
        (SAFE, 0.0, Spread(sd=0.05)),
        (SAFE, -0.2, Spread(sd=0.1)),
    ],
)
def test_a_promised_chance_is_met_within_three_points(given, truth, spread):
    found = simulated(given, truth, spread)
    for chance in chances(given, TABLE, spread.beyond(truth)):
        met = found[chance.look]
        assert chance.holds == pytest.approx(met[Group.HOLDS], abs=0.03)
        assert chance.partly == pytest.approx(met[Group.PARTLY], abs=0.03)
        assert chance.fails == pytest.approx(met[Group.FAILS], abs=0.03)


def test_without_spread_a_claim_settles_at_the_first_look():
    first, *_ = chances(PLAIN, TABLE, Spread(sd=0.0).beyond(0.2))
    assert (first.look, first.holds, first.fails) == (16, 1.0, 0.0)
    first, *_ = chances(PLAIN, TABLE, Spread(sd=0.0).beyond(0.1))  # on the edge isn't beyond it
    assert first.settled == 0.0


def test_lost_pairs_are_exceptions_on_every_side():
    free, lossy = (
        chances(PLAIN, TABLE, Spread(sd=0.1, lost=lost).beyond(0.2)) for lost in (0.0, 0.2)
    )
    assert all(a.holds > b.holds for a, b in zip(free, lossy, strict=True))
    edge = Spread(sd=0.1, lost=0.2).beyond(0.0)
    assert edge(0.0, 1) + edge(0.0, -1) == pytest.approx(0.8)


def test_chances_grow_with_looks_and_stay_below_one():
    for truth in (-0.2, 0.0, 0.1, 0.15, 0.3):
        found = chances(LEAST, TABLE, Spread(sd=0.15).beyond(truth))
        settled = [chance.settled for chance in found]
        assert settled == sorted(settled)
        assert settled[-1] <= 1 + 1e-3


def test_the_ways_to_settle_are_those_of_the_rule():
    assert [way.group for way in ways(PLAIN)] == [Group.FAILS, Group.HOLDS]
    assert [way.group for way in ways(ABOUT)] == [Group.FAILS, Group.HOLDS, Group.PARTLY]
    settled = judge(Pairs.exact(np.full(26, 0.2)), PLAIN, TABLE)
    assert settled.word is Word.CONFIRMED


def test_a_conjunction_holds_less_often_and_fails_more_often_than_its_parts():
    one = Chance(look=16, holds=0.9, partly=0.0, fails=0.05)
    two = Chance(look=16, holds=0.8, partly=0.1, fails=0.0)
    (found,) = together([(one,), (two,)])
    assert found.holds == pytest.approx(0.72)
    assert found.fails == pytest.approx(0.05)
    assert found.partly == pytest.approx(0.09)


def test_the_effect_that_is_planned_for():
    assert documented(PLAIN) == 0.2
    assert documented(LEAST) == pytest.approx(0.4)
    assert documented(ABOUT) == pytest.approx(sum(ABOUT.band) / 2)
    assert documented(SAFE) == 0.0


def test_prospects_are_in_the_reader_s_unit():
    found = prospects([ABOUT], [Spread(sd=0.1)], TABLE)
    assert [p.truth for p in found] == ["as documented", "no effect", "the opposite"]
    assert found[0].effect == pytest.approx(0.6928, abs=1e-3)
    assert found[1].effect == 1.0
    assert needed(found[0].chances, 0.8) in TABLE.looks
    assert needed(found[0].chances, 1.1) is None
    assert found[2].chances[-1].fails > 0.99
    assert len(prospects([EITHER], [Spread(sd=0.1)], TABLE)) == 2
    assert len(prospects([SAFE], [Spread(sd=0.1)], TABLE)) == 2


def test_normal_noise_needs_the_distances_that_the_method_prints():
    """The table of the method: 1.35 standard deviations give 80 % at 26 pairs, 0.79 at 60."""
    for look, distance in ((16, 2.23), (26, 1.35), (40, 0.97), (60, 0.79)):
        spread = Spread(sd=0.1)
        found = chances(PLAIN, TABLE, spread.beyond(0.1 + distance * 0.1))
        assert next(c.holds for c in found if c.look == look) == pytest.approx(0.8, abs=0.015)


def test_what_is_ahead_follows_from_the_shares_so_far():
    near, far = np.full(16, 0.3), np.linspace(-0.5, 0.6, 16)
    near[:2] = 0.0
    assert ahead(Pairs.exact(near), PLAIN, TABLE, 26) > 0.4
    assert ahead(Pairs.exact(far), PLAIN, TABLE, 26) < 0.05
    assert ahead(Pairs.exact(near), PLAIN, TABLE, 60) > ahead(Pairs.exact(near), PLAIN, TABLE, 26)
