import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from ablations.power import fewest_pairs, minimum_detectable, pairs_needed
from ablations.records import Check, Tier, Word, Zones
from ablations.statistics import interval
from ablations.verdict import Kind, decide, decide_checks, edges, measure, resolution, settle, words
from ablations.wording import in_words

family = 1 - 0.05 / 65
examples = settings(deadline=None, derandomize=True, max_examples=60)
inf = math.inf


def zones(null=1.0, band=None, **others):
    return Zones(null=null, null_reason="for the test", band=band, **others)


def judge(values, fixed, level=family, **others):
    return decide(
        values,
        fixed,
        level,
        **{
            "tier": Tier.STANDARD,
            "decides": True,
            "planned_pairs": len(values),
            "symmetric": True,
            **others,
        },
    )


def pairs(low, high, n=20):
    """Symmetric values whose interval at the family's level is [low, high], up to rounding."""
    base = np.linspace(-1, 1, n)
    base = base**3  # tails heavier than normal: where t rejects, the flips do
    half = interval(base, family).high
    return (low + high) / 2 + base * (high - low) / 2 / half


# ── Each zone, each edge ──────────────────────────────────────────────────────────────────────────

about = zones(band=(4.0, 8.0))
least = zones(band=(4.0, 8.0), at_least=True)
plain = zones()


@pytest.mark.parametrize(
    ("low", "high", "by_about", "by_least", "by_plain"),
    [
        (-9.0, -1.1, "CONTRADICTED", "CONTRADICTED", "CONTRADICTED"),
        (-3.0, -0.9, "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"),
        (-1.1, -0.1, "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"),
        (-1.1, 0.9, "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"),
        (-0.9, 0.9, "NO EFFECT", "NO EFFECT", "NO EFFECT"),
        (-0.9, -0.1, "NO EFFECT", "NO EFFECT", "NO EFFECT"),
        (0.1, 0.9, "NO EFFECT", "NO EFFECT", "NO EFFECT"),
        (-0.9, 1.1, "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"),
        (-0.1, 9.0, "INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE"),
        (0.1, 1.1, "DIRECTION ONLY", "DIRECTION ONLY", "DIRECTION ONLY"),
        (0.1, 9.0, "DIRECTION ONLY", "DIRECTION ONLY", "DIRECTION ONLY"),
        (0.9, 3.9, "DIRECTION ONLY", "DIRECTION ONLY", "DIRECTION ONLY"),
        (1.1, 3.9, "WEAKER", "WEAKER", "CONFIRMED"),
        (1.1, 4.1, "DIRECTION ONLY", "DIRECTION ONLY", "CONFIRMED"),
        (3.9, 4.1, "DIRECTION ONLY", "DIRECTION ONLY", "CONFIRMED"),
        (3.9, 7.9, "DIRECTION ONLY", "DIRECTION ONLY", "CONFIRMED"),
        (4.1, 7.9, "CONFIRMED", "CONFIRMED", "CONFIRMED"),
        (4.1, 8.1, "DIRECTION ONLY", "CONFIRMED", "CONFIRMED"),
        (7.9, 8.1, "DIRECTION ONLY", "CONFIRMED", "CONFIRMED"),
        (8.1, 9.0, "EXCEEDED", "CONFIRMED", "CONFIRMED"),
    ],
)
def test_an_interval_on_either_side_of_each_edge_gives_the_word_of_its_zone(
    low, high, by_about, by_least, by_plain
):
    values = pairs(low, high)
    words = [judge(values, fixed).word for fixed in (about, least, plain)]
    assert words == [by_about, by_least, by_plain]
    falling = [zones(band=f.band, at_least=f.at_least, sign=-1) for f in (about, least, plain)]
    assert [judge(-values, fixed).word for fixed in falling] == words


values = pairs(2.0, 3.0)
low, high = interval(values, family).low, interval(values, family).high
below, above = (lambda x: math.nextafter(x, -inf)), (lambda x: math.nextafter(x, inf))


