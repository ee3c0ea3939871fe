"""Not worse: more than three quarters of the pairs lose less than the margin."""

from tests.evidence import plain

SHARES = {40: 0, 60: 3, 120: 13}  # exceptions that a share above three quarters may have


def recomputed(folder, claim, test):
    sign = -1 if test["fewer"] else 1
    weights = [sign * weight for weight in test["weights"]]
    found = plain.pairs(folder, claim, test["reads"])
    contrasts = [plain.added(weights, pair) for pair in found]
    look, low, high = plain.interval(contrasts)
    edge = -test["margin"]
    held = any(
        n <= len(contrasts) and sum(a <= edge for a, _ in contrasts[:n]) <= c
        for n, c in SHARES.items()
    )
    ends = sorted((sign * low, sign * high))
    if low > high or (held and high < edge):
        return look, ends, "INVALID"
    return look, ends, "CONTRADICTED" if high < edge else "CONFIRMED" if held else "INCONCLUSIVE"
