"""Which words are false for a known truth, defined by their meaning, independently of the rule."""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np

from ablations.calibration.questions import SHARE, Place, parts
from ablations.rule import Group, Verdict, Word, Zones, conjunction, group_of
from ablations.rule.pairs import Bools
from ablations.rule.verdict import WORDS, Codes
from ablations.specs.tests import Test

_silent = (Word.INCONCLUSIVE, Word.SPLIT, Word.NOT_RUN)


def true(word: Word, zones: Zones, median: float, share: float) -> bool:
    """Return whether a word about one contrast is true.

    Args:
        word: INVALID is false: pairs of one population are alike.
        zones: Zones of the claim.
        median: Median of the contrast, with the claimed direction positive.
        share: For claims about nearly all pairs, the share of pairs beyond their edge.
    """
    if word in _silent or word is Word.INVALID:
        return word is not Word.INVALID
    if zones.nearly_all is not None:
        return share > SHARE if word is Word.CONFIRMED else median < zones.nearly_all
    assert zones.null is not None
    w = zones.null
    weak, strong = (w, math.inf) if zones.band is None else zones.band
    size = abs(median) if zones.two_sided else median
    return {
        Word.CONTRADICTED: median < -w,
        Word.NO_EFFECT: -w < median < w,
        Word.NO_GAIN: median < w,
        Word.EXCEEDED: median > strong,
        Word.CONFIRMED: weak < size < strong,
        Word.AT_LEAST: size > weak,
        Word.WEAKER: w < median < weak,
        Word.DIRECTION_ONLY: size > 0,
    }[word]


def false_codes(test: Test, place: Place) -> list[int]:
    """Return the indices in `WORDS` of the words that are false for a test's truth.

    The word of a conjunction is that of the part which decides it; that a conjunction holds is true
    if all parts hold.
    """
    decided = list(zip(parts(test), place.medians, strict=True))

    def holds(word: Word) -> bool:
        truths = [true(word, part.zones, at, place.share) for part, at in decided]
        return all(truths) if group_of(word) is Group.HOLDS else any(truths)

    judged = set(WORDS) - {Word.EXACT, Word.MISMATCH}
    return [i for i, word in enumerate(WORDS) if word in judged and not holds(word)]


def joined(codes: Sequence[Codes]) -> Codes:
    """Return the words of conjunctions, from the words of their parts by the rule itself."""
    if len(codes) == 1:
        return codes[0]
    found = np.full(codes[0].shape, -1, dtype=np.int8)
    for words in itertools.product(*(np.unique(part) for part in codes)):
        here: Bools = np.logical_and.reduce([p == w for p, w in zip(codes, words, strict=True)])
        found[here] = _joint(tuple(map(int, words)))
    return found


@functools.cache
def _joint(codes: tuple[int, ...]) -> int:
    return WORDS.index(conjunction([_verdict(WORDS[code]) for code in codes]).word)


def _verdict(word: Word) -> Verdict:
    """Return a verdict with a word, which is all that `conjunction` reads."""
    return Verdict(
        word=word,
        by_itself=word,
        look=0,
        n=0,
        low=-math.inf,
        high=math.inf,
        estimate=None,
        mean=None,
        counts=(),
        failures=(0, 0),
        against=(),
        unknown=0,
        settled=False,
        at_look=None,
        needed=None,
    )
