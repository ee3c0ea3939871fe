"""From an interval and the zones that were fixed before the run to one word.

Every row reads the same simultaneous interval, so that a false word needs the interval to miss. The
rule is written here and nowhere else, for one sample and for many: the calibration runs it too.
With the claimed direction turned positive, in this order:

    CONTRADICTED    high < -w
    NO EFFECT       -w ≤ low and high ≤ w
    CONFIRMED       low > w; with a band also weak ≤ low, and for "about" high ≤ strong
    EXCEEDED        low > w and low > strong, for "about"
    WEAKER          low > w and high < weak
    DIRECTION ONLY  low > 0
    INCONCLUSIVE    else, with its kind

A claim that nothing is lost beyond a margin w reads two rows alone: CONTRADICTED as above, and
CONFIRMED for low > -w.

low and high are the ends of Student's interval where the contrasts are symmetric by construction,
and else of one that is `widening` times as wide. Each word needs the exact two-sided sign-flip test
at the interval's level as well: NO EFFECT about -w and about w (the interval lies between them, so
each rejects in the direction that counts), words about a margin there, all the others about zero.
Samples that look skewed have no word. INVALID comes before everything.

A band that reaches into the null zone confirms nothing there: an effect that isn't worth having is
never CONFIRMED. A band wholly within the null zone leaves NO EFFECT, or EXCEEDED beyond it. A band
without width is confirmed by equal contrasts alone.

Above 20 % of runs censored at their cap, the size of an effect can't be told: DIRECTION ONLY stands
in for the words that tell it, and all others are withheld: a common cap draws each censored pair's
contrast towards zero, and where censored pairs differ from the others, the mean may even turn.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ablations import wording
from ablations.flips import rejects, sign_flip
from ablations.power import fewest_pairs, pairs_needed
from ablations.records import Check, Tier, Word, Zones
from ablations.statistics import (
    Array,
    Bools,
    Interval,
    Values,
    critical,
    interval,
    moments,
    rounding,
    skewness_bound,
    widening,
)

most_censored = 0.2
most_pairs = 100_000  # a need beyond this is called out of reach
fewest_values = 3  # below it there is no shape to look at
words = (  # in their order of precedence
    Word.CONTRADICTED,
    Word.NO_EFFECT,
    Word.CONFIRMED,
    Word.EXCEEDED,
    Word.WEAKER,
    Word.DIRECTION_ONLY,
    Word.INCONCLUSIVE,
)


class Kind(StrEnum):
    """Why a claim is INCONCLUSIVE."""

    QUICK = "quick tier"
    NOT_FINITE = "values that aren't finite"
    FEW = "too few pairs"
    POWER = "planned power too low"
    SKEWED = "skewed beyond what is calibrated"
    UNSEEN = "too few pairs to rule out a skew"
    CENSORED = "censored"
    GUARD = "sign-flip test disagrees"
    UNCALIBRATED = "not within its bound in the calibration"


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


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Many samples of one size with what the rule reads of them; see `measure`.

    Args:
        values: (samples, n), the claimed direction positive.
        mean, sd, half: (samples,), Student's interval is mean ± half.
        skewed: (samples,), beyond the bound of the skewness.
        level: The interval's.
    """

    values: Array
    mean: Array
    sd: Array
    half: Array
    skewed: Bools
    level: float

    @functools.cached_property
    def ends(self) -> tuple[Array, Array]:
        """Each sample's least and greatest value."""
        return self.values.min(axis=1), self.values.max(axis=1)

    def rejects(self, rows: npt.NDArray[np.intp], about: float) -> Bools:
        """Return which of these samples the sign-flip test rejects at the interval's level.

        Where all values lie on one side of `about`, nothing is counted: p is 2^(1 - n) there.
        """
        n, alpha = self.values.shape[1], 1 - self.level
        low, high = (end[rows] for end in self.ends)
        tie = 2 * rounding * n * (np.maximum(np.abs(low), np.abs(high)) + abs(about))
        found: Bools = ((low - about > tie) | (high - about < -tie)) & (2.0 ** (1 - n) <= alpha)
        rest = np.flatnonzero(~found)
        found[rest] = rejects(self.values[rows[rest]], about, alpha)
        return found

    def looks_skewed(self, zones: Zones) -> Bools:
        """Return which are skewed by more than rounding would make them, beside the null zone."""
        return self.skewed & (self.half > 1e-9 * zones.null)


