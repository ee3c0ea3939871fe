"""What a verdict's sentence says, word by word."""

import math

import pytest

from ablations.rule import zones
from ablations.rule.outcomes import Word
from ablations.rule.pairs import Pairs
from ablations.rule.table import table_for
from ablations.rule.verdict import judge
from ablations.rule.words import Reader

WHY = {"because": "for a test"}
LADDER = table_for(89)
SAVING = zones.ratio(null=0.05, fewer=True, about=(0.6, 0.8), **WHY)
POINTS = zones.difference(null=2, about=(4, 6), unit="points", **WHY)
FALL = zones.difference(null=2, fewer=True, at_least=-4, **WHY)
GAIN = zones.ratio(null=0.05, **WHY)
EITHER = zones.either_side(null=2, **WHY)
EITHER_RATIO = zones.either_side(null=0.05, log=True, **WHY)
FOLD = zones.ratio(null=0.05, about=(3, 5), **WHY)
SAFE_RATIO = zones.not_worse(margin=0.1, log=True, **WHY)
SAFE = zones.not_worse(margin=2, unit="points", **WHY)
NAN = math.nan


def said(claim, values, **more):
    found = judge(Pairs.exact(values, **more), claim, LADDER, noun="seeds")
    return str(found.word), found.sentence


def saving(*parts):
    """Return contrasts of savings in per cent, each a number of times."""
    return [-math.log(1 - share / 100) for share, times in parts for _ in range(times)]


