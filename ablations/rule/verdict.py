"""From pairs and zones to a word; the rule is written here once, for one sample and for many.

With low and high the ends of the intersected interval and the claimed direction positive, in this
order (weak and strong are the edges of the band, where a size is claimed):

    INVALID         low > high: no median fits all looks
    CONTRADICTED    high < -w
    NO EFFECT       high < w and low > -w
    NO GAIN         high < w
    EXCEEDED        low > w and low > strong
    CONFIRMED       low > w and low > weak and high < strong; without a band low > w is enough
    AT LEAST        low > w and low > weak
    WEAKER          low > w and high < weak
    DIRECTION ONLY  low > 0
    INCONCLUSIVE    else

A claim of an effect on either side is CONFIRMED beyond w on one of them. A claim about nearly all
pairs is CONFIRMED if more than three quarters lie beyond its edge, CONTRADICTED if the median lies
short of it. SPLIT replaces a settled word that the mean or the failures speak against.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ablations.rule import words
from ablations.rule.interval import Intervals, established, intervals, share_reached
from ablations.rule.needs import further
from ablations.rule.outcomes import (
    UNSETTLED,
    Count,
    Group,
    Joint,
    Objection,
    Tally,
    Verdict,
    Word,
    group_of,
)
from ablations.rule.pairs import Array, Bools, Pairs
from ablations.rule.table import Table
from ablations.rule.zones import Zones

Codes = npt.NDArray[np.int8]

WORDS = tuple(Word)
FAILURE_LEVEL = 0.05  # of McNemar's test between the arms' failures
_code = {word: np.int8(i) for i, word in enumerate(WORDS)}
_upward = (Word.CONFIRMED, Word.EXCEEDED, Word.AT_LEAST, Word.WEAKER)
_rows = 1 << 14  # samples at a time, so that they stay in the cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Words:
    """The words of many samples after each look.

    Args:
        looks: (looks,), with 0 first, before any look.
        codes: (looks, samples), indices in `WORDS`.
        by_itself: (looks, samples), the same before SPLIT.
        by_mean: (looks, samples), whether the mean splits the word.
        by_failures: (looks, samples), whether the failures split the word.
        low: (looks, samples), lower ends of the intersected intervals.
        high: (looks, samples), upper ends of the intersected intervals.
    """

    looks: tuple[int, ...]
    codes: Codes
    by_itself: Codes
    by_mean: Bools
    by_failures: Bools
    low: Array
    high: Array

    @property
    def settled(self) -> Bools:
        """(looks, samples), whether further pairs can't change the group."""
        return ~np.isin(self.by_itself, [_code[word] for word in UNSETTLED])

    @property
    def stopped(self) -> Codes:
        """(samples,), words of claims that stop at the first look that settles them."""
        settled = self.settled
        at = np.where(settled.any(axis=0), settled.argmax(axis=0), len(self.looks) - 1)
        chosen: Codes = np.take_along_axis(self.codes, at[None], axis=0)[0]
        return chosen

    def are(self, *wanted: Word) -> Bools:
        """Return (looks, samples), where the word is one of these."""
        return np.isin(self.codes, [_code[word] for word in wanted])


def judge_many(pairs: Pairs, zones: Zones, table: Table) -> Words:
    """Return the words of many samples, (samples, n), after each look that they reach."""
    assert pairs.low.ndim == 2, pairs.low.shape
    parts = [
        _judge(_some(pairs, at), zones, table) for at in range(0, max(len(pairs.low), 1), _rows)
    ]
    names = [field.name for field in dataclasses.fields(Words) if field.name != "looks"]
    joined = {name: np.concatenate([getattr(p, name) for p in parts], axis=1) for name in names}
    return Words(looks=parts[0].looks, **joined)


