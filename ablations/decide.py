"""From stored results to rows: every statistic of a report is made here."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ablations import calibration, claims, evidence, family, verdict, wording
from ablations.forms import (
    Consistency,
    Contrast,
    Exact,
    External,
    Form,
    Metrics,
    Statistical,
)
from ablations.plan import Planned, plan
from ablations.records import (
    Beside,
    Check,
    Json,
    Point,
    Report,
    Result,
    Row,
    Status,
    Tier,
    Verdict,
    Word,
    Zones,
)
from ablations.specs import Claim, differences
from ablations.statistics import Interval, interval
from ablations.store import Store

_without = (Status.FAILED, Status.DIED)  # runs that measured nothing

Seeds = Sequence[Sequence[Result | None]]


def report(chosen: Iterable[Claim], store: Store, tier: Tier, device: str = "cpu") -> Report:
    """Decide claims from what a store holds, and return all that a report shows."""
    plans = [plan(claim, tier, device) for claim in chosen]
    collected = [planned.collect(store) for planned in plans]
    rows = [row(p, c, tier) for p, c in zip(plans, collected, strict=True)]
    unique = {r.fingerprint: r for seeds in collected for seed in seeds for r in seed if r}
    results = [unique[f] for f in sorted(unique)]
    words = [r.verdict.verdict for r in rows]
    return Report(
        tier=tier.value,
        members=len(family.members()),
        level=family.level(),
        tally={word.value: words.count(word) for word in Word if word in words},
        commits=tuple(sorted({r.commit for r in results if r.commit})),
        dirty=any(r.dirty for r in results),
        machines=tuple(sorted({_machine(r) for r in results})),
        versions={k: v for r in results for k, v in r.versions.items()},
        runs=len(results),
        cpu_seconds=sum(r.cpu_seconds for r in results),
        rows=tuple(rows),
        family=family.count(rows, claims.specs()),
        calibration=calibration.shown(calibration.committed(), len(family.members())),
    )


def row(planned: Planned, seeds: Seeds, tier: Tier) -> Row:
    """Decide one claim and gather what the report shows of it."""
    claim = planned.claim
    flat = [result for seed in seeds for result in seed]
    stored = [result for result in flat if result is not None]
    faults = _faults(stored)
    statistical = _statistical_form(claim.form)
    if not stored and (flat or isinstance(claim.form, External)):
        cost = f"about {claim.cost * len(flat):.0f} CPU seconds"
        if isinstance(claim.form, External):
            cost = f"it takes {claim.form.cost}"
        decided = {"word": Word.NOT_RUN, "reason": f"no run is stored; {cost}"}
    elif statistical is not None:
        decided = _statistical(claim, statistical, seeds, tier, faults)
    else:
        assert isinstance(claim.form, Exact | Consistency), claim.form
        decided = _checked(claim, seeds, faults)
    return _row(planned, stored, tier, decided)


def _statistical_form(form: Form) -> Statistical | None:
    """Return the form that gives the contrasts, None for claims without any."""
    if isinstance(form, External):
        return form.inner
    return form if isinstance(form, Statistical) else None


# -- exact and consistency claims -----------------------------------------------------------------
def _checked(claim: Claim, seeds: Seeds, faults: list[str]) -> dict[str, Json]:
    metrics = [m for seed in seeds if (m := _metrics(seed)) is not None]
    usable = [[arm for arm in seed if arm is not None] for seed in metrics]
    undecided = ""
    checks: tuple[Check, ...] = ()
    if isinstance(claim.form, Consistency) and claim.form.derive is not None:
        if usable or not seeds:
            try:
                checks, undecided = claim.form.derive(usable, family.level())
            except (ArithmeticError, LookupError, TypeError, ValueError) as error:
                said = f"{type(error).__name__}: {error}"
                faults = [*faults, f"what was measured doesn't give the figures ({said})"]
    else:
        raw = [check for seed in usable for arm in seed for check in arm.get("checks", [])]
        checks = tuple(Check.from_json(check) for check in raw)
    missing = sum(result is None for seed in seeds for result in seed)
    if faults:
        word, reason = Word.INVALID, "; ".join(faults)
    elif missing:
        word, reason = Word.INCONCLUSIVE, f"too few runs: {missing} of the planned ones are missing"
    elif undecided:
        word, reason = Word.INCONCLUSIVE, undecided
    else:
        word, reason = verdict.decide_checks(checks)
    return {"word": word, "reason": reason, "checks": checks, "n": len(usable)}


# -- statistical claims ---------------------------------------------------------------------------
def _statistical(
    claim: Claim, form: Statistical, seeds: Seeds, tier: Tier, faults: list[str]
) -> dict[str, Json]:
    complete = [(i, m) for i, seed in enumerate(seeds) if (m := _metrics(seed)) is not None]
    pairs = [(i, list(enumerate(form.contrasts(m)))) for i, m in complete]
    each = max((len(of_seed) for _, of_seed in pairs), default=1)
    numbered = [(i * each + j, c) for i, of_seed in pairs for j, c in of_seed]
    contrasts, metrics = [c for _, c in numbered], [m for _, m in complete]
    values = np.array([c.theta for c in contrasts])
    controls = [*evidence.trivial(claim, metrics)]
    if claim.control is not None and complete:
        controls.append(evidence.equal_code(claim.control, form.zones, metrics, family.level()))
    faults = faults + [f"control failed: {c.name}, {c.bound}" for c in controls if not c.passed]
    faults = faults + evidence.extreme(metrics, contrasts)
    arms = list(zip(*(c.censored for c in contrasts), strict=True))
    symmetric = bool(form.symmetry)
    decision = verdict.decide(
        values,
        form.zones,
        family.level(),
        tier=tier,
        decides=not (claim.trained and tier is Tier.QUICK),
        planned_pairs=len(seeds) * each,
        symmetric=symmetric,
        censored=max((float(np.mean(arm)) for arm in arms), default=0.0),
        faults=faults,
        flagged=calibration.flag(calibration.committed(), form.name, len(values), symmetric),
    )
    word, reason = decision.word, decision.reason
    if word is not Word.INVALID and len(complete) < len(seeds):
        word = Word.INCONCLUSIVE
        reason = f"incomplete: {len(complete)} of {len(seeds)} planned seeds have results; {reason}"
    found = decision.interval
    labels = [arm.label for arm in claim.arms]
    return {
        "word": word,
        "reason": reason,
        "n": len(values),
        "estimate": None if found is None else wording.in_words(found.estimate, form.zones),
        "bounds": _bounds(found, form.zones),
        "needed": decision.needed,
        "points": tuple(_point(claim, i, c, form.zones) for i, c in numbered),
        "beside": _beside(claim, metrics),
        "controls": tuple(controls),
        "notes": (
            *evidence.dropped(seeds),
            *evidence.shape(form, contrasts),
            *evidence.arrivals(labels, contrasts),
        ),
    }


def _metrics(seed: Sequence[Result | None]) -> list[Metrics | None] | None:
    """Return one mapping per arm of a seed, None for an arm that diverged.

    None in all if a run is missing or failed.
    """
    if any(result is None or result.status in _without for result in seed):
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


# -- rows -----------------------------------------------------------------------------------------
def _row(
    planned: Planned, stored: Sequence[Result], tier: Tier, decided: Mapping[str, Json]
) -> Row:
    claim, entry = planned.claim, claims.ledger()[planned.claim.id]
    form = _statistical_form(claim.form)
    zones = None if form is None else form.zones
    low, high = decided.get("bounds", (None, None))
    return Row(
        verdict=Verdict(
            id=claim.id,
            document=entry["document"],
            section=claim.section,
            form=claim.form.name,
            documented=entry["documented"],
            estimate=decided.get("estimate"),
            low=low,
            high=high,
            n=decided.get("n", 0),
            tier=tier.value,
            verdict=decided["word"],
            reason=decided["reason"],
        ),
        statement=entry["claim"],
        reading=claim.reading,
        labels=tuple(arm.label for arm in claim.arms),
        differences=differences(claim),
        unit=zones.unit if zones else "",
        null=_zone((-zones.null, zones.null), zones) if zones else None,
        band=_zone(zones.band, zones) if zones and zones.band else None,
        neutral=1.0 if zones and zones.log else 0.0,
        log=bool(zones and zones.log),
        level=family.level() if zones else None,
        points=decided.get("points", ()),
        checks=decided.get("checks", ()),
        beside=decided.get("beside", ()),
        controls=decided.get("controls", ()),
        failures=tuple(_failures(stored)),
        notes=(*_notes(zones), *decided.get("notes", ())),
        needed=decided.get("needed"),
        planned=len(planned.flat),
        stored=len(stored),
        command=_command(planned, tier),
        cost_seconds=sum(r.cpu_seconds for r in stored),
        machine="; ".join(sorted({_machine(r) for r in stored})) or None,
    )


def _command(planned: Planned, tier: Tier) -> str:
    other = {trial.device for trial in planned.flat} - {"cpu"}
    device = "".join(f" --device {name}" for name in sorted(other))
    return f"ablations run {planned.claim.id} --tier {tier.value}{device}"


def _zone(zone: tuple[float, float], zones: Zones) -> tuple[float, float]:
    low, high = sorted(wording.in_words(edge * zones.sign, zones) for edge in zone)
    return low, high


def _notes(zones: Zones | None) -> tuple[str, ...]:
    if zones is None:
        return ()
    notes = [f"Null zone: {zones.null_reason}"]
    return (*notes, f"Band: {zones.band_reason}") if zones.band else tuple(notes)


def _faults(stored: Sequence[Result]) -> list[str]:
    failed = [r for r in stored if r.status in (Status.FAILED, Status.DIED)]
    return [f"{len(failed)} runs failed: {failed[0].error}"] if failed else []


def _failures(stored: Sequence[Result]) -> Iterable[str]:
    for result in stored:
        if result.status is not Status.OK:
            yield f"seed {result.trial.seed}: {result.status.value}: {result.error}"
        if result.deaths:
            yield f"seed {result.trial.seed}: {result.deaths} earlier attempts died of the machine"


def _machine(result: Result) -> str:
    machine = result.machine
    where = machine.accelerator or machine.cpu
    threads = "1 thread" if machine.threads == 1 else f"{machine.threads} threads"
    return f"{where}, {machine.cores} cores, {threads} a run, {machine.system}"
