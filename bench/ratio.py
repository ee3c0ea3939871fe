"""The ratio of two timings.

The arms take turns in blocks of four legs, alternately ABBA and BAAB, so that a steady drift of the
machine cancels:

    ratio of a block = (time of both legs of A) / (scale · time of both legs of B)

The result of a process is the median over its blocks; the unit of replication is the process.
Everything runs on one thread. Both arms must do the same work: the tests compare their results.
"""

import argparse
import functools
import itertools
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bench.timed import quick
from hrm.model import cost
from hrm.system.processes import python, surroundings


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two computations to compare.

    Args:
        first: Computation A; its result is ignored.
        second: Computation B; its result is ignored.
        scale: Factor by which the time of B is multiplied.
    """

    first: Callable[[], object]
    second: Callable[[], object]
    scale: float = 1.0


class Ratios:
    """A suite of asv: each `track_` method times a pair at each combination of parameters.

    A quick run takes one block of short legs.

    Attributes:
        blocks: Number of blocks over which the median is taken.
        leg: Shortest duration of a leg, in seconds.
        cpu_time: Whether to measure CPU time instead of wall time, for a busy machine.
    """

    params: ClassVar[tuple[tuple[Any, ...], ...]]
    param_names: ClassVar[tuple[str, ...]]
    unit = "ratio"
    timeout = 900.0
    version = "1"  # to be raised only if the values get another meaning
    blocks = 3
    leg = 0.3
    cpu_time: ClassVar[bool] = False

    def median(self, pair: Pair) -> float:
        """Return the median ratio over a few blocks."""
        clock = time.process_time if self.cpu_time else time.perf_counter
        blocks, leg = (1, 0.03) if quick() else (self.blocks, self.leg)
        return statistics.median(paired(pair, clock, blocks, leg))


def paired(pair: Pair, clock: Callable[[], float], blocks: int, leg: float = 0.3) -> list[float]:
    """Return the ratio of each block.

    Args:
        clock: Returns the time in seconds.
        leg: Shortest duration of a leg, in seconds; both arms are called equally often.
    """
    arms = (pair.first, pair.second)
    with cost.one_thread():
        for arm in arms:  # warm-up: allocations, caches, objects that are built on first use
            _leg(arm, 1, clock)
        shortest = min(_leg(arm, 1, clock) for arm in arms)
        calls = max(1, math.ceil(leg / max(1e-6, shortest)))
        ratios = []
        for i in range(blocks):
            spent = [0.0, 0.0]
            for which in (0, 1, 1, 0) if i % 2 == 0 else (1, 0, 0, 1):
                spent[which] += _leg(arms[which], calls, clock)
            ratios.append(spent[0] / (pair.scale * spent[1]))
    return ratios


def _leg(arm: Callable[[], object], calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(calls):
        arm()
    return clock() - start


def figures(suites: Sequence[type]) -> dict[str, tuple[str, Callable[[], float]]]:
    """Return unit and measurement of every method at every parameter, by label."""
    found: dict[str, tuple[str, Callable[[], float]]] = {}
    for suite in suites:
        made = suite()
        for name in (m for m in vars(suite) if m.startswith("track_")):
            for values in itertools.product(*made.params):
                label = " ".join([suite.__name__, name.removeprefix("track_"), *map(str, values)])
                found[label] = (made.unit, functools.partial(getattr(made, name), *values))
    return found


def main(module: str, suites: Sequence[type], processes: int = 3) -> None:
    """Run the command line of a benchmark module: print a table, or JSON of one process.

    Each figure is also printed on stderr as soon as it is measured.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}", description="Each figure: median and range over processes."
    )
    parser.add_argument("only", nargs="?", default="", help="part of the labels to measure")
    parser.add_argument(
        "--processes", type=int, default=processes, help="number of fresh processes, run in turn"
    )
    parser.add_argument(
        "--cpu-time", action="store_true", help="measure CPU time, for a busy machine"
    )
    parser.add_argument(
        "--once", action="store_true", help="measure in this process, and print JSON lines"
    )
    asked = parser.parse_args()
    Ratios.cpu_time = asked.cpu_time
    chosen = {k: v for k, v in figures(suites).items() if asked.only in k}
    if asked.once:
        for label, (_, measure) in chosen.items():
            sys.stdout.write(json.dumps([label, measure()]) + "\n")
            sys.stdout.flush()
        return
    units = {label: unit for label, (unit, _) in chosen.items()}
    command = python(module, "--once", *sys.argv[1:])
    started = time.monotonic()
    runs: list[dict[str, float]] = []
    for _ in range(asked.processes):
        runs.append({})
        for label, value in measured(command):
            runs[-1][label] = value
            done, total = sum(map(len, runs)), asked.processes * len(chosen)
            pace = (time.monotonic() - started) / done
            minutes, seconds = divmod(round(pace * (total - done)), 60)
            sys.stderr.write(
                f"{done} of {total}  {label}  {shown(value, units[label])} {units[label]}  "
                f"about {minutes}:{seconds:02} left\n"
            )
    sys.stdout.writelines(table(runs, units))


def measured(command: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield label and value of each figure as soon as a process prints it.

    Raises:
        CalledProcessError: If the process fails.
    """
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=surroundings()
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            label, value = json.loads(line)
            yield label, value
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def shown(value: float, unit: str) -> str:
    """Return a value with its unit, as text."""
    return format(value, ".3f" if unit == "ratio" else ",.0f")


def table(runs: Sequence[Mapping[str, float]], units: Mapping[str, str]) -> list[str]:
    """Return one line for each figure: label, median over the processes, range, unit."""
    width = max(map(len, runs[0]), default=0)
    lines = []
    for label in runs[0]:
        found = sorted(run[label] for run in runs)
        middle, low, high = (
            shown(x, units[label]) for x in (statistics.median(found), found[0], found[-1])
        )
        lines.append(f"{label:<{width}}  {middle}  [{low}, {high}] {units[label]}\n")
    return lines