@pytest.mark.parametrize(
    ("x", "fixed", "word"),
    [
        # The null zone holds its own edges: an interval that ends on one is inside, not beyond.
        (values, zones(null=high), "NO EFFECT"),
        (values, zones(null=below(high)), "DIRECTION ONLY"),
        (-values, zones(null=high), "NO EFFECT"),
        (-values, zones(null=below(high)), "INCONCLUSIVE"),
        (-values, zones(null=low), "INCONCLUSIVE"),
        (-values, zones(null=below(low)), "CONTRADICTED"),
        (values, zones(null=low), "DIRECTION ONLY"),
        (values, zones(null=below(low)), "CONFIRMED"),
        # So does the band.
        (values, zones(band=(low, high)), "CONFIRMED"),
        (values, zones(band=(above(low), high)), "DIRECTION ONLY"),
        (values, zones(band=(low, below(high))), "DIRECTION ONLY"),
        (values, zones(band=(low, 9.0), at_least=True), "CONFIRMED"),
        (values, zones(band=(above(low), 9.0), at_least=True), "DIRECTION ONLY"),
        (values, zones(band=(high, 9.0)), "DIRECTION ONLY"),
        (values, zones(band=(above(high), 9.0)), "WEAKER"),
        (values, zones(band=(1.5, low)), "DIRECTION ONLY"),
        (values, zones(band=(1.5, below(low))), "EXCEEDED"),
        # WEAKER and EXCEEDED lie beyond the null zone as well.
        (values, zones(null=low, band=(5.0, 9.0)), "DIRECTION ONLY"),
        (values, zones(null=below(low), band=(5.0, 9.0)), "WEAKER"),
        (values, zones(null=low, band=(0.1, 0.2)), "DIRECTION ONLY"),
        (values, zones(null=below(low), band=(0.1, 0.2)), "EXCEEDED"),
    ],
)
def test_an_interval_that_ends_on_an_edge_to_the_last_bit_is_decided_as_documented(x, fixed, word):
    assert judge(x, fixed).word == word


def test_zero_is_not_excluded_by_an_interval_that_ends_on_it():
    x = pairs(0.0, 3.0)
    x = x - interval(x, family).low  # ends within a rounding error of zero
    for _ in range(9):
        end = interval(x, family).low
        assert judge(x, plain).word == ("DIRECTION ONLY" if end > 0 else "INCONCLUSIVE")
        x = x - max(abs(end), 1e-16)
    assert judge(x, plain).word == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("band", "low", "high", "word"),
    [
        ((-0.5, 0.5), -0.4, 0.4, "NO EFFECT"),  # a claim of no change
        ((-0.5, 0.5), 1.1, 2.0, "EXCEEDED"),
        ((-0.5, 5.0), -0.4, 4.9, "INCONCLUSIVE"),  # inside the band, and so is zero
        ((0.5, 5.0), 0.6, 4.9, "DIRECTION ONLY"),  # inside the band, partly not worth having
        ((0.5, 5.0), 1.1, 4.9, "CONFIRMED"),
        ((-5.0, 5.0), -4.0, -2.0, "CONTRADICTED"),
        ((-8.0, -4.0), 1.1, 2.0, "EXCEEDED"),
        ((-inf, 5.0), 1.1, 4.9, "CONFIRMED"),
        ((4.0, inf), 4.1, 90.0, "CONFIRMED"),
    ],
)
def test_a_band_that_reaches_into_the_null_zone_confirms_nothing_there(band, low, high, word):
    decision = judge(pairs(low, high), zones(band=band))
    assert decision.word == word
    assert judge(pairs(low, high, 3), zones(band=band)).word == "INCONCLUSIVE"


def test_no_effect_is_two_one_sided_tests_as_statsmodels_computes_them():
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(200):
        x = rng.normal(0.5, 0.5, 12)
        p, _, _ = ttost_paired(x, np.zeros(12), -1.0, 1.0)
        word = judge(x, plain, 0.9).word
        assert p <= 0.05 or word is not Word.NO_EFFECT
        assert p > 0.05 or word in (Word.NO_EFFECT, Word.DIRECTION_ONLY, Word.INCONCLUSIVE)
        seen.add((bool(p <= 0.05), word is Word.NO_EFFECT))
    assert {(True, True), (False, False)} <= seen


