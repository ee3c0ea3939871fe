"""Looks at a growing sample, fixed before the run, within the claim's own share of the error.

Looks come at 12, 16, 20 and 32 pairs. The first may only stop what is hopeless. At the others the
rule is read at levels that spend α as O'Brien and Fleming do: by the share t of the last look's
pairs, 2(1 - Φ(z/√t)) of it has been spent, z = Φ⁻¹(1 - α/2), and each look has what is new. All
misses together then have probability α at most, however the looks depend on each other. (Looking
after every pair at the full level instead would miss several times as often.)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ablations.power import fewest_pairs
from ablations.records import Word, Zones
from ablations.statistics import Array, Bools, critical, widening
from ablations.verdict import edges, measure, settle, words

looks = (12, 16, 20, 32)
hopeless = 0.1  # chance to settle at the last look below which the first one stops
open_words = (Word.DIRECTION_ONLY, Word.INCONCLUSIVE)  # words that more pairs may change


def levels(level: float) -> tuple[float | None, ...]:
    """Return each look's confidence level, None where it can't settle anything.

    That is the first look, and any at whose level the sign-flip test couldn't reject: what it would
    have spent goes to the next one.
    """
    from scipy import special

    alpha, spent = 1 - level, 0.0
    z = special.ndtri(1 - alpha / 2)
    found: list[float | None] = []
    for n in looks:
        share = 2 * float(special.ndtr(-z / math.sqrt(n / looks[-1]))) - spent
        if n == looks[0] or n < fewest_pairs(1 - share):
            found.append(None)
            continue
        found.append(1 - share)
        spent += share
    return tuple(found)


def walk(
    values: Array, zones: Zones, level: float, *, symmetric: bool
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Return each sample's word, an index into `verdict.words`, and the pairs at which it stopped.

    Args:
        values: (samples, 32), the claimed direction positive; only what a look sees is used.
        zones: What was fixed beforehand.
        level: The claim's, over all looks together.
        symmetric: Whether the contrasts are symmetric by construction.
    """
    assert values.shape[1] == looks[-1], values.shape
    word = np.full(len(values), len(words) - 1, dtype=np.int8)
    pairs = np.full(len(values), looks[-1])
    going = np.arange(len(values))
    spending = levels(level)
    for n, at in zip(looks, spending, strict=True):
        x = values[going, :n]
        if n == looks[0]:
            last = spending[-1]
            assert last is not None, level
            stop = stops(x, zones, last, symmetric=symmetric)
        elif at is not None:
            word[going] = settle(measure(x, at), zones, symmetric=symmetric)
            stop = ~np.isin(word[going], [words.index(w) for w in open_words])
        else:
            stop = np.zeros(len(going), dtype=bool)
        pairs[going[stop]] = n
        going = going[~stop]
    return word, pairs


def stops(values: Array, zones: Zones, level: float, *, symmetric: bool) -> Bools:
    """Return which samples have little chance to settle at the last look: futility.

    Args:
        values: (samples, n). zones, symmetric: As in `walk`. level: The last look's.
    """
    return prospects(values, zones, level, symmetric=symmetric) < hopeless


def prospects(values: Array, zones: Zones, level: float, *, symmetric: bool) -> Array:
    """Return each sample's chance to settle at the last look.

    That is the noncentral t's chance, at the sample's own spread and estimate, to tell the mean
    from the nearest edge with as many pairs as the last look has; 1 for equal values.
    """
    from scipy import special

    n, last = values.shape[1], looks[-1]
    mean, sd = values.mean(axis=1), values.std(axis=1, ddof=1)
    distance = np.min([np.abs(mean - edge) for edge in edges(zones)], axis=0)
    assert n >= 2, n
    constant = sd == 0
    effect = math.sqrt(last) * distance / np.where(constant, 1.0, sd)
    needed = widening(last, symmetric) * critical(last, level)
    found: Array = np.where(constant, 1.0, 1 - special.nctdtr(last - 1, effect, needed))
    return found


@dataclass(frozen=True, kw_only=True)
class Step:
    """Where a claim stands that is looked at several times.

    Args:
        look: The last look that was reached, from 1; 0 before the first.
        pairs: What it sees, or all pairs before the first.
        level: Its confidence level; the last look's where it can't settle anything.
        settles: Whether it may settle anything.
        stopped: Whether nothing that comes later is looked at. futile: Whether for want of hope.
    """

    look: int
    pairs: int
    level: float
    settles: bool
    stopped: bool = False
    futile: bool = False


def follow(
    available: int,
    level: float,
    judge: Callable[[Step], Word],
    futile: Callable[[Step], bool],
) -> Step:
    """Return where a claim stands with so many pairs: `walk` for one claim, as its pairs come.

    Each look sees the first pairs alone, so that what came after a stop never counts.

    Args:
        available: Pairs that there are, without a gap from the first one on.
        level: The claim's, over all looks together.
        judge: Returns the word at a look. futile: Whether the first look stops for want of hope.
    """
    spending = levels(level)
    last = spending[-1]
    assert last is not None, level
    step = Step(look=0, pairs=available, level=last, settles=False)
    for number, (n, at) in enumerate(zip(looks, spending, strict=True), 1):
        if available < n:
            break
        step = Step(look=number, pairs=n, level=at or last, settles=at is not None)
        if n == looks[0] and futile(step):
            return replace(step, stopped=True, futile=True)
        if at is not None and judge(step) not in open_words:
            return replace(step, stopped=True)
    return replace(step, stopped=step.look == len(looks))
