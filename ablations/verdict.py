"""From an interval and the zones that were fixed before the run to one word.

Every row reads the same simultaneous interval, so that a false word needs the interval to miss. The
rule is written here and nowhere else. With the claimed direction turned positive, in this order:

    CONTRADICTED    high < -w
    NO EFFECT       -w ≤ low and high ≤ w
    CONFIRMED       low > w; with a band also weak ≤ low, and for "about" high ≤ strong
    EXCEEDED        low > w and low > strong, for "about"
    WEAKER          low > w and high < weak
    DIRECTION ONLY  low > 0
    INCONCLUSIVE    else, with its kind

Each needs the exact two-sided sign-flip test at the interval's level as well: NO EFFECT about -w
and about w (the interval lies between them, so each rejects in the direction that counts), all the
others about zero. INVALID comes before everything.

A band that reaches into the null zone confirms nothing there: an effect that isn't worth having is
never CONFIRMED. A band wholly within the null zone leaves NO EFFECT, or EXCEEDED beyond it.

Above 20 % of runs censored at their cap, the size of an effect can't be told: DIRECTION ONLY stands
in for the words that tell it, and all others are withheld: a common cap draws each censored pair's
contrast towards zero, and where censored pairs differ from the others, the mean may even turn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ablations.records import Check, Tier, Word, Zones
from ablations.statistics import (
    Array,
    Interval,
    Values,
    fewest_pairs,
    interval,
    pairs_needed,
    sign_flip,
    skewed,
)

most_censored = 0.2
most_pairs = 100_000  # a need beyond this is called out of reach


class Kind(StrEnum):
    """Why a claim is INCONCLUSIVE."""

    QUICK = "quick tier"
    NOT_FINITE = "values that aren't finite"
    FEW = "too few pairs"
    POWER = "planned power too low"
    SKEWED = "skewed"
    CENSORED = "censored"
    GUARD = "sign-flip test disagrees"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict and what it rests on.

    Args:
        word: The verdict.
        reason: One sentence with the numbers, in the reader's unit (see `in_words`).
        kind: Why, if the word is INCONCLUSIVE.
        interval: Of the values as given, not turned into the claimed direction; None without
            values or with values that aren't finite.
        needed: Pairs that would settle the claim at the observed spread and estimate, with 80 %
            power; None if it is settled, unknown, out of reach, or not a matter of pairs.
    """

    word: Word
    reason: str
    kind: Kind | None = None
    interval: Interval | None = None
    needed: int | None = None


def decide(
    values: Values,
    zones: Zones,
    level: float,
    *,
    tier: Tier,
    decides: bool,
    planned_pairs: int,
    censored: float = 0.0,
    faults: Sequence[str] = (),
) -> Decision:
    """Return the word for a statistical claim.

    Args:
        values: (n,), one contrast per pair, in the unit of the zones. NaN and infinities (a pair
            with a diverged run) are allowed and withhold every word.
        zones: What was fixed beforehand; values times `zones.sign` have the claimed direction
            positive.
        level: The simultaneous confidence level, 1 - 0.05/m.
        tier: The tier that was run, for the reason.
        decides: Whether that tier decides this claim (quick doesn't decide trained claims).
        planned_pairs: Pairs that the tier plans.
        censored: Share of runs censored at their cap, the larger of the two arms'.
        faults: Failed controls, arms at the same floor or ceiling: any makes the claim INVALID.
    """
    assert zones.null > 0 and zones.sign in (-1, 1) and 0 <= censored <= 1, (zones, censored)
    assert zones.band is None or zones.band[0] <= zones.band[1], zones.band
    x: Array = np.asarray(values, dtype=np.float64)
    unusable = int((~np.isfinite(x)).sum())
    found = None if unusable else interval(x, level)
    if faults:
        return Decision(word=Word.INVALID, reason="; ".join(faults), interval=_shown(found))
    if found is None:
        return _open(Kind.NOT_FINITE, f"{unusable} of {len(x)} pairs have no finite contrast", None)
    measured = _measured(found, zones)
    if not decides:
        shown = f"{measured}, which the {tier} tier shows but can't decide on"
        return _open(Kind.QUICK, shown, found, _needed(found, zones))
    fewest = max(3, fewest_pairs(level))
    if found.n < fewest:
        test = f"{measured}; the exact sign-flip test takes at least {fewest} pairs at this level"
        return _undecided(test, found, zones, planned_pairs)
    low, high = sorted((found.low * zones.sign, found.high * zones.sign))
    matching = {word: text for word, holds, text in _rule(low, high, zones) if holds}
    if not matching:
        none = f"{measured}, which settles none of the zones"
        return _undecided(none, found, zones, planned_pairs)
    return _guarded(x, found, zones, matching, censored)