def test_a_family_of_intervals_rejects_what_bonferroni_rejects():
    rng = np.random.default_rng(2)
    members, level = 20, 1 - 0.05 / 20
    x = rng.normal(rng.uniform(0, 1.4, (members, 1)), 1.0, (members, 12))
    p = stats.ttest_1samp(x, 0.0, axis=1).pvalue
    rejected, _, _, each = multipletests(p, 0.05, method="bonferroni")
    excluded = [not found.low <= 0 <= found.high for found in (interval(row, level) for row in x)]
    assert excluded == rejected.tolist()
    assert 1 - level == pytest.approx(each)
    assert {True, False} <= set(excluded)
    hair = zones(null=1e-9)
    said = [judge(row, hair, level).word is Word.CONFIRMED for row in x]
    assert all(found for found, word in zip(rejected, said, strict=True) if word)
    assert any(said)


# ── The guard and the withheld verdicts ───────────────────────────────────────────────────────────

# t rejects beyond doubt (the interval is far from zero), but one pair of twelve has the other sign.
split = np.array([*np.linspace(0.4, 1.9, 11), -0.02])


def test_a_word_that_excludes_zero_needs_the_sign_flips_at_the_same_level():
    found = interval(split, family)
    assert found.low > 0.05
    decision = judge(split, zones(null=0.05))
    assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.GUARD)
    assert "CONFIRMED" in decision.reason
    assert "p = 0.00098" in decision.reason
    assert decision.needed is not None
    assert decision.needed > 12
    assert judge(-split, zones(null=0.05)).kind is Kind.GUARD  # CONTRADICTED needs them too
    assert judge(split, zones(null=0.05), 1 - 2.0**-10).word == "CONFIRMED"  # p equals its level
    assert judge(np.abs(split), zones(null=0.05)).word == "CONFIRMED"  # all of one sign


@pytest.mark.parametrize("side", [-1, 1])
def test_no_effect_needs_the_sign_flips_about_both_edges_of_the_null_zone(side):
    # Within the null zone by t, but beyond one of its edges by a single pair of twelve.
    lone = -side * 0.99 * split + side * 0.98
    fixed = zones(null=0.97)
    t_alone = interval(lone, family)
    assert t_alone.low >= -0.97
    assert t_alone.high <= 0.97
    decision = judge(lone, fixed)
    assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.GUARD)
    assert "NO EFFECT" in decision.reason


def test_equal_contrasts_are_decided_wherever_they_lie():
    words = {x: judge([x] * 40, about).word for x in (-2.0, 0.0, 0.5, 2.0, 4.0, 8.0, 8.5)}
    assert words == {
        -2.0: "CONTRADICTED",
        0.0: "NO EFFECT",
        0.5: "NO EFFECT",
        2.0: "WEAKER",
        4.0: "CONFIRMED",
        8.0: "CONFIRMED",
        8.5: "EXCEEDED",
    }
    assert judge([1.0] * 40, about).word == "DIRECTION ONLY"  # on the edge: not beyond, not within
    assert judge([-1.0] * 40, about).word == "INCONCLUSIVE"
    assert judge([5.0] * 39 + [math.nextafter(5.0, 6.0)], about).word == "CONFIRMED"
    assert judge([0.0] * 39 + [1e-17], about).word == "NO EFFECT"  # rounding isn't skew


@pytest.mark.parametrize("n", range(12))
def test_below_the_floor_of_the_sign_flips_every_word_is_withheld(n):
    for value in (-2.0, 0.0, 2.0, 5.0, 9.0):
        decision = judge([value] * n, about, planned_pairs=20)
        assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.FEW)
        assert decision.needed == (12 if n >= 3 else None)
        assert "at least 12 pairs" in decision.reason
        assert (decision.interval is None) == (n == 0)
    assert judge([5.0] * 12, about).word == "CONFIRMED"


def test_two_pairs_are_too_few_even_where_their_flips_could_reject():
    assert fewest_pairs(0.4) == 2
    assert judge([5.0, 5.0], about, 0.4).word == "INCONCLUSIVE"
    assert judge([5.0, 5.0, 5.0], about, 0.4).word == "CONFIRMED"


def test_values_that_are_not_finite_withhold_every_word():
    for bad in (math.nan, inf, -inf):
        decision = judge([5.0] * 39 + [bad], about)
        assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.NOT_FINITE)
        assert (decision.interval, decision.needed) == (None, None)
        assert "1 of 40 pairs" in decision.reason
        assert judge([bad], about, decides=False).kind is Kind.NOT_FINITE


