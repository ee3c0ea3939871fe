"""Trials on a Dask cluster. Only this module uses Dask, which is imported when needed.

A Dask task consists of the name of `relay` and JSON. On a Dask worker, `relay` passes the jobs to a
separate process, as `ablations.runs.workers` does on this machine, and waits for it. Therefore a
trial that is killed, runs out of memory, exceeds its time limit or blocks the interpreter harms no
Dask worker. The end of that process tells what happened, and deaths are counted here rather than by
Dask's `allowed-failures`.

Every task is bound to one worker, chosen here, and at most as many tasks are in flight as there are
threads. Dask neither queues nor steals such tasks, and a worker gets trials that share boards with
its last one. A task whose worker has gone would wait forever, so the list of workers is checked
regularly. Futures are released as soon as they are read.
"""

import contextlib
import functools
import importlib
import itertools
import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import Any, Self

from ablations.runs import locks
from ablations.runs.addresses import Tls, address, line, require_safe
from ablations.runs.workers import ConnectionLost, Engine, Processes, Work, errors, outcome, reply
from hrm.errors import UserError

LOOK = 0.5  # seconds between two checks of the list of workers, and of whether a task is wanted
CONNECT = 10.0  # seconds within which a scheduler must answer
PREFIX = "trial"  # prefix of keys; Dask expects tasks with equal prefixes to take equal times


@dataclass(kw_only=True)
class _Task:
    """A piece of work in flight."""

    worker: str
    local: Future[str]
    remote: Any