@pytest.mark.parametrize(
    ("claim", "values", "word", "sentence"),
    [
        (
            SAVING,
            saving((10, 2), (30, 24)),
            "CONFIRMED",
            "in 24 of 26 seeds the reduction is above 20 %, in 26 of 26 below 40 %",
        ),
        (
            SAVING,
            saving((30, 2), (50, 24)),
            "EXCEEDED",
            (
                "in 24 of 26 seeds the reduction is above 40 %, beyond what is claimed: 20 % to "
                "40 % less"
            ),
        ),
        (
            SAVING,
            saving((10, 1), (50, 13), (30, 12)),
            "AT LEAST",
            "in 25 of 26 seeds the reduction is above 20 %; whether it is below 40 % is open",
        ),
        (
            SAVING,
            saving((10, 24), (25, 2)),
            "WEAKER",
            (
                "in 26 of 26 seeds the reduction is above 5 %, but in 24 of 26 below 20 %, which "
                "is less than what is claimed"
            ),
        ),
        (
            SAVING,
            saving((-10, 25), (30, 1)),
            "CONTRADICTED",
            (
                "in 25 of 26 seeds the increase is above 5.26 %, an effect against the claimed "
                "direction"
            ),
        ),
        (
            SAVING,
            saving((1, 25), (-10, 1)),
            "NO EFFECT",
            (
                "in 26 of 26 seeds the reduction is below 5 %, in 25 of 26 the increase is below "
                "5.26 %: no effect worth having"
            ),
        ),
        (
            POINTS,
            [-3.0, 1.0] * 13,
            "NO GAIN",
            (
                "in 26 of 26 seeds the difference is below 2 points; whether it is an effect the "
                "other way is open"
            ),
        ),
        (
            POINTS,
            [1.0] * 13 + [3.0] * 13,
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds the difference is above 0 points; in 13 of 26 above 2 points, "
                "which is open"
            ),
        ),
        (
            POINTS,
            [3.0, 5.0] * 13,
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds the difference is above 0 points; in 13 of 26 above 4 points, "
                "which is open"
            ),
        ),
        (
            FALL,
            [5.0] * 26,
            "CONFIRMED",
            "in 26 of 26 seeds the difference is below −4",
        ),
        (
            SAVING,
            saving((2, 13), (10, 13)),
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds there is a reduction; in 13 of 26 the reduction is above 5 %, "
                "which is open"
            ),
        ),
        (
            SAVING,
            saving((-10, 6), (1, 20)),
            "NO GAIN",
            (
                "in 26 of 26 seeds the reduction is below 5 %; whether it is an effect the other "
                "way is open"
            ),
        ),
        (
            GAIN,
            [-1.0] * 26,
            "CONTRADICTED",
            (
                "in 26 of 26 seeds the reduction is above 4.76 %, an effect against the claimed "
                "direction"
            ),
        ),
        (
            GAIN,
            [0.01, -0.01] * 13,
            "NO EFFECT",
            (
                "in 26 of 26 seeds the increase is below 5 %, in 26 of 26 the reduction is below "
                "4.76 %: no effect worth having"
            ),
        ),
        (
            GAIN,
            [0.01, 0.1] * 13,
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds there is an increase; in 13 of 26 the increase is above 5 %, "
                "which is open"
            ),
        ),
        (
            EITHER_RATIO,
            [-0.01, -0.1] * 13,
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds there is a reduction; whether it is an effect worth having is "
                "open"
            ),
        ),
        (
            EITHER_RATIO,
            [-0.1] * 26,
            "CONFIRMED",
            "in 26 of 26 seeds the reduction is above 4.76 %",
        ),
        (
            FOLD,
            [math.log(6)] * 26,
            "EXCEEDED",
            "in 26 of 26 seeds the ratio is above 5, beyond what is claimed: 3 to 5",
        ),
        (
            SAFE_RATIO,
            [-0.2] * 26,
            "CONTRADICTED",
            "in 26 of 26 seeds the reduction is above 10 %",
        ),
        (
            GAIN,
            [math.log(2)] * 26,
            "CONFIRMED",
            "in 26 of 26 seeds the increase is above 5 %",
        ),
        (
            EITHER,
            [-3.0] * 26,
            "CONFIRMED",
            "in 26 of 26 seeds the difference is below −2",
        ),
        (
            EITHER,
            [-3.0, -1.0] * 13,
            "DIRECTION ONLY",
            (
                "in 26 of 26 seeds the difference is below 0; whether it is an effect worth having "
                "is open"
            ),
        ),
        (
            GAIN,
            [-1.0, 1.0] * 20,
            "INCONCLUSIVE",
            "in 20 of 40 seeds the increase is above 5 %, in 20 of 40 below 5 %; either takes 32",
        ),
        (
            SAFE,
            [-3.0] + [1.0] * 59,
            "CONFIRMED",
            (
                "in 59 of 60 seeds the difference is above −2 points: more than three quarters of "
                "all seeds would be"
            ),
        ),
        (
            SAFE,
            [-3.0] * 26,
            "CONTRADICTED",
            "in 26 of 26 seeds the difference is below −2 points",
        ),
        (
            SAFE,
            [-3.0, 1.0, 1.0, 1.0] * 10,
            "INCONCLUSIVE",
            "in 30 of 40 seeds the difference is above −2 points; 40 of 40 would be enough",
        ),
        (GAIN, [], "NOT RUN", "there are no seeds"),
        (
            GAIN,
            [math.log(2)] * 3,
            "INCONCLUSIVE",
            (
                "3 of the 16 seeds that the first look takes; the median of these is 100 % more; "
                "about 16 seeds would settle it at these shares"
            ),
        ),
        (
            GAIN,
            [NAN] * 3,
            "INCONCLUSIVE",
            (
                "3 of the 16 seeds that the first look takes; unknown in 3 of 3 seeds, which count "
                "against every statement"
            ),
        ),
        (
            GAIN,
            [NAN, NAN, *([1.0] * 28)],
            "CONFIRMED",
            (
                "in 24 of 26 seeds the increase is above 5 %; unknown in 2 of 26 seeds, which "
                "count against every statement; 4 of 30 seeds lie beyond the look at 26 and aren't "
                "read"
            ),
        ),
        (
            GAIN,
            [1.0] * 16 + [-1.0] * 104,
            "INVALID",
            (
                "the looks at 16, 26, 40, 60, 120 seeds contradict each other: earlier and later "
                "seeds aren't alike"
            ),
        ),
    ],
)
def test_a_sentence_counts_what_its_word_rests_on(claim, values, word, sentence):
    assert said(claim, values) == (word, sentence)


