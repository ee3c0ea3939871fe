"""Where trials are run: in this process, or in local processes.

An engine runs functions from JSON text to JSON text. That is all that passes between processes, so
that an engine on other machines needs no more.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Self

from ablations import locks
from hrm.config.parts import require
from hrm.errors import UserError

Work = Callable[[str], str]

thread_variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Engine(ABC):
    """Runs up to `slots` pieces of work at once; a context, whose end stops what still runs."""

    slots: int

    @abstractmethod
    def submit(self, work: Work, text: str) -> Future[str]:
        """Start a piece of work, while fewer than `slots` run.

        The future fails with `BrokenExecutor` if the machine took the worker.
        """

    @abstractmethod
    def stop(self) -> None:
        """End all workers now, whatever they do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


class Serial(Engine):
    """One piece of work after the other, in this process."""

    slots = 1

    def submit(self, work: Work, text: str) -> Future[str]:
        """Do the work before returning."""
        future = Future[str]()
        future.set_result(work(text))
        return future

    def stop(self) -> None:
        """Nothing runs between two calls of `submit`."""


class Processes(Engine):
    """`jobs` fresh processes of one thread each, spawned at their first piece of work.

    Each has a pool of its own, so that a killed process breaks its own work alone. Workers leave
    Ctrl-C to this process and end when it does, however it ends.

    Raises:
        UserError: If `jobs` isn't positive.
    """

    def __init__(self, jobs: int) -> None:
        require(jobs >= 1, "--jobs", jobs, "1 or more", "use the number of cores")
        self.slots = jobs
        self._workers: list[_Worker] = []

    def submit(self, work: Work, text: str) -> Future[str]:
        """Hand the work to a free worker, a new one if need be."""
        for worker in [w for w in self._workers if w.future.done()]:
            with contextlib.suppress(BrokenExecutor):
                worker.future = worker.pool.submit(work, text)
                return worker.future
            self._workers.remove(worker)
            worker.close()
        assert len(self._workers) < self.slots, "more work than slots"
        worker = _Worker.start(work, text)
        self._workers.append(worker)
        return worker.future

    def stop(self) -> None:
        """End all workers now; their futures fail with `BrokenExecutor`."""
        for worker in self._workers:
            worker.kill()
        while self._workers:
            self._workers.pop().close()


@dataclass
class _Worker:
    """One spawned process, in a pool of its own, and our end of the pipe that it watches."""

    pool: ProcessPoolExecutor
    pipe: Connection
    future: Future[str]

    @classmethod
    def start(cls, work: Work, text: str) -> Self:
        ours, theirs = multiprocessing.Pipe()
        pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare, (theirs,))
        with _interrupts_blocked():
            future = pool.submit(work, text)
        theirs.close()
        return cls(pool, ours, future)

    def broken(self) -> bool:
        return self.future.done() and isinstance(self.future.exception(), BrokenExecutor)

    def kill(self) -> None:
        """Kill the process, unless it has died; if it is still starting, it ends by its pipe."""
        with contextlib.suppress(EOFError, OSError):
            if not self.broken() and self.pipe.poll():
                os.kill(int(self.pipe.recv_bytes()), signal.SIGKILL)

    def close(self) -> None:
        self.pipe.close()
        self.pool.shutdown()


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let processes that start meanwhile inherit that Ctrl-C doesn't reach them; ours waits."""
    resource_tracker.ensure_running()  # started within, it would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(pipe: Connection) -> None:
    """Make a worker of this process: one thread, and an end with its parent's."""
    os.environ.update(dict.fromkeys(thread_variables, "1"))
    with contextlib.suppress(OSError):
        pipe.send_bytes(str(os.getpid()).encode())
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
    # The lock goes with the process: a trial of a killed coordinator isn't timed against.
    with contextlib.suppress(UserError):
        locks.share_until_exit()


def _end_with(pipe: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)