def measure(values: Array, level: float) -> Samples:
    """Return what the rule reads of finite samples, (samples, n)."""
    n = values.shape[1]
    # One sample is summed as the interval that is shown: correctly rounded.
    found = moments(values[0] if len(values) == 1 else values)
    mean, sd, skewness = (np.atleast_1d(x) for x in (found.mean, found.sd, found.skewness))
    return Samples(
        values=values,
        mean=mean,
        sd=sd,
        half=critical(n, level) * sd / math.sqrt(n),
        skewed=np.abs(skewness) > skewness_bound(n),
        level=level,
    )


def settle(
    samples: Samples,
    zones: Zones,
    *,
    symmetric: bool,
    capped: bool = False,
    shift: float = 0.0,
) -> npt.NDArray[np.int8]:
    """Return each sample's word, as an index into `words`.

    Args:
        samples: As `measure` made them.
        zones: What was fixed beforehand, the claimed direction positive whatever their sign.
        symmetric: Whether the contrasts are symmetric by construction.
        capped: Whether so many runs are censored that directions alone can be told.
        shift: What to add to every value.
    """
    n = samples.values.shape[1]
    found = np.full(len(samples.mean), len(words) - 1, dtype=np.int8)
    if n < fewest_values:
        return found
    half = widening(n, symmetric) * samples.half
    left = ~samples.looks_skewed(zones)
    middle = samples.mean + shift
    for word, holds in _rule(middle - half, middle + half, zones, capped):
        rows = np.flatnonzero(holds & left)
        for about in _guards(word, zones):
            rows = rows[samples.rejects(rows, about - shift)]
        found[rows] = words.index(word)
        left[rows] = False
    return found