def judge(
    pairs: Pairs, zones: Zones, table: Table, *, faults: Sequence[str] = (), noun: str = "pairs"
) -> Verdict:
    """Return the verdict on one sample, (n,).

    Args:
        pairs: In the order that was fixed beforehand; those beyond the last look reached aren't
            read.
        zones: The zones, which were fixed beforehand.
        table: Table of the claim's family.
        faults: Failed controls, a floor that both arms share: any makes the claim INVALID.
        noun: What a pair is, in the plural: "seeds", "processes", "boards".
    """
    assert pairs.low.ndim == 1, pairs.low.shape
    found = judge_many(pairs.many(), zones, table)
    word, by_itself = WORDS[found.codes[-1, 0]], WORDS[found.by_itself[-1, 0]]
    if pairs.n == 0:
        word = by_itself = Word.NOT_RUN
    if faults:
        word = by_itself = Word.INVALID
    look, since = found.looks[-1], _settled_since(found)
    settled = look == table.looks[-1] or (since is not None and not faults)
    read = pairs.first(look or pairs.n)
    splits = (
        (Objection.MEAN, found.by_mean[-1, 0]),
        (Objection.FAILURES, found.by_failures[-1, 0]),
    )
    verdict = Verdict(
        word=word,
        by_itself=by_itself,
        look=look,
        n=pairs.n,
        low=float(found.low[-1, 0]),
        high=float(found.high[-1, 0]),
        estimate=_estimate(read),
        mean=_number(_means(read.many(), read.n)[0]) if read.n else None,
        counts=tuple(_count(read, edge, zones, table) for edge in zones.edges),
        failures=(int(read.failed[:, 0].sum()), int(read.failed[:, 1].sum())),
        unknown=int(read.unknown.sum()),
        settled=settled,
        at_look=(look if since is None else since) if settled else None,
        against=() if faults else tuple(objection for objection, split in splits if split),
        needed=None if settled or faults else further(pairs, zones, table),
        faults=tuple(faults),
    )
    return dataclasses.replace(verdict, sentence=words.sentence(verdict, zones, table, noun))


def conjunction(verdicts: Sequence[Verdict]) -> Joint:
    """Return the verdict on a conjunction: all parts must hold, and it fails if one part fails.

    The word is that of the first part that decides. If all hold, it is CONFIRMED.
    """
    assert verdicts
    groups = [verdict.group for verdict in verdicts]
    for group in (Group.FAILS, Group.OPEN, Group.PARTLY, Group.HOLDS):
        deciding = [v for v, g in zip(verdicts, groups, strict=True) if g is group]
        if deciding:
            break
    else:
        raise AssertionError(groups)
    return Joint(
        word=Word.CONFIRMED if group is Group.HOLDS else deciding[0].word,
        parts=tuple(verdicts),
        settled=group is Group.FAILS or all(v.settled for v in verdicts),
        sentence="; ".join(v.sentence for v in deciding),
    )


def _judge(pairs: Pairs, zones: Zones, table: Table) -> Words:
    """Return the words of a few samples."""
    found = intervals(pairs, table)
    by_itself = _plain_words(found, pairs, zones, table)
    by_mean, by_failures = _spoken_against(found, by_itself, pairs, zones)
    return Words(
        looks=found.looks,
        codes=np.where(by_mean | by_failures, _code[Word.SPLIT], by_itself),
        by_itself=by_itself,
        by_mean=by_mean,
        by_failures=by_failures,
        low=found.low,
        high=found.high,
    )


def _plain_words(found: Intervals, pairs: Pairs, zones: Zones, table: Table) -> Codes:
    """Return (looks, samples), the words that the intervals and shares give by themselves."""
    empty = found.low > found.high
    low, high = found.low - zones.rounding, found.high + zones.rounding  # on an edge isn't beyond
    if zones.nearly_all is not None:
        beyond = pairs.beyond(zones.nearly_all, 1, zones.rounding)
        reached = share_reached(beyond, table, found.looks)
        fails = high < zones.nearly_all
        return _first(
            (Word.INVALID, empty | (reached & fails)),
            (Word.CONTRADICTED, fails),
            (Word.CONFIRMED, reached),
        )
    assert zones.null is not None
    w = zones.null
    if zones.two_sided:
        return _first(
            (Word.INVALID, empty),
            (Word.NO_EFFECT, (high < w) & (low > -w)),
            (Word.CONFIRMED, (low > w) | (high < -w)),
            (Word.DIRECTION_ONLY, (low > 0) | (high < 0)),
        )
    weak, strong = (w, math.inf) if zones.band is None else zones.band
    effect = low > w
    holds = effect & (low > weak)
    fits = (high < strong) if strong < math.inf else True
    return _first(
        (Word.INVALID, empty),
        (Word.CONTRADICTED, high < -w),
        (Word.NO_EFFECT, (high < w) & (low > -w)),
        (Word.NO_GAIN, high < w),
        (Word.EXCEEDED, holds & (low > strong)),
        (Word.CONFIRMED, holds & fits),
        (Word.AT_LEAST, holds),
        (Word.WEAKER, effect & (high < weak)),
        (Word.DIRECTION_ONLY, low > 0),
    )


def _first(*cases: tuple[Word, Bools]) -> Codes:
    """Return the first word whose condition holds, INCONCLUSIVE where none does."""
    codes = np.full(cases[0][1].shape, _code[Word.INCONCLUSIVE])
    for word, holds in reversed(cases):
        codes[holds] = _code[word]
    return codes


