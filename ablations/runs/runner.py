"""The runner: trials in, results in the store."""

import functools
import heapq
import json
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from ablations.records.trials import Result, Status, Trial
from ablations.runs import attempts, locks, sequence
from ablations.runs.attempts import Clock, Job, ended, work
from ablations.runs.encoding import decode
from ablations.runs.fingerprints import fingerprint as fingerprint_of
from ablations.runs.fingerprints import protocol_class
from ablations.runs.store import MOST_DEATHS, Store
from ablations.runs.workers import Engine
from hrm.config.parts import canonical


class What(StrEnum):
    """What happened to a trial."""

    SKIPPED = "skipped"  # the store has its result
    QUARANTINED = "quarantined"  # it killed its workers before, and isn't run any more
    WAITING = "waiting"  # another process uses the machine
    PAUSED = "paused"  # some time must lie between the two stretches of timings
    STARTED = "started"
    STORED = "stored"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a run, for a progress display; with its result once that is stored."""

    what: What
    fingerprint: str
    trial: Trial
    result: Result | None = None


_TIMED = "timed"  # the group of trials that must be alone


def together(trial: Trial) -> str:
    """Return what trials share that run one after the other on one worker, which has it at hand.

    Those of an arm whose training steps are compiled share their graph, whatever their seed; others
    share boards: their seed, task and sizes.
    """
    protocol = trial.protocol
    while protocol.get("after") is not None:
        protocol = protocol["after"]
    if protocol.get("compiled"):
        return canonical(list(trial.arms))
    return canonical([trial.seed, protocol.get("boards")])


def run(
    trials: Iterable[Trial],
    store: Store,
    engine: Engine,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
    cost: Callable[[Trial], float] = lambda _: 0.0,
    left: Callable[[], float] = lambda: math.inf,
    limit: Callable[[Trial], float | None] = lambda _: None,
    keep: Callable[[Trial], bool] = lambda _: True,
    group: Callable[[Trial], str] = together,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run each trial that the store has no finished result of, and store each result as it comes.

    Equal trials are run once. What a trial starts from is run before it, unless its weights are
    stored; a trial whose parent came to nothing ends as its parent did. Trials that must be alone
    are shuffled into one sequence and run one by one, in two stretches. Those that may share the
    machine are run between the stretches, those of equal boards on one worker, the costliest ahead;
    if they take less than the pause that must lie there, the rest of it is waited for. An attempt
    that the machine killed is recorded and made again, until a trial has died `MOST_DEATHS` times.
    Ctrl-C keeps what is finished and stops the rest; the same call resumes. Where steps are to be
    compiled, a worker's compiler is tried first.

    Args:
        trials: What to run; those that share the machine keep their order where costs are equal.
        store: Where results go; nobody else may run into it meanwhile.
        engine: Where to run; its workers end with the run.
        on_event: Told of each step.
        cost: What a trial is expected to take, in any unit; in seconds where `left` is given.
        left: How many seconds there are: a trial that is expected to take more isn't started.
        limit: Seconds after which a trial is ended by its worker; None for no limit. That is an
            outcome, TIMED_OUT, which stands.
        keep: Whether a trial's weights are kept although no trial of this run starts from them.
        group: What trials share that should run one after the other.
        sleep: Waits for so many seconds.

    Raises:
        UserError: If the store is in use, or can't be written; if steps can't be compiled here.
        KeyboardInterrupt: After Ctrl-C.
    """
    unique = {fingerprint_of(trial): trial for trial in trials}
    with store.coordinate():
        schedule = _Schedule(store, on_event, cost, limit, keep, group)
        for fingerprint, trial in unique.items():
            schedule.ask(fingerprint, trial)
        schedule.close()
        fits = functools.partial(_fits, cost, left)
        rested = -math.inf  # when the next stretch may begin
        for phase in _Phase:
            first = schedule.first(phase)
            if first is None:
                continue
            rest = rested - time.monotonic()
            if phase is _Phase.LAST_STRETCH and rest > 0:
                if rest > left():
                    break
                schedule.tell(What.PAUSED, first)
                sleep(rest)
            alone = phase is not _Phase.SHARED
            waiting = functools.partial(schedule.tell, What.WAITING, first)
            where = engine.single() if alone else engine
            with (locks.exclusive if alone else locks.shared)(waiting) as handle, where:
                where.inherited = (handle,)
                if schedule.compiles(phase):
                    where.submit(attempts.compilable, "").result()
                _drain(schedule, where, fits, phase)
            if phase is _Phase.FIRST_STRETCH:
                rested = time.monotonic() + sequence.PAUSE


class _Phase(IntEnum):
    """When a trial is run at the earliest."""

    FIRST_STRETCH = 0  # of those that must be alone
    SHARED = 1
    LAST_STRETCH = 2


