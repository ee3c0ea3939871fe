"""Measure one suite in this process, at one value of its first parameter.

Usage: `python -m bench.process SUITE FIRST [--wait]`.

asv's own timer takes the samples (warm-up, calibration of the calls per sample, repetition); what
is known in addition is the process that they come from, which is the unit of replication. Prints
one JSON object: for each method and each remaining parameter the median of the samples, in seconds;
beside them the process, the core that it kept to, the load average that it began with, and how many
cores other processes took meanwhile.

Importing takes longer than measuring, and isn't measured. With --wait, a process that has imported
everything prints "ready" and begins at a line on its standard input, so that several are made ready
side by side, and measure one after the other.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from asv_runner.discovery import get_benchmark_from_name


def measure(suite: str, first: str) -> dict[str, Any]:
    """Return the medians of every timed method of a suite, "module.Class", at one first parameter.

    Keys are "method_parameter": "call_32" is `time_call` at the second parameter 32.
    """
    module, _, name = suite.partition(".")
    methods = _methods(module, name)
    found: dict[str, Any] = {"pid": os.getpid(), "suite": suite, "first": first}
    found |= {"core": _core(), "load": round(os.getloadavg()[0], 2)}
    before = _clocks()
    for method in methods:
        benchmark = get_benchmark_from_name(Path(__file__).parent, f"{module}.{name}.{method}")
        firsts, seconds = benchmark.params
        offset = firsts.index(repr(first)) * len(seconds)
        for i, second in enumerate(seconds):
            benchmark.set_param_idx(offset + i)
            benchmark.do_setup()
            samples = benchmark.do_run()["samples"]
            benchmark.do_teardown()
            found[f"{method.removeprefix('time_')}_{second}"] = statistics.median(samples)
    return found | {"others": _others(before, _clocks())}


def _core() -> int | None:
    """Return the core that this process keeps to, None if there are several."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return usable[0] if len(usable) == 1 else None


def _clocks() -> tuple[float, float, float | None]:
    """Return wall time, this process's CPU time and the whole machine's, in seconds."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _idle, _waiting, irq, softirq, stolen = map(int, fields)
        ticks = user + nice + system + irq + softirq + stolen
        machine = ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        machine = None
    return time.perf_counter(), time.process_time(), machine


def _others(
    before: tuple[float, float, float | None], after: tuple[float, float, float | None]
) -> float | None:
    """Return how many cores other processes took in between, None where that can't be told."""
    if before[2] is None or after[2] is None:
        return None
    taken = (after[2] - before[2]) - (after[1] - before[1])
    return round(max(0.0, taken / (after[0] - before[0])), 3)


def _methods(module: str, name: str) -> list[str]:
    imported = importlib.import_module(f"bench.{module}")
    return [m for m in vars(getattr(imported, name)) if m.startswith("time_")]


def _end_with(pipe: int) -> None:
    """End at once when the parent does, however it does: nobody would wait for the result."""
    os.read(pipe, 1)
    os._exit(1)


def main() -> None:
    """Parse the command line, stay on one core, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.process", description=__doc__)
    parser.add_argument("suite", help='module and class, as in "controller.Controller"')
    parser.add_argument("first", help="value of the suite's first parameter")
    parser.add_argument(
        "--parent",
        type=int,
        metavar="FD",
        help="a pipe whose other end the parent holds: when it closes, this process ends",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help='import, print "ready", and measure once there is a line on standard input',
    )
    asked = parser.parse_args()
    if asked.parent is not None:
        threading.Thread(target=_end_with, args=(asked.parent,), daemon=True).start()
    _methods(*asked.suite.split(".", 1))
    if asked.wait:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            sys.exit(1)  # nobody is left to begin it
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    json.dump(measure(asked.suite, asked.first), sys.stdout)


if __name__ == "__main__":
    main()
