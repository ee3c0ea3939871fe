"""From pairs to words: every word, the order they come in, and what can't change them."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from ablations.rule import zones
from ablations.rule.needs import further
from ablations.rule.outcomes import UNSETTLED, Group, Word, group_of
from ablations.rule.pairs import Pairs
from ablations.rule.table import TABLES, chance_to_establish, error, table_for
from ablations.rule.verdict import WORDS, conjunction, judge, judge_many
from tests.ablations.rule import independent
from tests.ablations.rule.samples import CLAIMS, SIZES, WHY, claims, drawn, pairs_of, rows_of, seeds

INF, NAN = math.inf, math.nan
LADDER = table_for(89)
PLAIN = zones.difference(null=2, **WHY)
ABOUT = zones.difference(null=2, about=(4, 6), **WHY)
LEAST = zones.difference(null=2, at_least=4, **WHY)
EITHER = zones.either_side(null=2, **WHY)
SAFE = zones.not_worse(margin=2, **WHY)
SURE = zones.reliable(above=3, **WHY)


def word(values, claim, table=LADDER, **more):
    return judge(Pairs.exact(values, **more), claim, table).word


def mixed(n, *parts):
    """Return n values: each part (value, number) once, the last part's value for all the rest."""
    values = [value for value, number in parts[:-1] for _ in range(number)]
    return values + [parts[-1][0]] * (n - len(values))


@pytest.mark.parametrize("members", [1, 9, 89])
@pytest.mark.parametrize("claim", range(len(CLAIMS)))
def test_the_engine_and_an_independent_recomputation_agree(members, claim):
    rng, (made, same) = np.random.default_rng([members, claim]), CLAIMS[claim]
    seen = set()
    for i in range(250):
        sample = drawn(rng, SIZES[members][i % len(SIZES[members])])
        expected = independent.word(rows_of(*sample), same, members)
        found = judge(pairs_of(*sample), made, table_for(members))
        assert found.word == expected, (i, found)
        seen.add(found.word)
    assert len(seen) >= 4, seen


def test_the_compared_samples_reach_every_word_that_pairs_can_have():
    rng, seen = np.random.default_rng(1), set()
    for made, _ in CLAIMS:
        for members, sizes in SIZES.items():
            for n in sizes * 12:
                found = judge(pairs_of(*drawn(rng, n)), made, table_for(members))
                seen |= {found.word, found.by_itself}
    assert seen == set(Word) - {Word.EXACT, Word.MISMATCH}


@pytest.mark.parametrize(
    ("claim", "value", "expected"),
    [
        (PLAIN, -3, Word.CONTRADICTED),
        (PLAIN, -2, Word.NO_GAIN),
        (PLAIN, -1, Word.NO_EFFECT),
        (PLAIN, 0, Word.NO_EFFECT),
        (PLAIN, 1, Word.NO_EFFECT),
        (PLAIN, 2, Word.DIRECTION_ONLY),
        (PLAIN, 3, Word.CONFIRMED),
        (PLAIN, INF, Word.CONFIRMED),
        (PLAIN, -INF, Word.CONTRADICTED),
        (ABOUT, 1, Word.NO_EFFECT),
        (ABOUT, 2, Word.DIRECTION_ONLY),
        (ABOUT, 3, Word.WEAKER),
        (ABOUT, 4, Word.DIRECTION_ONLY),
        (ABOUT, 5, Word.CONFIRMED),
        (ABOUT, 6, Word.AT_LEAST),
        (ABOUT, 7, Word.EXCEEDED),
        (LEAST, 3, Word.WEAKER),
        (LEAST, 4, Word.DIRECTION_ONLY),
        (LEAST, 5, Word.CONFIRMED),
        (LEAST, INF, Word.CONFIRMED),
        (EITHER, -3, Word.CONFIRMED),
        (EITHER, -2, Word.DIRECTION_ONLY),
        (EITHER, -1, Word.NO_EFFECT),
        (EITHER, 0, Word.NO_EFFECT),
        (EITHER, 2, Word.DIRECTION_ONLY),
        (EITHER, 3, Word.CONFIRMED),
        (SAFE, -3, Word.CONTRADICTED),
        (SAFE, -2, Word.INCONCLUSIVE),
        (SAFE, -1, Word.CONFIRMED),
        (SURE, 2, Word.CONTRADICTED),
        (SURE, 3, Word.INCONCLUSIVE),
        (SURE, 4, Word.CONFIRMED),
    ],
)
def test_equal_pairs_in_each_zone_and_on_each_edge_have_its_word(claim, value, expected):
    assert word([float(value)] * 40, claim) is expected


