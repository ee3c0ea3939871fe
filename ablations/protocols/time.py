"""Time arms in turns in a fresh process, alone on the machine (`bench.turns`)."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ablations.protocols.base import Inputs, Outcome
from ablations.specs.protocols import Time
from bench import turns
from hrm.errors import UserError

# Where others took a larger share of the core than this, a process is dropped, whatever its times,
# and another one measures the pair anew. The limit was chosen after trial processes on a busy
# machine, before any claim was timed, and hasn't been changed since.
MOST_FOREIGN = 0.25
TRIES = 5

FORWARDED = (
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TMPDIR",
    "VIRTUAL_ENV",
)


def run(inputs: Inputs) -> Outcome:
    """Time all arms and a twin of the first, and return one mapping an arm.

    Each has `targets` and `batches`, which say what the first two dimensions of its arrays are:

        times, baseline, twin: [targets, batches, rounds], seconds a call of the arm itself, of the
            baseline, and of the baseline built a second time. Entries of one round belong together.
        place: [targets, batches, rounds], when in the round the arm was called, from 0.
        calls: [targets, batches], calls per sample.
        foreign_on_core: The share of the timed core that other processes took; None where it can't
            be told, and nothing is dropped.
        foreign_on_machine: The same of all cores, in cores.
        dropped: The shares of the processes that were dropped before.
        core, pid: Where it was measured.

    Raises:
        UserError: If others took too much of the core in every process, or on another device.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Time)
    if inputs.device != "cpu":
        raise UserError(
            f"timing on {inputs.device!r}; allowed is 'cpu', whose clock sees what is computed; "
            f"use --device cpu"
        )
    request = {
        "targets": protocol.targets,
        "batches": protocol.batches,
        "arms": [arm.to_json() for arm in inputs.arms],
        "rounds": protocol.rounds,
        "seed": inputs.seed,
    }
    dropped: list[float] = []
    while len(dropped) < TRIES:
        found = measured(request)
        load = found["foreign"]["core"]
        if load is None or load <= MOST_FOREIGN:
            return Outcome(observations=observations(protocol, found, len(inputs.arms), dropped))
        dropped.append(load)
    raise UserError(
        f"other processes took {100 * min(dropped):.0f} % or more of the timed core in each of "
        f"{TRIES} processes; allowed is {100 * MOST_FOREIGN:.0f} %; stop them, or run timings later"
    )


def observations(
    protocol: Time, found: Mapping[str, Any], arms: int, dropped: Sequence[float]
) -> list[dict[str, Any]]:
    """Return the measurements of a process as observations, one mapping per arm."""
    times = np.array(found["times"])  # [targets, batches, rounds, arms and twin]
    place = np.argsort(np.array(found["order"], dtype=np.int8), axis=-1).astype(np.int8)
    calls = np.array(found["calls"])
    return [
        {
            "targets": list(protocol.targets),
            "batches": list(protocol.batches),
            "times": times[..., arm],
            "baseline": times[..., 0],
            "twin": times[..., -1],
            "place": place[..., arm],
            "calls": calls[..., arm],
            "foreign_on_core": found["foreign"]["core"],
            "foreign_on_machine": found["foreign"]["machine"],
            "dropped": list(dropped),
            "core": found["core"],
            "pid": found["pid"],
        }
        for arm in range(arms)
    ]


def measured(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the measurements of a fresh process, see `bench.turns.measure`.

    It gets only the environment variables that it needs, and imports nothing from the working
    folder. It ends with this process, even if that is killed, because its standard input is closed.

    Raises:
        RuntimeError: If it fails; the message has the last line of its standard error.
    """
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-m", turns.__name__],
            env={name: os.environ[name] for name in FORWARDED if name in os.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()  # and stays open: when it closes, the process ends
        printed = process.stdout.read()
        if process.wait() != 0:
            errors.seek(0)
            last = [line for line in errors.read().splitlines() if line.strip()] or ["no message"]
            raise RuntimeError(f"{turns.__name__} ended with {process.returncode}: {last[-1]}")
    found: dict[str, Any] = json.loads(printed)
    return found