def test_faults_come_before_everything():
    for x in (pairs(4.1, 7.9), [math.nan], [], pairs(-9, -2)):
        decision = judge(x, about, faults=["arms differ at A versus A", "both at chance"])
        assert (decision.word, decision.kind) == ("INVALID", None)
        assert decision.reason == "arms differ at A versus A; both at chance"
        assert judge(x, about, faults=["x"], decides=False, censored=1.0).word == "INVALID"


def test_a_tier_that_does_not_decide_shows_the_estimate_and_what_it_would_take():
    for n in (3, 5, 40):
        decision = judge(pairs(4.1, 7.9, n), about, tier=Tier.QUICK, decides=False)
        assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.QUICK)
        assert decision.interval == interval(pairs(4.1, 7.9, n), family)
        assert decision.reason.startswith(f"quick tier: 6 over {n} pairs")
        assert decision.needed is not None
    assert judge([5.0] * 40, about, tier=Tier.QUICK).word == "CONFIRMED"  # cheap: decided anywhere


def test_skewed_contrasts_withhold_whatever_they_would_have_said():
    tail = np.exp(np.linspace(-2, 2, 20))
    for x, fixed in [
        (5.8 + tail / 100, about),
        (9 + tail, about),
        (-3 - tail, about),
        (tail / 100, plain),
        (tail / 10, zones(null=0.5)),
    ]:
        decision = judge(x, fixed)
        assert (decision.word, decision.kind, decision.needed) == (
            "INCONCLUSIVE",
            Kind.SKEWED,
            None,
        )
    assert judge(tail - 3, plain).kind is not Kind.SKEWED  # nothing to withhold


@pytest.mark.parametrize(
    ("low", "high", "free", "capped"),
    [
        (4.1, 7.9, "CONFIRMED", "DIRECTION ONLY"),
        (8.1, 9.0, "EXCEEDED", "DIRECTION ONLY"),
        (1.1, 3.9, "WEAKER", "DIRECTION ONLY"),
        (0.1, 9.0, "DIRECTION ONLY", "DIRECTION ONLY"),
        (0.1, 0.9, "NO EFFECT", "DIRECTION ONLY"),
        (-0.9, 0.9, "NO EFFECT", "INCONCLUSIVE"),
        (-9.0, -1.1, "CONTRADICTED", "INCONCLUSIVE"),
        (-9.0, 9.0, "INCONCLUSIVE", "INCONCLUSIVE"),
    ],
)
def test_above_a_fifth_censored_only_directions_can_be_told(low, high, free, capped):
    x = pairs(low, high)
    assert judge(x, about, censored=0.2).word == judge(x, about).word == free
    decision = judge(x, about, censored=0.21)
    assert decision.word == capped
    if free in ("NO EFFECT", "CONTRADICTED") and capped == "INCONCLUSIVE":
        assert decision.kind is Kind.CENSORED
    if free != "INCONCLUSIVE":
        assert "21% of the runs are censored" in decision.reason
        assert decision.needed is None


# ── Symmetry by construction, and without it ──────────────────────────────────────────────────────


def test_without_symmetry_by_construction_a_word_needs_a_wider_interval():
    x = pairs(5.0, 7.0)  # at 20 pairs, 2.4 times as wide is 3.6 to 8.4
    narrow, wide = judge(x, about), judge(x, about, symmetric=False)
    assert (narrow.word, wide.word) == ("CONFIRMED", "DIRECTION ONLY")
    assert wide.interval == narrow.interval  # what is shown is Student's
    assert wide.needed is not None
    assert wide.needed > 20
    fits = judge(pairs(5.5, 6.5), about, symmetric=False)
    assert fits.word == "CONFIRMED"
    assert "inside the band 4 to 8, also 2.4 times as wide" in fits.reason
    assert "times as wide" not in narrow.reason
    open_ = judge(pairs(0.4, 0.8), zones(null=0.2), symmetric=False)
    assert open_.word == "DIRECTION ONLY"
    hidden = judge(pairs(0.3, 1.3), zones(null=0.2), symmetric=False)
    assert (hidden.word, hidden.kind) == ("INCONCLUSIVE", Kind.UNSEEN)
    assert "by itself CONFIRMED, but so few pairs may hide a skew" in hidden.reason
    assert hidden.needed > 20
    assert f"about {hidden.needed:,} pairs" in hidden.reason