def test_pairs_on_both_sides_of_everything_are_inconclusive():
    for claim in (PLAIN, ABOUT, LEAST, EITHER, SAFE, SURE):
        assert word([-9.0, 9.0] * 20, claim) is Word.INCONCLUSIVE


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_statement_may_have_as_many_exceptions_as_the_table_says_and_no_more(table):
    look = table.looks[-1]
    c = table.exceptions[look]
    for far, said in ((3.0, Word.CONFIRMED), (-3.0, Word.CONTRADICTED)):
        # The exceptions come first, so that no earlier look has fewer, and are unknown, so that
        # they say nothing themselves.
        assert word(mixed(look, (NAN, c), (far, 0)), PLAIN, table) is said
        assert word(mixed(look, (NAN, c + 1), (far, 0)), PLAIN, table) is Word.INCONCLUSIVE


def test_a_share_may_have_as_many_exceptions_as_its_table_says_and_no_more():
    for table in TABLES:
        for look, c in table.shares.items():
            for n, said in ((c, Word.CONFIRMED), (c + 1, Word.INCONCLUSIVE)):
                assert word(mixed(look, (-3.0, n), (1.0, 0)), SAFE, table) is said


def test_before_the_first_look_nothing_is_established():
    found = judge(Pairs.exact([9.0] * 15), PLAIN, LADDER)
    assert (found.word, found.look, found.n) == (Word.INCONCLUSIVE, 0, 15)
    assert (found.low, found.high, found.estimate) == (-INF, INF, 9)
    assert not found.settled and found.at_look is None and found.needed == 16


def test_without_pairs_a_claim_was_not_run():
    found = judge(Pairs.exact([]), PLAIN, LADDER)
    assert (found.word, found.group, found.estimate) == (Word.NOT_RUN, Group.OPEN, None)
    assert found.needed is None and found.mean is None and not found.settled


def test_pairs_beyond_the_last_look_reached_are_not_read():
    few, more = [5.0] * 16, [5.0] * 16 + [-99.0] * 9
    a, b = (judge(Pairs.exact(x), PLAIN, LADDER) for x in (few, more))
    assert b.n == 25 and b.look == 16
    same = {"n": 16, "sentence": a.sentence, "counts": a.counts}
    assert dataclasses.replace(b, **same) == a


def test_the_interval_is_that_of_all_looks_reached():
    values = [5.0] * 16 + [0.0] * 10
    found = judge(Pairs.exact(values), PLAIN, LADDER)
    assert (found.low, found.high, found.word) == (5, 5, Word.CONFIRMED)
    assert found.count(2).above == dataclasses.replace(found.count(2).above, pairs=16, of=16)

    found = judge(Pairs.exact([0.0] * 16 + [9.0] * 10), PLAIN, LADDER)
    assert (found.low, found.high, found.word) == (0, 0, Word.SPLIT)
    assert found.by_itself is Word.NO_EFFECT


def test_a_share_that_was_established_stays_so():
    assert word([1.0] * 40 + [-3.0] * 10 + [1.0] * 10, SAFE) is Word.CONFIRMED


def test_looks_that_exclude_each_other_are_invalid():
    found = judge(Pairs.exact([5.0] * 16 + [-5.0] * 104), PLAIN, LADDER)
    assert found.word is Word.INVALID and found.low > found.high
    assert found.settled and found.at_look == 120


def test_a_share_and_a_median_that_exclude_each_other_are_invalid():
    values = [1.0] * 40 + [-9.0] * 200
    assert word(values, SAFE) is Word.INVALID


def test_a_fault_makes_a_claim_invalid_whatever_its_pairs_say():
    found = judge(Pairs.exact([5.0] * 26), PLAIN, LADDER, faults=["a control failed"])
    assert (found.word, found.settled, found.needed) == (Word.INVALID, False, None)
    assert found.sentence == "a control failed"


