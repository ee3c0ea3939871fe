"""The runner: trials in, results in the store. The only module that loads a workload.

A workload is a function of (arms, settings, seed, device) that returns one mapping of metrics per
arm. It raises `hrm.errors.Diverged` where training leaves the numbers.
"""

import contextlib
import datetime
import functools
import importlib
import json
import math
import resource
import secrets
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from ablations import locks, sources
from ablations.engine import Engine, Serial
from ablations.fingerprint import fingerprint as fingerprint_of
from ablations.fingerprint import source_digest, versions, workload
from ablations.records import Machine, Result, Status, Trial
from ablations.store import Store, decode, encode
from hrm.errors import Diverged
from hrm.system import environment

threads = 1
most_deaths = 3
whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


class What(StrEnum):
    """What happened to a trial."""

    SKIPPED = "skipped"  # the store has its result
    WAITING = "waiting"  # another process uses the machine
    STARTED = "started"
    STORED = "stored"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One step of a run, for a progress display; with its result once that is stored."""

    what: What
    fingerprint: str
    trial: Trial
    result: Result | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A trial on its way: its fingerprint, and how many attempts the machine has killed so far."""

    trial: Trial
    fingerprint: str
    deaths: int

    def encode(self) -> str:
        """Return the job as JSON text, for `work`."""
        return json.dumps(
            {"trial": self.trial.to_json(), "fingerprint": self.fingerprint, "deaths": self.deaths}
        )

    def event(self, what: What, result: Result | None = None) -> Event:
        """Return what is told of this job."""
        return Event(what=what, fingerprint=self.fingerprint, trial=self.trial, result=result)


def run(
    trials: Iterable[Trial],
    store: Store,
    engine: Engine,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
    cost: Callable[[Trial], float] = lambda _: 0.0,
    left: Callable[[], float] = lambda: math.inf,
) -> None:
    """Run each trial that the store has no finished result of, and store each result as it comes.

    Equal trials are run once. Trials that may share the machine go first, through `engine`, the
    costliest ahead; then those that must be alone, one by one in this process. An attempt that the
    machine killed is recorded and made again, until a trial has died `most_deaths` times. Ctrl-C
    keeps what is finished and stops the rest; the same call resumes.

    Args:
        trials: What to run, in the order that is kept where costs are equal.
        store: Where results go; nobody else may run into it meanwhile.
        engine: Where to run what may share the machine; its workers end with the run.
        on_event: Told of each step.
        cost: What a trial is expected to take, in any unit; in seconds where `left` is given.
        left: How many seconds there are: a trial that is expected to take more isn't started.

    Raises:
        UserError: If the store is in use, or can't be written.
        KeyboardInterrupt: After Ctrl-C.
    """
    unique = {fingerprint_of(trial): trial for trial in trials}
    with store.coordinate():
        jobs = [
            Job(trial=trial, fingerprint=fingerprint, deaths=store.deaths(fingerprint))
            for fingerprint, trial in unique.items()
        ]
        missing = []
        for job in jobs:
            if store.is_finished(job.fingerprint):
                on_event(job.event(What.SKIPPED))
            else:
                missing.append(job)
        missing.sort(key=lambda job: -cost(job.trial))
        together = [job for job in missing if not job.trial.alone]
        alone = [job for job in missing if job.trial.alone]
        phases = (together, engine, locks.shared), (alone, Serial(), locks.exclusive)
        for phase, where, lock in phases:
            if phase:
                waiting = functools.partial(on_event, phase[0].event(What.WAITING))
                with lock(waiting), where:
                    fits = functools.partial(_fits, cost, left)
                    _drain(deque(phase), store, where, on_event, fits)


def execute(trial: Trial, *, fingerprint: str | None = None, deaths: int = 0) -> Result:
    """Run one trial here, on one thread, and return what it found, however it ended.

    Time counts from when the workload's modules are loaded. CPU time is this process's and that of
    children it waited for. Peak memory is the larger of the two; where the system can't reset it,
    the peak since the process started.

    Args:
        trial: What to run.
        fingerprint: What was planned; a trial whose sources have changed since is FAILED, not run.
        deaths: How many earlier attempts the machine killed.
    """
    job = Job(trial=trial, fingerprint=fingerprint or fingerprint_of(trial), deaths=deaths)
    clock = _Clock()
    metrics: Sequence[Mapping[str, Any]] = ()
    status, error = Status.OK, None
    try:
        function = _load(trial)
        _require_planned(job)
        clock = _Clock()
        metrics = function(trial.arms, trial.settings, trial.seed, trial.device)
        assert len(metrics) == len(trial.arms), (
            f"metrics of {len(metrics)} arms of {len(trial.arms)}"
        )
    except Diverged as found:
        status, error, metrics = Status.DIVERGED, str(found), found.metrics
    except Exception as found:  # noqa: BLE001 (whatever a workload raises is a result)
        status, error = Status.DIED if _out_of_memory(found) else Status.FAILED, _line(found)
        metrics = ()
    result = _result(job, clock, status, error, tuple(metrics))
    try:
        return decode(encode(result))
    except (TypeError, ValueError) as found:
        return replace(result, status=Status.FAILED, error=_line(found), metrics=())


