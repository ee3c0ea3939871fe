"""Ratio, time to a target: x = log(treatment / baseline), censored if a run never reaches it."""

import math

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    found = map(plain.logarithms, plain.pairs(folder, claim, test["reads"]))
    look, low, high = plain.interval([plain.added((-sign, sign), pair) for pair in found])
    w = -math.log(1 - test["null"]) if test["fewer"] else math.log(1 + test["null"])
    band = None
    if test["about"]:
        band = sorted(sign * math.log(end) for end in test["about"])
    elif test["at_least"] is not None:
        band = (sign * math.log(test["at_least"]), plain.INF)
    ends = sorted(math.exp(sign * end) for end in (low, high))
    return look, ends, plain.word(low, high, w, band)
