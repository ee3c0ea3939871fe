"""Trend: x = the slope of values over ordered levels, by numpy's own least squares."""

import numpy as np

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    levels = np.array(test["levels"])
    contrasts = []
    for pair in plain.pairs(folder, claim, test["reads"]):
        if all(a == b and np.isfinite(a) for a, b in pair):
            slope = sign * float(np.polyfit(levels, [a for a, _ in pair], 1)[0])
            contrasts.append((slope, slope))
        else:
            weights = [sign * float(x) for x in levels - levels.mean()]
            low, high = plain.added(weights, pair)
            contrasts.append((low, high))  # infinite on the sides that matter, whatever the scale
    look, low, high = plain.interval(contrasts)
    band = sorted(sign * end for end in test["about"]) if test["about"] else None
    if test["at_least"] is not None:
        band = (sign * test["at_least"], plain.INF)
    ends = sorted((sign * low, sign * high))
    return look, ends, plain.word(low, high, test["null"], band)
