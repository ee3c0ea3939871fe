"""A second implementation of the count rule, by plain counting, which shares no code with it."""

from itertools import pairwise
from math import comb, inf, isnan

LADDERS = {  # members: (of the median, of three quarters)
    1: ({8: 0, 16: 2, 26: 6, 40: 13}, {16: 0, 26: 1, 40: 3}),
    9: ({16: 1, 26: 5, 40: 9, 60: 18}, {26: 0, 40: 2, 60: 5}),
    89: ({16: 0, 26: 3, 40: 8, 60: 15, 120: 38, 240: 90}, {40: 0, 60: 3, 120: 13}),
}


def established(rows, test, ladder):
    """Return whether at some look enough rows pass a test."""
    return any(
        sum(not test(row) for row in rows[:n]) <= c for n, c in ladder.items() if n <= len(rows)
    )


def above(rows, edge, ladder):
    return established(rows, lambda row: row["low"] > edge, ladder)


def below(rows, edge, ladder):
    return established(rows, lambda row: row["high"] < edge, ladder)


def contradictory(rows, ladder):
    """Return whether the median would have to lie above some value and below it as well."""
    values = sorted({row[end] for row in rows for end in ("low", "high") if abs(row[end]) < inf})
    points = values + [(a + b) / 2 for a, b in pairwise(values)]
    return any(above(rows, x, ladder) and below(rows, x, ladder) for x in points)


def word(rows, claim, members):
    """Return the word; rows have low, high, mean and fails (baseline, treatment)."""
    ladder, shares = LADDERS[members]
    w, edge, band = claim.get("null"), claim.get("edge"), claim.get("band")
    if not rows:
        return "NOT RUN"
    up, down = (lambda e: above(rows, e, ladder)), (lambda e: below(rows, e, ladder))
    if edge is not None:
        safe = above(rows, edge, shares)
        bad = contradictory(rows, ladder) or (safe and down(edge))
        plain = "INVALID" if bad else "CONTRADICTED" if down(edge) else "CONFIRMED" if safe else "?"
    elif contradictory(rows, ladder):
        plain = "INVALID"
    elif claim.get("two_sided"):
        none, far = down(w) and up(-w), up(w) or down(-w)
        some = up(0) or down(0)
        plain = "NO EFFECT" if none else "CONFIRMED" if far else "DIRECTION ONLY" if some else "?"
    elif down(w):
        plain = "CONTRADICTED" if down(-w) else "NO EFFECT" if up(-w) else "NO GAIN"
    elif band and up(w) and up(band[0]):
        over = band[1] < inf and up(band[1])
        within = band[1] == inf or down(band[1])
        plain = "EXCEEDED" if over else "CONFIRMED" if within else "AT LEAST"
    elif not band and up(w):
        plain = "CONFIRMED"
    else:
        weaker = band and up(w) and down(band[0])
        plain = "WEAKER" if weaker else "DIRECTION ONLY" if up(0) else "?"
    if plain in ("?", "INVALID", "DIRECTION ONLY"):
        return plain.replace("?", "INCONCLUSIVE")
    read = rows[: max(n for n in ladder if n <= len(rows))]
    means = [row["mean"] for row in read if not isnan(row["mean"])]
    mean = sum(means) / len(means) if means else None
    only = [sum(r["fails"][i] and not r["fails"][1 - i] for r in read) for i in (0, 1)]
    chance = sum(comb(sum(only), k) for k in range(min(only) + 1)) / 2 ** sum(only)
    worse = [chance <= 0.025 and only[i] > only[1 - i] for i in (0, 1)]  # baseline, treatment
    zero = 0 if edge is None else edge
    sunk = (mean is not None and mean < (-w if plain == "NO EFFECT" else zero)) or worse[1]
    risen = (mean is not None and mean > (w if plain[:2] == "NO" else zero)) or worse[0]
    rises = plain in ("CONFIRMED", "EXCEEDED", "AT LEAST", "WEAKER") and not (
        claim.get("two_sided") and down(-w)
    )
    split = (sunk and (rises or plain == "NO EFFECT")) or (risen and not rises)
    return "SPLIT" if split else plain
