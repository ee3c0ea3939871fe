"""What stands beside an interval: controls, extremes, arrivals at a target, shape, lost pairs."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from ablations.forms import Contrast, Metrics, Statistical
from ablations.forms.base import number
from ablations.forms.time_to_target import arrival
from ablations.records import Control, Zones
from ablations.specs import Claim
from ablations.statistics import interval, mcnemar, moments, skewness_bound, widening

control_share = 0.25  # of the band's width: how far from nothing the control's interval may reach
most_company = 0.1  # cores that others may take while a series is timed, before it is told
standard_errors = 3.0  # by which a trained arm must beat the best trivial baseline

Seeds = Sequence[Sequence[Metrics | None]]


def trivial(claim: Claim, seeds: Seeds) -> Iterable[Control]:
    """Each trained arm must beat the best trivial baseline by three standard errors.

    The error is that of the mean margin over boards and seeds. The test boards are the same for
    every seed, so their part of it doesn't shrink with seeds. A seed that diverged, or whose margin
    isn't finite, beats nothing: its margin counts as nothing.
    """
    if not claim.trained or not seeds:
        return
    for label, arm in zip((a.label for a in claim.arms), zip(*seeds, strict=True), strict=True):
        found = [(number(m.get("margin")), number(m.get("error"))) for m in arm if m is not None]
        known = [(m, e) for m, e in found if math.isfinite(m) and math.isfinite(e)]
        margins = [m for m, _ in known] + [0.0] * (len(arm) - len(known))
        margin = float(np.mean(margins))
        boards = float(np.mean([e for _, e in known])) if known else 0.0
        over_seeds = float(np.std(margins, ddof=1)) if len(margins) > 1 else 0.0
        error = math.hypot(boards, over_seeds / math.sqrt(len(margins)))
        yield Control(
            name=f"{label} beats the trivial baselines",
            estimate=margin,
            low=margin - standard_errors * error,
            high=margin + standard_errors * error,
            bound=f"margin in accuracy on unknown cells {margin:+.4f}, must exceed "
            f"{standard_errors:g} standard errors, {standard_errors * error:.4f}",
            passed=margin > standard_errors * error,
        )


def equal_code(metric: str, zones: Zones, seeds: Seeds, level: float) -> Control:
    """A-versus-A: second over first process of the same arm, both arms, within each block.

    A block without two positive times an arm fails the control.
    """
    assert zones.band is not None, zones
    name = "equal code in fresh processes (A versus A)"
    bound = control_share * (zones.band[1] - zones.band[0])
    times = [arm.get(metric) for seed in seeds for arm in seed if arm is not None]
    values = [_second_over_first(pair) for pair in times]
    unusable = sum(not math.isfinite(v) for v in values)
    if unusable:
        return Control(
            name=name,
            estimate=None,
            low=None,
            high=None,
            bound=f"{unusable} of {len(values)} pairs of equal code have no ratio of times",
            passed=False,
        )
    found = interval(values, level)
    low, high = (math.exp(min(max(end, -700.0), 700.0)) for end in (found.low, found.high))
    return Control(
        name=name,
        estimate=math.exp(found.estimate),
        low=low,
        high=high,
        bound=f"interval {low:.4g} to {high:.4g} over {found.n} pairs, must lie within "
        f"{math.exp(-bound):.4g} to {math.exp(bound):.4g}, a quarter of the band's width",
        passed=max(abs(found.low), abs(found.high)) <= bound,
    )


def extreme(seeds: Seeds, contrasts: Sequence[Contrast]) -> list[str]:
    """All arms of all seeds at the same floor, ceiling or cap: nothing is left to compare."""
    if contrasts and all(c.censored and all(c.censored) for c in contrasts):
        return ["no run of any arm arrives at the target before the cap"]
    found = {str(arm.get("extreme", "")) for seed in seeds for arm in seed if arm is not None}
    return (
        [f"all arms sit at the same {found.pop()}"] if len(found) == 1 and "" not in found else []
    )


def arrivals(labels: Sequence[str], contrasts: Sequence[Contrast]) -> Iterable[str]:
    """Where there is a cap: how many runs of each arm arrived, when, and the exact McNemar test."""
    capped = [contrast for contrast in contrasts if contrast.censored]
    if not capped:
        return
    counts = []
    for label, times, late in zip(
        labels,
        zip(*(c.values for c in capped), strict=True),
        zip(*(c.censored for c in capped), strict=True),
        strict=True,
    ):
        found = arrival(times, late)
        when = f"median {found['median']:g}" if found["median"] < math.inf else "most never"
        counts.append(f"{late.count(False)} of {len(late)} ({label}; {when})")
    first, last = ([not c.censored[i] for c in capped] for i in (0, -1))
    both = list(zip(first, last, strict=True))
    p = mcnemar(sum(a and not b for a, b in both), sum(b and not a for a, b in both))
    yield f"Arrived before the cap: {', '.join(counts)}; exact McNemar p = {p:.3g}"


def shape(form: Statistical, contrasts: Sequence[Contrast]) -> Iterable[str]:
    """What the contrasts look like: skewness, tails, ties, zeros, pairs without a contrast."""
    finite = [c.theta for c in contrasts if math.isfinite(c.theta)]
    if form.zones.log:
        few = sum(any(v <= 0 for v in c.values) for c in contrasts)
        if few:
            yield f"{few} of {len(contrasts)} pairs have a value that isn't positive, so no ratio"
    n = len(finite)
    if n < 3:
        return
    found = moments(finite)
    tied, zeros = n - len(set(finite)), finite.count(0.0)
    yield (
        f"Shape of {n} contrasts: skewness {float(found.skewness):+.2f} (bound "
        f"{skewness_bound(n):.2f}), excess kurtosis {float(found.kurtosis):+.2f}"
        + (f"; {tied} equal to an earlier one" if tied else "")
        + (f"; {zeros} exactly zero" if zeros else "")
    )
    if form.symmetry:
        yield f"Symmetric by construction: {form.symmetry}"
    elif found.sd > 0:
        yield (
            "Nothing but the sample speaks for symmetry, and a sample can miss a tail: the verdict "
            f"reads an interval {widening(n, False):g} times as wide"
        )


def dropped(seeds: Sequence[Sequence[object]]) -> Iterable[str]:
    """Seeds with a result in some arms only: they make no pair, and nothing is compared."""
    halves = sum(any(r is None for r in s) and any(r is not None for r in s) for s in seeds)
    if halves == 1:
        yield "1 seed has results in some arms only, makes no pair, and drops out"
    elif halves:
        yield f"{halves} seeds have results in some arms only, make no pair, and drop out"


def company(seeds: Seeds) -> Iterable[str]:
    """What other processes took of the machine while it was timed, where that was measured."""
    measured = [number(arm.get("others")) for seed in seeds for arm in seed if arm is not None]
    most = max((m for m in measured if math.isfinite(m)), default=0.0)
    if most > most_company:
        yield (
            f"Other processes took up to {most:.2f} cores while this was timed, which wants the "
            "machine alone"
        )


def _second_over_first(times: object) -> float:
    """Return the log-ratio of two processes' times, NaN where there is none."""
    pair = [number(t) for t in times] if isinstance(times, list | tuple) else []
    usable = len(pair) == 2 and all(0 < t < math.inf for t in pair)
    return math.log(pair[1] / pair[0]) if usable else math.nan
