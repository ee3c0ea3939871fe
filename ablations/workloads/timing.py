"""Timing series: blocks of fresh processes in random ABBA order, alone on the machine."""

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

    Each arm's metrics are lists of two medians, in seconds: the i-th of both arms are a pair, two
    of the same arm are a pair of equal code. Beside them stand the processes' ids, cores and the
    load average that each began with, and the most that other processes took of the machine
    meanwhile. Settings: suite, and first, the suite's first parameter for each arm.
    """
    order = random.Random(seed).choice([(0, 1, 1, 0), (1, 0, 0, 1)])
    found: list[list[Mapping[str, Json]]] = [[], []]
    for arm in order:
        found[arm].append(_measure(settings["suite"], settings["first"][arm]))
    metrics = []
    for runs in found:
        times = {key: [run[key] for run in runs] for key in runs[0] if "_" in key}
        told = {f"{name}s": [run[name] for run in runs] for name in ("pid", "core", "load")}
        others = max((run["others"] for run in runs if run["others"] is not None), default=None)
        metrics.append({**times, **told, "others": others, "order": list(order)})
    return metrics


def _measure(suite: str, first: str) -> Mapping[str, Json]:
    """One fresh process, on one thread, with no more of this one's environment than it needs."""
    environment = {name: os.environ[name] for name in forwarded if name in os.environ}
    threads = dict.fromkeys(("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    end, ours = os.pipe()  # `ours` closes with this process, even a killed one
    command = [sys.executable, "-m", "bench.process", suite, first, "--parent", str(end)]
    try:
        done = subprocess.run(
            command,
            env=environment | threads,
            pass_fds=(end,),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(end)
        os.close(ours)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"bench.process ended with {done.returncode}: {lines[-1]}")
    measured: Mapping[str, Json] = json.loads(done.stdout)
    return measured