def work(text: str) -> str:
    """Run one encoded job, for an engine."""
    job = json.loads(text)
    result = execute(
        Trial.from_json(job["trial"]), fingerprint=job["fingerprint"], deaths=job["deaths"]
    )
    return encode(result)


# -- running many ---------------------------------------------------------------------------------
def _fits(cost: Callable[[Trial], float], left: Callable[[], float], job: Job) -> bool:
    return cost(job.trial) <= left()


def _drain(
    jobs: deque[Job],
    store: Store,
    engine: Engine,
    on_event: Callable[[Event], None],
    fits: Callable[[Job], bool],
) -> None:
    running: dict[Future[str], tuple[Job, _Clock]] = {}
    try:
        while jobs or running:
            while jobs and len(running) < engine.slots:
                job = jobs.popleft()
                if not fits(job):  # another one may
                    continue
                on_event(job.event(What.STARTED))
                clock = _Clock()
                running[engine.submit(work, job.encode())] = job, clock
            if not running:
                break
            wait(running, return_when=FIRST_COMPLETED)
            for future in [future for future in running if future.done()]:
                job, clock = running[future]
                result = _outcome(future, job, clock)
                store.add(result)
                del running[future]
                on_event(job.event(What.STORED, result))
                if result.status is Status.DIED and job.deaths + 1 < most_deaths:
                    jobs.append(replace(job, deaths=job.deaths + 1))
    except KeyboardInterrupt:
        for future in running:
            if future.done() and not future.exception():
                store.add(decode(future.result()))
        raise


def _outcome(future: Future[str], job: Job, clock: "_Clock") -> Result:
    try:
        return decode(future.result())
    except BrokenExecutor:
        error = "its process was killed (by hand, or by the system for want of memory)"
        died = _result(job, clock, Status.DIED, error, ())
        return replace(died, cpu_seconds=0.0, peak_memory_bytes=0)  # they went with the process


# -- running one ----------------------------------------------------------------------------------
def _load(trial: Trial) -> Callable[..., Sequence[Mapping[str, Any]]]:
    module, name = workload(trial)
    if trial.alone:  # it may start processes, which read the sources as they are now
        sources.forget()
    function = getattr(importlib.import_module(module), name)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
        with contextlib.suppress(RuntimeError):  # this can be set once alone
            torch.set_num_interop_threads(threads)
    assert callable(function), trial.workload
    return function  # type: ignore[no-any-return]


def _require_planned(job: Job) -> None:
    if fingerprint_of(job.trial) != job.fingerprint:
        raise RuntimeError(
            "the sources have changed since this run was planned; run the same command again"
        )


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return "DefaultCPUAllocator: can't allocate" in str(error)


def _line(error: BaseException) -> str:
    """Return an error as one line that ends with where it was raised."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]} ({where})"


class _Clock:
    """Measures an attempt from when it is made; peak memory is set back where that can be."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.started = datetime.datetime.now(datetime.UTC)
        self._wall = time.perf_counter()
        self._cpu = _cpu_seconds()

    def read(self) -> dict[str, Any]:
        """Return wall and CPU time since then, and peak memory, by a result's field."""
        wall = time.perf_counter() - self._wall
        own, children = (now - then for now, then in zip(_cpu_seconds(), self._cpu, strict=True))
        # The children's peak includes all that ever were: it says something only if there were any.
        peaks = [resource.getrusage(w).ru_maxrss for w in whose[: 1 + (children > 0)]]
        unit = 1 if sys.platform == "darwin" else 1024
        return {
            "wall_seconds": wall,
            "cpu_seconds": own + children,
            "peak_memory_bytes": unit * max(peaks),
        }


def _cpu_seconds() -> list[float]:
    usages = [resource.getrusage(who) for who in whose]
    return [usage.ru_utime + usage.ru_stime for usage in usages]


def _result(
    job: Job,
    clock: _Clock,
    status: Status,
    error: str | None,
    metrics: tuple[Mapping[str, Any], ...],
) -> Result:
    measured = clock.read()
    commit, dirty = environment.commit()
    return Result(
        fingerprint=job.fingerprint,
        attempt=f"{clock.started:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}",
        trial=job.trial,
        status=status,
        metrics=metrics,
        error=error,
        deaths=job.deaths,
        machine=Machine(**environment.machine(device=job.trial.device, threads=threads)),
        versions=versions(),
        sources=source_digest(job.trial),
        commit=commit,
        dirty=dirty,
        started=clock.started.isoformat(),
        **measured,
    )