def decide_checks(checks: Sequence[Check]) -> tuple[Word, str]:
    """Return the word for an exact or consistency claim, and the reason.

    EXACT if every primary check holds, MISMATCH with the first that doesn't, INVALID without any.
    """
    primary = [check for check in checks if check.primary]
    failing = [check for check in primary if not check.holds]
    if not primary:
        return Word.INVALID, "no primary check was made"
    first, word = (failing[0], Word.MISMATCH) if failing else (primary[0], Word.EXACT)
    reason = (
        f"{first.what}: documented {first.documented}, observed {first.observed} ({first.rule})"
    )
    if len(primary) == 1:
        return word, reason
    tally = f"{len(failing)} of {len(primary)} checks fail" if failing else "all checks hold"
    return word, f"{reason}; {tally}"


def in_words(value: float, zones: Zones) -> float:
    """Return a contrast in the reader's unit: the ratio if it is a logarithm, else itself.

    It isn't turned into the claimed direction: a claim that something falls has ratios below 1.
    """
    if not zones.log:
        return value
    return math.exp(value) if value < 700 else math.inf


def _rule(low: float, high: float, zones: Zones) -> tuple[tuple[Word, bool, str], ...]:
    """Return each word, whether the interval meets its condition, and the condition in words.

    The interval comes with the claimed direction positive.
    """
    w = zones.null
    weak, strong = (-math.inf, math.inf) if zones.band is None else zones.band
    strong = math.inf if zones.at_least else strong
    null, band = f"the null zone {_span(-w, w, zones)}", f"the band {_span(weak, strong, zones)}"
    edge = _text(in_words(weak * zones.sign, zones))
    if zones.band is None:
        confirmed = f"lies beyond {null} on the claimed side"
    elif zones.at_least:
        confirmed = f"lies wholly beyond {edge}, the weak edge of the band"
    else:
        confirmed = f"lies inside {band}"
    weaker = f"lies beyond {null} on the claimed side, but wholly short of {edge}"
    return (
        (Word.CONTRADICTED, high < -w, f"lies beyond {null} on the wrong side"),
        (Word.NO_EFFECT, -w <= low and high <= w, f"lies inside {null}"),
        (Word.CONFIRMED, w < low and weak <= low and high <= strong, confirmed),
        (Word.EXCEEDED, w < low and strong < low, f"lies wholly beyond {band}"),
        (Word.WEAKER, w < low and high < weak, weaker),
        (Word.DIRECTION_ONLY, low > 0, "excludes zero on the claimed side and settles no more"),
    )