class Cluster(Engine):
    """The workers of a Dask scheduler; each of their threads runs one piece of work at a time.

    Args:
        scheduler: Its address, tcp://HOST:PORT or tls://HOST:PORT, or its scheduler file.
        tls: Certificates and key; None without encryption, which is allowed on this machine only.
        unencrypted: Whether to allow other machines without encryption; anyone who can reach such a
            scheduler can run arbitrary code on its workers.
        patience: Seconds to wait for the first worker.
        on_wait: Called once when the waiting begins.

    Raises:
        UserError: If the address or a file can't be used.
    """

    together = 0.5

    def __init__(
        self,
        scheduler: str,
        *,
        tls: Tls | None = None,
        unencrypted: bool = False,
        patience: float = 300.0,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.address = address(scheduler, encrypted=tls is not None)
        require_safe(self.address, tls, unencrypted=unencrypted)
        self._tls, self._patience, self._on_wait = tls, patience, on_wait
        self._client: Any = None
        self._changing = threading.Lock()
        self._flying: dict[str, _Task] = {}
        self._workers: dict[str, Mapping[str, Any]] = {}
        self._topics: dict[str, str] = {}  # last topic of each worker
        self._looked = 0.0
        self._keys = (f"{PREFIX}-{secrets.token_hex(6)}-{n}" for n in itertools.count())

    # -- workers ----------------------------------------------------------------------------------
    def __enter__(self) -> Self:
        dask = _dask()
        security = None
        if self._tls is not None:
            security = dask.Security(
                require_encryption=True,
                tls_ca_file=self._tls.ca,
                tls_client_cert=self._tls.cert,
                tls_client_key=self._tls.key,
            )
        connect = functools.partial(
            dask.Client, self.address, timeout=CONNECT, security=security, set_as_default=False
        )
        try:
            self._client = _within(2 * CONNECT, connect)
        except (OSError, ValueError) as error:
            raise UserError(
                f"scheduler {self.address!r} doesn't answer ({line(error)}); allowed is the "
                "address or scheduler file of one that is running; start it with `dask scheduler`, "
                "or name another with --scheduler"
            ) from error
        return self

    @property
    def slots(self) -> int:
        """The number of threads of all workers; waits for the first worker."""
        self._look()
        if not self._workers and not self._flying:
            self._on_wait()
            end = time.monotonic() + self._patience
            while not self._workers:
                if time.monotonic() > end:
                    raise UserError(
                        f"scheduler {self.address!r} had no worker for {self._patience:g} s; "
                        f"allowed is one or more; start one with `dask worker {self.address}`, or "
                        "wait longer with --wait"
                    )
                time.sleep(LOOK)
                self._look()
        return sum(int(worker["nthreads"]) for worker in self._workers.values())

    def _look(self) -> None:
        """Update the list of workers; tasks on workers that have gone are lost."""
        if time.monotonic() - self._looked < LOOK:
            return
        end = time.monotonic() + CONNECT
        while self._client.status == "connecting" and time.monotonic() < end:
            time.sleep(0.1)  # the connection may come back, but tasks in flight are lost
        try:
            found = self._client.scheduler_info(n_workers=-1)
            alive = self._client.status == "running"
        except Exception as error:  # noqa: BLE001 (a connection may raise anything)
            found, alive = {"workers": {}}, False
            logging.getLogger(__name__).debug("%s", error)
        if not alive:
            raise UserError(
                f"the connection to scheduler {self.address!r} is lost; allowed is one that is "
                "running; start it again, and run the same command again: finished runs are kept"
            )
        self._workers = {
            name: worker
            for name, worker in found["workers"].items()
            if worker.get("status", "running") == "running"
        }
        self._looked = time.monotonic()
        gone = [key for key, task in self._flying.items() if task.worker not in found["workers"]]
        for key in gone:
            self._end(key, ConnectionLost("its worker has gone"))

    # -- work -------------------------------------------------------------------------------------
    def submit(self, work: Work, text: str, topic: str = "", device: str = "cpu") -> Future[str]:
        """Send jobs to a free thread of a worker.

        Raises:
            UserError: If no worker has the device.
        """
        name = f"{getattr(work, '__module__', '')}:{work.__qualname__}"
        assert name in works, "only known functions are sent"
        if not self._workers:
            assert self.slots, "slots waits for a worker, or raises"
        worker, key, local = self._worker(topic, device), next(self._keys), Future[str]()
        local.set_running_or_notify_cancel()
        remote = self._client.submit(
            relay,
            name,
            text,
            topic,
            key=key,
            pure=False,
            workers=[worker],
            allow_other_workers=False,
            retries=0,
            resources=None if device == "cpu" else {device: 1},
        )
        with self._changing:
            self._flying[key] = _Task(worker=worker, local=local, remote=remote)
        self._topics[worker] = topic
        remote.add_done_callback(functools.partial(self._done, key))
        return local

    def _worker(self, topic: str, device: str) -> str:
        """Return the worker with most free threads, preferably one whose last topic is the same."""
        able = {
            name: worker
            for name, worker in self._workers.items()
            if device == "cpu" or worker.get("resources", {}).get(device)
        }
        if not able:
            raise UserError(
                f"device is {device!r}, which no worker of {self.address!r} has; allowed is cpu, "
                f"or a device of a worker; start one with `dask worker --resources {device}=1`, or "
                "use --device cpu"
            )
        busy = Counter(task.worker for task in self._flying.values())

        def rank(name: str) -> tuple[bool, bool, int]:
            room = int(able[name]["nthreads"]) - busy[name]
            return room > 0, self._topics.get(name) == topic, room

        return max(able, key=rank)

    def _done(self, key: str, remote: Any) -> None:
        """Read the result of a task, in a thread of Dask's client."""
        found: str | Exception
        try:
            if remote.status == "finished":
                found = outcome(json.loads(remote.result(CONNECT)))
            elif remote.status == "error":
                found = _told(remote.exception(CONNECT))
            else:
                found = ConnectionLost(f"its task is {remote.status}")
        except Exception as error:  # noqa: BLE001 (a connection may raise anything)
            found = ConnectionLost(line(error))
        self._end(key, found)

    def _end(self, key: str, found: str | Exception) -> None:
        """Set the result or error of a task, once, and release it in Dask."""
        with self._changing:
            task = self._flying.pop(key, None)
        if task is None:
            return
        with contextlib.suppress(Exception):
            task.remote.release()
        if isinstance(found, Exception):
            task.local.set_exception(found)
        else:
            task.local.set_result(found)

    def single(self) -> Processes:
        """Return a single process on this machine, since timings never go through Dask."""
        return Processes(1)

    def stop(self) -> None:
        """Cancel running tasks; workers end them when they are notified."""
        client, self._client = self._client, None
        if client is None:
            return
        for key in list(self._flying):
            self._end(key, BrokenExecutor("it was stopped"))
        with contextlib.suppress(Exception):
            client.close(timeout=CONNECT)
        self._workers, self._looked = {}, 0.0


# -- on a Dask worker -----------------------------------------------------------------------------
works = frozenset(  # named, since stacking needs torch
    {
        "ablations.runs.attempts:work",
        "ablations.runs.attempts:compilable",
        "ablations.runs.stacking:work",
    }
)
_here = threading.local()


def relay(name: str, text: str, topic: str) -> str:
    """Do one of `works` in a process of this Dask worker; return the outcome as JSON.

    The work is cancelled when the worker closes, or when nobody waits for it any more.
    """
    worker = importlib.import_module("distributed").get_worker()
    key = worker.get_current_task()
    if not hasattr(_here, "engine"):
        _here.engine = Processes(1)
    engine: Processes = _here.engine
    assert name in works, name
    module, _, function = name.partition(":")
    with locks.shared():
        future = engine.submit(getattr(importlib.import_module(module), function), text, topic)
        while not wait([future], timeout=LOOK).done:
            if not _wanted(worker, key):
                engine.stop()
                return json.dumps(reply(ConnectionLost("nobody waits for it")))
    try:
        return json.dumps(reply(future.result()))
    except tuple(errors.values()) as error:
        return json.dumps(reply(error))


def _wanted(worker: Any, key: str) -> bool:
    """Return whether a worker is still running, and its scheduler still wants a task."""
    task = worker.state.tasks.get(key)
    return worker.status.name == "running" and task is not None and task.state != "cancelled"


def _dask() -> Any:
    try:
        found = importlib.import_module("distributed")
    except ImportError as error:
        raise UserError(
            f"--scheduler needs the package distributed ({error}); allowed is an environment that "
            "has it; pip install -c constraints.txt -e '.[cluster]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are reported here
    return found


def _within(seconds: float, connect: Callable[[], Any]) -> Any:
    """Return the result of a function, within a time limit: Dask waits forever for a silent peer.

    Raises:
        TimeoutError: If it takes longer.
    """
    made = Future[Any]()

    def call() -> None:
        try:
            made.set_result(connect())
        except Exception as error:  # noqa: BLE001 (it is raised again in the waiting thread)
            made.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    if not wait([made], timeout=seconds).done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return made.result()


def _told(error: BaseException | None) -> Exception:
    """Return the exception for an error that Dask itself had with a task."""
    if isinstance(error, UserError):
        return error
    lost = ("KilledWorker", "CancelledError", "FutureCancelledError")
    if error is None or type(error).__name__ in lost:
        return ConnectionLost(line(error or "it was cancelled"))
    return UserError(
        f"a worker of the cluster can't run trials ({line(error)}); allowed are workers with the "
        "same packages as here; install them there, and run the same command again"
    )
