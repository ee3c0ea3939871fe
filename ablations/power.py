"""How many pairs tell apart what: the planning rules that all forms share.

A verdict needs the interval, as wide as `widening` makes it, to lie beyond an edge; the sign-flip
test to agree; and the sample not to look skewed, which one normal sample in twenty does.
"""

import math

from ablations.statistics import critical, widening

unskewed = 0.95  # share of normal samples within the bound of the skewness
most_power = 0.94  # no number of pairs gives more
flips_cost = (0.5, 0.22)  # over n and over h: the effect must grow by it until flips agree too


def fewest_pairs(level: float) -> int:
    """Return the smallest n at which the sign-flip test can reject: 2^(1 - n) ≤ 1 - level."""
    return max(2, math.ceil(1 - math.log2(1 - level)))


def minimum_detectable(
    sd: float, n: int, level: float, power: float = 0.8, *, symmetric: bool = True
) -> float:
    """Return the distance of the mean from an edge that n normal pairs tell apart with this power.

    The least δ with 0.95 P(t(n - 1, √n δ/sd) > k c) = power, from the noncentral t distribution;
    c is the critical value, k the widening. Where k = 1, the sign flips cost more: a factor of
    1 + 0.5/n + 0.22/h, fitted to simulated power, where h = α 2ⁿ/2 of the flips may reach the sum.
    For h = 1, when all signs must agree, δ is at least sd Φ⁻¹(β^(1/n)), β = power/0.95. This is
    zero's price: other edges cost less. The calibration measures the power at this distance.

    Args:
        sd: Standard deviation of the contrasts, ≥ 0.
        n: Pairs.
        level: Confidence level of the interval.
        power: Probability to tell the distance apart, in (0.5, 0.94].
        symmetric: Whether the contrasts are symmetric by construction.

    Returns:
        The distance in the contrast's unit; inf where the sign-flip test can't reject at all.
    """
    assert sd >= 0 and 0.5 < power <= most_power, (sd, power)
    if n < fewest_pairs(level):
        return math.inf
    from scipy import special

    share = power / unskewed
    needed = widening(n, symmetric) * critical(n, level)
    distance = float(special.nctdtrinc(n - 1, 1 - share, needed)) / math.sqrt(n)
    if symmetric:
        allowed = math.floor((1 - level) * 2.0 ** (min(n, 60) - 1))
        distance *= 1 + flips_cost[0] / n + flips_cost[1] / allowed
        if allowed == 1:
            distance = max(distance, float(special.ndtri(share ** (1 / n))))
    return distance * sd


def pairs_needed(
    sd: float, distance: float, level: float, power: float = 0.8, *, symmetric: bool = True
) -> int:
    """Return the fewest pairs that tell the mean apart from an edge at `distance`, with this power.

    The least n, at least `fewest_pairs(level)`, whose `minimum_detectable` distance is at most
    `distance`. Above 100,000 pairs the normal approximation is returned, right to 0.1 %.

    Args:
        sd: Standard deviation of the contrasts, ≥ 0 and finite.
        distance: > 0, in the same unit.
        level: Confidence level of the interval.
        power: Probability to tell the distance apart, in (0.5, 0.94].
        symmetric: Whether the contrasts are symmetric by construction.
    """
    assert distance > 0 and 0 <= sd < math.inf, (sd, distance)
    from scipy import special

    # Student's t needs a little more than the normal distribution: count up from there.
    factor = widening(100_000, symmetric)
    normal = float(factor * special.ndtri((1 + level) / 2) + special.ndtri(power / unskewed))
    n = max(fewest_pairs(level), math.ceil((normal * sd / distance) ** 2))
    while n <= 100_000:
        if minimum_detectable(sd, n, level, power, symmetric=symmetric) <= distance:
            break
        n += 1
    return n