@pytest.mark.parametrize(("n", "factor"), [(12, 2.8), (16, 2.6), (20, 2.4), (32, 1.8), (40, 1.4)])
def test_the_wider_interval_may_reach_an_edge_and_no_further(n, factor):
    x = pairs(-1.0, 1.0, n)
    room = interval(x, family).high * factor
    for shift, word in ((1 + room * 1.001, "CONFIRMED"), (1 + room * 0.999, "DIRECTION ONLY")):
        assert judge(x + shift, plain, symmetric=False).word == word
        assert judge(x + shift, plain).word == "CONFIRMED"


def test_equal_contrasts_need_no_wider_interval():
    for value in (-2.0, 0.0, 2.0, 5.0, 9.0):
        with_, without = judge([value] * 20, about), judge([value] * 20, about, symmetric=False)
        assert (with_.word, with_.reason) == (without.word, without.reason)


def test_what_the_calibration_flags_is_withheld_with_its_reason():
    why = "at 12 pairs false verdicts aren't in their bound"
    decision = judge(pairs(4.1, 7.9), about, flagged=why)
    assert (decision.word, decision.kind) == ("INCONCLUSIVE", Kind.UNCALIBRATED)
    assert f"by itself CONFIRMED, but {why}" in decision.reason
    assert decision.interval is not None
    assert judge(pairs(-9, 9), about, flagged=why).kind is not Kind.UNCALIBRATED
    assert judge(pairs(4.1, 7.9), about, flagged=why, faults=["x"]).word == "INVALID"


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("sign", [1, -1])
def test_many_samples_at_once_are_judged_as_each_of_them(sign, symmetric):
    rng = np.random.default_rng(8)
    for fixed in (
        *(replace(z, sign=sign) for z in (plain, about, least, loss)),
        zones(0.05, sign=sign),
    ):
        x = rng.normal(0, 0.5, (150, 12)) + rng.uniform(-9, 12, (150, 1))
        x[:50] = rng.normal(0, 0.5, (50, 12)) + rng.uniform(-2, 2, (50, 1))
        x[0] = 5.0
        many = settle(measure(sign * x, 0.99), fixed, symmetric=symmetric)
        each = [judge(row, fixed, 0.99, symmetric=symmetric).word for row in x]
        assert [words[k] for k in many] == each
        assert len(set(each)) >= 2


def test_shifted_samples_are_judged_as_if_every_value_were_shifted():
    x = np.random.default_rng(9).normal(0, 0.5, (300, 12))
    for shift in (-2.0, 0.3, 1.9, 6.0):
        moved = settle(measure(x, 0.95), about, symmetric=True, shift=shift)
        assert (moved == settle(measure(x + shift, 0.95), about, symmetric=True)).all()


# ── Margins ───────────────────────────────────────────────────────────────────────────────────────

loss = zones(margin=True)  # nothing is lost beyond 1


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (-9.0, -1.1, "CONTRADICTED"),
        (-1.1, -0.9, "INCONCLUSIVE"),
        (-0.9, -0.1, "CONFIRMED"),
        (-0.9, 0.9, "CONFIRMED"),
        (0.1, 0.2, "CONFIRMED"),
        (2.0, 9.0, "CONFIRMED"),
        (-1.1, 9.0, "INCONCLUSIVE"),
    ],
)
def test_a_claim_that_nothing_is_lost_reads_the_near_bound_against_its_margin(low, high, word):
    assert judge(pairs(low, high), loss).word == word
    falling = judge(-pairs(low, high), replace(loss, sign=-1))
    assert falling.word == word
    assert judge(pairs(low, high), loss, censored=0.3).word == "INCONCLUSIVE"


def test_a_margin_that_is_met_to_the_last_bit_is_not_beyond():
    x = -values  # its interval is [-high, -low]
    assert judge(x, zones(null=high, margin=True)).word == "INCONCLUSIVE"
    assert judge(x, zones(null=above(high), margin=True)).word == "CONFIRMED"
    assert judge(x, zones(null=low, margin=True)).word == "INCONCLUSIVE"
    assert judge(x, zones(null=below(low), margin=True)).word == "CONTRADICTED"


