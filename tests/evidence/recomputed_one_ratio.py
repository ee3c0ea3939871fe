"""One value against a constant: x = log(value / constant); a diverged run counts against it."""

import math

from tests.evidence import plain


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    contrasts = []
    for ((low, high),) in plain.pairs(folder, claim, test["reads"]):
        if low == high and math.isinf(low):
            contrasts.append((-plain.INF, -plain.INF))
            continue
        ends = [
            sign * (log - math.log(test["constant"])) for log in plain.logarithms([(low, high)])[0]
        ]
        contrasts.append(tuple(sorted(ends)))
    look, low, high = plain.interval(contrasts)
    w = -math.log(1 - test["null"]) if test["fewer"] else math.log(1 + test["null"])
    band = None
    if test["about"]:
        band = sorted(sign * math.log(end) for end in test["about"])
    elif test["at_least"] is not None:
        band = (sign * math.log(test["at_least"]), plain.INF)
    ends = sorted(math.exp(sign * end) for end in (low, high))
    return look, ends, plain.word(low, high, w, band)
