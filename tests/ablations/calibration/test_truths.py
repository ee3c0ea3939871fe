"""Which words are false where the truth is known."""

import numpy as np
import pytest

from ablations.calibration.questions import TESTS, Place, edges
from ablations.calibration.truths import false_codes, joined, true
from ablations.rule import Word, zones
from ablations.rule.verdict import WORDS

ABOUT = zones.difference(null=0.1, because="made up", about=(0.2, 0.4))
EITHER = zones.either_side(null=0.1, because="made up")
SAFE = zones.not_worse(margin=0.1, because="made up")


@pytest.mark.parametrize(
    ("median", "words"),
    [
        (-0.2, {"CONTRADICTED", "NO GAIN"}),
        (-0.1, {"NO GAIN"}),
        (0.0, {"NO EFFECT", "NO GAIN"}),
        (0.05, {"NO EFFECT", "NO GAIN", "DIRECTION ONLY"}),
        (0.1, {"DIRECTION ONLY"}),
        (0.15, {"DIRECTION ONLY", "WEAKER"}),
        (0.2, {"DIRECTION ONLY"}),
        (0.3, {"DIRECTION ONLY", "CONFIRMED", "AT LEAST"}),
        (0.4, {"DIRECTION ONLY", "AT LEAST"}),
        (0.5, {"DIRECTION ONLY", "AT LEAST", "EXCEEDED"}),
    ],
)
def test_a_word_is_true_of_the_medians_that_it_speaks_of(median, words):
    said = set(Word) - {Word.EXACT, Word.MISMATCH, Word.INCONCLUSIVE, Word.SPLIT, Word.NOT_RUN}
    assert {word.value for word in said if true(word, ABOUT, median, 0.5)} == words


def test_an_effect_on_either_side_is_an_effect():
    assert true(Word.CONFIRMED, EITHER, -0.2, 0.5) and true(Word.CONFIRMED, EITHER, 0.2, 0.5)
    assert not true(Word.CONFIRMED, EITHER, -0.1, 0.5)


def test_nearly_all_is_more_than_three_quarters():
    assert not true(Word.CONFIRMED, SAFE, -0.1, 0.75)
    assert true(Word.CONFIRMED, SAFE, 0.0, 0.76)
    assert not true(Word.CONTRADICTED, SAFE, -0.1, 0.5)
    assert true(Word.CONTRADICTED, SAFE, -0.11, 0.4)


def test_that_a_conjunction_holds_is_false_if_one_part_is():
    both = TESTS["both"]
    w, far = edges(both)[1].medians

    def false(*medians):
        return {WORDS[i] for i in false_codes(both, Place(name="", medians=medians))}

    assert Word.CONFIRMED not in false(far, far)
    assert Word.CONFIRMED in false(w, far) and Word.CONFIRMED in false(far, w)
    assert Word.NO_GAIN in false(w, far)
    assert Word.NO_GAIN not in false(0.0, far)
    assert Word.INVALID in false(far, far)


def test_words_of_parts_are_joined_by_the_rule():
    def codes(*words):
        return np.array([[WORDS.index(word) for word in words]], dtype=np.int8)

    first = codes(Word.CONFIRMED, Word.CONFIRMED, Word.INCONCLUSIVE, Word.EXCEEDED)
    second = codes(Word.EXCEEDED, Word.INCONCLUSIVE, Word.NO_GAIN, Word.WEAKER)
    said = [WORDS[code] for code in joined([first, second])[0]]
    assert said == [Word.CONFIRMED, Word.INCONCLUSIVE, Word.NO_GAIN, Word.WEAKER]