def test_a_margin_is_guarded_by_the_sign_flips_about_it():
    x = split - 1  # near the margin from above; about zero its flips reject anyway
    fixed = zones(null=1.0 - 0.05, margin=True)
    assert interval(x, family).low > -0.95
    assert judge(x, fixed).kind is Kind.GUARD
    assert judge(np.abs(split) - 0.9, fixed).word == "CONFIRMED"


def test_a_margin_is_told_in_words_and_needs_pairs_up_to_it():
    fixed = zones(null=math.log(1.25), margin=True, log=True, sign=-1, unit="× loss")
    held, lost = judge([math.log(1.1)] * 40, fixed), judge([math.log(1.4)] * 40, fixed)
    assert "lies wholly on the better side of 1.25, the margin" in held.reason
    assert "lies beyond 1.25, the margin" in lost.reason
    assert (held.word, lost.word) == ("CONFIRMED", "CONTRADICTED")
    assert edges(fixed) == (-math.log(1.25),)
    assert resolution(fixed) == math.log(1.25)


# ── Bands that say little ─────────────────────────────────────────────────────────────────────────


def test_a_documented_range_with_equal_ends_is_met_by_equal_contrasts_alone():
    point = zones(band=(5.0, 5.0))
    assert judge([5.0] * 20, point).word == "CONFIRMED"
    assert judge(pairs(4.99, 5.01), point).word == "DIRECTION ONLY"
    assert judge(pairs(5.01, 5.02), point).word == "EXCEEDED"
    assert judge(pairs(4.9, 4.99), point).word == "WEAKER"
    assert judge(pairs(4.0, 6.0, 3), point).word == "INCONCLUSIVE"
    assert resolution(point) == 1.0  # no width to tell apart: the null zone's
    assert judge(pairs(-9, 9), point).needed is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"null": 0.0},
        {"null": -1.0},
        {"null": math.nan},
        {"null": inf},
        {"band": (8.0, 4.0)},
        {"band": (math.nan, 4.0)},
        {"band": (4.0, math.nan)},
        {"sign": 0},
        {"band": (1.0, 2.0), "margin": True},
    ],
)
def test_zones_that_no_interval_could_be_read_against_are_our_mistake(wrong):
    with pytest.raises(AssertionError):
        zones(**wrong)


@pytest.mark.parametrize(
    ("fixed", "found", "aim"),
    [
        (plain, (-1.0, 1.0), 1.0),
        (about, (-1.0, 1.0, 4.0, 8.0), 2.0),
        (least, (-1.0, 1.0, 4.0), 1.0),
        (zones(band=(0.5, 3.0)), (-1.0, 1.0, 3.0), 1.0),
        (zones(band=(1.0, 3.0)), (-1.0, 1.0, 3.0), 1.0),
        (zones(band=(-0.5, 0.5)), (-1.0, 1.0), 1.0),
        (zones(band=(4.0, inf)), (-1.0, 1.0, 4.0), 1.0),
    ],
)
def test_a_plan_aims_at_half_the_band_or_else_at_the_null_zone(fixed, found, aim):
    assert edges(fixed) == found
    assert resolution(fixed) == aim


# ── How many pairs it takes ───────────────────────────────────────────────────────────────────────


def test_an_open_claim_says_whether_pairs_are_missing_or_the_plan_was_too_small():
    x = pairs(-0.5, 2.5)
    sd = interval(x, family).sd
    w = minimum_detectable(sd, 20, family)
    enough, scarce = zones(null=w * 1.001), zones(null=w * 0.999)
    assert judge(x, enough).kind is Kind.FEW
    assert judge(x, scarce).kind is Kind.POWER
    assert judge(x, scarce, planned_pairs=21).kind is Kind.FEW  # one of the plan is still missing
    half = zones(null=0.1, band=(5.0, 5.0 + 2.002 * w))
    assert judge(x, half).kind is Kind.FEW
    assert judge(x, zones(null=0.1, band=(5.0, 5.0 + 1.998 * w))).kind is Kind.POWER
    assert judge(x, zones(null=w * 1.001, band=(5.0, inf))).kind is Kind.FEW
    overlapping = zones(null=w * 0.5, band=(-9.0, 2.501 * w))
    assert judge(x, overlapping).kind is Kind.FEW  # only what lies beyond the null zone counts
    assert judge(x, zones(null=w * 0.5, band=(-9.0, 2.499 * w))).kind is Kind.POWER
    assert judge([5.0] * 8, about).kind is Kind.POWER  # a plan of eight can't ever decide