def _fits(cost: Callable[[Trial], float], left: Callable[[], float], job: Job) -> bool:
    return cost(job.trial) <= left()


class _Schedule:
    """Which job is next: one that can start, of the costliest group of boards."""

    def __init__(
        self,
        store: Store,
        on_event: Callable[[Event], None],
        cost: Callable[[Trial], float],
        limit: Callable[[Trial], float | None],
        keep: Callable[[Trial], bool],
        group: Callable[[Trial], str],
    ) -> None:
        self.store = store
        self._on_event, self._cost, self._group = on_event, cost, group
        self._limit, self._keep = limit, keep
        self._jobs: dict[str, Job] = {}
        self._children: dict[str, list[str]] = {}
        self._groups: dict[str, str] = {}  # of each job
        self._places: dict[str, int] = {}  # of each group
        self._keys: dict[str, tuple[float, int]] = {}  # of each job in its group
        self._phases: dict[str, _Phase] = {}  # of each job
        self._ready: dict[_Phase, dict[str, list[tuple[tuple[float, int], str]]]]
        self._ready = {phase: {} for phase in _Phase}  # by phase and by group

    def ask(self, fingerprint: str, trial: Trial) -> None:
        """Take in a trial that is asked for."""
        if self.store.is_finished(fingerprint):
            self._tell(What.SKIPPED, fingerprint, trial)
        else:
            self._require(fingerprint, trial)

    def _require(self, fingerprint: str, trial: Trial) -> None:
        """Take in a trial that must be run, and first what it starts from."""
        if fingerprint in self._jobs:
            return
        if self.store.quarantined(fingerprint):
            self._tell(What.QUARANTINED, fingerprint, trial)
            return
        parent, origin = trial.parent, None
        if parent is not None:
            origin = fingerprint_of(parent)
            if self.store.weights(origin) is None and not self._came_to_nothing(origin):
                self._require(origin, parent)
                if origin not in self._jobs:
                    self._tell(What.QUARANTINED, fingerprint, trial)
                    return
                self._children.setdefault(origin, []).append(fingerprint)
        self._jobs[fingerprint] = attempts.job(
            trial,
            fingerprint,
            self.store.folder,
            deaths=self.store.deaths(fingerprint),
            limit=self._limit(trial),
            keep=self._keep(trial),
        )

    def _came_to_nothing(self, fingerprint: str) -> bool:
        """Whether a trial ended in a way that leaves no weights to start from."""
        result = self.store.get(fingerprint)
        return result is not None and result.status in (Status.DIVERGED, Status.TIMED_OUT)

    def close(self) -> None:
        """Put what was taken in into order; note it in the journal."""
        if self._jobs:
            self.store.note("planned", fingerprints=list(self._jobs))
        costs = {f: self._cost(job.trial) for f, job in self._jobs.items()}
        self._groups = {f: self._group(job.trial) for f, job in self._jobs.items()}
        most: dict[str, float] = {}
        for fingerprint, name in self._groups.items():
            most[name] = max(most.get(name, -math.inf), costs[fingerprint])
        ranked = sorted(most, key=lambda name: -most[name])
        self._places = {name: place for place, name in enumerate(ranked)}
        self._keys = {f: (-cost, order) for order, (f, cost) in enumerate(costs.items())}
        waiting = {child for children in self._children.values() for child in children}
        alone = [f for f, job in self._jobs.items() if protocol_class(job.trial).alone]
        stretches = sequence.stretches(alone, key=str)
        self._phases = dict.fromkeys(self._jobs, _Phase.SHARED)
        for place, f in enumerate([*stretches[0], *stretches[1]]):
            early = place < len(stretches[0]) and f not in waiting
            self._phases[f] = _Phase.FIRST_STRETCH if early else _Phase.LAST_STRETCH
            self._groups[f], self._keys[f] = _TIMED, (0.0, place)
        self._places[_TIMED] = len(self._places)
        for origin in self._children:
            self._jobs[origin] = replace(self._jobs[origin], keep=True)
        for fingerprint in self._jobs:
            if fingerprint not in waiting:
                self._release(fingerprint)

    def _release(self, fingerprint: str, ended_as: Result | None = None) -> None:
        """Let a job start, or end where its parent came to nothing (just now, or before)."""
        job = self._jobs[fingerprint]
        parent = job.trial.parent
        if parent is not None:
            origin = fingerprint_of(parent)
            start = self.store.weights(origin)
            if start is None:
                self._inherit(job, ended_as or self.store.get(origin))
                return
            job = self._jobs[fingerprint] = replace(job, start=start)
        ready = self._ready[self._phases[fingerprint]]
        group = ready.setdefault(self._groups[fingerprint], [])
        heapq.heappush(group, (self._keys[fingerprint], fingerprint))

    def _inherit(self, job: Job, parent: Result | None) -> None:
        """End a job as its parent ended."""
        assert parent is not None, job
        how = {
            Status.DIVERGED: (Status.DIVERGED, f"what it starts from {parent.error}"),
            Status.TIMED_OUT: (Status.TIMED_OUT, f"what it starts from: {parent.error}"),
            Status.OK: (Status.FAILED, "what it starts from left no weights"),
        }.get(parent.status, (Status.FAILED, f"what it starts from failed: {parent.error}"))
        self.done(job, ended(job, Clock(), *how))

    def first(self, phase: _Phase) -> Job | None:
        """Return a job that is ready in a phase, None if there is none."""
        ready = (group for kind in _Phase if kind <= phase for group in self._ready[kind].values())
        return next((self._jobs[jobs[0][1]] for jobs in ready), None)

    def compiles(self, phase: _Phase) -> bool:
        """Tell whether a job of a phase compiles its training steps."""
        own = (job.trial for f, job in self._jobs.items() if self._phases[f] is phase)
        return any(trial.protocol.get("compiled") for trial in own)

    def take(self, phase: _Phase, *, last: Job | None, running: Iterable[Job]) -> Job | None:
        """Return the next job that can start, None if there is none now.

        It is of the group of the last one that a worker did, so that the worker has its boards;
        else of the costliest group that no worker is at.
        """
        busy = {self._groups[job.fingerprint] for job in running}
        for kind in _Phase:
            ready = self._ready[kind]
            if kind > phase or not ready:
                continue
            name = self._groups[last.fingerprint] if last is not None else ""
            if name not in ready:
                name = min(ready, key=lambda name: (name in busy, self._places[name]))
            _, fingerprint = heapq.heappop(ready[name])
            if not ready[name]:
                del ready[name]
            return self._jobs[fingerprint]
        return None

    def done(self, job: Job, result: Result) -> None:
        """Store a result; let go who waits for it, or make another attempt."""
        self.store.add(result)
        self._tell(What.STORED, job.fingerprint, job.trial, result)
        if result.status is Status.DIED and job.deaths + 1 < MOST_DEATHS:
            self._jobs[job.fingerprint] = replace(job, deaths=job.deaths + 1)
            self._release(job.fingerprint)
            return
        for child in self._children.pop(job.fingerprint, ()):
            self._release(child, result)

    def group(self, job: Job) -> str:
        """Return what a job shares with those that should run on one worker."""
        return self._groups[job.fingerprint]

    def tell(self, what: What, job: Job) -> None:
        """Tell what happens to a job."""
        self._tell(what, job.fingerprint, job.trial)

    def _tell(
        self, what: What, fingerprint: str, trial: Trial, result: Result | None = None
    ) -> None:
        self._on_event(Event(what=what, fingerprint=fingerprint, trial=trial, result=result))


