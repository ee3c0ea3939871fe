"""Timing: x = log(time of the treatment over the baseline's), both timed in one process."""

import math

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    times = plain.pairs(folder, claim, test["reads"])
    assert all(baseline == (1.0, 1.0) for baseline, _ in times)
    contrasts = [(sign * math.log(a), sign * math.log(b)) for _, (a, b) in times]
    look, low, high = plain.interval([tuple(sorted(each)) for each in contrasts])
    w = abs(math.log(1 - sign * -test["null"]))
    band = None
    if test["about"]:
        band = sorted(sign * math.log(end) for end in test["about"])
    elif test["at_least"] is not None:
        band = (sign * math.log(test["at_least"]), plain.INF)
    ends = sorted(math.exp(sign * end) for end in (low, high))
    return look, ends, plain.word(low, high, w, band)
