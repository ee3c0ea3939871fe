"""The runner: trials in, results in the store."""

import functools
import json
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, replace

from ablations.records.trials import Result, Status, Trial
from ablations.runs import attempts, locks, sequence
from ablations.runs.attempts import Clock, Job, ended, work
from ablations.runs.encoding import decode
from ablations.runs.fingerprints import STACKED
from ablations.runs.schedule import Event, Phase, Schedule, What
from ablations.runs.sharing import Leases
from ablations.runs.store import Store
from ablations.runs.trials import stacks
from ablations.runs.workers import ConnectionLost, Engine, Work

LOOK = 0.5  # seconds between two checks for other processes and new workers
MOST_LOSSES = 5  # lost connections of a trial after which it counts as a death


def run(
    trials: Iterable[Trial],
    store: Store,
    engine: Engine,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
    cost: Callable[[Trial], float] = lambda _: 0.0,
    left: Callable[[], float] = lambda: math.inf,
    limit: Callable[[Trial], float | None] = lambda _: None,
    stack: int = 0,
    on_look: Callable[[], None] = lambda: None,
) -> None:
    """Run each trial without a finished result in the store, and store results as they arrive.

    Equal trials are run once. The parent of a trial is run before it, unless the parent's weights
    are stored; a trial whose parent failed ends with the same status. Trials that need the machine
    for themselves are shuffled into one sequence and run one by one, in two stretches, on this
    machine with any engine. Other trials are run between the stretches: those that share boards or
    a graph on one worker, the costliest first. If they take less time than the required pause
    between the stretches, the rest of the pause is waited for. An attempt that the machine killed
    is recorded and repeated, until a trial has died `ablations.runs.store.MOST_DEATHS` times.
    Several processes may run into one store; each takes trials that no other one is running or has
    finished. Ctrl-C keeps finished results and stops the rest; the same call resumes. If steps are
    compiled, a worker's compiler is tried first.

    Args:
        trials: The trials to run; those that share the machine keep their order if costs are equal.
        store: The store of the results.
        engine: The engine; its workers end with the run.
        on_event: Called with each event.
        cost: Expected cost of a trial, in any unit; in seconds if `left` is given.
        left: Number of seconds left; a trial that is expected to take more isn't started.
        limit: Seconds after which a trial is ended by its worker; None for no limit. That is an
            outcome, TIMED_OUT, which stands.
        stack: Number of seeds of one arm that are trained together, for trials in stacks.
        on_look: Called at least every second while trials run, whether anything happens or not.

    Raises:
        UserError: If another process maintains the store, or it can't be written; if the engine has
            no worker for a trial; if steps can't be compiled here.
        KeyboardInterrupt: After Ctrl-C.
    """
    with store.coordinate() as leases:
        schedule = Schedule(store, on_event=on_event, cost=cost, limit=limit)
        for trial in trials:
            schedule.ask(trial)
        schedule.close()
        fits = functools.partial(_fits, cost, left)
        rested = -math.inf  # when the next stretch may begin
        for phase in Phase:
            first = schedule.first(phase)
            if first is None:
                continue
            rest = rested - time.monotonic()
            if phase is Phase.LAST_STRETCH and rest > 0:
                if rest > left():
                    break
                schedule.tell(What.PAUSED, first)
                time.sleep(rest)
            alone = phase is not Phase.SHARED
            waiting = functools.partial(schedule.tell, What.WAITING, first)
            where = engine.single() if alone else engine
            with (locks.exclusive if alone else locks.shared)(waiting) as handle, where:
                where.inherited = (handle,)
                if schedule.compiles(phase):
                    where.submit(attempts.compilable, "").result()
                _Drain(schedule, leases, where, fits, phase, stack).run(on_look)
            if phase is Phase.FIRST_STRETCH:
                rested = time.monotonic() + sequence.PAUSE


def _fits(cost: Callable[[Trial], float], left: Callable[[], float], job: Job) -> bool:
    return cost(job.trial) <= left()


@dataclass(frozen=True, kw_only=True)
class _Flight:
    """Jobs that a worker runs one after the other, and when it started."""

    jobs: tuple[Job, ...]
    clock: Clock