@pytest.mark.parametrize("claim", [PLAIN, ABOUT, EITHER, SAFE])
def test_an_unknown_pair_is_an_exception_on_every_side(claim):
    for value in (-5.0, 0.0, 5.0):
        known = judge(Pairs.exact([value] * 40), claim, LADDER)
        some = judge(Pairs.exact([NAN] * 9 + [value] * 31), claim, LADDER)
        assert some.word is Word.INCONCLUSIVE and known.word is not Word.INCONCLUSIVE
        assert (some.unknown, some.n) == (9, 40)
        for count in some.counts:
            assert count.above.pairs + count.below.pairs <= 31


def test_a_censored_pair_lies_beyond_an_edge_only_if_all_of_it_does():
    def censored(low, high):
        return judge(Pairs.within([low] * 16, [high] * 16), PLAIN, LADDER).word

    assert censored(3, INF) is Word.CONFIRMED
    assert censored(2, INF) is Word.DIRECTION_ONLY
    assert censored(0, INF) is Word.INCONCLUSIVE
    assert censored(-INF, 1) is Word.NO_GAIN
    assert censored(-INF, -3) is Word.CONTRADICTED
    assert censored(-1, 1) is Word.NO_EFFECT


def test_diverged_runs_are_counted_and_never_dropped():
    assert word([-INF] * 3 + [5.0] * 23, PLAIN) is Word.CONFIRMED
    assert word([-INF] * 4 + [5.0] * 22, PLAIN) is Word.INCONCLUSIVE


def test_rounding_lets_no_tie_through():
    claim = zones.difference(null=0.2, **WHY)
    assert 0.9 - 0.7 > 0.2
    assert word([0.9 - 0.7] * 16, claim) is Word.DIRECTION_ONLY
    assert word([0.3 - 0.1] * 16, claim) is Word.DIRECTION_ONLY
    assert word([0.2 + 1e-6] * 16, claim) is Word.CONFIRMED


# ── SPLIT ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claim", "typical", "odd"),
    [
        (PLAIN, 3, -99),
        (ABOUT, 5, -99),
        (ABOUT, 7, -99),
        (ABOUT, 6, -99),
        (ABOUT, 3, -99),
        (PLAIN, -3, 99),
        (PLAIN, 0, 99),
        (PLAIN, 0, -99),
        (PLAIN, -2, 99),
        (EITHER, 3, -99),
        (EITHER, -3, 99),
        (EITHER, 0, 99),
        (EITHER, 0, -99),
        (SAFE, -3, 99),
        (SURE, 2, 99),
    ],
)
def test_a_mean_against_the_word_splits_it(claim, typical, odd):
    values = mixed(40, (odd, 3), (float(typical), 0))
    found = judge(Pairs.exact(values), claim, LADDER)
    assert found.word is Word.SPLIT and found.group is Group.PARTLY
    assert found.by_itself is word([float(typical)] * 40, claim)
    assert found.settled
    other = judge(Pairs.exact(mixed(40, (-odd, 3), (float(typical), 0))), claim, LADDER)
    if typical not in (0,):
        assert other.word is not Word.SPLIT


def test_a_mean_beyond_the_edge_of_a_share_splits_it():
    values = mixed(60, (-999.0, 3), (0.0, 0))
    assert word(values, SAFE) is Word.SPLIT
    assert word(mixed(60, (-9.0, 3), (0.0, 0)), SAFE) is Word.CONFIRMED  # the mean is -0.45
    assert word(mixed(60, (-99.0, 3), (5.0, 0)), SURE) is Word.SPLIT


def test_a_mean_of_nothing_or_on_the_border_splits_no_word():
    for mean in (0.0, NAN):
        assert word([5.0] * 16, PLAIN, mean_value=[mean] * 16) is Word.CONFIRMED
    assert word([0.0] * 16, PLAIN, mean_value=[2.0] * 16) is Word.NO_EFFECT
    assert word([5.0] * 16, PLAIN, mean_value=[-0.1] * 16) is Word.SPLIT
    assert word([5.0] * 16, PLAIN, mean_value=[-0.1] + [NAN] * 15) is Word.SPLIT
    assert word([0.0] * 16, PLAIN, mean_value=[2.1] + [NAN] * 15) is Word.SPLIT


def test_a_diverged_run_counts_in_the_mean_at_the_worst_value_of_its_score():
    values = [-INF] * 3 + [3.0] * 23
    assert word(values, PLAIN) is Word.CONFIRMED
    assert word(values, PLAIN, mean_value=[-30.0] * 3 + [3.0] * 23) is Word.SPLIT


