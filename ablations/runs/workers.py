"""Engines, which run trials: in this process, or in worker processes on this machine.

An engine runs functions from text to text. Only text passes between processes, so that an engine on
other machines can work in the same way.
"""

import contextlib
import ctypes.util
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from hrm.config.parts import require
from hrm.errors import UserError

Work = Callable[[str], str]

thread_variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class ConnectionLost(BrokenExecutor):
    """The worker can't be reached any more; its work may have finished."""


# Errors of work by their names in replies of other processes; subclasses precede their bases.
errors: Mapping[str, type[Exception]] = {
    "refused": UserError,
    "timed out": TimeoutError,
    "lost": ConnectionLost,
    "died": BrokenExecutor,
    "raised": RuntimeError,
}


def reply(found: str | Exception) -> dict[str, str]:
    """Return a reply with the text that work returned, or with its error, one of `errors`."""
    if isinstance(found, str):
        return {"text": found}
    name = next(name for name, kind in errors.items() if isinstance(found, kind))
    return {name: str(found)}


def outcome(replied: Mapping[str, str]) -> str | Exception:
    """Return the text or the error in a reply."""
    ((name, said),) = replied.items()
    return said if name == "text" else errors[name](said)


class Engine(ABC):
    """Runs up to `slots` pieces of work at once; a context manager that stops them at its end."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """The number of pieces of work that may run at once at present."""

    works_beside = True  # whether `submit` returns before the work is done
    together = 0.0  # short pieces of work are sent together, up to this number of seconds
    inherited: tuple[int, ...] = ()  # open files that workers inherit, such as the machine's lock

    @abstractmethod
    def submit(self, work: Work, text: str, topic: str = "", device: str = "cpu") -> Future[str]:
        """Start a piece of work, while fewer than `slots` are running.

        A worker whose last work had the same topic is preferred, because it may have loaded what is
        needed. An engine of several machines chooses a worker with the device, and refuses a device
        that none has. The future fails with `TimeoutError` if the work exceeded a limit that it set
        itself, with `BrokenExecutor` if the worker died (`ConnectionLost` if that is unknown), and
        with `UserError` if the work raised it.
        """

    @abstractmethod
    def single(self) -> "Engine":
        """Return an engine of this kind with one slot."""

    @abstractmethod
    def stop(self) -> None:
        """End all workers at once, even in the middle of work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self.inherited = ()


class Serial(Engine):
    """Runs one piece of work after the other in this process, without time limits.

    Libraries that a trial is the first to load compute on one thread, as in `Processes`.
    """

    works_beside = False

    def __init__(self) -> None:
        os.environ.update(dict.fromkeys(thread_variables, "1"))

    @property
    def slots(self) -> int:
        return 1

    def submit(self, work: Work, text: str, topic: str = "", device: str = "cpu") -> Future[str]:
        """Do the work before returning."""
        future = Future[str]()
        future.set_result(work(text))
        return future

    def single(self) -> "Serial":
        return self

    def stop(self) -> None:
        """Nothing runs between two calls of `submit`."""


class Processes(Engine):
    """`jobs` new processes of one thread each, started when they are first needed.

    If a process is killed, only its own work is lost. Ctrl-C reaches only this process; workers end
    when it ends, however it ends. They import nothing from the working folder, and use tcmalloc if
    the system has it.

    Raises:
        UserError: If `jobs` isn't positive.
    """

    def __init__(self, jobs: int) -> None:
        require(jobs >= 1, "--jobs", jobs, "1 or more", "use the number of cores")
        self._jobs = jobs
        self._idle: list[tuple[str, subprocess.Popen[bytes]]] = []  # idle workers, with last topics
        self._workers: set[subprocess.Popen[bytes]] = set()
        self._changing = threading.Lock()
        self._stopped = False
        self._threads: ThreadPoolExecutor | None = None

    @property
    def slots(self) -> int:
        return self._jobs

    def submit(self, work: Work, text: str, topic: str = "", device: str = "cpu") -> Future[str]:
        """Send the work to an idle worker, or to a new one if there is none."""
        if self._threads is None:
            self._threads, self._stopped = ThreadPoolExecutor(self.slots), False
        line = json.dumps({"work": f"{work.__module__}:{work.__qualname__}", "text": text})
        return self._threads.submit(self._ask, line.encode() + b"\n", topic)

    def single(self) -> "Processes":
        return self if self.slots == 1 else Processes(1)

    def stop(self) -> None:
        """End all workers now; their futures fail with `BrokenExecutor`."""
        with self._changing:
            self._stopped = True
            for worker in self._workers:
                worker.kill()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
        self._idle.clear()
        while self._workers:
            _close(self._workers.pop())

    def _ask(self, line: bytes, topic: str) -> str:
        """Send the work to a worker, and wait for the answer."""
        worker = self._worker(topic)
        assert worker.stdin is not None and worker.stdout is not None
        with contextlib.suppress(OSError):
            worker.stdin.write(line)
            worker.stdin.flush()
        line = worker.stdout.readline()
        if not line.endswith(b"\n"):
            code = worker.wait()
            with self._changing:
                if not self._stopped:
                    self._workers.discard(worker)
                    _close(worker)
            raise TimeoutError if code == -signal.SIGALRM else BrokenExecutor(f"exit status {code}")
        with self._changing:
            self._idle.append((topic, worker))
        found = outcome(json.loads(line))
        if isinstance(found, Exception):
            raise found
        return found

    def _worker(self, topic: str) -> subprocess.Popen[bytes]:
        with self._changing:
            if self._stopped:
                raise BrokenExecutor("it was stopped")
            # A worker that was killed between two pieces of work is simply replaced.
            self._idle = [(last, worker) for last, worker in self._idle if worker.poll() is None]
            if self._idle:
                best = max(range(len(self._idle)), key=lambda i: self._idle[i][0] == topic)
                return self._idle.pop(best)[1]
            worker = _start(self.inherited)
            self._workers.add(worker)
            return worker


def _start(inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Start a worker process, in a process group of its own, so that Ctrl-C doesn't reach it."""
    variables = dict.fromkeys(thread_variables, "1")
    preloaded = list(filter(None, (allocator(), os.environ.get("LD_PRELOAD"))))
    if preloaded:
        variables["LD_PRELOAD"] = " ".join(preloaded)
    variables["PYTHONPATH"] = os.pathsep.join(_search_path())
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "ablations.runs.serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **variables},
        pass_fds=inherited,
        process_group=0,
    )


def _search_path() -> list[str]:
    """Return the import path of workers: that of this process, without the working folder.

    The folder of this project comes last, so that it is found in a checkout too.
    """
    here = os.path.realpath(Path.cwd())
    kept = [p for p in sys.path if Path(p).is_absolute() and os.path.realpath(p) != here]
    return [*kept, str(Path(__file__).resolve().parents[2])]


@functools.cache
def allocator() -> str | None:
    """Return the name of the tcmalloc library, a faster allocator; None if there is none."""
    if not sys.platform.startswith("linux"):
        return None
    names = (ctypes.util.find_library(name) for name in ("tcmalloc_minimal", "tcmalloc"))
    return next(filter(None, names), None)


def _close(worker: subprocess.Popen[bytes]) -> None:
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