class _Drain:
    """Runs the trials of a phase that are ready, or become ready meanwhile."""

    def __init__(
        self,
        schedule: Schedule,
        leases: Leases,
        engine: Engine,
        fits: Callable[[Job], bool],
        phase: Phase,
        stack: int,
    ) -> None:
        self._stack = stack
        self._schedule, self._leases, self._engine = schedule, leases, engine
        self._fits, self._phase = fits, phase
        self._running: dict[Future[str], _Flight] = {}
        self._ended: list[Job] = []  # jobs whose workers are free
        self._apart: set[str] = set()  # jobs to run alone: a worker died with several of them

    def run(self, on_look: Callable[[], None]) -> None:
        """Run until this process can't run anything more."""
        try:
            while True:
                on_look()
                left = self._schedule.retry()
                while len(self._running) < self._engine.slots and self._start():
                    pass
                if self._running:
                    self._take_in(_first(self._running))
                elif left:  # other processes run them, and may fail
                    time.sleep(LOOK)
                else:
                    break
        except KeyboardInterrupt:
            for future in self._running:
                if future.done() and not future.exception():
                    for text in json.loads(future.result()):
                        self._schedule.store.add(decode(text)[0])
            raise

    def _start(self) -> bool:
        """Start the next job, together with other short ones; return False if there is none."""
        last = self._ended.pop() if self._ended else None
        while (job := self._next(last)) is not None:
            if self._fits(job):  # otherwise another job may fit
                break
        else:
            return False
        jobs = [job]
        stacked = stacks(job.trial)
        if job.fingerprint not in self._apart:
            for more in self._others(job, stacked=stacked):
                if more.fingerprint in self._apart or not self._ours(more):
                    self._schedule.leave(more)
                else:
                    jobs.append(more)
        for one in jobs:
            self._schedule.tell(What.STARTED, one)
        text = json.dumps([one.to_json() for one in jobs])
        flight = _Flight(jobs=tuple(jobs), clock=Clock())
        how = _stacked_work() if stacked else work
        device = job.trial.device.removesuffix(STACKED)
        future = self._engine.submit(how, text, self._schedule.group(job), device=device)
        self._running[future] = flight
        return True

    def _others(self, job: Job, *, stacked: bool) -> list[Job]:
        """Return further jobs to send to the same worker with this one."""
        if stacked:
            return self._schedule.alike(job, self._stack - 1)
        seconds = self._engine.together
        return self._schedule.more(job, seconds) if seconds > 0 else []

    def _next(self, last: Job | None) -> Job | None:
        """Return the next job that no other process is running or has finished."""
        while True:
            running = [job for flight in self._running.values() for job in flight.jobs]
            job = self._schedule.take(self._phase, last=last, running=running)
            if job is None or self._ours(job):
                return job

    def _ours(self, job: Job) -> bool:
        """Lease a job; return False if another process is running it or has finished it."""
        store = self._schedule.store
        if not self._leases.take(job.fingerprint):
            self._schedule.leave(job)
            return False
        store.look(job.fingerprint)
        if self._schedule.over(job):
            self._leases.give_back(job.fingerprint)
            self._schedule.done_elsewhere(job)
            return False
        return True

    def _take_in(self, done: Collection[Future[str]]) -> None:
        """Store what came of each; where that can be, once its worker has its next job.

        A disk takes as long to store a result as a short trial runs.
        """
        later = []
        for future in done:
            self._ended.append(self._running[future].jobs[-1])
            if self._can_wait(future):
                later.append(future)
            else:
                self._store(future)
        try:
            for _ in later:
                if not self._start():
                    break
        finally:
            for future in later:
                self._store(future)

    def _can_wait(self, done: Future[str]) -> bool:
        """Whether a result may be stored while its worker is at the next job.

        Not if another trial starts from it, which its worker should have next. Nothing is stored
        while something is timed.
        """
        beside = self._phase is Phase.SHARED and self._engine.works_beside
        awaited = any(map(self._schedule.is_awaited, self._running[done].jobs))
        return beside and done.exception() is None and not awaited

    def _store(self, future: Future[str]) -> None:
        """Store what came of jobs, or put them back."""
        flight = self._running[future]
        results = _outcomes(future, flight, self._schedule)
        del self._running[future]
        for job, result in zip(flight.jobs, results, strict=True):
            if result is None:
                if len(flight.jobs) > 1:
                    self._apart.add(job.fingerprint)
                else:
                    self._schedule.tell(What.LOST, job)
                self._schedule.put_back(job.fingerprint)
            else:
                self._schedule.done(job, result)
            self._leases.give_back(job.fingerprint)


def _stacked_work() -> Work:
    from ablations.runs import stacking  # it needs torch

    return stacking.work


def _first(running: Iterable[Future[str]]) -> set[Future[str]]:
    """Return the futures that are done within a short time.

    The time is short because a signal that arrives just before this thread sleeps doesn't wake it.
    """
    return wait(running, timeout=LOOK, return_when=FIRST_COMPLETED).done


def _outcomes(future: Future[str], flight: _Flight, schedule: Schedule) -> Sequence[Result | None]:
    """Return the result of each job; None for a job that must be repeated alone."""
    try:
        return [decode(text)[0] for text in json.loads(future.result())]
    except TimeoutError:
        how = Status.TIMED_OUT, f"it exceeded its time limit of {flight.jobs[0].limit:g} s"
    except ConnectionLost as error:
        if len(flight.jobs) > 1 or schedule.lost(flight.jobs[0]) < MOST_LOSSES:
            return [None] * len(flight.jobs)
        how = Status.DIED, f"the connection to its worker was lost {MOST_LOSSES} times ({error})"
    except BrokenExecutor:
        how = Status.DIED, "its process was killed (by hand, or by the system, out of memory)"
    if len(flight.jobs) > 1:  # it is unknown which job was the cause
        return [None] * len(flight.jobs)
    found = ended(flight.jobs[0], flight.clock, *how)
    return [replace(found, cpu_seconds=0.0, peak_memory_bytes=0)]  # unknown after the process died
