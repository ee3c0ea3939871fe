"""Timing series: blocks of fresh processes in random ABBA order, alone on the machine."""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence

from ablations.plain import Json

forwarded = (
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TMPDIR",
    "VIRTUAL_ENV",
)


def block(
    arms: Sequence[Json], settings: Json, seed: int, device: str
) -> Sequence[Mapping[str, Json]]:
    """Time two arms in four fresh processes, ABBA or BAAB as the seed says.

    The four are made ready side by side and measure one after the other, the others asleep. Each
    arm's metrics are lists of two medians, in seconds: the i-th of both arms are a pair, two
    of the same arm are a pair of equal code. Beside them stand the processes' ids, cores and the
    load average that each began with, and the most that other processes took of the machine
    meanwhile. Settings: suite, and first, the suite's first parameter for each arm.
    """
    order = random.Random(seed).choice([(0, 1, 1, 0), (1, 0, 0, 1)])
    found: list[list[Mapping[str, Json]]] = [[], []]
    firsts = [settings["first"][arm] for arm in order]
    for arm, run in zip(order, _measure(settings["suite"], firsts), strict=True):
        found[arm].append(run)
    metrics = []
    for runs in found:
        times = {key: [run[key] for run in runs] for key in runs[0] if "_" in key}
        told = {f"{name}s": [run[name] for run in runs] for name in ("pid", "core", "load")}
        others = max((run["others"] for run in runs if run["others"] is not None), default=None)
        metrics.append({**times, **told, "others": others, "order": list(order)})
    return metrics


def _measure(suite: str, firsts: Sequence[str]) -> list[Mapping[str, Json]]:
    """Measure in fresh processes, one after the other; none begins before all are ready."""
    end, ours = os.pipe()  # `ours` closes with this process, even a killed one
    with contextlib.ExitStack() as stack:
        try:
            started = [stack.enter_context(_started(suite, first, end)) for first in firsts]
            for process in started:
                assert process.stdout is not None
                if not process.stdout.readline():  # it has ended: let it say why
                    _ended(process)
            return [_ended(process) for process in started]
        finally:  # ends whoever still runs
            os.close(end)
            os.close(ours)


def _started(suite: str, first: str, parent: int) -> subprocess.Popen[str]:
    """Return a fresh process on one thread, with no more of our environment than it needs."""
    environment = {name: os.environ[name] for name in forwarded if name in os.environ}
    threads = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "bench.process", suite, first, "--wait", "--parent", str(parent)],
        env=environment | threads,
        pass_fds=(parent,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _ended(process: subprocess.Popen[str]) -> Mapping[str, Json]:
    """Let a process begin, and return what it has measured."""
    out, errors = process.communicate("begin\n")
    if process.returncode != 0:
        lines = errors.strip().splitlines() or ["no message"]
        raise RuntimeError(f"bench.process ended with {process.returncode}: {lines[-1]}")
    measured: Mapping[str, Json] = json.loads(out)
    return measured