def test_a_split_names_the_word_and_what_speaks_against_it():
    word, sentence = said(POINTS, [-99.0, -99.0, *([7.0] * 24)])
    assert (word, sentence) == (
        "SPLIT",
        (
            "EXCEEDED for the typical pair (in 24 of 26 seeds the difference is above 6 points, "
            "beyond what is claimed: 4 points to 6 points), but the mean is −1.15 points"
        ),
    )
    failed = [[False, i < 7] for i in range(26)]
    word, sentence = said(POINTS, [5.0] * 26, failed=failed)
    assert word == "SPLIT" and sentence.endswith(
        "but failed runs count against the claim in 7 of 26 seeds, and for it in 0"
    )


def test_a_split_names_only_what_speaks_against_the_word():
    failed = [[False, i < 7] for i in range(26)]
    _, sentence = said(POINTS, [5.0] * 26, failed=failed)
    assert "mean" not in sentence
    failed = [[i < 2, False] for i in range(26)]
    _, sentence = said(POINTS, [-99.0, -99.0, *([7.0] * 24)], failed=failed)
    assert "fails" not in sentence


def test_a_reader_is_told_a_ratio_in_per_cent_less_or_more_and_no_sign():
    reader = Reader(zones=SAVING)
    assert reader.value(-math.log(0.75)) == "25 % less"
    assert reader.value(-math.log(1.25)) == "25 % more"
    assert reader.value(-1e-12) == "no change"
    assert reader.value(math.inf) == "100 % less"
    assert reader.value(-math.inf) == "∞ times as much"
    assert reader.value(-math.log(3)) == "3 times as much"
    assert reader.span(SAVING.contrast(0.8), SAVING.contrast(0.6)) == "20 % to 40 % less"
    assert reader.span(SAVING.contrast(1.1), SAVING.contrast(0.9)) == "10 % more to 10 % less"
    assert reader.span(SAVING.contrast(1.2), SAVING.contrast(1.1)) == "20 % to 10 % more"
    assert reader.span(-math.inf, math.inf) == "anything"
    assert reader.span(SAVING.contrast(0.8), math.inf) == "at least 20 % less"
    assert reader.span(SAVING.contrast(1.2), math.inf) == "at most 20 % more"
    assert reader.span(-math.inf, SAVING.contrast(0.8)) == "at most 20 % less"
    assert reader.span(-math.inf, SAVING.contrast(1.2)) == "at least 20 % more"
    assert Reader(zones=GAIN).span(math.log(1.1), math.inf) == "at least 10 % more"
    assert Reader(zones=GAIN).value(math.log(0.75)) == "25 % less"
    assert Reader(zones=GAIN).span(math.log(1.1), math.log(1.2)) == "10 % to 20 % more"


def test_a_reader_is_told_ratios_as_multiples_where_an_edge_is_beyond_twice():
    assert not Reader(zones=FOLD).percent
    assert Reader(zones=FOLD).value(math.log(0.5)) == "0.5"
    assert Reader(zones=FOLD).statement(0.0, up=True) == ("the ratio is", "above 1")


@pytest.mark.parametrize("claim", [SAVING, GAIN, EITHER_RATIO, SAFE_RATIO])
def test_no_sentence_about_per_cent_has_a_sign_and_each_has_its_counts(claim):
    for truth in (-0.9, -0.3, -0.06, -0.01, 0.0, 0.01, 0.06, 0.3, 0.9):
        for values in ([truth] * 40, [truth, -truth] * 20, [truth] * 25 + [2 * truth] * 15):
            word, sentence = said(claim, values)
            assert "−" not in sentence and "-" not in sentence, (word, sentence)
            assert " of 40" in sentence or " of 26" in sentence or " of 16" in sentence, sentence


def test_a_reader_sees_a_falling_difference_with_its_own_sign():
    reader = Reader(zones=FALL)
    assert reader.value(3) == "−3"
    assert reader.statement(3, up=True) == ("the difference is", "below −3")
    assert reader.span(4, math.inf) == "−∞ to −4"


def test_every_word_that_pairs_can_have_is_said_above():
    cases = test_a_sentence_counts_what_its_word_rests_on.pytestmark[0].args[1]
    heard = {case[2] for case in cases} | {"SPLIT"}
    assert heard == {str(word) for word in Word} - {"EXACT", "MISMATCH"}
