"""The overhead of the engine, the time to resume a run, and the speed-up by a second worker.

- Overhead: milliseconds per trial, over 1,000 trials that do nothing, including the start of the
  worker (target: at most 20); and for trials of one second the added share (at most 0.02).
- Resume: seconds until a run over stored trials knows that nothing is left to do, including opening
  the store (target: at most 2 for 10,000 trials and 15 for 100,000).
- Workers: the time of two bare processes over that of two workers, for the same trials (target: at
  least 0.95).
- Memory: bytes per waiting trial of a plan.

`python -m bench.engine` prints each figure beside its target; a word selects figures by name.
"""

import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from ablations.records.trials import Status, Trial
from ablations.runs import runner
from ablations.runs.encoding import decode, encode
from ablations.runs.fingerprints import fingerprint
from ablations.runs.journal import Journal
from ablations.runs.schedule import Schedule, What
from ablations.runs.store import Store
from ablations.runs.workers import Engine, Processes, Serial
from bench.trials import result, trials

BUSY = 10_000_000  # counts of a trial that takes about 0.3 s
EACH = 20  # trials per worker
EMPTY = 1000  # trials that do nothing
SECONDS = 20  # trials of about a second
WAITING = 100_000  # trials in a plan


class Overhead:
    """The overhead of the engine per trial."""

    timeout = 900.0
    params = (("serial", "one worker"),)
    version = "1"  # raised only where the numbers mean something else
    param_names = ("engine",)

    def track_empty(self, engine: str) -> float:
        """Return milliseconds per trial; the target is at most 20."""
        with _store() as store:
            return 1000 * _seconds(trials(EMPTY), store, _engine(engine)) / EMPTY

    track_empty.unit = "ms"  # type: ignore[attr-defined]

    def track_second(self, engine: str) -> float:
        """Return the added share of time for trials of a second; the target is at most 0.02."""
        with _store() as store:
            took = _seconds(trials(SECONDS, round(BUSY * 3.3)), store, _engine(engine))
            worked = sum(each.wall_seconds for each in store.results())
        return took / worked - 1

    track_second.unit = "share"  # type: ignore[attr-defined]


class Resume:
    """A run whose trials are all stored already."""

    timeout = 900.0
    params = ((10_000, 100_000),)
    version = "1"  # raised only where the numbers mean something else
    param_names = ("stored",)
    unit = "s"

    def track_resume(self, number: int) -> float:
        """Return seconds; the targets are at most 2 and 15."""
        with _store() as store:
            fill(store, trials(number))
            Store.open(store.folder)  # makes the index, which usually exists already
            begun = perf_counter()
            asked = trials(number)
            seen: list[What] = []
            runner.run(
                asked, Store.open(store.folder), Serial(), on_event=lambda e: seen.append(e.what)
            )
            assert seen == [What.SKIPPED] * number
            return perf_counter() - begun


class Workers:
    """Two workers, compared with two processes that do the same trials in a loop."""

    timeout = 900.0
    unit = "ratio"
    version = "1"  # raised only where the numbers mean something else

    def track_two(self) -> float:
        """Return the time of bare processes over that of workers; the target is at least 0.95."""
        bare = _bare()
        with _store() as store:
            return bare / _seconds(trials(2 * EACH, BUSY), store, Processes(2))


class Memory:
    """The memory of waiting trials."""

    timeout = 900.0
    unit = "bytes"
    version = "1"  # raised only where the numbers mean something else

    def track_waiting(self) -> float:
        """Return bytes per trial in a plan of 100,000; the target is at most 1,000."""
        with _store() as store:
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            schedule = Schedule(
                store,
                on_event=lambda _: None,
                cost=lambda _: 1.0,
                limit=lambda _: None,
            )
            for trial in _lazily(WAITING):
                schedule.ask(trial)
            schedule.close()
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return (after - before) / WAITING


def fill(store: Store, asked: list[Trial]) -> None:
    """Store a result of each trial, without syncing each file."""
    lines = []
    for trial in asked:
        stored = result(trial, fingerprint(trial), counted=0)
        text = encode(stored)
        path = store.path((stored.fingerprint, stored.attempt))
        path.parent.mkdir(parents=True)
        path.write_text(text)
        lines.append(
            {
                "what": "stored",
                "fingerprint": stored.fingerprint,
                "attempt": stored.attempt,
                "status": "ok",
                "sha256": decode(text)[1],
            }
        )
    Journal(store.journal.path).append(lines)


def _lazily(number: int) -> Iterator[Trial]:
    first = trials(1)[0]
    for seed in range(number):
        yield Trial(protocol=first.protocol, arms=first.arms, seed=seed)


def _engine(name: str) -> Engine:
    return Serial() if name == "serial" else Processes(1)


@contextmanager
def _store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="hrm-engine-") as folder:
        yield Store.open(Path(folder) / "store", create=True)


def _seconds(asked: list[Trial], store: Store, engine: Engine) -> float:
    begun = perf_counter()
    runner.run(asked, store, engine)
    took = perf_counter() - begun
    assert all(each.status is Status.OK for each in store.results())
    return took


def _bare() -> float:
    """Return the seconds, start included, of two processes that do `EACH` trials in a loop."""
    command = f"from bench.trials import count\nfor _ in range({EACH}): count({BUSY})"
    begun = perf_counter()
    both = [subprocess.Popen([sys.executable, "-P", "-c", command]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    return perf_counter() - begun


def main(words: list[str]) -> None:
    """Print the figures whose names contain a word; all of them without words."""
    figures: list[tuple[str, Callable[[], float], str]] = [
        ("overhead serial, ms", lambda: Overhead().track_empty("serial"), "at most 20"),
        ("overhead one worker, ms", lambda: Overhead().track_empty("one worker"), "at most 20"),
        ("overhead of a second, share", lambda: Overhead().track_second("one worker"), "<= 0.02"),
        ("resume 10,000, s", lambda: Resume().track_resume(10_000), "at most 2"),
        ("resume 100,000, s", lambda: Resume().track_resume(100_000), "at most 15"),
        ("two workers, ratio", lambda: Workers().track_two(), "at least 0.95"),
        ("memory of a waiting trial, bytes", lambda: Memory().track_waiting(), "at most 1000"),
    ]
    for name, measure, wanted in figures:
        if not words or any(word in name for word in words):
            print(f"{name:36} {measure():10.3f}   {wanted}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
