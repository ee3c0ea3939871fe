"""Difference: x = treatment − baseline."""

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    found = plain.pairs(folder, claim, test["reads"])
    look, low, high = plain.interval([plain.added((-sign, sign), pair) for pair in found])
    band = None
    if test["about"]:
        band = sorted(sign * end for end in test["about"])
    elif test["at_least"] is not None:
        band = (sign * test["at_least"], plain.INF)
    ends = sorted((sign * low, sign * high))
    return look, ends, plain.word(low, high, test["null"], band)
