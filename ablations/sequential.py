"""Looks at a growing sample, fixed before the run, within the claim's own share of the error.

Looks come at 12, 16, 20 and 32 pairs. The first may only stop what is hopeless. At the others the
rule is read at levels that spend α as O'Brien and Fleming do: by the share t of the last look's
pairs, 2(1 - Φ(z/√t)) of it has been spent, z = Φ⁻¹(1 - α/2), and each look has what is new. All
misses together then have probability α at most, however the looks depend on each other. (Looking
after every pair at the full level instead would miss several times as often.)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ablations.power import fewest_pairs
from ablations.records import Word, Zones
from ablations.statistics import Array, Bools, critical, widening
from ablations.verdict import Samples, edges, measure, settle, words

looks = (12, 16, 20, 32)
hopeless = 0.1  # chance to settle at the last look below which the first one stops
open_words = (Word.DIRECTION_ONLY, Word.INCONCLUSIVE)  # words that more pairs may change
undecided = (*open_words, Word.INVALID)  # as they may an arm that isn't told from trivial ones


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


def see(values: Array, level: float) -> tuple[Samples | None, ...]:
    """Return what each look sees of samples, None where it can't settle anything.

    The first look, which may only stop, sees it at the last one's level.

    Args:
        values: (samples, 32), the claimed direction positive; a look sees the first ones alone.
        level: The claim's, over all looks together.
    """
    assert values.shape[1] == looks[-1], values.shape
    _, *spending = levels(level)
    at = [spending[-1], *spending]
    return tuple(
        None if share is None else measure(values[:, :n], share)
        for n, share in zip(looks, at, strict=True)
    )


def walk(
    seen: Sequence[Samples | None], zones: Zones, *, symmetric: bool, shift: float = 0.0
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Return each sample's word, an index into `verdict.words`, and the pairs at which it stopped.

    Args:
        seen: As `see` made it.
        zones: What was fixed beforehand.
        symmetric: Whether the contrasts are symmetric by construction.
        shift: What to add to every value.
    """
    first, *later = seen
    assert first is not None, looks
    word = np.full(len(first.mean), len(words) - 1, dtype=np.int8)
    pairs = np.full(len(first.mean), looks[-1])
    going = ~stops(first, zones, symmetric=symmetric, shift=shift)
    pairs[~going] = looks[0]
    for n, samples in zip(looks[1:], later, strict=True):
        if samples is None:
            continue
        found = settle(samples, zones, symmetric=symmetric, shift=shift)
        word[going] = found[going]
        stop = going & ~np.isin(found, [words.index(w) for w in open_words])
        pairs[stop] = n
        going &= ~stop
    return word, pairs


def stops(samples: Samples, zones: Zones, *, symmetric: bool, shift: float = 0.0) -> Bools:
    """Return which samples have little chance to settle at the last look: futility.

    That is where `prospects` are below a tenth: where the effect is below the one, for all samples
    the same, that has a tenth.

    Args:
        samples: What the first look sees, at the last look's level.
        zones, symmetric, shift: As in `walk`.
    """
    from scipy import special

    needed = widening(looks[-1], symmetric) * critical(looks[-1], samples.level)
    least = float(special.nctdtrinc(looks[-1] - 1, 1 - hopeless, needed))
    effect, constant = _effect(samples.mean + shift, samples.sd, zones)
    found: Bools = ~constant & (effect < least)
    return found


def prospects(values: Array, zones: Zones, level: float, *, symmetric: bool) -> Array:
    """Return each sample's chance to settle at the last look.

    That is the noncentral t's chance, at the sample's own spread and estimate, to tell the mean
    from the nearest edge with as many pairs as the last look has; 1 for equal values.

    Args:
        values: (samples, n). zones, symmetric: As in `walk`. level: The last look's.
    """
    from scipy import special

    assert values.shape[1] >= 2, values.shape
    samples = measure(values, level)
    effect, constant = _effect(samples.mean, samples.sd, zones)
    needed = widening(looks[-1], symmetric) * critical(looks[-1], level)
    found: Array = np.where(constant, 1.0, 1 - special.nctdtr(looks[-1] - 1, effect, needed))
    return found


def _effect(mean: Array, sd: Array, zones: Zones) -> tuple[Array, Bools]:
    """Return the last look's noncentrality at the nearest edge, and which samples are constant."""
    distance = np.min([np.abs(mean - edge) for edge in edges(zones)], axis=0)
    constant: Bools = sd == 0
    effect: Array = math.sqrt(looks[-1]) * distance / np.where(constant, 1.0, sd)
    return effect, constant


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
        if at is not None and judge(step) not in undecided:
            return replace(step, stopped=True)
    return replace(step, stopped=step.look == len(looks))
