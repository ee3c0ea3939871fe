"""`ablations run`: run trials up to one look after the other, until claims are settled."""

import argparse
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from ablations.cli import display
from ablations.cli.changes import Changes
from ablations.cli.display import say
from ablations.cli.progress import Progress, named
from ablations.cli.session import Budget, Session
from ablations.judging.cells import Reader
from ablations.planning import next as planning
from ablations.planning.costs import Costs
from ablations.planning.next import Due
from ablations.planning.shards import Shard, cut, within
from ablations.records.trials import Result, Status, Trial
from ablations.runs.fingerprints import STACKED, fingerprint
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds, with_parents
from ablations.specs.claim import Claim, Exact, Statistical
from hrm.codec import Json
from hrm.errors import UserError

if TYPE_CHECKING:  # the runner is loaded by `run` alone
    from ablations.runs.schedule import Event
    from ablations.runs.workers import Engine

LIMIT = 20.0  # a trial is stopped after this multiple of its expected cost, which is an outcome
STACK = 8  # seeds per stack if only the device asks for stacks
LEAST = 600.0  # smallest time limit of a trial, in seconds


def run(asked: argparse.Namespace) -> int:
    """JSON: {tier, trials, stored_before, run, left, refused: [{id, reason}], failed, settled}.

    trials counts those that were due at the start or became due during the run; left counts those
    that didn't fit the budget; failed lists errors, but not the failures that follow from a failed
    parent; settled lists the ids of claims that need no further run.
    """
    session = Session.of(asked)
    where = _where(asked)
    shard = None if asked.shard is None else Shard.read(asked.shard)
    store = session.store(create=True)
    budget = Budget(asked.budget)
    done: set[str] = set()
    refused: dict[str, str] = {}
    left: tuple[Due, ...] = ()
    tried: list[Trial] = []
    begun: set[str] = set()
    while True:
        reader = Reader(store)
        due = planning.due(
            session.run,
            reader,
            session.tier,
            table=session.table,
            committed=session.committed,
            tried=tried,
            all_=asked.all,
            device=session.device,
        )
        if where.stack:
            due = _stacked(session, due)
        refused |= {one.claim.id: one.refusal for one in due if one.refusal}
        if shard is not None:
            due = _of_shard(session, reader, due, shard, tried)
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
        with Progress(trials, costs, where.jobs, where.words, store.folder) as progress:
            changes = Changes(session, store, due, reader, progress.change)
            tally = functools.partial(_tally, done, begun, changes)
            _execute(trials, store, costs, where, budget, progress, tally)
        if budget.left() <= 0:
            break
        tried += trials
    return _told(asked, session, store, done, refused, begun, left)


def execute(trials: Sequence[Trial], store: Store, costs: Costs, jobs: int) -> None:
    """Run trials that aren't stored, with progress, on this machine.

    Args:
        trials: The trials, each after its parent.
        store: The store of the results.
        costs: Costs of trials.
        jobs: Number of parallel runs.
    """
    where = _Where(jobs=jobs)
    with Progress(trials, costs, jobs, where.words, store.folder) as progress:
        _execute(trials, store, costs, where, Budget(None), progress)


@dataclass(frozen=True, kw_only=True)
class _Where:
    """The place where trials are run.

    Args:
        jobs: Number of parallel trials, as far as it is known beforehand.
        stack: Number of seeds that are trained together; 0 for none.
        cluster: A cluster's scheduler and how to reach it; None for this machine.
    """

    jobs: int
    stack: int = 0
    cluster: Mapping[str, Any] | None = None

    @property
    def words(self) -> str:
        """Description for the user."""
        if self.cluster is not None:
            return f"cluster {self.cluster['scheduler']}"
        return "this process" if self.jobs == 1 else f"{self.jobs} processes"

    def engine(self) -> "Engine":
        from ablations.runs import workers

        if self.cluster is not None:
            from ablations.runs.cluster import Cluster

            return Cluster(**self.cluster)
        return workers.Serial() if self.jobs == 1 else workers.Processes(self.jobs)


