"""Measure one suite in this process, at one value of its first parameter.

Usage: `python -m bench.process SUITE FIRST`.

asv's own timer takes the samples (warm-up, calibration of the calls per sample, repetition); what
is known in addition is the process that they come from, which is the unit of replication. Prints
one JSON object: for each method and each remaining parameter the median of the samples, in seconds.
"""

import argparse
import json
import os
import statistics
import sys
import threading
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
    return found


def _methods(module: str, name: str) -> list[str]:
    imported = __import__(f"bench.{module}", fromlist=[name])
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
    asked = parser.parse_args()
    if asked.parent is not None:
        threading.Thread(target=_end_with, args=(asked.parent,), daemon=True).start()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    json.dump(measure(asked.suite, asked.first), sys.stdout)


if __name__ == "__main__":
    main()