def test_a_word_that_is_not_settled_is_not_split():
    values, means = [-9.0, 9.0] * 20, [-99.0] * 40
    assert word(values, PLAIN, mean_value=means) is Word.INCONCLUSIVE
    assert word([2.0] * 40, PLAIN, mean_value=means) is Word.DIRECTION_ONLY
    assert word([5.0] * 16 + [-5.0] * 104, PLAIN, mean_value=[-9.0] * 120) is Word.INVALID


def failing(n, baseline, treatment):
    """Return which runs fail: so many of each arm, in different pairs."""
    return [[i < baseline, baseline <= i < baseline + treatment] for i in range(n)]


@pytest.mark.parametrize(
    ("claim", "value", "arms"),
    [
        (PLAIN, 3, "treatment"),
        (ABOUT, 3, "treatment"),
        (PLAIN, -3, "baseline"),
        (PLAIN, 0, "both"),
        (PLAIN, -2, "baseline"),
        (EITHER, 3, "treatment"),
        (EITHER, -3, "baseline"),
        (EITHER, 0, "both"),
        (SAFE, 0, "treatment"),
        (SAFE, -3, "baseline"),
        (SURE, 9, "treatment"),
    ],
)
def test_failures_of_the_arm_that_a_word_favours_split_it(claim, value, arms):
    for arm, failed in (("baseline", failing(40, 6, 0)), ("treatment", failing(40, 0, 6))):
        found = judge(Pairs.exact([float(value)] * 40, failed=failed), claim, LADDER)
        assert (found.word is Word.SPLIT) == (arms in (arm, "both")), arm
        assert found.failures == ((6, 0) if arm == "baseline" else (0, 6))


@pytest.mark.parametrize("baseline", range(5))
@pytest.mark.parametrize("treatment", range(15))
def test_failures_split_a_word_where_mcnemars_exact_test_is_significant(baseline, treatment):
    both = [[True, True]] * 3
    failed = failing(37, baseline, treatment) + both
    found = word([5.0] * 40, PLAIN, failed=failed)
    total = baseline + treatment
    p = binomtest(treatment, total).pvalue if total else 1.0
    assert (found is Word.SPLIT) == (p <= 0.05 and treatment > baseline)


# ── what is settled, and what it would take ──────────────────────────────────────────────────────


def test_a_claim_is_settled_at_the_first_look_that_fixes_its_group():
    found = judge(Pairs.exact(mixed(60, (0.0, 1), (5.0, 0))), PLAIN, LADDER)
    assert (found.word, found.settled, found.at_look, found.look) == (Word.CONFIRMED, True, 26, 60)
    assert found.needed is None


@pytest.mark.parametrize("value", [2.0, NAN])
def test_a_direction_and_an_open_claim_go_on_until_the_last_look(value):
    for n, settled in ((120, False), (240, True)):
        found = judge(Pairs.exact([value] * n), PLAIN, LADDER)
        assert (found.settled, found.at_look) == (settled, 240 if settled else None)


def test_the_pairs_that_a_claim_needs_are_those_of_the_first_look_that_is_likely_enough():
    values = [5.0] * 8 + [0.0] * 2
    chances = chance_to_establish(LADDER.exceptions, 0.8, (10, 2))
    likely = next(look for look, chance in chances.items() if chance >= 0.8)
    assert further(Pairs.exact(values), PLAIN, LADDER) == likely == 60
    assert further(Pairs.exact(values), zones.difference(null=6, **WHY), LADDER) == 16
    assert further(Pairs.exact([0.0] * 3 + [5.0] * 22), PLAIN, LADDER) == 26  # 22 of 25, then 1


def test_a_claim_that_no_look_would_settle_needs_no_number():
    assert further(Pairs.exact([5.0, 0.0] * 10), PLAIN, LADDER) is None
    assert further(Pairs.exact([2.0] * 10), PLAIN, LADDER) is None
    assert further(Pairs.exact([]), PLAIN, LADDER) is None


def test_a_share_needs_a_look_of_its_own_table():
    assert further(Pairs.exact([1.0] * 16), SAFE, LADDER) == 40
    assert further(Pairs.exact([-3.0] + [1.0] * 39), SAFE, LADDER) == 60
    assert further(Pairs.exact([-3.0] * 16), SAFE, LADDER) == 26