@pytest.mark.parametrize(
    ("fixed", "estimate", "distance"),
    [
        (plain, 0.7, 0.3),
        (plain, -0.6, 0.4),
        (plain, 1.5, 0.5),
        (about, 3.5, 0.5),
        (about, 7.4, 0.6),
        (least, 7.9, 3.9),
        (zones(band=(0.5, 3.0)), 0.6, 0.4),  # the part of the band within the null zone is no edge
        (zones(band=(4.0, 8.0), sign=-1), -3.5, 0.5),
    ],
)
def test_the_pairs_needed_reach_from_the_estimate_to_the_nearest_edge(fixed, estimate, distance):
    x = pairs(estimate - 5, estimate + 5)
    decision = judge(x, fixed)
    assert decision.word in ("INCONCLUSIVE", "DIRECTION ONLY")
    expected = pairs_needed(interval(x, family).sd, distance, family)
    assert abs(decision.needed - expected) <= 1  # the estimate is right to rounding
    assert f"about {decision.needed:,} pairs" in decision.reason


def test_an_estimate_on_an_edge_needs_no_number_of_pairs():
    assert judge([0.0, 1.0, 2.0] * 5, plain).needed is None
    assert judge([0.0, 1.0, 2.0 + 1e-9] * 5, plain).needed is None
    assert judge([1.0] * 5, plain).needed is None
    assert judge(pairs(4.1, 7.9), about).needed is None  # settled


def test_an_open_claim_is_settled_by_the_pairs_it_asked_for():
    rng = np.random.default_rng(2)
    fixed, sd, truth = zones(null=0.5), 1.0, 1.1
    n = pairs_needed(sd, truth - 0.5, 0.95)
    decided = [judge(rng.normal(truth, sd, n), fixed, 0.95) for _ in range(1000)]
    settled = sum(d.word is Word.CONFIRMED for d in decided) / 1000
    assert 0.78 < settled < 0.86


# ── What it says ──────────────────────────────────────────────────────────────────────────────────


def test_reasons_speak_in_ratios_in_the_direction_that_the_contrast_counts():
    fixed = zones(
        null=math.log(1.25), band=(math.log(2), math.log(4)), sign=-1, log=True, unit="× the memory"
    )
    decision = judge([math.log(0.4)] * 40, fixed)
    assert decision.word == "CONFIRMED"
    assert decision.reason == (
        "0.4 × the memory over 40 pairs, 99.9231 % interval 0.4 to 0.4, "
        "which lies inside the band 0.25 to 0.5"
    )
    assert decision.interval.estimate == math.log(0.4)
    assert "null zone 0.8 to 1.25 on the wrong side" in judge([math.log(2)] * 40, fixed).reason
    assert "wholly short of 0.5" in judge([math.log(0.7)] * 40, fixed).reason
    falling = zones(null=0.1, band=(math.log(2), inf), at_least=True, sign=-1, log=True)
    assert "beyond 0.5, the weak edge" in judge([-1.0] * 40, falling).reason


def test_logarithms_become_ratios_and_differences_stay():
    assert in_words(math.log(3), zones(log=True)) == pytest.approx(3)
    assert in_words(-inf, zones(log=True)) == 0
    assert in_words(1e9, zones(log=True)) == inf
    assert in_words(-0.3, zones()) == -0.3


@pytest.mark.parametrize("word", [*Word])
def test_every_reason_is_one_line_without_the_word_nan(word):
    grid = [
        judge(pairs(a, b, n), about) for a, b in [(-9, 9), (2, 3), (5, 6)] for n in (1, 2, 5, 40)
    ]
    for decision in grid:
        assert "\n" not in decision.reason
        assert "nan" not in decision.reason
    json.dumps([d.reason for d in grid if d.word is word])


# ── Properties ────────────────────────────────────────────────────────────────────────────────────

cases = st.tuples(
    st.lists(st.integers(-640, 640).map(lambda i: i / 64), max_size=16),
    st.sampled_from([-6.0, 0.0, 0.5, 2.5, 6.0, 12.0]),
    st.sampled_from([1.0, 0.05]),
    st.sampled_from([plain, about, least]),
)


