"""Statistical claims: from the results of their seeds to a word, judged once or in looks."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from ablations import calibration, evidence, family, sequential, verdict, wording
from ablations.forms import Contrast, Metrics, Statistical
from ablations.records import (
    Beside,
    Control,
    Controlled,
    Json,
    Point,
    Result,
    Status,
    Tier,
    Word,
    Zones,
)
from ablations.specs import Claim
from ablations.statistics import Interval, interval

without = (Status.FAILED, Status.DIED)  # runs that measured nothing

Seeds = Sequence[Sequence[Result | None]]


class Case:
    """A claim and its runs, to be judged once or several times."""

    def __init__(
        self,
        claim: Claim,
        seeds: Seeds,
        tier: Tier,
        faults: Sequence[str],
        controls: Sequence[Controlled],
    ) -> None:
        assert claim.statistics is not None, claim.id
        self.claim, self.form, self.tier = claim, claim.statistics, tier
        self.seeds, self.faults, self.controls = seeds, list(faults), controls

    def first(self, seeds: int) -> "Case":
        """Return the same with the first seeds alone."""
        return Case(self.claim, self.seeds[:seeds], self.tier, self.faults, self.controls)

    def measured(self) -> tuple[list[list[Metrics | None]], list[tuple[int, Contrast]]]:
        """Return the metrics of each complete seed, and its contrasts with their numbers."""
        complete = [
            (i, m) for i, seed in enumerate(self.seeds) if (m := metrics_of(seed)) is not None
        ]
        pairs = [(i, list(enumerate(self.form.contrasts(m)))) for i, m in complete]
        each = max((len(of_seed) for _, of_seed in pairs), default=1)
        return [m for _, m in complete], [(i * each + j, c) for i, of in pairs for j, c in of]

    def missing(self) -> str:
        """Return what isn't run of the controls that share the measurement, "" if nothing."""
        short = [c.row for c in self.controls if c.row.stored < c.row.planned]
        if not short:
            return ""
        runs = f"{short[0].stored} of {short[0].planned} runs"
        return f"control {short[0].verdict.id} has {runs}: `{short[0].command}`"