def test_what_takes_two_statements_needs_both():
    values = [3.0] * 9 + [5.0]
    assert further(Pairs.exact(values), PLAIN, LADDER) == 16
    assert further(Pairs.exact(values), ABOUT, LADDER) == 40  # WEAKER: above 2, and below 4
    assert further(Pairs.exact([3.0] * 10), EITHER, LADDER) == 16
    assert further(Pairs.exact([0.0] * 10), EITHER, LADDER) == 16


@settings(max_examples=25, deadline=None)
@given(seed=seeds, claim=claims)
def test_a_settled_group_survives_every_further_look(seed, claim):
    rng = np.random.default_rng(seed)
    low, high, _, failed = drawn(rng, 120)
    found = judge_many(
        pairs_of(low, high, np.zeros(120) * NAN, failed & False).many(), claim, LADDER
    )
    groups = [group_of(WORDS[code]) for code in found.codes[:, 0]]
    at = found.settled[:, 0]
    for i in range(1, len(groups)):
        if at[i - 1]:
            empty = WORDS[found.codes[i, 0]] is Word.INVALID
            assert groups[i] is groups[i - 1] or empty


def test_many_samples_stop_at_the_first_look_that_settles_them():
    values = np.full((3, 60), 5.0)
    values[1, :4] = 0
    values[2] = 2
    found = judge_many(Pairs.exact(values), PLAIN, LADDER)
    assert found.looks == (0, 16, 26, 40, 60)
    assert [WORDS[code] for code in found.stopped] == [
        Word.CONFIRMED,
        Word.CONFIRMED,
        Word.DIRECTION_ONLY,
    ]
    assert found.settled.argmax(axis=0).tolist() == [1, 3, 0]
    assert found.are(Word.CONFIRMED)[:, 1].tolist() == [False, False, False, True, True]


def test_a_stop_says_the_word_of_its_own_look():
    means = np.full((1, 60), 5.0)
    means[0, 16:] = -99  # by the last look the mean speaks against the word
    found = judge_many(Pairs.exact(np.full((1, 60), 5.0), mean_value=means), PLAIN, LADDER)
    assert WORDS[found.stopped[0]] is Word.CONFIRMED and WORDS[found.codes[-1, 0]] is Word.SPLIT


@pytest.mark.parametrize("table", TABLES[:2], ids=str)
def test_a_median_on_an_edge_is_taken_for_one_beyond_it_as_often_as_paths_say(table):
    rng, looks, samples = np.random.default_rng(7), table.looks, 100_000
    values = rng.standard_cauchy((samples, looks[-1])) + 2  # the median is w, the mean isn't there
    found = judge_many(Pairs.exact(values, mean_value=values * NAN), PLAIN, table)
    for said in (Word.CONFIRMED, Word.NO_GAIN, Word.NO_EFFECT):
        chances = chance_to_establish(table.exceptions, 0.5)
        often = found.are(said)[1:].mean(axis=1)
        for rate, chance in zip(often, chances.values(), strict=True):
            assert rate <= chance + 4 * math.sqrt(chance / samples)
    rate, exact = found.are(Word.CONFIRMED)[-1].mean(), float(error(table.exceptions))
    assert rate == pytest.approx(exact, abs=4 * math.sqrt(exact / samples) + exact**2)


# ── conjunctions ─────────────────────────────────────────────────────────────────────────────────


def part(value, n=26, **more):
    return judge(Pairs.exact([float(value)] * n), more.pop("claim", PLAIN), LADDER, **more)


def test_a_conjunction_holds_if_all_parts_hold_and_fails_if_one_fails():
    holds, fails, partly, nothing = part(3), part(0), part(2), part(3, n=5)
    invalid = part(3, faults=["a control failed"])
    cases = {
        (holds, holds): (Word.CONFIRMED, True),
        (holds, part(7, claim=ABOUT)): (Word.CONFIRMED, True),
        (holds, fails): (Word.NO_EFFECT, True),
        (nothing, fails): (Word.NO_EFFECT, True),
        (invalid, fails): (Word.NO_EFFECT, True),
        (holds, partly): (Word.DIRECTION_ONLY, False),
        (partly, nothing): (Word.INCONCLUSIVE, False),
        (holds, invalid): (Word.INVALID, False),
    }
    for parts, (said, settled) in cases.items():
        for order in (parts, parts[::-1]):
            found = conjunction(order)
            assert (found.word, found.settled, found.group) == (said, settled, group_of(said))


