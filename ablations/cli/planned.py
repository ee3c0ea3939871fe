"""`ablations plan`: the trials of a run, their cost, and the chance that they settle claims."""

import argparse
from pathlib import Path

from ablations.cli import display, running
from ablations.cli.session import Session
from ablations.judging.cells import Reader
from ablations.planning import forecast, pilots
from ablations.records.trials import Trial
from ablations.runs.fingerprints import Content, content
from ablations.runs.trials import PILOTS, plan, seeds, with_parents
from ablations.specs.claim import OFFSET, Claim, Statistical
from hrm.codec import Json
from hrm.errors import UserError


def planned(asked: argparse.Namespace) -> int:
    """JSON: {tier, jobs, trials, stored, cpu_seconds, wall_seconds, claims}.

    claims, which includes their controls, is [{id, trials, stored, cpu_seconds, cost_source,
    plan}]; cpu_seconds counts trials that aren't stored. plan is null for claims without pairs,
    else {sd, source, pairs, prospects, pairs_80, pairs_90, refusal}, see `ablations.records.plans`.
    The total cpu_seconds assumes that no claim settles before the tier's last look; wall_seconds
    takes early settling and the overhead of runs into account.
    """
    session = Session.of(asked)
    _pilots(asked, session)
    reader = session.reader()
    costs = session.costs(reader)
    desk = None if reader is None else session.desk(reader)
    rows: list[dict[str, Json]] = []
    every: dict[Content, Trial] = {}
    due: dict[Content, Trial] = {}
    spared: dict[Content, float] = {}  # probability that all claims that read a trial settle first
    expected = {control.claim.id: control.expected for control in session.controls}
    for claim in session.run:
        trials = _keyed(claim, session)
        missing = {k: t for k, t in trials.items() if reader is None or not reader.over(t)}
        every |= trials
        due |= missing
        told = session.planning(claim, reader)
        settled = (
            bool(missing)
            and isinstance(claim, Statistical)
            and desk is not None
            and desk.case(claim).settled
        )
        for name, trial in missing.items():
            needed = forecast.reached(
                told, session.table, trial.seed % OFFSET, expected=expected.get(claim.id)
            )
            needed = 0.0 if settled else needed
            spared[name] = spared.get(name, 1.0) * (1 - needed)
        rows.append(
            {
                "id": claim.id,
                "trials": len(trials),
                "stored": len(trials) - len(missing),
                "cpu_seconds": costs.total(missing.values()),
                "cost_source": costs.weakest(trials.values()).value if trials else "",
                "plan": told and told.to_json(),
            }
        )
    data = {
        "tier": session.tier.value,
        "jobs": asked.jobs,
        "trials": len(every),
        "stored": len(every) - len(due),
        "cpu_seconds": costs.total(due.values()),
        "wall_seconds": forecast.wall(
            due.values(), costs, asked.jobs, {name: 1 - p for name, p in spared.items()}
        ),
        "claims": rows,
    }
    if asked.json:
        return display.data(data)
    display.plan(data)
    return 0


def _keyed(claim: Claim, session: Session) -> dict[Content, Trial]:
    """Return all trials of a claim's tier and their parents, by content."""
    asked = plan(claim, seeds(claim, session.tier), session.device).trials
    return {content(trial): trial for trial in with_parents(asked)}


def _pilots(asked: argparse.Namespace, session: Session) -> None:
    """Run pilot seeds if requested, and write their results.

    Raises:
        UserError: If --output is given without --pilot.
    """
    if asked.output and not asked.pilot:
        raise UserError(
            f"--output is {asked.output!r} without --pilot; allowed is both, since it writes the "
            "results of pilot seeds; add --pilot, which runs those that aren't stored"
        )
    if not (asked.pilot or asked.probe):
        return
    store = session.store(create=True)
    chosen = [claim for claim in session.run if isinstance(claim, Statistical)]
    at = PILOTS if asked.pilot else PILOTS[:1]
    trials = [trial for claim in chosen for trial in plan(claim, at, session.device).trials]
    running.execute(
        list({content(trial): trial for trial in with_parents(trials)}.values()),
        store,
        session.costs(Reader(store)),
        asked.jobs,
    )
    if asked.output:
        reader = Reader(store)
        found = {claim.id: pilots.measure(claim, reader, session.device) for claim in chosen}
        controls = [control.claim for control in session.every.controls()]
        pilots.write(
            Path(asked.output),
            {name: entry for name, entry in found.items() if entry is not None},
            [*session.every.specs, *controls],
        )
