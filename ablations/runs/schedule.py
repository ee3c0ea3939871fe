"""The order of trials: next is one whose parent has finished, from the costliest group of boards.

A plan may have 100,000 trials, so a waiting trial takes little memory; its job is created when it
starts.
"""

import heapq
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ablations.records.trials import Result, Status, Trial
from ablations.runs import attempts, sequence
from ablations.runs.attempts import Clock, Job, ended
from ablations.runs.fingerprints import fingerprint as fingerprint_of
from ablations.runs.fingerprints import protocol_class
from ablations.runs.store import MOST_DEATHS, Store
from ablations.runs.trials import together

NOTED = 1000  # fingerprints per line of the journal


class What(StrEnum):
    """The kinds of events of a trial."""

    SKIPPED = "skipped"  # the store has its result
    QUARANTINED = "quarantined"  # it crashed its workers before, and isn't run any more
    WAITING = "waiting"  # another process uses the machine
    PAUSED = "paused"  # waiting for the time between the two stretches of timings
    STARTED = "started"
    LOST = "lost"  # the connection to its worker was lost; it is repeated
    STORED = "stored"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a run, for a progress display; with its result once that is stored."""

    what: What
    fingerprint: str
    trial: Trial
    result: Result | None = None


class Phase(IntEnum):
    """The phases of a run; a trial is run in its phase or later."""

    FIRST_STRETCH = 0  # trials that need the machine alone
    SHARED = 1
    LAST_STRETCH = 2


@dataclass(slots=True)
class _Waiting:
    """A trial that must still be run, and its place in the order."""

    trial: Trial
    cost: float
    group: str
    order: float  # place in its group, if costs are equal
    phase: Phase = Phase.SHARED
    losses: int = 0
    again: bool = False  # it has finished, but its weights are gone and needed


_TIMED = "timed"  # group of the trials that need the machine alone


class Schedule:
    """The remaining trials of a run.

    Args:
        store: The store of the results.
        on_event: Called with each event.
        cost: As in `ablations.runs.runner.run`.
        limit: As in `ablations.runs.runner.run`.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_event: Callable[[Event], None],
        cost: Callable[[Trial], float],
        limit: Callable[[Trial], float | None],
    ) -> None:
        self.store = store
        self._on_event, self._cost, self._limit = on_event, cost, limit
        self._seen: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._names: dict[str, str] = {}  # names of groups, each once in memory
        self._places: dict[str, int] = {}  # place of each group
        self._children: dict[str, list[str]] = {}
        self._elsewhere: list[str] = []
        self._ready: dict[Phase, dict[str, list[tuple[float, float, str]]]]
        self._ready = {phase: {} for phase in Phase}  # by phase and by group
        self._order: dict[Phase, list[tuple[int, str]]] = {phase: [] for phase in Phase}

    # -- planning ---------------------------------------------------------------------------------
    def ask(self, trial: Trial) -> None:
        """Add a requested trial, once, with its parents."""
        fingerprint = fingerprint_of(trial)
        if fingerprint in self._seen:
            return
        if self.store.is_finished(fingerprint):
            self._seen.add(fingerprint)
            self._tell(What.SKIPPED, fingerprint, trial)
        else:
            self._require(fingerprint, trial)

    def _require(self, fingerprint: str, trial: Trial) -> None:
        """Add a trial that must be run, after its parents."""
        if fingerprint in self._waiting:
            return
        self._seen.add(fingerprint)
        if self.store.quarantined(fingerprint):
            self._tell(What.QUARANTINED, fingerprint, trial)
            return
        parent = trial.parent
        if parent is not None:
            origin = fingerprint_of(parent)
            if self.store.weights(origin) is None and not self._came_to_nothing(origin):
                self._require(origin, parent)
                if origin not in self._waiting:
                    self._tell(What.QUARANTINED, fingerprint, trial)
                    return
                self._children.setdefault(origin, []).append(fingerprint)
        name = together(trial)
        self._waiting[fingerprint] = _Waiting(
            trial=trial,
            cost=self._cost(trial),
            group=self._names.setdefault(name, name),
            order=len(self._waiting),
            again=self.store.is_finished(fingerprint),
        )

    def _came_to_nothing(self, fingerprint: str) -> bool:
        """Return whether a trial ended without weights to start from."""
        result = self.store.get(fingerprint)
        return result is not None and result.status in (Status.DIVERGED, Status.TIMED_OUT)

    def close(self) -> None:
        """Sort the added trials, and write the plan to the journal."""
        every = list(self._waiting)
        for start in range(0, len(every), NOTED):
            self.store.note("planned", fingerprints=every[start : start + NOTED])
        most: dict[str, float] = {}
        for one in self._waiting.values():
            most[one.group] = max(most.get(one.group, -math.inf), one.cost)
        ranked = sorted(most, key=lambda name: -most[name])
        self._places = {name: place for place, name in enumerate(ranked)}
        after = {child for children in self._children.values() for child in children}
        alone = [f for f, w in self._waiting.items() if protocol_class(w.trial).alone]
        stretches = sequence.stretches(alone, key=str)
        for place, f in enumerate([*stretches[0], *stretches[1]]):
            early = place < len(stretches[0]) and f not in after
            one = self._waiting[f]
            one.phase = Phase.FIRST_STRETCH if early else Phase.LAST_STRETCH
            one.group, one.cost, one.order = _TIMED, 0.0, place
        self._places[_TIMED] = len(self._places)
        for fingerprint in every:
            if fingerprint not in after:
                self._release(fingerprint)

    # -- running ----------------------------------------------------------------------------------
    def first(self, phase: Phase) -> Job | None:
        """Return a job that is ready in a phase, None if there is none."""
        ready = (group for kind in Phase if kind <= phase for group in self._ready[kind].values())
        return next((self.job(jobs[0][-1]) for jobs in ready), None)

    def compiles(self, phase: Phase) -> bool:
        """Return whether a trial of a phase compiles its training steps."""
        own = (one.trial for one in self._waiting.values() if one.phase is phase)
        return any(trial.protocol.get("compiled") for trial in own)

    def take(self, phase: Phase, *, last: Job | None, running: Iterable[Job]) -> Job | None:
        """Return the next job that can start, None if there is none now.

        It belongs to the group of the worker's last job, whose boards the worker has loaded, or
        else to the costliest group that no worker is working on.
        """
        busy = {self.group(job) for job in running}
        for kind in Phase:
            ready = self._ready[kind]
            if kind > phase or not ready:
                continue
            name = self.group(last) if last is not None else ""
            if name not in ready:
                name = self._costliest(kind, busy)
            return self._next(kind, name)
        return None

    def _costliest(self, phase: Phase, busy: Collection[str]) -> str:
        """Return the costliest ready group, preferably one that no worker is working on."""
        order, passed = self._order[phase], []
        while order and (order[0][1] not in self._ready[phase] or order[0][1] in busy):
            first = heapq.heappop(order)
            if first[1] in self._ready[phase]:
                passed.append(first)
        found = order[0] if order else passed[0]
        for each in passed:
            heapq.heappush(order, each)
        return found[1]

    def more(self, job: Job, seconds: float) -> list[Job]:
        """Return further short jobs of a job's group that fit with it into `seconds`."""
        one = self._waiting[job.fingerprint]
        found: list[Job] = []
        ready, spent = self._ready[one.phase], one.cost
        while one.cost > 0 and one.group in ready:
            next_ = self._waiting[ready[one.group][0][-1]]
            spent += next_.cost
            same = next_.trial.device == one.trial.device
            if not same or next_.cost <= 0 or spent > seconds:
                break
            found.append(self._next(one.phase, one.group))
        return found

    def alike(self, job: Job, most: int) -> list[Job]:
        """Return up to `most` further jobs of a job's group."""
        one = self._waiting[job.fingerprint]
        found: list[Job] = []
        while len(found) < most and one.group in self._ready[one.phase]:
            found.append(self._next(one.phase, one.group))
        return found

    def _next(self, phase: Phase, group: str) -> Job:
        """Return the next job of a group that is ready, which then isn't ready any more."""
        ready = self._ready[phase]
        *_, fingerprint = heapq.heappop(ready[group])
        if not ready[group]:
            del ready[group]
        return self.job(fingerprint)

    def put_back(self, fingerprint: str) -> None:
        """Make a trial available, for the first time or again."""
        one = self._waiting[fingerprint]
        ready = self._ready[one.phase]
        if one.group not in ready:
            ready[one.group] = []
            heapq.heappush(self._order[one.phase], (self._places[one.group], one.group))
        heapq.heappush(ready[one.group], (-one.cost, one.order, fingerprint))

    def is_awaited(self, job: Job) -> bool:
        """Return whether another trial starts from the results of a job."""
        return job.fingerprint in self._children

    def leave(self, job: Job) -> None:
        """Record that another process is running a job; see `retry`."""
        self._elsewhere.append(job.fingerprint)

    def retry(self) -> bool:
        """Make jobs available again that other processes were running; return whether any were."""
        found, self._elsewhere = self._elsewhere, []
        for fingerprint in found:
            self.put_back(fingerprint)
        return bool(found)

    def lost(self, job: Job) -> int:
        """Count a lost connection of a job, and return the number of its losses."""
        one = self._waiting[job.fingerprint]
        one.losses += 1
        return one.losses

    def done(self, job: Job, result: Result) -> None:
        """Store a result; then release the trials that wait for it, or schedule another attempt."""
        self.store.add(result)
        self._tell(What.STORED, job.fingerprint, job.trial, result)
        died = result.status is Status.DIED
        if died and self.store.deaths(job.fingerprint) < MOST_DEATHS:
            self.put_back(job.fingerprint)
        else:
            self._let_go(job, result)

    def over(self, job: Job) -> bool:
        """Return whether another process has finished a job since it was added."""
        if self._waiting[job.fingerprint].again:
            return self.store.weights(job.fingerprint) is not None
        return self.store.is_finished(job.fingerprint)

    def done_elsewhere(self, job: Job) -> None:
        """Release the trials that wait for a job which another process has finished."""
        self._tell(What.SKIPPED, job.fingerprint, job.trial)
        self._let_go(job, None)

    def _let_go(self, job: Job, result: Result | None) -> None:
        del self._waiting[job.fingerprint]
        for child in self._children.pop(job.fingerprint, ()):
            self._release(child, result)

    def _release(self, fingerprint: str, ended_as: Result | None = None) -> None:
        """Let a job start; if its parent failed, end it with the same status."""
        parent = self._waiting[fingerprint].trial.parent
        if parent is None or self.store.weights(fingerprint_of(parent)) is not None:
            self.put_back(fingerprint)
        else:
            self._inherit(self.job(fingerprint), ended_as or self.store.get(fingerprint_of(parent)))

    def job(self, fingerprint: str) -> Job:
        """Return the job of a trial, as a worker gets it."""
        trial = self._waiting[fingerprint].trial
        parent = trial.parent
        return attempts.job(
            trial,
            fingerprint,
            self.store.folder,
            deaths=self.store.deaths(fingerprint),
            start=None if parent is None else self.store.weights(fingerprint_of(parent)),
            limit=self._limit(trial),
        )

    def _inherit(self, job: Job, parent: Result | None) -> None:
        """End a job with the status of its parent."""
        if parent is None:  # its record is lost, and so are its weights
            how = (Status.FAILED, "the run that it starts from is lost")
        else:
            how = {
                Status.DIVERGED: (Status.DIVERGED, f"the run that it starts from {parent.error}"),
                Status.TIMED_OUT: (
                    Status.TIMED_OUT,
                    f"the run that it starts from: {parent.error}",
                ),
                Status.OK: (Status.FAILED, "the run that it starts from has no weights"),
            }.get(
                parent.status,
                (Status.FAILED, f"the run that it starts from failed: {parent.error}"),
            )
        self.done(job, ended(job, Clock(), *how))

    def group(self, job: Job) -> str:
        """Return the key that jobs share if they should run on one worker."""
        one = self._waiting.get(job.fingerprint)
        if one is not None:
            return one.group
        return _TIMED if protocol_class(job.trial).alone else together(job.trial)

    def tell(self, what: What, job: Job) -> None:
        """Report an event of a job."""
        self._tell(what, job.fingerprint, job.trial)

    def _tell(
        self, what: What, fingerprint: str, trial: Trial, result: Result | None = None
    ) -> None:
        self._on_event(Event(what=what, fingerprint=fingerprint, trial=trial, result=result))
