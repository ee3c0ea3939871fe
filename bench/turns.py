"""Time callables by turns within one process: the arms of a claim, and a twin of its baseline.

Usage: `python -P -m bench.turns`, with one line of JSON on standard input, the arguments of
`measure`. Prints one JSON object and ends; it also ends as soon as standard input closes, so that
it never outlives who started it.

Equal code by turns agrees far better than equal code in two processes, so a comparison is made
within a process, and the process is the unit of replication. asv's timer takes all samples of one
benchmark before those of the next, and can't take turns. The loop here is our own for that reason;
what it times are the callables that asv's suites time.

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

SAMPLE = 4e-3  # seconds: long beside the clock and a cache's refill, short beside a machine's moods
WARM_UP = 3  # calls of each callable, the fastest of which says how many fill a sample
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def measure(
    targets: Sequence[str],
    batches: Sequence[int],
    arms: Sequence[Mapping[str, Any]],
    rounds: int,
    seed: int,
) -> dict[str, Any]:
    """Time every target at every batch size, round by round.

    The callables of a round are the arms in order, the baseline first, and last the twin: the
    baseline, built a second time. They are built in an order that is drawn, since memory may favour
    what was built first, and each round calls them in an order of its own.

    Args:
        targets: "module:function".
        batches: Sizes.
        arms: Encoded configurations, the baseline first.
        rounds: How many.
        seed: What the orders are drawn from.

    Returns:
        times: ``[targets][batches][rounds][callables]``, seconds a call.
        order: Of the same shape, the callables in the order in which a round called them.
        calls: ``[targets][batches][callables]``, calls per sample.
        foreign: What other processes took meanwhile, see `Clocks.foreign`.
        core: The only core that this process may use, None if there are several.
        pid: This process.
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
    """Return one callable for each part, in the parts' order but built in a drawn one."""
    order = chance.sample(range(len(parts)), len(parts))
    callables = dict(zip(order, target([parts[i] for i in order], batch), strict=True))
    return [callables[i] for i in range(len(parts))]


def calls_per_sample(timed: Timed) -> int:
    """Return how many calls fill a sample; calling it warms up what is built on first use."""
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
    """Return how long so many calls take, by the wall clock."""
    start = time.perf_counter_ns()
    for _ in range(calls):
        timed()
    return (time.perf_counter_ns() - start) * 1e-9


@contextmanager
def without_collection() -> Iterator[None]:
    """Collect garbage now, and not again until the end."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# -- what other processes took --------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Clocks:
    """Seconds up to one moment.

    Args:
        wall: That have passed.
        own: That this process computed.
        core: That the core of this process was busy; None where it can't be told.
        machine: That all cores were busy; None where it can't be told.
    """

    wall: float
    own: float
    core: float | None
    machine: float | None

    @classmethod
    def read(cls, core: int | None) -> "Clocks":
        """Read all clocks; /proc/stat has those of the machine."""
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
        """Return how many cores' time other processes took between two readings.

        Returns:
            core: Of the core of this process, between 0 and 1.
            machine: Of all cores. In a container this is the host's load, where the container sees
                its host's clocks, so a rule had better look at the core.
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
    """Return the seconds that /proc/stat counts for a core, stolen ones too, None without a line.

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
    """Return the core that this process keeps to, None if there are several."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return usable[0] if len(usable) == 1 else None


# -- the process ----------------------------------------------------------------------------------
def end_with_parent() -> None:
    """End at once when standard input closes: nobody would wait for the result."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(1)


def main() -> None:
    """Read what is asked, keep to one core and one thread, measure, print."""
    os.environ.update(dict.fromkeys(THREADS, "1"))  # before what reads them is imported
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    json.dump(measure(**asked), sys.stdout)


if __name__ == "__main__":
    main()
