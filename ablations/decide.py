"""From stored results to rows: every statistic of a report is made here."""

from collections.abc import Iterable, Mapping, Sequence

from ablations import calibration, claims, family, judging, sequential, verdict, wording
from ablations.forms import Consistency, Exact, External
from ablations.plan import Planned, over, plan
from ablations.planning import planning
from ablations.records import (
    Check,
    Controlled,
    Design,
    Json,
    Planning,
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
from ablations.specs import Control as ControlSpec
from ablations.store import Store
from hrm.errors import UserError


def report(chosen: Iterable[Claim], store: Store, tier: Tier, device: str = "cpu") -> Report:
    """Decide claims from what a store holds, and return all that a report shows."""
    asked = tuple(chosen)
    collected: list[list[list[Result | None]]] = []

    def decided(claim: Claim, controls: Sequence[Controlled] = ()) -> Row:
        design = designed(claim, store, tier)
        planned = plan(claim, tier, device) if design is None else looked_at(claim, device)
        seeds = planned.collect(store)
        collected.append(seeds)
        told = planning(claim, len(planned.trials), store, device)
        return row(planned, seeds, tier, controls=controls, design=design, told=told)

    controls = [_controlled(c, decided(c.spec), asked) for c in claims.guarding(asked)]
    rows = [decided(claim, [c for c in controls if claim.id in c.claims]) for claim in asked]
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
        controls=tuple(controls),
    )


def designed(claim: Claim, store: Store, tier: Tier) -> Design | None:
    """Return that a claim is looked at several times; the quick tier shows estimates alone.

    Raises:
        UserError: If it was looked at in other places than this release's.
    """
    found = None if tier is Tier.QUICK else store.design(claim.id)
    if found is not None and found.looks != sequential.looks:
        raise UserError(
            f"claim {claim.id!r} is looked at with {list(found.looks)} pairs in this store; "
            f"allowed are {list(sequential.looks)}; use the release that began it, or a new store"
        )
    return found


def looked_at(claim: Claim, device: str = "cpu") -> Planned:
    """Return the runs of a claim that is looked at several times, as far as the last look."""
    return over(claim, range(sequential.looks[-1]), device)


def row(
    planned: Planned,
    seeds: judging.Seeds,
    tier: Tier,
    *,
    controls: Sequence[Controlled] = (),
    design: Design | None = None,
    told: Planning | None = None,
) -> Row:
    """Decide one claim and gather what the report shows of it.

    Args:
        planned: Its trials. seeds: Their results. tier: For the reason.
        controls: Those that share its measurement.
        design: That it is looked at several times, None if it is looked at once.
        told: What its plan could tell.
    """
    claim = planned.claim
    flat = [result for seed in seeds for result in seed]
    stored = [result for result in flat if result is not None]
    faults = [*_faults(stored), *(_control_fault(c) for c in controls if c.passed is False)]
    if not stored and (flat or isinstance(claim.form, External)):
        cost = f"about {claim.cost * len(flat):.0f} CPU seconds"
        if isinstance(claim.form, External):
            cost = f"it takes {claim.form.cost}"
        decided = {"word": Word.NOT_RUN, "reason": f"no run is stored; {cost}"}
    elif claim.statistics is None:
        assert isinstance(claim.form, Exact | Consistency), claim.form
        decided = _checked(claim, seeds, faults)
    elif design is None:
        decided = judging.at_once(judging.Case(claim, seeds, tier, faults, controls))
    else:
        decided = judging.in_looks(judging.Case(claim, seeds, tier, faults, controls))
    return _row(planned, stored, tier, decided, design, told)


def _controlled(control: ControlSpec, found: Row, asked: Sequence[Claim]) -> Controlled:
    return Controlled(
        row=found,
        planted=control.planted,
        expected=control.passes,
        passed=control.passed(found.verdict.verdict),
        claims=tuple(claim.id for claim in asked if control.guards(claim)),
    )


def _control_fault(control: Controlled) -> str:
    found = control.row.verdict
    return f"control failed: {found.id} is {found.verdict} rather than {control.expected}"


# -- exact and consistency claims -----------------------------------------------------------------
def _checked(claim: Claim, seeds: judging.Seeds, faults: list[str]) -> dict[str, Json]:
    metrics = [m for seed in seeds if (m := judging.metrics_of(seed)) is not None]
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


# -- rows -----------------------------------------------------------------------------------------
def _row(
    planned: Planned,
    stored: Sequence[Result],
    tier: Tier,
    decided: Mapping[str, Json],
    design: Design | None,
    told: Planning | None,
) -> Row:
    claim, entry = planned.claim, claims.entry(planned.claim.id)
    form = claim.statistics
    zones = None if form is None else form.zones
    refused = told.refusal if told and stored and tier is not Tier.QUICK else ""
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
        level=decided.get("level", family.level()) if zones else None,
        points=decided.get("points", ()),
        checks=decided.get("checks", ()),
        beside=decided.get("beside", ()),
        controls=decided.get("controls", ()),
        failures=tuple(_failures(stored)),
        notes=(
            *_notes(zones),
            *([f"Its plan is refused, and was run anyway: {refused}"] if refused else ()),
            *decided.get("notes", ()),
        ),
        needed=decided.get("needed"),
        planned=len(planned.flat),
        stored=len(stored),
        command=_command(planned, tier, design),
        cost_seconds=sum(r.cpu_seconds for r in stored),
        machine="; ".join(sorted({_machine(r) for r in stored})) or None,
        planning=told,
    )


def _command(planned: Planned, tier: Tier, design: Design | None) -> str:
    other = {trial.device for trial in planned.flat} - {"cpu"}
    device = "".join(f" --device {name}" for name in sorted(other))
    how = f"--tier {tier.value}" if design is None else "--until-decided"
    return f"ablations run {planned.claim.id} {how}{device}"


def _zone(zone: tuple[float, float], zones: Zones) -> tuple[float, float]:
    low, high = sorted(wording.in_words(edge * zones.sign, zones) for edge in zone)
    return low, high


def _notes(zones: Zones | None) -> tuple[str, ...]:
    if zones is None:
        return ()
    notes = [f"Null zone: {zones.null_reason}"]
    return (*notes, f"Band: {zones.band_reason}") if zones.band else tuple(notes)


def _faults(stored: Sequence[Result]) -> list[str]:
    failed = [r for r in stored if r.status in judging.without]
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