def test_a_conjunction_says_the_reasons_of_the_parts_that_decide():
    holds, fails = part(3), part(0)
    assert conjunction([holds, fails]).sentence == fails.sentence
    assert conjunction([holds, holds]).sentence == f"{holds.sentence}; {holds.sentence}"


# ── what can't change a word ─────────────────────────────────────────────────────────────────────


def same(found):
    return found.word, found.by_itself, found.low, found.high, found.counts, found.at_look


@settings(max_examples=60, deadline=None)
@given(seed=seeds, claim=claims, members=st.sampled_from(list(SIZES)))
def test_the_order_within_a_look_changes_nothing(seed, claim, members):
    rng, table = np.random.default_rng(seed), table_for(members)
    n = int(rng.choice(SIZES[members]))
    sample = drawn(rng, n)
    ends = [0, *table.reached(n), n]
    order = np.concatenate(
        [rng.permutation(np.arange(a, b)) for a, b in itertools.pairwise(ends)]
    ).astype(int)
    turned = [part[order] for part in sample]
    assert same(judge(pairs_of(*sample), claim, table)) == same(
        judge(pairs_of(*turned), claim, table)
    )


@settings(max_examples=60, deadline=None)
@given(seed=seeds, which=st.sampled_from(range(len(CLAIMS))), power=st.integers(-20, 20))
def test_another_unit_changes_no_word(seed, which, power):
    claim, scale = CLAIMS[which][0], 2.0**power
    low, high, mean_value, failed = drawn(np.random.default_rng(seed), 60)

    def scaled(x):
        return None if x is None else x * scale

    other = dataclasses.replace(
        claim,
        null=scaled(claim.null),
        nearly_all=scaled(claim.nearly_all),
        band=claim.band and tuple(map(scaled, claim.band)),
    )
    a = judge(pairs_of(low, high, mean_value, failed), claim, LADDER)
    b = judge(pairs_of(low * scale, high * scale, mean_value * scale, failed), other, LADDER)
    assert (a.word, a.by_itself, a.at_look, a.needed) == (b.word, b.by_itself, b.at_look, b.needed)
    assert (a.low * scale, a.high * scale) == (b.low, b.high)


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_exchanged_arms_turn_the_sign(seed):
    pairs = pairs_of(*drawn(np.random.default_rng(seed), 60))
    a, b = (judge(x, PLAIN, LADDER) for x in (pairs, pairs.turned()))
    assert (a.low, a.high) == (-b.high, -b.low)
    opposite = {Word.CONFIRMED: Word.CONTRADICTED, Word.CONTRADICTED: Word.CONFIRMED}
    alike = {Word.NO_EFFECT, Word.INVALID}
    if a.by_itself in (*opposite, *alike):
        assert b.by_itself is opposite.get(a.by_itself, a.by_itself)
        assert (a.word is Word.SPLIT) == (b.word is Word.SPLIT)
    c, d = (judge(x, EITHER, LADDER) for x in (pairs, pairs.turned()))
    assert (c.word, c.by_itself, c.settled) == (d.word, d.by_itself, d.settled)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, claim=claims, members=st.sampled_from(list(SIZES)))
def test_many_samples_have_the_words_that_each_has_alone(seed, claim, members):
    rng, table = np.random.default_rng(seed), table_for(members)
    n = int(rng.choice([n for n in SIZES[members] if n]))
    drawn_samples = [drawn(rng, n) for _ in range(6)]
    many = Pairs.within(
        *(np.stack(x) for x in list(zip(*drawn_samples, strict=True))[:2]),
        mean_value=np.stack([s[2] for s in drawn_samples]),
        failed=np.stack([s[3] for s in drawn_samples]),
    )
    found = judge_many(many, claim, table)
    for i, sample in enumerate(drawn_samples):
        alone = judge(pairs_of(*sample), claim, table)
        assert WORDS[found.codes[-1, i]] is alone.word
        assert (found.low[-1, i], found.high[-1, i]) == (alone.low, alone.high)
        for k, look in enumerate(found.looks[1:], start=1):  # as at each look on its way
            then = judge(pairs_of(*(x[:look] for x in sample)), claim, table)
            assert WORDS[found.codes[k, i]] is then.word