def _where(asked: argparse.Namespace) -> _Where:
    """Return where to run, according to the options.

    Raises:
        UserError: If options contradict each other, or the scheduler can't be used.
    """
    stacked = asked.device.endswith(STACKED)
    stack = asked.stack or (STACK if stacked else 0)
    files = [asked.tls_ca_file, asked.tls_cert, asked.tls_key]
    if asked.scheduler is None:
        if any(files) or asked.no_tls:
            raise UserError(
                "--tls-ca-file, --tls-cert, --tls-key or --no-tls is given without --scheduler; "
                "allowed is both or neither; add --scheduler"
            )
        return _Where(jobs=1 if asked.serial else asked.jobs, stack=stack)
    if any(files) and not all(files):
        raise UserError(
            "some of --tls-ca-file, --tls-cert and --tls-key are missing; allowed are all three or "
            "none; add the missing ones"
        )
    from ablations.runs.addresses import Tls

    tls = Tls(ca=files[0], cert=files[1], key=files[2]) if all(files) else None
    options = {
        "scheduler": asked.scheduler,
        "tls": tls,
        "unencrypted": asked.no_tls,
        "patience": asked.wait,
        "on_wait": lambda: say("waiting for a worker of the cluster"),
    }
    where = _Where(jobs=asked.jobs, stack=stack, cluster=options)
    where.engine()  # reports an unusable address or file before anything else is done
    return where


def _tally(done: set[str], begun: set[str], changes: Changes, event: "Event") -> None:
    """Record an event: which trials were started and which have finished, and changed groups."""
    if event.what not in ("waiting", "paused"):
        begun.add(event.fingerprint)
    finished = event.result is not None and event.result.status.finished
    if event.what == "stored" and finished:
        done.add(event.fingerprint)
    if finished or event.what == "skipped":
        changes.over(event.fingerprint)


def _execute(
    trials: Sequence[Trial],
    store: Store,
    costs: Costs,
    where: _Where,
    budget: Budget,
    progress: Progress,
    tally: Callable[["Event"], None] = lambda _: None,
) -> None:
    from ablations.runs import runner

    def on_event(event: "Event") -> None:
        progress(event)
        tally(event)

    runner.run(
        trials,
        store,
        where.engine(),
        on_event=on_event,
        cost=costs.of,
        left=budget.left,
        limit=lambda trial: max(LEAST, LIMIT * costs.of(trial)),
        stack=where.stack,
        on_look=progress.look,
    )


def _stacked(session: Session, due: Sequence[Due]) -> tuple[Due, ...]:
    """Return what is due; claims that can't be stacked have a refusal instead of trials.

    A control is refused only if all claims that it guards are. Both of its cells have the same arm,
    so that both are stacked or both are trained seed by seed.
    """
    from ablations.runs import stacking

    found = {one.claim.id: stacking.refusal(one.trials) for one in due}
    for control in session.controls:
        if not all(found.get(c.id) for c in session.chosen if control.guards(c)):
            found[control.claim.id] = ""
    return tuple(
        replace(one, trials=(), refusal=found[one.claim.id]) if found[one.claim.id] else one
        for one in due
    )


def _of_shard(
    session: Session, reader: Reader, due: Sequence[Due], shard: Shard, tried: Sequence[Trial]
) -> tuple[Due, ...]:
    """Return a shard's part of all trials that open claims need up to the end of the tier.

    Looks don't apply, because a shard has no complete pairs to judge.
    """
    costs = Costs(session.run, None, session.committed, device=session.device)
    groups = cut((t for claim in session.run for t in _planned(claim, session)), shard, costs.of)
    before = {fingerprint(trial) for trial in tried}
    found = []
    for one in due:
        if not one.refusal:
            trials = tuple(
                trial
                for trial in _planned(one.claim, session)
                if within(trial, groups)
                and fingerprint(trial) not in before
                and not reader.over(trial)
            )
            found.append(replace(one, trials=trials))
    return tuple(found)


def _planned(claim: Claim, session: Session) -> list[Trial]:
    return with_parents(plan(claim, seeds(claim, session.tier), session.device).trials)


def _told(
    asked: argparse.Namespace,
    session: Session,
    store: Store,
    done: set[str],
    refused: dict[str, str],
    begun: set[str],
    left: Sequence[Due],
) -> int:
    """Print a summary; return exit status 1 if a trial failed."""
    reader = Reader(store)
    every = {fingerprint(t): t for claim in session.run for t in _planned(claim, session)}
    results = [reader.of(trial) for trial in every.values()]
    failed = [
        f"{named(trial)}: {result.error}"
        for trial, result in zip(every.values(), results, strict=True)
        if _failed(result) and not _inherited(trial, reader)
    ]
    stored = {r.fingerprint for r in results if r is not None and r.status.finished}
    remaining = {fingerprint(t) for one in left for t in one.trials if not reader.over(t)} - begun
    summary: dict[str, Json] = {
        "tier": session.tier.value,
        "trials": len(stored | done) + len(remaining),
        "stored_before": len(stored - done),
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
    """Return whether a trial failed because its parent failed, which is reported only once."""
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
        return False  # runs of this project don't decide it

    return [claim.id for claim in session.chosen if ended(claim)]