def _spoken_against(
    found: Intervals, by_itself: Codes, pairs: Pairs, zones: Zones
) -> tuple[Bools, Bools]:
    """Return (looks, samples) each, which settled words the mean, and the failures, split."""
    least, most = _allowed_means(found, by_itself, zones)
    by_mean, by_failures = (np.zeros(by_itself.shape, dtype=bool) for _ in range(2))
    fails = bool(pairs.failed.any())
    for i, n in enumerate(found.looks[1:], start=1):
        mean = _means(pairs, n)
        by_mean[i] = (mean < least[i]) | (mean > most[i])
        if fails:
            favourable, adverse = _fails_more(pairs.failed[:, :n])
            by_failures[i] = (adverse & (least[i] > -math.inf)) | (
                favourable & (most[i] < math.inf)
            )
    return by_mean, by_failures


def _allowed_means(found: Intervals, by_itself: Codes, zones: Zones) -> tuple[Array, Array]:
    """Return (looks, samples) each: the means that don't speak against a word, from and to.

    An end is infinite where no mean would on that side, nor more failures that count on it.
    """
    edge = 0.0 if zones.nearly_all is None else zones.nearly_all
    w = math.inf if zones.null is None else zones.null
    down = by_itself == _code[Word.CONTRADICTED]
    up = np.isin(by_itself, [_code[word] for word in _upward])
    if zones.two_sided:
        down |= up & (found.high < 0)
        up &= ~down
    none, no_gain = (by_itself == _code[word] for word in (Word.NO_EFFECT, Word.NO_GAIN))
    least = np.where(up, edge, np.where(none, -w, -math.inf))
    most = np.where(down, edge, np.where(none | no_gain, w, math.inf))
    return least, most


def _means(pairs: Pairs, n: int) -> Array:
    """Return (samples,), the means of the first n pairs, NaN where none has a value."""
    values = pairs.mean_value[:, :n]
    sums = values.sum(axis=1)
    rows = np.flatnonzero(np.isnan(sums))
    if len(rows):
        some = ~np.isnan(values[rows])
        counts = some.sum(axis=1)
        sums[rows] = np.where(some, values[rows], 0).sum(axis=1) * n
        sums[rows] /= np.where(counts, counts, math.nan)
    means: Array = sums / n
    return means


def _fails_more(failed: Bools) -> tuple[Bools, Bools]:
    """Return whether runs fail significantly more often for the claim, and against it.

    Exact test of McNemar: of the pairs in which failures count on one side alone, each side would
    have half.
    """
    from scipy.special import bdtr  # it takes longer to load than all else here

    favourable = (failed[..., 0] & ~failed[..., 1]).sum(axis=1)
    adverse = (failed[..., 1] & ~failed[..., 0]).sum(axis=1)
    chance = 2 * bdtr(np.minimum(favourable, adverse), favourable + adverse, 0.5)
    significant = chance <= FAILURE_LEVEL
    return significant & (favourable > adverse), significant & (adverse > favourable)


def _some(pairs: Pairs, at: int) -> Pairs:
    """Return some of many samples."""
    rows = slice(at, at + _rows)
    low = pairs.low[rows]
    return Pairs(
        low=low,
        high=low if pairs.known else pairs.high[rows],
        mean_value=pairs.mean_value[rows],
        failed=pairs.failed[rows],
    )


def _count(read: Pairs, edge: float, zones: Zones, table: Table) -> Count:
    sides = (
        (1, table.exceptions if zones.nearly_all is None else table.shares),
        (-1, table.exceptions),
    )
    above, below = (
        Tally(
            pairs=int(beyond[: look or len(beyond)].sum()),
            of=look or len(beyond),
            established=look > 0,
        )
        for side, exceptions in sides
        for beyond in (read.beyond(edge, side, zones.rounding),)
        for look in (established(beyond, exceptions),)
    )
    return Count(edge=edge, above=above, below=below)


def _estimate(read: Pairs) -> float | None:
    """Return the median of the pairs read; the middle of its limits if it has two, or the one."""
    if read.n == 0:
        return None
    with np.errstate(invalid="ignore"):  # between -∞ and ∞ there is no middle
        ends = {float(np.median(read.low)), float(np.median(read.high))}
    finite = [end for end in ends if math.isfinite(end)]
    if finite:
        return sum(finite) / len(finite)
    return ends.pop() if len(ends) == 1 and not any(map(math.isnan, ends)) else None


def _settled_since(found: Words) -> int | None:
    """Return the look since which one sample's group is settled as it is, None if it isn't."""
    groups = [group_of(WORDS[code]) for code in found.by_itself[:, 0]]
    since = None
    for look, group, settled in zip(found.looks, groups, found.settled[:, 0], strict=True):
        if not settled or group is not groups[-1]:
            since = None
        elif since is None:
            since = look
    return since


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