def test_no_samples_have_no_words():
    assert judge_many(Pairs.exact(np.zeros((0, 16))), PLAIN, LADDER).codes.shape == (2, 0)


def test_many_samples_are_judged_in_parts_as_all_together(monkeypatch):
    values = np.random.default_rng(0).normal(3, 2, (50, 60))
    whole = judge_many(Pairs.exact(values), ABOUT, LADDER)
    monkeypatch.setattr("ablations.rule.verdict._rows", 7)
    parts = judge_many(Pairs.exact(values), ABOUT, LADDER)
    assert (whole.codes == parts.codes).all() and (whole.low == parts.low).all()
    assert whole.codes.shape == (5, 50)


STRENGTH = {Word.CONFIRMED: 3, Word.DIRECTION_ONLY: 2, Word.INCONCLUSIVE: 1}


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from([1.0, 2.0, 3.0, 9.0]), min_size=26, max_size=40),
    at=st.lists(st.integers(0, 39), max_size=12),
)
def test_further_exceptions_never_strengthen_a_word(values, at):
    other = [NAN if i in at else x for i, x in enumerate(values)]
    a, b = (judge(Pairs.exact(x), PLAIN, LADDER) for x in (values, other))
    assert b.low <= a.low and b.high >= a.high
    if a.word in STRENGTH and b.word in STRENGTH:
        assert STRENGTH[b.word] <= STRENGTH[a.word]


@settings(max_examples=40, deadline=None)
@given(seed=seeds, shift=st.floats(0, 20))
def test_greater_contrasts_never_take_a_claim_from_holding(seed, shift):
    low, high, mean_value, _ = drawn(np.random.default_rng(seed), 60)
    none = np.zeros((60, 2), dtype=bool)
    a = judge(pairs_of(low, high, mean_value, none), LEAST, LADDER)
    b = judge(pairs_of(low + shift, high + shift, mean_value + shift, none), LEAST, LADDER)
    if a.group is Group.HOLDS:
        assert b.group is Group.HOLDS
    if b.group is Group.FAILS:
        assert a.group in (Group.FAILS, Group.PARTLY)


# ── what a verdict carries ───────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None)
@given(seed=seeds, claim=claims)
def test_the_counts_establish_exactly_what_the_interval_does(seed, claim):
    found = judge(pairs_of(*drawn(np.random.default_rng(seed), 60)), claim, LADDER)
    assert [count.edge for count in found.counts] == list(claim.edges)
    for count in found.counts:
        assert count.below.established == (found.high < count.edge)
        if claim.nearly_all is None:
            assert count.above.established == (found.low > count.edge)
        for tally in (count.above, count.below):
            assert tally.exceptions + tally.pairs == tally.of <= found.look


def test_counts_are_of_the_latest_look_that_establishes_them():
    found = judge(Pairs.exact(mixed(60, (5.0, 50), (0.0, 0))), PLAIN, LADDER)
    assert found.count(2).above == dataclasses.replace(found.count(2).above, pairs=50, of=60)
    assert (found.count(2).below.pairs, found.count(2).below.of) == (10, 60)
    assert not found.count(2).below.established
    with pytest.raises(StopIteration):
        found.count(1)


@pytest.mark.parametrize(
    ("low", "high", "estimate"),
    [
        ([1, 2, 9], [1, 2, 9], 2),
        ([1, 2], [1, 2], 1.5),
        ([1, 2, 3], [3, 4, 5], 3),
        ([2, 2, 2], [INF, INF, INF], 2),
        ([-INF, -INF, 1], [1, 1, 1], 1),
        ([INF] * 3, [INF] * 3, INF),
        ([-INF] * 3, [INF] * 3, None),
        ([-INF, INF], [-INF, INF], None),
    ],
)
def test_the_estimate_is_the_median_as_far_as_it_is_known(low, high, estimate):
    assert judge(Pairs.within(low, high), PLAIN, LADDER).estimate == estimate


def test_every_word_belongs_to_a_group_and_is_printed_in_capitals():
    assert {group_of(word) for word in Word} == set(Group)
    assert all(word == word.upper() and "_" not in word for word in Word)
    assert group_of(Word.EXACT) is Group.HOLDS and group_of(Word.MISMATCH) is Group.FAILS
    assert {group_of(word) for word in UNSETTLED} == {Group.OPEN, Group.PARTLY}