@examples
@given(case=cases, order=st.randoms(use_true_random=False))
def test_neither_mirroring_nor_rescaling_nor_reordering_changes_the_word(case, order):
    noise, centre, spread, fixed = case
    x = [centre + spread * v for v in noise]
    decision = judge(x, fixed, 0.95)
    turned = zones(band=fixed.band, at_least=fixed.at_least, sign=-1)
    mirrored = judge([-v for v in x], turned, 0.95)
    assert (mirrored.word, mirrored.kind, mirrored.needed) == (
        decision.word,
        decision.kind,
        decision.needed,
    )
    band = fixed.band and (fixed.band[0] * 4, fixed.band[1] * 4)
    scaled = judge([v * 4 for v in x], zones(null=4.0, band=band, at_least=fixed.at_least), 0.95)
    assert (scaled.word, scaled.kind, scaled.needed) == (
        decision.word,
        decision.kind,
        decision.needed,
    )
    shuffled = x.copy()
    order.shuffle(shuffled)
    assert judge(shuffled, fixed, 0.95) == decision


# ── How often it is wrong ─────────────────────────────────────────────────────────────────────────


def words_at(truth, fixed, *, n=12, level=0.9, sd=0.3, replicates=20_000):
    x = np.random.default_rng(7).normal(truth, sd, (replicates, n))
    found = settle(measure(x, level), fixed, symmetric=True)
    shares = np.bincount(found, minlength=len(words)) / replicates
    return dict(zip(words, shares, strict=True))


@pytest.mark.parametrize(
    ("truth", "fixed", "wrong"),
    [
        (4.0, about, [Word.WEAKER]),  # one side of the interval misses: half of 10 %
        (4.0, least, [Word.WEAKER]),
        (3.9999, about, [Word.CONFIRMED]),
        (8.0001, about, [Word.CONFIRMED]),
        (3.9999, least, [Word.CONFIRMED]),
        (8.0, about, [Word.EXCEEDED]),
        (1.0, plain, [Word.CONFIRMED]),
        (-1.0, plain, [Word.CONTRADICTED]),
        (1.0001, zones(null=1.0), [Word.NO_EFFECT]),
    ],
)
def test_at_an_edge_the_wrong_word_is_as_rare_as_the_interval_promises(truth, fixed, wrong):
    rate = sum(words_at(truth, fixed)[word] for word in wrong)
    assert 0.04 < rate < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 20_000)


def test_without_an_effect_a_direction_is_claimed_as_rarely_as_the_level_says():
    tiny = zones(null=1e-6)
    shares = words_at(0.0, tiny)
    right = shares[Word.CONFIRMED] + shares[Word.DIRECTION_ONLY]
    limit = 0.05 + 4 * math.sqrt(0.05 * 0.95 / 20_000)
    assert 0.03 < right < limit
    assert 0.03 < shares[Word.CONTRADICTED] < limit
    few = words_at(0.0, tiny, n=4)
    assert few[Word.INCONCLUSIVE] == 1


# ── Exact claims ──────────────────────────────────────────────────────────────────────────────────


def check(what, holds, primary=True):
    return Check(
        what=what,
        documented="844,610",
        observed="844,611",
        holds=holds,
        rule="equal",
        primary=primary,
    )


def test_exact_claims_hold_with_all_their_primary_checks_or_show_the_first_that_fails():
    assert decide_checks([check("size", True)]) == (
        Word.EXACT,
        "size: documented 844,610, observed 844,611 (equal)",
    )
    word, reason = decide_checks([check("a", True), check("b", True), check("c", False, False)])
    assert (word, reason[:2], reason[-15:]) == (Word.EXACT, "a:", "all checks hold")
    word, reason = decide_checks(
        [check("z", False, False), check("a", True), check("b", False), check("c", False)]
    )
    assert (word, reason[:2], reason[-20:]) == (Word.MISMATCH, "b:", "; 2 of 3 checks fail")


def test_without_a_primary_check_an_exact_claim_is_invalid():
    assert decide_checks([])[0] is Word.INVALID
    assert decide_checks([check("a", True, False)])[0] is Word.INVALID
