"""Factorial: x = a contrast over the cells of a two-factor design."""

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    weights = [sign * weight for weight in test["factors"]]
    found = plain.pairs(folder, claim, test["reads"])
    look, low, high = plain.interval([plain.added(weights, pair) for pair in found])
    ends = sorted((sign * low, sign * high))
    w = test["null"]
    if not test["either_side"]:
        band = (sign * test["at_least"], plain.INF) if test["at_least"] is not None else None
        band = sorted(sign * end for end in test["about"]) if test["about"] else band
        return look, ends, plain.word(low, high, w, band)
    if low > w or high < -w:
        return look, ends, "CONFIRMED"
    if -w < low and high < w:
        return look, ends, "NO EFFECT"
    return look, ends, "DIRECTION ONLY" if low > 0 or high < 0 else "INCONCLUSIVE"