def at_once(case: Case, level: float | None = None) -> dict[str, Json]:
    """Judge once, at the family's level or at a look's."""
    claim, form, seeds = case.claim, case.form, case.seeds
    level = family.level() if level is None else level
    metrics, numbered = case.measured()
    contrasts = [c for _, c in numbered]
    values = np.array([c.theta for c in contrasts])
    controls = [*evidence.trivial(claim, metrics)]
    if claim.control is not None and metrics:
        controls.append(evidence.equal_code(claim.control, form.zones, metrics, family.level()))
    faults = case.faults + [
        f"control failed: {c.name}, {c.bound}" for c in controls if c.passed is False
    ]
    faults = faults + evidence.extreme(metrics, contrasts)
    arms = list(zip(*(c.censored for c in contrasts), strict=True))
    symmetric = bool(form.symmetry)
    each = max(1, len(values) // max(1, len(metrics)))
    decision = verdict.decide(
        values,
        form.zones,
        level,
        tier=case.tier,
        decides=not (claim.trained and case.tier is Tier.QUICK),
        planned_pairs=len(seeds) * each,
        symmetric=symmetric,
        censored=max((float(np.mean(arm)) for arm in arms), default=0.0),
        faults=faults,
        flagged=_withheld(form, len(values)),
    )
    word, reason = decision.word, decision.reason
    lacking = case.missing()
    if word is not Word.INVALID and len(metrics) < len(seeds):
        word = Word.INCONCLUSIVE
        reason = f"incomplete: {len(metrics)} of {len(seeds)} planned seeds have results; {reason}"
    elif word not in (Word.INVALID, Word.INCONCLUSIVE) and lacking:
        word, reason = Word.INCONCLUSIVE, f"incomplete: {lacking}; by itself {word}: {reason}"
    found = decision.interval
    labels = [arm.label for arm in claim.arms]
    return {
        "word": word,
        "reason": reason,
        "n": len(values),
        "estimate": None if found is None else wording.in_words(found.estimate, form.zones),
        "bounds": _bounds(found, form.zones),
        "level": level,
        "needed": decision.needed,
        "points": tuple(_point(claim, i, c, form.zones) for i, c in numbered),
        "beside": _beside(claim, metrics),
        "controls": (*controls, *map(_beside_claim, case.controls)),
        "notes": (
            *evidence.dropped(seeds),
            *evidence.shape(form, contrasts),
            *evidence.arrivals(labels, contrasts),
            *evidence.company(metrics),
        ),
    }


def in_looks(case: Case) -> dict[str, Json]:
    """Judge at each look that is reached, and say at which one it stopped."""
    made: dict[int, dict[str, Json]] = {}

    def judge(step: sequential.Step) -> Word:
        made[step.look] = at_once(case.first(step.pairs), step.level)
        word: Word = made[step.look]["word"]
        return word

    step = reached(case.claim, case.seeds, judge)
    if step.look not in made:
        judge(step)
    decided, looks = made[step.look], sequential.looks
    at = f"look {step.look} of {len(looks)} ({step.pairs} pairs, level {step.level:.6f})"
    reason, word = decided["reason"], decided["word"]
    if step.look == 0:
        at = f"before the first of {len(looks)} looks"
    if not step.settles and word is not Word.INVALID:
        word = Word.INCONCLUSIVE
    if step.futile:
        said = f"stopped at {at} for want of hope to settle it at the last one: {reason}"
    elif step.stopped:
        said = f"stopped at {at}: {reason}"
    else:
        said = f"at {at}, the next at {looks[step.look]}: {reason}"
    settled = word not in (Word.INVALID, Word.INCONCLUSIVE)
    if flagged := _withheld(case.form, decided["n"], looks=True) if settled else "":
        word, said = Word.INCONCLUSIVE, f"by itself {word}, but {flagged}; {said}"
    return {**decided, "word": word, "reason": said}


def reached(
    claim: Claim, seeds: Seeds, judge: Callable[[sequential.Step], Word] | None = None
) -> sequential.Step:
    """Return where a claim stands that is looked at several times.

    Args:
        claim: The claim. seeds: Its results, from the first seed on.
        judge: What returns the word at a look; by default it is made for that alone.
    """
    case = Case(claim, seeds, Tier.FULL, [], ())
    available = next((i for i, s in enumerate(seeds) if metrics_of(s) is None), len(seeds))

    def word(step: sequential.Step) -> Word:
        found: Word = at_once(case.first(step.pairs), step.level)["word"]
        return found

    def futile(step: sequential.Step) -> bool:
        return hope(claim, seeds, step) < sequential.hopeless

    return sequential.follow(available, family.level(), judge or word, futile)


def hope(claim: Claim, seeds: Seeds, step: sequential.Step) -> float:
    """Return the chance that the last look settles a claim, from what a look sees."""
    case = Case(claim, seeds[: step.pairs], Tier.FULL, [], ())
    thetas = np.array([c.theta for _, c in case.measured()[1]])
    if not np.isfinite(thetas).all():
        return 0.0
    zones, last = case.form.zones, sequential.levels(family.level())[-1]
    assert last is not None
    values = thetas[None] * zones.sign
    return float(sequential.prospects(values, zones, last, symmetric=bool(case.form.symmetry))[0])


def _withheld(form: Statistical, n: int, *, looks: bool = False) -> str:
    """Return why the calibration withholds verdicts of such claims, "" if it doesn't."""
    made, level = calibration.committed(), family.level()
    return calibration.flag(made, form.name, n, bool(form.symmetry), level=level, looks=looks)


def _beside_claim(control: Controlled) -> Control:
    found = control.row.verdict
    return Control(
        name=found.id,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        bound=f"{control.expected}; it is {found.verdict}",
        passed=control.passed,
    )


def metrics_of(seed: Sequence[Result | None]) -> list[Metrics | None] | None:
    """Return one mapping per arm of a seed, None for an arm that diverged.

    None in all if a run is missing or failed.
    """
    if any(result is None or result.status in without for result in seed):
        return None
    found: list[Metrics | None] = []
    for result in seed:
        assert result is not None
        if result.status is Status.DIVERGED and not result.metrics:
            found += [None] * len(result.trial.arms)
        else:
            found += list(result.metrics)
    return found


def _beside(claim: Claim, seeds: Sequence[Sequence[Metrics | None]]) -> tuple[Beside, ...]:
    shown = []
    for reading in claim.beside:
        values = [v for seed in seeds for v in reading.contrasts(seed)]
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            continue
        found = interval(finite, family.level())
        lost = len(values) - len(finite)
        zones = Zones(null=1.0, null_reason="", log=reading.log)
        low, high = _bounds(found, zones)
        shown.append(
            Beside(
                label=reading.label + (f" ({lost} pairs have no value)" if lost else ""),
                unit=reading.unit,
                estimate=wording.in_words(found.estimate, zones),
                low=low,
                high=high,
                n=found.n,
            )
        )
    return tuple(shown)


def _point(claim: Claim, seed: int, contrast: Contrast, zones: Zones) -> Point:
    finite = math.isfinite(contrast.theta)
    labels = [arm.label for arm in claim.arms]
    capped = [a for a, c in zip(labels, contrast.censored, strict=False) if c]
    return Point(
        seed=seed,
        values={
            label: value if math.isfinite(value) else None
            for label, value in zip(labels, contrast.values, strict=True)
        },
        contrast=wording.in_words(contrast.theta, zones) if finite else None,
        note=f"at the cap: {', '.join(capped)}" if capped else "" if finite else "no contrast",
    )


def _bounds(found: Interval | None, zones: Zones) -> tuple[float | None, float | None]:
    if found is None or not math.isfinite(found.low) or not math.isfinite(found.high):
        return None, None
    low, high = sorted(wording.in_words(b, zones) for b in (found.low, found.high))
    return low, high