def decide(
    values: Values,
    zones: Zones,
    level: float,
    *,
    tier: Tier,
    decides: bool,
    planned_pairs: int,
    symmetric: bool,
    censored: float = 0.0,
    faults: Sequence[str] = (),
    flagged: str = "",
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
        symmetric: Whether the contrasts are symmetric by construction.
        censored: Share of runs censored at their cap, the larger of the two arms'.
        faults: Failed controls, arms at the same floor or ceiling: any makes the claim INVALID.
        flagged: Why the calibration withholds verdicts of such claims, if it does.
    """
    assert 0 <= censored <= 1, censored
    x: Array = np.asarray(values, dtype=np.float64)
    unusable = int((~np.isfinite(x)).sum())
    found = None if unusable else interval(x, level)
    if faults:
        return Decision(word=Word.INVALID, reason="; ".join(faults), interval=_shown(found))
    if found is None:
        return _open(Kind.NOT_FINITE, f"{unusable} of {len(x)} pairs have no finite contrast", None)
    measured, case = wording.measured(found, zones), _Case(zones=zones, symmetric=symmetric)
    if not decides:
        shown = f"{measured}, which the {tier} tier shows but can't decide on"
        return _open(Kind.QUICK, shown, found, case.needed(found))
    fewest = max(fewest_values, fewest_pairs(level))
    if found.n < fewest:
        test = f"{measured}; the exact sign-flip test takes at least {fewest} pairs at this level"
        return case.undecided(test, found, planned_pairs)
    capped = censored > most_censored
    note = f"; {censored:.0%} of the runs are censored at the cap" if capped else ""
    samples = measure((x * zones.sign)[None], level)
    word = words[settle(samples, zones, symmetric=symmetric, capped=capped)[0]]
    if word is Word.INCONCLUSIVE:
        return case.withheld(samples, found, planned_pairs, capped, note)
    needed = case.needed(found) if word is Word.DIRECTION_ONLY and not capped else None
    needed = needed and max(needed, found.n + 1)  # these weren't enough
    times = widening(found.n, symmetric)
    also = f", also {times:g} times as wide" if times != 1 and found.sd else ""
    reason = f"{measured}, which {wording.because(word, zones)}{also}{note}{wording.would(needed)}"
    if flagged:
        return _open(Kind.UNCALIBRATED, f"{measured}, by itself {word}, but {flagged}", found)
    return Decision(word=word, reason=reason, interval=found, needed=needed)


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


def edges(zones: Zones) -> tuple[float, ...]:
    """Return the edges between words, in the claimed direction."""
    if zones.margin:
        return (-zones.null,)
    band = () if zones.band is None else zones.band[:1] if zones.at_least else zones.band
    return (-zones.null, zones.null, *(e for e in band if zones.null < e < math.inf))


def resolution(zones: Zones) -> float:
    """Return what a plan should tell apart: half the band, or w where it has no finite width."""
    weak, strong = (0.0, math.inf) if zones.band is None else zones.band
    half = (strong - max(weak, zones.null)) / 2
    return half if 0 < half < math.inf and not zones.at_least else zones.null


def _rule(
    low: Array, high: Array, zones: Zones, capped: bool = False
) -> tuple[tuple[Word, Bools], ...]:
    """Return in order of precedence the words that censoring allows, and where they hold.

    The ends of the intervals come with the claimed direction positive.
    """
    w = zones.null
    if zones.margin:
        return () if capped else ((Word.CONTRADICTED, high < -w), (Word.CONFIRMED, low > -w))
    direction = (Word.DIRECTION_ONLY, low > 0)
    if capped:
        return (direction,)
    weak, strong = (-math.inf, math.inf) if zones.band is None else zones.band
    strong = math.inf if zones.at_least else strong
    return (
        (Word.CONTRADICTED, high < -w),
        (Word.NO_EFFECT, (-w <= low) & (high <= w)),
        (Word.CONFIRMED, (w < low) & (weak <= low) & (high <= strong)),
        (Word.EXCEEDED, (w < low) & (strong < low)),
        (Word.WEAKER, (w < low) & (high < weak)),
        direction,
    )


def _guards(word: Word, zones: Zones) -> tuple[float, ...]:
    """Return the centres that the sign-flip test must reject before a word is said."""
    if word is Word.NO_EFFECT:
        return (-zones.null, zones.null)
    return (-zones.null,) if zones.margin else (0.0,)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What a claim that isn't settled lacks."""

    zones: Zones
    symmetric: bool

    def needed(self, found: Interval) -> int | None:
        """Return the pairs that would settle it: from the estimate to the nearest edge."""
        centre = found.estimate * self.zones.sign
        distance = min((abs(centre - edge) for edge in edges(self.zones)), default=0.0)
        if found.n < fewest_values or distance == 0:
            return None
        if found.sd / distance > math.sqrt(most_pairs):
            return None
        needed = pairs_needed(found.sd, distance, found.level, symmetric=self.symmetric)
        return needed if needed <= most_pairs else None

    def undecided(self, what: str, found: Interval, planned: int) -> Decision:
        """Return INCONCLUSIVE: pairs are missing, or the plan couldn't be expected to settle it."""
        needed, aim = self.needed(found), resolution(self.zones)
        if found.n < planned:
            return _open(Kind.FEW, f"{what}; {planned} pairs are planned", found, needed)
        if (
            found.n >= 2
            and pairs_needed(found.sd, aim, found.level, symmetric=self.symmetric) <= planned
        ):
            return _open(Kind.FEW, what, found, needed)
        return _open(Kind.POWER, f"{what}; {planned} pairs were planned", found, needed)

    def withheld(
        self, samples: Samples, found: Interval, planned: int, capped: bool, note: str
    ) -> Decision:
        """Return INCONCLUSIVE with the first thing that stands against a word."""
        measured, alpha = wording.measured(found, self.zones), 1 - found.level
        ends = (samples.mean - samples.half, samples.mean + samples.half)
        by_itself = [word for word, holds in _rule(*ends, self.zones) if holds[0]]
        allowed = [word for word, holds in _rule(*ends, self.zones, capped) if holds[0]]
        if not by_itself:
            none = f"{measured}, which settles none of the zones"
            return self.undecided(none, found, planned)
        if not allowed:
            return _open(Kind.CENSORED, f"{measured}{note}, which hides effects", found)
        said = f"{measured}, by itself {allowed[0]}, but "
        if samples.looks_skewed(self.zones)[0]:
            return _open(Kind.SKEWED, f"{said}the contrasts are too skewed to rely on it", found)
        needed = self.needed(found)
        needed = needed and max(needed, found.n + 1)  # these weren't enough
        times = widening(found.n, self.symmetric)
        wide = (samples.mean - times * samples.half, samples.mean + times * samples.half)
        kept = [word for word, holds in _rule(*wide, self.zones, capped) if holds[0]]
        if not kept:
            hidden = (
                f"{said}so few pairs may hide a skew, and it settles none {times:g} times as wide"
            )
            return _open(Kind.UNSEEN, hidden, found, needed)
        p = max(sign_flip(samples.values[0], about) for about in _guards(kept[0], self.zones))
        test = f"{said}the exact sign-flip test gives p = {p:.2g}, above {alpha:.2g}"
        return _open(Kind.GUARD, test, found, needed)


def _open(kind: Kind, reason: str, found: Interval | None, needed: int | None = None) -> Decision:
    return Decision(
        word=Word.INCONCLUSIVE,
        reason=f"{kind}: {reason}{wording.would(needed)}",
        kind=kind,
        interval=_shown(found),
        needed=needed,
    )


def _shown(found: Interval | None) -> Interval | None:
    return found if found is not None and found.n else None
