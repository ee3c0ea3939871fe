"""More pairs, more exceptions, a larger share: looks and plans go one way only.

The tables are drawn too, beside those that are in use.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.planning.chances import Spread, ahead, chances, needed, prospects
from ablations.rule import judge, table_for
from ablations.rule.pairs import Pairs
from ablations.rule.table import TABLES, Table, chance_to_establish, error, share_needed
from tests.ablations.rule.samples import CLAIMS, SIZES, claims, drawn, pairs_of, seeds

examples = settings(max_examples=40)
members = st.sampled_from(list(SIZES))
probabilities = st.floats(0, 1)


@st.composite
def ladders(draw):
    """Looks with the exceptions that a statement may have there, neither of them falling."""
    looks = sorted(draw(st.sets(st.integers(4, 60), min_size=1, max_size=4)))
    counts = sorted(draw(st.integers(0, n // 2)) for n in looks)
    return {n: min(c, n) for n, c in zip(looks, counts, strict=True)}


@examples
@given(exceptions=ladders(), one=probabilities, other=probabilities)
def test_a_statement_is_established_the_likelier_the_later_and_the_larger_its_share(
    exceptions, one, other
):
    low, high = (
        list(chance_to_establish(exceptions, share).values()) for share in sorted([one, other])
    )
    for found in (low, high):
        assert all(a <= b + 1e-12 for a, b in itertools.pairwise(found))
        assert all(-1e-12 <= chance <= 1 + 1e-9 for chance in found)
    assert all(a <= b + 1e-9 for a, b in zip(low, high, strict=True))


@examples
@given(exceptions=ladders(), data=st.data())
def test_an_exception_more_at_any_look_errs_no_less_often(exceptions, data):
    look = data.draw(st.sampled_from(list(exceptions)))
    more = {**exceptions, look: exceptions[look] + 1}
    assert error(more, 0.5) >= error(exceptions, 0.5) - 1e-12


@examples
@given(exceptions=ladders(), share=probabilities, n=st.integers(0, 60), data=st.data())
def test_with_an_exception_more_among_those_seen_a_statement_is_less_likely(
    exceptions, share, n, data
):
    seen = data.draw(st.integers(0, n))
    fewer, more = (chance_to_establish(exceptions, share, (n, k)) for k in (seen, seen + 1))
    assert all(more[look] <= fewer[look] + 1e-12 for look in more)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.members))
def test_later_looks_need_smaller_shares_and_more_power_needs_larger_ones(table: Table):
    for exceptions in (table.exceptions, table.shares):
        wanted = [share_needed(exceptions, look) for look in exceptions]
        assert wanted == sorted(wanted, reverse=True)
        powers = [share_needed(exceptions, max(exceptions), power) for power in (0.5, 0.8, 0.95)]
        assert powers == sorted(powers)


@examples
@given(seed=seeds, claim=claims, of=members)
def test_each_look_narrows_the_interval_and_keeps_what_is_established(seed, claim, of):
    """Pairs are added one look after the other, as a run adds them."""
    rng, table = np.random.default_rng(seed), table_for(of)
    sample = drawn(rng, table.looks[-1])
    found = [
        judge(pairs_of(*(part[:look] for part in sample)), claim, table) for look in table.looks
    ]
    for before, after in itertools.pairwise(found):
        assert before.low <= after.low and after.high <= before.high
        for a, b in zip(before.counts, after.counts, strict=True):
            assert a.above.established <= b.above.established
            assert a.below.established <= b.below.established
    reached = [verdict.look for verdict in found]
    assert reached == list(table.looks)


@examples
@given(seed=seeds, claim=claims, of=members, n=st.integers(0, 60))
def test_pairs_that_are_needed_are_a_look_ahead(seed, claim, of, n):
    table = table_for(of)
    sample = drawn(np.random.default_rng(seed), min(n, table.looks[-1]))
    verdict = judge(pairs_of(*sample), claim, table)
    assert verdict.needed is None or (verdict.needed > verdict.n and verdict.needed in table.looks)


@examples
@given(
    which=st.sampled_from(range(len(CLAIMS))),
    of=members,
    sd=st.floats(0, 8),
    lost=st.sampled_from([0.0, 0.1, 0.5]),
    truth=st.floats(-8, 8),
)
def test_a_plan_settles_the_likelier_the_more_pairs_it_has_and_the_fewer_are_lost(
    which, of, sd, lost, truth
):
    zones, table = CLAIMS[which][0], table_for(of)
    found, lossier = (
        chances(zones, table, Spread(sd=sd, lost=share).beyond(truth))
        for share in (lost, (1 + lost) / 2)
    )
    for group in ("holds", "partly", "fails"):
        by_look = [getattr(chance, group) for chance in found]
        assert all(a <= b + 1e-9 for a, b in itertools.pairwise(by_look))
        assert all(0 <= chance <= 1 + 1e-9 for chance in by_look)
        assert all(
            getattr(b, group) <= getattr(a, group) + 1e-6
            for a, b in zip(found, lossier, strict=True)
        )
    wanted = [needed(found, power) or math.inf for power in (0.5, 0.8, 0.9)]
    assert wanted == sorted(wanted)


@examples
@given(
    which=st.sampled_from([0, 3, 5, 6]),
    of=members,
    sd=st.floats(0.1, 8),
    truths=st.tuples(st.floats(-8, 8), st.floats(-8, 8)),
)
def test_a_claim_without_an_upper_edge_holds_the_likelier_the_larger_the_effect(
    which, of, sd, truths
):
    zones, table, spread = CLAIMS[which][0], table_for(of), Spread(sd=sd)
    small, large = (chances(zones, table, spread.beyond(truth)) for truth in sorted(truths))
    for a, b in zip(small, large, strict=True):
        assert a.holds <= b.holds + 1e-9
        assert a.fails >= b.fails - 1e-9


@examples
@given(
    which=st.sampled_from([0, 3, 5]), of=members, sds=st.tuples(st.floats(0, 8), st.floats(0, 8))
)
def test_a_wider_spread_never_makes_what_is_documented_likelier_to_hold(which, of, sds):
    zones, table = CLAIMS[which][0], table_for(of)
    narrow, wide = (prospects([zones], [Spread(sd=sd)], table)[0] for sd in sorted(sds))
    for a, b in zip(narrow.chances, wide.chances, strict=True):
        assert b.holds <= a.holds + 1e-9


@examples
@given(seed=seeds, claim=claims, of=members, n=st.integers(0, 60))
def test_what_is_ahead_grows_with_how_far_one_looks(seed, claim, of, n):
    table = table_for(of)
    low, high, mean_value, failed = drawn(np.random.default_rng(seed), n)
    pairs = Pairs.within(low, high, mean_value=mean_value, failed=failed)
    found = [ahead(pairs, claim, table, look) for look in table.looks]
    assert found == sorted(found)
    assert all(0 <= chance <= 1 for chance in found)
