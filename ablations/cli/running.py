"""`ablations run`: what isn't stored yet, look by look, until claims are settled."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TypeGuard

from ablations.cli import display
from ablations.cli.progress import Progress, named
from ablations.cli.session import Budget, Session
from ablations.judging.cells import Reader
from ablations.planning import next as planning
from ablations.planning.costs import Costs
from ablations.planning.next import Due
from ablations.records.trials import Result, Status, Trial
from ablations.runs.fingerprints import Content, content
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds, with_parents
from ablations.specs.claim import Claim, Exact, Statistical
from hrm.codec import Json

LIMIT = 20.0  # times its expected cost, after which a trial is ended: that is an outcome
LEAST = 600.0  # seconds that every trial has


def run(asked: argparse.Namespace) -> int:
    """JSON: {tier, trials, stored_before, run, left, refused: [{id, reason}], failed, settled}.

    Trials are those that were due when the command began or became due on its way; left are the
    trials for which the budget didn't suffice; failed is a list of errors, without those that what
    a trial starts from had already; settled are the ids of claims that need no further run.
    """
    session = Session.of(asked)
    store = session.store(create=True)
    budget = Budget(asked.budget)
    done = Counter[str]()
    refused: dict[str, str] = {}
    left: tuple[Due, ...] = ()
    tried: list[Trial] = []
    begun: set[Content] = set()
    while True:
        reader = Reader(store)
        due = _due(session, reader, tried, all_=asked.all)
        refused |= {one.claim.id: one.refusal for one in due if one.refusal}
        costs = session.costs(reader)
        order = planning.order(
            due,
            costs,
            budget=budget.cpu_seconds(asked.jobs),
            values=planning.values(session.controls, session.chosen),
        )
        left = (*left, *order.chosen, *order.left)
        trials = [trial for one in order.chosen for trial in one.trials]
        if not trials:
            break
        _execute(trials, store, costs, asked.jobs, budget, done, begun)
        if budget.left() <= 0:
            break
        tried += trials
    return _told(asked, session, store, done, refused, begun, left)


def execute(
    trials: Sequence[Trial], store: Store, costs: Costs, jobs: int, budget: Budget | None = None
) -> None:
    """Run trials that aren't stored, with progress.

    Args:
        trials: Each after what it starts from.
        store: Where they go.
        costs: Of trials.
        jobs: How many at a time.
        budget: After which nothing more is begun.
    """
    _execute(trials, store, costs, jobs, budget or Budget(None), Counter(), set())


def _execute(
    trials: Sequence[Trial],
    store: Store,
    costs: Costs,
    jobs: int,
    budget: Budget,
    done: Counter[str],
    begun: set[Content],
) -> None:
    from ablations.runs import runner, workers

    engine = workers.Serial() if jobs == 1 else workers.Processes(jobs)
    with Progress(trials, costs, jobs) as progress:

        def on_event(event: runner.Event) -> None:
            progress(event)
            if event.what is not runner.What.WAITING and event.what is not runner.What.PAUSED:
                begun.add(content(event.trial))
            if event.what is runner.What.STORED:
                assert event.result is not None
                if event.result.status.finished:
                    done[event.fingerprint] += 1

        runner.run(
            trials,
            store,
            engine,
            on_event=on_event,
            cost=costs.of,
            left=budget.left,
            limit=lambda trial: max(LEAST, LIMIT * costs.of(trial)),
        )


def _due(
    session: Session, reader: Reader, tried: Sequence[Trial] = (), *, all_: bool = False
) -> tuple[Due, ...]:
    return planning.due(
        session.run,
        reader,
        session.tier,
        table=session.table,
        committed=session.committed,
        tried=tried,
        all_=all_,
        device=session.device,
    )


def _told(
    asked: argparse.Namespace,
    session: Session,
    store: Store,
    done: Counter[str],
    refused: dict[str, str],
    begun: set[Content],
    left: Sequence[Due],
) -> int:
    """Say what was done; 1 if a run failed."""
    reader = Reader(store)
    every = {
        content(trial): trial
        for claim in session.run
        for trial in with_parents(plan(claim, seeds(claim, session.tier), session.device).trials)
    }
    results = [reader.of(trial) for trial in every.values()]
    failed = [
        f"{named(trial)}: {result.error}"
        for trial, result in zip(every.values(), results, strict=True)
        if _failed(result) and not _inherited(trial, reader)
    ]
    stored = {r.fingerprint for r in results if r is not None and r.status.finished}
    remaining = {content(t) for one in left for t in one.trials if not reader.over(t)} - begun
    summary: dict[str, Json] = {
        "tier": session.tier.value,
        "trials": len(stored | set(done)) + len(remaining),
        "stored_before": len(stored - set(done)),
        "run": len(done),
        "left": len(remaining),
        "refused": [{"id": name, "reason": reason} for name, reason in refused.items()],
        "failed": list(dict.fromkeys(failed)),
        "settled": _settled(session, reader),
    }
    if asked.json:
        display.data(summary)
    else:
        display.ran(summary, str(session.folder))
    return 1 if failed else 0


def _failed(result: Result | None) -> TypeGuard[Result]:
    return result is not None and result.status in (Status.FAILED, Status.DIED)


def _inherited(trial: Trial, reader: Reader) -> bool:
    """Whether a trial failed since what it starts from did, which is said once."""
    return trial.parent is not None and _failed(reader.of(trial.parent))


def _settled(session: Session, reader: Reader) -> list[str]:
    """Return the chosen claims that need no further run, at any tier."""
    desk = session.desk(reader)

    def ended(claim: Claim) -> bool:
        match claim:
            case Statistical():
                return desk.case(claim).settled
            case Exact():
                return all(map(reader.over, plan(claim, range(1), session.device).trials))
        return False  # it isn't decided by runs of ours

    return [claim.id for claim in session.chosen if ended(claim)]
