"""What `ablations run` and `ablations plan --pilot` do."""

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

from ablations import calibration, claims, family
from ablations.cli import display
from ablations.cli.progress import Progress
from ablations.costs import Costs, forecast
from ablations.fingerprint import fingerprint
from ablations.pilots import measure, write
from ablations.plain import Json
from ablations.plan import Planned, over, pilot, plan
from ablations.planning import planning
from ablations.records import Status, Tier
from ablations.specs import PILOTS, Claim
from ablations.store import Store
from hrm.errors import UserError


def run(asked: argparse.Namespace) -> int:
    """JSON: {tier, trials, stored_before, run, left, refused: [{id, reason, seeds}], failed}.

    With --until-decided also looks: [{id, look, pairs, stopped}], and trials are those that were
    begun. Left are the trials for which the budget didn't suffice; failed is a list of errors.
    """
    return _until_decided(asked) if asked.until_decided else _fixed(asked)


def _fixed(asked: argparse.Namespace) -> int:
    """Run a tier."""
    store = Store.open(asked.store, create=True)
    plans, refused = _allowed(plans_of(asked), store, asked)
    held = _held(plans, store)
    _execute(plans, store, asked, _Budget(asked.budget).left)
    return _ran(asked, plans, store, held, refused)


def _until_decided(asked: argparse.Namespace) -> int:
    """Run what has a fixed design, then look at the others as long as the budget lasts."""
    from ablations import decide, judging, spending

    if asked.tier is not None:
        raise UserError(
            f"--tier {asked.tier} with --until-decided; its looks at 12, 16, 20 and 32 seeds are "
            "fixed; leave --tier out"
        )
    asked.tier = Tier.FULL.value
    budget, store = _Budget(asked.budget), Store.open(asked.store, create=True)
    plans, refused = _allowed(plans_of(asked), store, asked)
    growing = [p.claim for p in plans if spending.looks_at(p.claim)]
    for claim in [c for c in growing if spending.is_decided(c, store, asked.device)]:
        growing.remove(claim)
        display.say(f"{claim.id} was decided at once, by its standard tier; it isn't looked at")
    once = [p for p in plans if not spending.looks_at(p.claim)]
    with store.coordinate():
        spending.declare(growing, store)
    held = _held([*once, *(decide.looked_at(claim, asked.device) for claim in growing)], store)
    _execute(once, store, asked, budget.left)

    begun = dict.fromkeys((claim.id for claim in growing), 0)

    def run(batch: spending.Batch) -> None:
        begun[batch.claim.id] = batch.pairs
        said = f"{batch.claim.id}: to look {batch.look}, with {batch.pairs} pairs"
        display.say(f"{said}; {budget.said()}")
        due = over(batch.claim, range(batch.pairs), asked.device)
        _execute([due], store, asked, budget.left)

    spending.spend(growing, store, run, budget.left, asked.device)
    looks, grown = [], []
    for claim in growing:
        step = judging.reached(claim, decide.looked_at(claim, asked.device).collect(store))
        looks.append(
            {"id": claim.id, "look": step.look, "pairs": step.pairs, "stopped": step.stopped}
        )
        grown.append(over(claim, range(max(step.pairs, begun[claim.id])), asked.device))
    return _ran(asked, [*once, *grown], store, held, refused, looks)


def _execute(
    plans: Sequence[Planned],
    store: Store,
    asked: argparse.Namespace,
    left: Callable[[], float] = lambda: math.inf,
) -> None:
    """Run what isn't stored of some plans, with progress."""
    from ablations import engine, runner

    trials = [trial for planned in plans for trial in planned.flat]
    costs = Costs(plans, store)
    where = engine.Serial() if asked.jobs == 1 else engine.Processes(asked.jobs)
    with Progress(forecast(plans, store, asked.jobs), asked.jobs, costs.of) as progress:
        runner.run(trials, store, where, on_event=progress, cost=costs.of, left=left)


def selfcheck(asked: argparse.Namespace) -> int:
    """JSON: {cases, pairs, level, allowed, equal, planted, false, wrong, found, passed, ...}.

    Equal and planted are {verdict: number}; smallest and largest are the planted estimates. The
    exit status is 1 if more is false than the level allows, or if what is planted isn't found.
    """
    from ablations import selfcheck

    if asked.docs:
        calibration.writable(Path(asked.docs))
    store, every = Store.open(asked.store, create=True), selfcheck.cases(asked.cases)
    _execute([case.equal for case in every], store, asked)
    made = selfcheck.judge(every, store)
    if asked.docs:
        calibration.write(Path(asked.docs), selfcheck.markdown(made))
    if asked.json:
        display.data(made)
    else:
        display.selfcheck(made)
    return 0 if made["passed"] else 1