def _drain(schedule: _Schedule, engine: Engine, fits: Callable[[Job], bool], phase: _Phase) -> None:
    running: dict[Future[str], tuple[Job, Clock]] = {}
    ended_last: list[Job] = []
    try:
        while True:
            while len(running) < engine.slots:
                last = ended_last.pop() if ended_last else None
                job = schedule.take(phase, last=last, running=[j for j, _ in running.values()])
                if job is None:
                    break
                if not fits(job):  # another one may
                    continue
                schedule.tell(What.STARTED, job)
                clock = Clock()
                running[engine.submit(work, json.dumps(job.to_json()), schedule.group(job))] = (
                    job,
                    clock,
                )
            if not running:
                break
            for future in _first(running):
                job, clock = running[future]
                result = _outcome(future, job, clock)
                del running[future]
                schedule.done(job, result)
                ended_last.append(job)
    except KeyboardInterrupt:
        for future in running:
            if future.done() and not future.exception():
                schedule.store.add(decode(future.result())[0])
        raise


def _first(running: Iterable[Future[str]]) -> set[Future[str]]:
    """Return those that are done, once there are any.

    A signal that comes just before this thread sleeps doesn't wake it, so it looks again.
    """
    while True:
        done = wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done
        if done:
            return done


def _outcome(future: Future[str], job: Job, clock: Clock) -> Result:
    try:
        return decode(future.result())[0]
    except TimeoutError:
        error = f"it ran over its time limit of {job.limit:g} s"
        found = ended(job, clock, Status.TIMED_OUT, error)
    except BrokenExecutor:
        error = "its process was killed (by hand, or by the system for want of memory)"
        found = ended(job, clock, Status.DIED, error)
    return replace(found, cpu_seconds=0.0, peak_memory_bytes=0)  # they went with the process
