"""One attempt at a trial. Only this module loads modules of protocols."""

import contextlib
import datetime
import functools
import importlib
import json
import platform
import resource
import secrets
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablations.records.trials import Machine, Result, Status, Trial
from ablations.runs import fingerprints, index, sidecars, sources, weights
from ablations.runs.encoding import decode, encode
from ablations.specs.protocols import Protocol
from hrm.codec import Json, Record
from hrm.config.parts import Part, type_key
from hrm.errors import Diverged, UserError
from hrm.system import environment
from hrm.system.include import load

if TYPE_CHECKING:
    from ablations.protocols.base import Outcome

THREADS = 1
may_be_killed = False  # whether this process is a worker, which a time limit may end
owners = {"pt": "torch", "np": "numpy"}  # library of the tensors, by the safetensors file's mark
whose = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """A trial as it is passed to a worker.

    Args:
        trial: The trial.
        fingerprint: The planned fingerprint; a trial whose sources have changed since fails without
            a run.
        folder: Folder of the store, where arrays and weights are written.
        deaths: Number of earlier attempts that the machine killed.
        start: SHA-256 of the weights that it starts from, if any.
        limit: Seconds after which a worker ends it; None for no limit.
        files: The modules and files of parts, protocols and functions that users define.
    """

    trial: Trial
    fingerprint: str
    folder: str
    deaths: int = 0
    start: str | None = None
    limit: float | None = None
    files: Mapping[str, str | None] = field(default_factory=dict)


def job(trial: Trial, fingerprint: str, folder: Path, **options: Any) -> Job:
    """Return a job, with the files of the modules that it needs."""
    needed = {name: sources.locate(name) for name in _part_modules(trial)}
    files = {name: None if path is None else str(path) for name, path in needed.items()}
    return Job(
        trial=trial, fingerprint=fingerprint, folder=str(folder.resolve()), files=files, **options
    )


def work(text: str) -> str:
    """Run encoded jobs one after the other, for an engine, and return their encoded results.

    Raises:
        UserError: If a job names a file outside its store, or its results can't be written.
    """
    return json.dumps([encode(execute(received(each))) for each in json.loads(text)])


def received(data: Json) -> Job:
    """Return a job from another process, after checking that its paths lie within its store."""
    asked = Job.from_json(data)
    if not index.NAME.fullmatch(asked.fingerprint) or not weights.is_digest(asked.start):
        raise UserError(
            f"a job's fingerprint is {asked.fingerprint!r:.80} and its start {asked.start!r:.80}; "
            "allowed are 64 hexadecimal digits, so that they can't name a file outside the store; "
            "run it with `ablations run`"
        )
    if not (Path(asked.folder) / "store.json").is_file():
        raise UserError(
            f"store {asked.folder!r} doesn't exist on {platform.node()!r}, where a worker needs "
            "it; allowed is a folder on a file system that all workers share; give it with --store"
        )
    return asked


def compilable(text: str) -> str:
    """Check that training steps can be compiled here, and return the text unchanged.

    It has the signature of work for an engine.

    Raises:
        UserError: If they can't be compiled, for example without a C++ compiler.
    """
    environment.compiler()
    return text


Function = Callable[[Any], "Outcome"]


def execute(asked: Job, wrap: Callable[[Function], Function] = lambda run: run) -> Result:
    """Run a job in this process, on one thread, and return its result, however it ended.

    When this returns, arrays and weights are in the store, but the record isn't. Times are measured
    from the moment at which modules and weights are loaded. CPU time includes that of children
    which this process waited for. Peak memory is the largest of this process and its children; if
    the system can't reset it, it is the peak since the process started.

    Args:
        asked: The job.
        wrap: Replaces the function of the protocol.

    Raises:
        UserError: If arrays or weights can't be written.
    """
    clock = Clock()
    status, error = Status.OK, None
    found: Sequence[Mapping[str, Any]] = ()
    outcome = None
    try:
        function, inputs = prepared(asked)
        clock = Clock()
        with limited(asked.limit), one_thread():
            outcome = wrap(function)(inputs)
        found = outcome.observations
        arms = max(1, len(asked.trial.arms))  # a check of printed figures has no arms
        assert len(found) == arms, f"{len(found)} arms of {arms}"
    except Diverged as raised:
        status, error, found = Status.DIVERGED, str(raised), raised.metrics
    except Exception as raised:  # noqa: BLE001 (any error of a protocol is a result)
        status, error = Status.DIED if _out_of_memory(raised) else Status.FAILED, line(raised)
    result = ended(asked, clock, status, error)
    if not status.finished:
        return result
    try:
        return _kept(asked, result, found, outcome)
    except OSError as refused:
        raise UserError(
            f"arrays of attempt {result.attempt} can't be written to {asked.folder!r} "
            f"({refused.strerror}); allowed is a store that you may write, on a disk with room; "
            "mend that and run the same command again: finished runs are kept"
        ) from refused
    except (TypeError, ValueError) as raised:
        return replace(result, status=Status.FAILED, error=line(raised))


def ended(asked: Job, clock: "Clock", status: Status, error: str | None) -> Result:
    """Return the result of an attempt, without observations and weights."""
    measured = clock.read()
    commit, dirty = environment.commit()
    device = asked.trial.device.removesuffix(fingerprints.STACKED)
    machine = environment.machine(device=device, threads=_threads())
    return Result(
        fingerprint=asked.fingerprint,
        attempt=f"{clock.started:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}",
        trial=asked.trial,
        status=status,
        observations=(),
        start=asked.start,
        error=error,
        deaths=asked.deaths,
        machine=Machine(**machine, allocator=_allocator(), capability=_capability()),
        versions=fingerprints.versions(),
        sources=fingerprints.source_digest(asked.trial),
        commit=commit,
        dirty=dirty,
        started=clock.started.isoformat(),
        **measured,
    )