def _guarded(
    x: Array, found: Interval, zones: Zones, matching: Mapping[Word, str], censored: float
) -> Decision:
    """Return the first word that the interval allows and censoring, flips and skew don't forbid.

    Args:
        x: (n,), the contrasts.
        found: Their interval.
        matching: Each word whose condition the interval meets, in order, with the condition.
        censored: Share of censored runs.
    """
    measured, alpha = _measured(found, zones), 1 - found.level
    needed = _needed(found, zones)
    if needed is not None:
        needed = max(needed, found.n + 1)  # these weren't enough
    capped = censored > most_censored
    note = f"; {censored:.0%} of the runs are censored at the cap" if capped else ""
    allowed = [w for w in matching if not capped or w is Word.DIRECTION_ONLY]
    if not allowed:
        return _open(Kind.CENSORED, f"{measured}{note}, which hides effects", found)
    # NO EFFECT has a test of its own; the words after the first of the others rest on the same one.
    p, tried = 1.0, allowed[:2] if allowed[0] is Word.NO_EFFECT else allowed[:1]
    for word in tried:
        shifts = (-zones.null, zones.null) if word is Word.NO_EFFECT else (0.0,)
        p = max(sign_flip(x, shift) for shift in shifts)
        if p <= alpha:
            break
    else:
        test = f"the exact sign-flip test gives p = {p:.2g}, above {alpha:.2g}"
        return _open(Kind.GUARD, f"{measured}, by itself {word}, but {test}", found, needed)
    if np.ptp(x) > 1e-9 * zones.null and skewed(x):
        withheld = f"{measured}, by itself {word}, but the contrasts are too skewed to rely on it"
        return _open(Kind.SKEWED, withheld, found)
    if word is not Word.DIRECTION_ONLY or capped:
        needed = None
    reason = f"{measured}, which {matching[word]}{note}{_would(needed)}"
    return Decision(word=word, reason=reason, interval=found, needed=needed)


def _needed(found: Interval, zones: Zones) -> int | None:
    """Return the pairs that would settle the claim: from the estimate to the nearest edge."""
    band = () if zones.band is None else zones.band[:1] if zones.at_least else zones.band
    edges = [-zones.null, zones.null, *(e for e in band if zones.null < e < math.inf)]
    distance = min(abs(found.estimate * zones.sign - edge) for edge in edges)
    if found.n < 3 or distance == 0 or found.sd / distance > math.sqrt(most_pairs):
        return None
    needed = pairs_needed(found.sd, distance, found.level)
    return needed if needed <= most_pairs else None


def _undecided(what: str, found: Interval, zones: Zones, planned: int) -> Decision:
    """Return INCONCLUSIVE: pairs are missing, or the plan couldn't have been expected to settle it.

    The plan should resolve half the band's width, or w where there is no band of finite width.
    """
    needed = _needed(found, zones)
    if found.n < planned:
        return _open(Kind.FEW, f"{what}; {planned} pairs are planned", found, needed)
    weak, strong = (0.0, math.inf) if zones.band is None else zones.band
    half = (strong - max(weak, zones.null)) / 2
    resolution = half if 0 < half < math.inf else zones.null
    if found.n >= 2 and pairs_needed(found.sd, resolution, found.level) <= planned:
        return _open(Kind.FEW, what, found, needed)
    return _open(Kind.POWER, f"{what}; {planned} pairs were planned", found, needed)


def _open(kind: Kind, reason: str, found: Interval | None, needed: int | None = None) -> Decision:
    return Decision(
        word=Word.INCONCLUSIVE,
        reason=f"{kind}: {reason}{_would(needed)}",
        kind=kind,
        interval=_shown(found),
        needed=needed,
    )


def _shown(found: Interval | None) -> Interval | None:
    return found if found is not None and found.n else None


def _would(needed: int | None) -> str:
    if needed is None:
        return ""
    return f"; about {needed:,} pairs would settle it at this spread and estimate"


def _measured(found: Interval, zones: Zones) -> str:
    """Return what was measured, in the reader's unit, ending with the interval."""
    if found.n == 0:
        return "no pair has a result"
    pairs = "1 pair" if found.n == 1 else f"{found.n} pairs"
    unit = f" {zones.unit}" if zones.unit else ""
    estimate = f"{_text(in_words(found.estimate, zones))}{unit} over {pairs}"
    if found.n == 1:
        return estimate
    return (
        f"{estimate}, {100 * found.level:.6g} % interval {_span(found.low, found.high, zones, 1)}"
    )


def _span(low: float, high: float, zones: Zones, sign: int | None = None) -> str:
    """Return two ends in the reader's unit, given in the claimed direction or that of `sign`."""
    sign = zones.sign if sign is None else sign
    first, last = sorted((low * sign, high * sign))
    return f"{_text(in_words(first, zones))} to {_text(in_words(last, zones))}"


def _text(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"