def pilots(asked: argparse.Namespace) -> None:
    """Run pilot seeds if that is asked for: one for its cost, or all for the spread.

    Raises:
        UserError: If they are to be written without being run.
    """
    if asked.output and not asked.pilot:
        raise UserError(
            f"--output {asked.output} without --pilot; it writes what pilot seeds measured; add "
            "--pilot, which runs those that aren't stored"
        )
    if not (asked.pilot or asked.probe):
        return
    seeds = PILOTS if asked.pilot else PILOTS[:1]
    chosen = [planned.claim for planned in plans_of(asked)]
    store = Store.open(asked.store, create=True)
    _execute([pilot(claim, asked.device, seeds) for claim in chosen], store, asked)
    if asked.output:
        found = {claim.id: measure(claim, store, asked.device) for claim in chosen}
        every = (*claims.specs(), *(control.spec for control in claims.controls()))
        write(
            Path(asked.output),
            {name: entry for name, entry in found.items() if entry is not None},
            {claim.id: claim for claim in every},
        )


def _allowed(
    plans: Sequence[Planned], store: Store, asked: argparse.Namespace
) -> tuple[list[Planned], list[dict[str, Json]]]:
    """Return the plans that can decide something, and what is refused of the others and why.

    The quick tier refuses nothing: it shows estimates. --anyway runs all.

    Raises:
        UserError: If nothing is left of the claims that were asked for.
    """
    if asked.anyway or asked.tier == Tier.QUICK:
        return list(plans), []
    refused: list[dict[str, Json]] = []
    for planned in plans:
        told = planning(planned.claim, len(planned.trials), store, asked.device)
        if told is not None and told.refusal:
            row = {"id": planned.claim.id, "reason": told.refusal, "seeds": told.could}
            refused.append(row)
    names = {row["id"] for row in refused}
    wanted = {claim.id for claim in claims.choose(asked.claims)}
    lines = [f"{row['id']} ({display.refused(row['reason'], row['seeds'])})" for row in refused]
    if names and wanted <= names:
        raise UserError(
            f"the {asked.tier} tier can't decide {'; '.join(lines)}; allowed are plans that can; "
            "use a higher tier, or --anyway"
        )
    for line in lines:
        display.say(f"refused: {line}; --anyway runs it")
    return [planned for planned in plans if planned.claim.id not in names], refused


def _ran(
    asked: argparse.Namespace,
    plans: Sequence[Planned],
    store: Store,
    held: Set[str],
    refused: Sequence[Mapping[str, Json]],
    looks: Sequence[Mapping[str, Json]] | None = None,
) -> int:
    """Say what a run did; 1 if one of its runs failed."""
    results = [r for planned in plans for seed in planned.collect(store) for r in seed]
    failed = [
        f"{r.trial.workload} seed {r.trial.seed}: {r.error}"
        for r in results
        if r is not None and r.status in (Status.FAILED, Status.DIED)
    ]
    after = forecast(plans, store, asked.jobs)
    before = len(held & _held(plans, store))
    summary = {
        "tier": asked.tier,
        "trials": after.trials,
        "stored_before": before,
        "run": after.stored - before,
        "left": after.trials - after.stored,
        "refused": list(refused),
        "failed": list(dict.fromkeys(failed)),
    }
    if looks is not None:
        summary["looks"] = list(looks)
    if asked.json:
        display.data(summary)
    else:
        display.ran(summary, asked.store)
    return 1 if failed else 0


def _held(plans: Sequence[Planned], store: Store) -> set[str]:
    """Return the fingerprints of some plans that have a result."""
    every = {fingerprint(trial) for planned in plans for trial in planned.flat}
    return {found for found in every if store.is_finished(found)}


class _Budget:
    """Wall time that a run may take."""

    def __init__(self, seconds: float | None) -> None:
        self.end = math.inf if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        return self.end - time.monotonic()

    def said(self) -> str:
        if self.end == math.inf:
            return "no budget is set"
        return f"{display.duration(max(0.0, self.left()))} of the budget are left"


def plans_of(asked: argparse.Namespace) -> list[Planned]:
    """Return the plans of the claims that were asked for, and of the controls beside them."""
    chosen = chosen_of(asked)
    controls = [c.spec for c in claims.guarding(chosen) if c.spec not in chosen]
    asked.tier = asked.tier or Tier.QUICK.value
    return [plan(claim, Tier(asked.tier), asked.device) for claim in (*chosen, *controls)]


def chosen_of(asked: argparse.Namespace) -> tuple[Claim, ...]:
    """Return the claims that were asked for.

    Raises:
        UserError: If one is unknown, if the family is out of step with the ledger and the specs, or
            if a measurement has no controls.
    """
    for problem in family.problems(claims.specs(), claims.ledger()):
        raise UserError(
            f"the family manifest (ablations/claims/family.json) is out of step: {problem}; "
            "every statistical claim is a member once; mend the manifest, the ledger or the spec"
        )
    for problem in claims.unguarded(claims.specs()):
        raise UserError(
            f"{problem}; each measurement that statistics decide has both; "
            "add them to ablations/claims/controls.py"
        )
    return claims.choose(asked.claims)
