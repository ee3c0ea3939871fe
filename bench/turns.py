"""Time callables in turns within one process: the arms of a claim, and a twin of its baseline.

Usage: `python -P -m bench.turns`, with one line of JSON on standard input, the arguments of
`measure`. It prints one JSON object and ends; it also ends as soon as standard input closes, so
that it never outlives the process that started it.

Equal code agrees far better when timed in turns in one process than in two processes. Therefore a
comparison is made within a process, and the process is the unit of replication. asv's timer takes
all samples of one benchmark before those of the next; for that reason the loop here is our own. It
times the same callables as asv's suites.

A *target* is a function of a module, "module:function": it maps configurations and a batch size to
one callable for each configuration.
"""

import gc
import json
import math
import os
import pkgutil
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrm.config.parts import Part

Timed = Callable[[], object]
Target = Callable[[Sequence[Any], int], Sequence[Timed]]

SAMPLE = 4e-3  # seconds: long for the clock's resolution, short for changes of the machine's state
WARM_UP = 3  # calls of each callable; the fastest determines the number of calls in a sample
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(
    targets: Sequence[str],
    batches: Sequence[int],
    arms: Sequence[Mapping[str, Any]],
    rounds: int,
    seed: int,
) -> dict[str, Any]:
    """Time every target at every batch size, round by round.

    The callables of a round are the arms in order, the baseline first, and the twin last: a second
    build of the baseline. They are built in random order, because the memory layout may favour what
    was built first, and each round calls them in a new random order.

    Args:
        targets: Names of targets, "module:function".
        batches: Batch sizes.
        arms: Encoded configurations, the baseline first.
        rounds: Number of rounds.
        seed: Seed of the random orders.

    Returns:
        times: Seconds per call, ``[targets][batches][rounds][callables]``.
        order: The callables in the order in which a round called them, of the same shape.
        calls: Calls per sample, ``[targets][batches][callables]``.
        foreign: CPU time of other processes meanwhile, see `Clocks.foreign`.
        core: The only core that this process may use, None if there are several.
        pid: Id of this process.
    """
    chance = random.Random(seed)
    functions: list[Target] = [pkgutil.resolve_name(target) for target in targets]
    parts = [Part.from_json(arm) for arm in (*arms, arms[0])]
    timed = [[built(f, parts, batch, chance) for batch in batches] for f in functions]
    calls = [[[calls_per_sample(c) for c in callables] for callables in row] for row in timed]
    core = only_core()
    before = Clocks.read(core)
    with without_collection():
        found = [
            [by_turns(*both, rounds, chance) for both in zip(*row, strict=True)]
            for row in zip(timed, calls, strict=True)
        ]
    return {
        "times": [[times for times, _ in row] for row in found],
        "order": [[order for _, order in row] for row in found],
        "calls": calls,
        "foreign": before.foreign(Clocks.read(core)),
        "core": core,
        "pid": os.getpid(),
    }


def built(
    target: Target, parts: Sequence[Part], batch: int, chance: random.Random
) -> Sequence[Timed]:
    """Return one callable for each part, in the order of the parts, but built in random order."""
    order = chance.sample(range(len(parts)), len(parts))
    callables = dict(zip(order, target([parts[i] for i in order], batch), strict=True))
    return [callables[i] for i in range(len(parts))]


def calls_per_sample(timed: Timed) -> int:
    """Return the number of calls in a sample, after some calls that warm up the callable."""
    return max(1, math.ceil(SAMPLE / min(seconds(timed, 1) for _ in range(WARM_UP))))


def by_turns(
    timed: Sequence[Timed], calls: Sequence[int], rounds: int, chance: random.Random
) -> tuple[list[list[float]], list[list[int]]]:
    """Return seconds per call, ``[rounds][callables]``, and the order of calls in each round."""
    times, orders = [], []
    for _ in range(rounds):
        order = chance.sample(range(len(timed)), len(timed))
        spent = {i: seconds(timed[i], calls[i]) / calls[i] for i in order}
        times.append([spent[i] for i in range(len(timed))])
        orders.append(order)
    return times, orders


def seconds(timed: Timed, calls: int) -> float:
    """Return the wall time of a number of calls."""
    start = time.perf_counter_ns()
    for _ in range(calls):
        timed()
    return (time.perf_counter_ns() - start) * 1e-9


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect garbage now, and disable garbage collection until the end of the block."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# -- load by other processes ----------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Readings of clocks at one moment, in seconds.

    Args:
        wall: Wall time.
        own: CPU time of this process.
        core: Busy time of this process's core; None if unknown.
        machine: Busy time of all cores; None if unknown.
    """

    wall: float
    own: float
    core: float | None
    machine: float | None

    @classmethod
    def read(cls, core: int | None) -> "Clocks":
        """Read all clocks; those of the machine are in /proc/stat."""
        try:
            lines = Path("/proc/stat").read_text().splitlines()
        except OSError:
            lines = []
        return cls(
            wall=time.perf_counter(),
            own=time.process_time(),
            core=None if core is None else busy(lines, f"cpu{core}"),
            machine=busy(lines, "cpu"),
        )

    def foreign(self, later: "Clocks") -> dict[str, float | None]:
        """Return the load by other processes between two readings, in cores.

        Returns:
            core: Load of this process's core, between 0 and 1.
            machine: Load of all cores. In a container it may be that of the host, so that a rule
                should use the load of the core.
        """
        wall, own = later.wall - self.wall, later.own - self.own

        def taken(before: float | None, after: float | None) -> float | None:
            if before is None or after is None:
                return None
            return round(max(0.0, (after - before - own) / wall), 3)

        return {
            "core": taken(self.core, later.core),
            "machine": taken(self.machine, later.machine),
        }


def busy(lines: Sequence[str], name: str) -> float | None:
    """Return a core's busy seconds in /proc/stat, including stolen time; None without a line.

    The columns are user, nice, system, idle, waiting for input and output, interrupts (two), and
    stolen by other machines on the same host.
    """
    for line in lines:
        head, *fields = line.split()
        if head == name and len(fields) >= 8:
            user, nice, system, _idle, _waiting, hard, soft, stolen = map(int, fields[:8])
            ticks = user + nice + system + hard + soft + stolen
            return ticks / os.sysconf("SC_CLK_TCK")
    return None


def only_core() -> int | None:
    """Return the only core that this process may use, None if there are several."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return usable[0] if len(usable) == 1 else None


# -- the process ----------------------------------------------------------------------------------
def end_with_parent() -> None:
    """End this process at once when standard input closes, since nobody waits for the result."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


def main() -> None:
    """Read the arguments, restrict the process to one core and one thread, measure, and print."""
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before libraries that read them are imported
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    json.dump(measure(**asked), sys.stdout)


if __name__ == "__main__":
    main()