def line(error: BaseException) -> str:
    """Return an error as one line that ends with where it was raised."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]} ({where})"


class Clock:
    """Measures an attempt, from the clock's creation; resets the peak memory if possible."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        self.started = datetime.datetime.now(datetime.UTC)
        self._wall = time.perf_counter()
        self._cpu = _cpu_seconds()

    def read(self) -> dict[str, Any]:
        """Return wall time, CPU time and peak memory, by the names of a result's fields."""
        wall = time.perf_counter() - self._wall
        own, children = (now - then for now, then in zip(_cpu_seconds(), self._cpu, strict=True))
        # The peak of children covers all children of this process's life, and is 0 without any.
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


# -- preparation ----------------------------------------------------------------------------------
def _part_modules(trial: Trial) -> Iterator[str]:
    """Yield the modules of the trial's parts, protocols and functions, in order."""
    found = [trial, *_ancestors(trial)]
    names = {
        fingerprints.part_class(part[type_key]).__module__
        for one in found
        for part in fingerprints.parts_of(one)
    }
    yield from sorted(names.union(*map(fingerprints.modules, found)))


def _ancestors(trial: Trial) -> Iterator[Trial]:
    while (parent := trial.parent) is not None:
        yield parent
        trial = parent


def prepared(asked: Job) -> tuple[Function, Any]:
    """Return the function of a job's protocol, and its inputs.

    Raises:
        RuntimeError: If the sources have changed since the job was planned.
    """
    function, inputs = _load(asked), _inputs(asked)
    _require_planned(asked)
    return function, inputs


def _load(asked: Job) -> Function:
    """Import the protocol's module and those of all parts, and return its function."""
    for name, file in asked.files.items():
        load(name, file)
    protocol = fingerprints.protocol_class(asked.trial)
    if protocol.alone:  # it may start processes, which import the sources as they are now
        sources.forget()
    function: Function = importlib.import_module(protocol.module).run
    return function


def _inputs(asked: Job) -> Any:
    from ablations.protocols.base import Inputs

    return Inputs(
        protocol=Protocol.from_json(asked.trial.protocol),
        arms=tuple(Part.from_json(arm) for arm in asked.trial.arms),
        seed=asked.trial.seed,
        device=asked.trial.device.removesuffix(fingerprints.STACKED),
        weights=None if asked.start is None else _tensors(asked),
    )


def _tensors(asked: Job) -> Mapping[str, Any]:
    """Return the weights that a job starts from: tensors, or arrays if these were saved."""
    assert asked.start is not None
    data = weights.load(Path(asked.folder), asked.start)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    owner = owners[header["__metadata__"]["format"]]
    loaded: Mapping[str, Any] = importlib.import_module(f"safetensors.{owner}").load(data)
    return loaded


def _require_planned(asked: Job) -> None:
    if fingerprints.fingerprint(asked.trial) != asked.fingerprint:
        raise RuntimeError(
            "the sources have changed since this run was planned, or its worker has other versions "
            "of packages; run the same command again"
        )


# -- execution ------------------------------------------------------------------------------------
@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Restrict a trial to one thread."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(THREADS)
        with contextlib.suppress(RuntimeError):  # this can be set only once
            torch.set_num_interop_threads(THREADS)
    yield
    if _threads() != THREADS:
        raise RuntimeError(f"the trial computed on {_threads()} threads; allowed is {THREADS}")


def _threads() -> int:
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch is not None else THREADS


@contextlib.contextmanager
def limited(seconds: float | None) -> Iterator[None]:
    """Limit the wall time of the block: when it is over, the system ends this worker process.

    Args:
        seconds: The limit; None for none. It has no effect in a process that isn't a worker.
    """
    if seconds is None or not may_be_killed:
        yield
        return
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _capability() -> str | None:
    """Return the CPU capability that torch uses, None if torch isn't loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else str(torch.backends.cpu.get_cpu_capability())


@functools.cache
def _allocator() -> str | None:
    """Return the name of tcmalloc's library, if this process has it."""
    try:
        maps = Path("/proc/self/maps").read_text()
    except OSError:
        return None
    return next((Path(row).name for row in maps.splitlines() if "libtcmalloc" in row), None)


# -- storing --------------------------------------------------------------------------------------
def _kept(
    asked: Job,
    result: Result,
    found: Sequence[Mapping[str, Any]],
    outcome: "Outcome | None",
) -> Result:
    """Write arrays and weights, and return the result with their digests."""
    plain, arrays = sidecars.split(found)
    folder = Path(asked.folder)
    complete = replace(result, observations=plain)
    encode(complete)  # refuses a result that isn't JSON before anything is written
    if arrays:
        path = folder / "runs" / result.fingerprint / f"{result.attempt}.safetensors"
        complete = replace(complete, sidecar=sidecars.save(path, arrays))
    if outcome is not None and outcome.weights is not None:
        complete = replace(complete, weights=weights.save(folder, _packed(outcome.weights)))
    return decode(encode(complete))[0]


def _packed(tensors: Mapping[str, Any]) -> bytes:
    """Return weights as the bytes of a safetensors file, marked with the library of its tensors."""
    kinds = {type(tensor).__module__.partition(".")[0] for tensor in tensors.values()}
    mark = "pt" if "torch" in kinds else "np"
    if mark == "pt":  # copies, because safetensors refuses tensors that share memory
        tensors = {n: t.detach().to("cpu", copy=True).contiguous() for n, t in tensors.items()}
    save = importlib.import_module(f"safetensors.{owners[mark]}").save
    packed: bytes = save(dict(tensors), metadata={"format": mark})
    return packed


def _out_of_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return "DefaultCPUAllocator: can't allocate" in str(error)
