"""How a run scales with the number of workers, and what limits it: a simulation.

The runner's own schedule is simulated, with the durations that a store recorded, or else the costs
in the specs. Workers and network have no overhead. The coordinator is one thread, which sends out
and stores one trial after the other, at `--overhead` seconds each (`python -m bench.engine
overhead` measures that). A run can't be faster than

- its work, divided by the number of workers,
- its longest chain of trials that start from each other,
- the work of its coordinator.

`python -m bench.scaling [--store DIR] [--tier full] [--overhead 0.01] [CLAIM ...]` prints a table.
Timings are left out: they run alone, on one machine.
"""

import argparse
import heapq
import itertools
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ablations import claims
from ablations.judging.cells import Reader
from ablations.planning.costs import Costs
from ablations.records.trials import Result, Status, Trial
from ablations.runs.attempts import Job
from ablations.runs.fingerprints import fingerprint, protocol_class
from ablations.runs.schedule import Phase, Schedule
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds, with_parents
from ablations.specs.claim import Tier

WORKERS = (1, 4, 16, 64, 256)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A simulated run; times are in seconds.

    Args:
        workers: Number of workers.
        took: Time from the start of the first trial to the end of the last.
        work: Sum of the durations of all trials.
        chain: Duration of the longest chain of trials.
        coordinator: Work of the coordinator.
    """

    workers: int
    took: float
    work: float
    chain: float
    coordinator: float

    @property
    def efficiency(self) -> float:
        """Work divided by the workers' time."""
        return self.work / (self.workers * self.took)

    @property
    def bound(self) -> str:
        """The name of the largest lower bound of the run's time."""
        bounds = {
            "the work": self.work / self.workers,
            "the longest chain": self.chain,
            "the coordinator": self.coordinator,
        }
        return max(bounds, key=lambda name: bounds[name])


class Memory:
    """A store in memory, with the methods that the schedule uses."""

    folder = Path()

    def __init__(self) -> None:
        self._done: set[str] = set()

    def is_finished(self, fingerprint: str) -> bool:
        return fingerprint in self._done

    def weights(self, fingerprint: str) -> str | None:
        return fingerprint if fingerprint in self._done else None

    def add(self, result: Any) -> None:
        self._done.add(result.fingerprint)

    def quarantined(self, _: str) -> bool:
        return False

    def get(self, _: str) -> None:
        return None

    def deaths(self, _: str) -> int:
        return 0

    def note(self, *_: object, **__: object) -> None:
        """Ignore a line of the journal."""


class Simulated(Schedule):
    """The schedule, without workers."""

    def job(self, fingerprint: str) -> Job:
        return Job(trial=self._waiting[fingerprint].trial, fingerprint=fingerprint, folder="")


def simulate(
    trials: Sequence[Trial],
    seconds: Callable[[Trial], float],
    workers: int,
    *,
    overhead: float = 0.01,
    cost: Callable[[Trial], float] | None = None,
) -> Found:
    """Simulate a run of trials.

    Args:
        trials: The trials, which share the machine.
        seconds: Returns the duration of a trial.
        workers: Number of workers.
        overhead: Seconds that the coordinator needs for each trial.
        cost: Returns the cost that the schedule expects; by default the duration.
    """
    schedule = Simulated(
        typing.cast(Store, Memory()),
        on_event=lambda _: None,
        cost=cost or seconds,
        limit=lambda _: None,
    )
    for trial in trials:
        schedule.ask(trial)
    schedule.close()
    clock, number, order = 0.0, 0, itertools.count()
    running: list[tuple[float, int, Job]] = []
    last: Job | None = None
    while True:
        while len(running) < workers:
            jobs = (job for *_, job in running)
            job = schedule.take(Phase.SHARED, last=last, running=jobs)
            if job is None:
                break
            last, number = None, number + 1
            clock += overhead / 2
            heapq.heappush(running, (clock + seconds(job.trial), next(order), job))
        if not running:
            break
        end, _, last = heapq.heappop(running)
        clock = max(clock, end) + overhead / 2
        done = SimpleNamespace(fingerprint=last.fingerprint, status=Status.OK, error=None)
        schedule.done(last, typing.cast(Result, done))
    every = {fingerprint(t): t for t in with_parents(trials)}
    return Found(
        workers=workers,
        took=clock,
        work=sum(map(seconds, every.values())),
        chain=max((_chain(t, seconds) for t in trials), default=0.0),
        coordinator=number * overhead,
    )


def _chain(trial: Trial, seconds: Callable[[Trial], float]) -> float:
    return sum(seconds(each) for each in with_parents([trial]))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("claims", nargs="*", metavar="CLAIM")
    parser.add_argument("--store", metavar="DIR")
    parser.add_argument("--tier", choices=[tier.value for tier in Tier], default="full")
    parser.add_argument("--overhead", type=float, default=0.01, metavar="SECONDS")
    asked = parser.parse_args()
    every = claims.ours()
    chosen = every.choose(asked.claims)
    run = [*chosen, *(control.claim for control in every.controls(chosen))]
    reader = None if asked.store is None else Reader(Store.open(asked.store))
    costs = Costs(run, reader, {})
    trials = [t for c in run for t in plan(c, seeds(c, Tier(asked.tier))).trials]
    shared = [trial for trial in trials if not protocol_class(trial).alone]

    def seconds(trial: Trial) -> float:
        result = None if reader is None else reader.of(trial)
        return costs.of(trial) if result is None else result.wall_seconds

    print("workers     hours  speed-up  efficiency  limited by")  # noqa: T201
    alone = 0.0
    for workers in WORKERS:
        found = simulate(shared, seconds, workers, overhead=asked.overhead, cost=costs.of)
        alone = alone or found.took
        print(  # noqa: T201
            f"{workers:7} {found.took / 3600:9.2f} {alone / found.took:9.1f} "
            f"{found.efficiency:11.2f}  {found.bound}",
            flush=True,
        )


if __name__ == "__main__":
    main()
