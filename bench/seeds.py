"""What many seeds of an arm cost: CPU time of a training step, eager and compiled.

Two learners take blocks of steps by turns in one process, so that a drift of the machine meets
both; counted is the process's own time for whole steps, the optimiser's among them. Where samples
halt by a policy, the eager learner's blocks are spread over its training: an eager step ends with
its last sample, a compiled one never early. What compiling costs is told apart.

`python -m bench.seeds [ARM ...]` prints a table, as ratios to eager steps with the system's
allocator; processes with tcmalloc, where it is installed, take turns with those without.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch

from ablations import claims
from ablations.claims import arms_t1, arms_t2, arms_t3, arms_t5
from ablations.runs.workers import allocator, thread_variables
from ablations.specs.protocols import Ladder, Train
from hrm.config import Policy
from hrm.config.learning import System
from hrm.config.parts import Part
from hrm.data import cache
from hrm.errors import UserError
from hrm.model.cost import one_thread
from hrm.system import environment
from hrm.tasks import Task
from hrm.training import loop
from hrm.training.learner import Learner

SEED = 1000  # of pilots
BLOCK = 10  # updates

ARMS: Mapping[str, tuple[Part, Train | Ladder]] = {
    "T0": (arms_t3.LEVELS, arms_t3.HALTING),
    "V3": (arms_t2.V3.part, arms_t2.LEVELS),
    "L2": (arms_t2.L2.part, arms_t2.LEVELS),
    "P2": (arms_t1.CORRECTED.part, arms_t1.FOLDING),
    "G2": (arms_t1.GRU.part, arms_t1.PRICED_FOLDING),
    "K0": (arms_t3.ROTARY, arms_t3.RECALLED),
    "attention": (arms_t5.ATTENTION.part, arms_t5.TOKENS),
}


def named(name: str) -> tuple[Part, Train | Ladder]:
    """Return an arm and what trains it: one of `ARMS`, or CLAIM:LABEL, the first cell by default.

    Raises:
        UserError: If there is no such claim or cell, or it trains nothing.
    """
    if name in ARMS:
        return ARMS[name]
    claim, _, label = name.partition(":")
    for cell in getattr(claims.choose([claim])[0], "cells", ()):
        protocol = cell.protocol
        while protocol.parent is not None:
            protocol = protocol.parent
        if isinstance(protocol, Train | Ladder) and label in ("", cell.label):
            return cell.arm.part, protocol
    raise UserError(f"arm is {name!r}; allowed are cells that train; see `ablations show {claim}`")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds of an arm in one process.

    Args:
        eager: Seconds of an eager update.
        compiled: Seconds of a compiled update.
        compiling: Seconds of the first compiled update, less those of the others.
        updates: Number of updates of a training.
    """

    eager: float
    compiled: float
    compiling: float
    updates: int


def cost(system: Part, protocol: Train | Ladder, blocks: int = 6) -> Cost:
    """Return what an arm costs in this process.

    Args:
        system: The arm.
        protocol: What trains it.
        blocks: Of so many updates each is timed.
    """
    assert isinstance(system, System)
    data, updates = samples(system, protocol), protocol.training.updates
    eager, compiled = (Course(system, protocol, data) for _ in range(2))
    compiled.learner.compile()
    halting = system.model.halting
    halts = isinstance(halting, Policy) and halting.obeyed
    rest = max(0, updates // blocks - BLOCK) if halts else 0
    with one_thread():
        first, _ = compiled.spent(1), eager.spent(1)
        spent = [0.0, 0.0]
        for block in range(blocks):
            order = ((0, eager), (1, compiled))
            for which, course in order if block % 2 else reversed(order):
                spent[which] += course.spent(BLOCK)
            eager.spent(rest)
    each = [seconds / (blocks * BLOCK) for seconds in spent]
    return Cost(eager=each[0], compiled=each[1], compiling=first - each[1], updates=updates)


class Course:
    """A learner on its way."""

    def __init__(self, system: System, protocol: Train | Ladder, data: loop.Encoded) -> None:
        model = loop.build(system, loop.Seeds(weights=SEED, order=SEED)).train()
        noise = torch.Generator().manual_seed(SEED)
        self.learner = Learner(model, system, protocol.training, noise)
        self.data, self.order = data, data.order(protocol.training.batch, SEED)

    def spent(self, updates: int) -> float:
        """Take updates, and return the CPU seconds, those of a compiler that was called too."""
        start = _spent()
        for _ in range(updates):
            self.learner.training_step(self.data.batch(next(self.order)))
        return _spent() - start


def _spent() -> float:
    """Return the CPU seconds of this process, and of the compilers that it waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def samples(system: System, protocol: Train | Ladder, count: int = 1024) -> loop.Encoded:
    """Return boards that steps are timed on: few, since what they say doesn't matter."""
    task = protocol.boards.task
    assert isinstance(task, Task)
    return loop.encode(system, task, cache.load(task, SEED, count, 16, 16).train)


def measured(arms: Sequence[str], library: str | None) -> dict[str, Cost]:
    """Return what arms cost in a process of their own.

    Args:
        arms: Of `ARMS`.
        library: Of the allocator, None for the system's.
    """
    variables = {**os.environ, **dict.fromkeys(thread_variables, "1")}
    if library is not None:
        variables["LD_PRELOAD"] = library
    command = [sys.executable, "-m", "bench.seeds", "--once", *arms]
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True, text=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {name: Cost(**fields) for name, fields in rows}


def table(found: Sequence[tuple[str | None, Mapping[str, Cost]]]) -> list[str]:
    """Return lines of a table of what processes found, each with its allocator."""
    kinds = {library is not None for library, _ in found}
    head = ["arm", "updates", "eager, ms", "compiled", *["tcmalloc", "both"] * (len(kinds) == 2)]
    rows = [[*head, "compiling, s", "pays from"]]
    for arm in found[0][1]:
        plain, fast = (
            [costs[arm] for library, costs in found if (library is not None) == kind]
            for kind in (False, True)
        )
        base = statistics.mean(c.eager for c in plain)
        columns = [(plain, "compiled"), (fast, "eager"), (fast, "compiled")]
        ratios = [
            statistics.mean(getattr(c, field) for c in of) / base for of, field in columns if of
        ]
        compiling = max(c.compiling for c in plain)  # of the first one
        saved = (1 - ratios[0]) * base * plain[0].updates
        seeds = f"{compiling / saved:.0f}" if saved > 0 else "never"
        numbers = [f"{r:.2f}" for r in ratios]
        updates = str(plain[0].updates)
        rows.append([arm, updates, f"{1e3 * base:.1f}", *numbers, f"{compiling:.0f}", seeds])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.seeds", description="CPU time of steps, eager and compiled."
    )
    parser.add_argument(
        "arms",
        nargs="*",
        metavar="ARM",
        help=f"of {', '.join(ARMS)}, or CLAIM:LABEL, a cell of a claim (default: the former)",
    )
    parser.add_argument("--once", action="store_true", help="measure here, and print JSON")
    asked = parser.parse_args()
    arms = asked.arms or list(ARMS)
    found = {name: named(name) for name in arms}
    environment.compiler()
    if asked.once:
        for name in arms:
            sys.stdout.write(json.dumps([name, asdict(cost(*found[name]))]) + "\n")
            sys.stdout.flush()
        return
    library = allocator()
    turns = [None, None] if library is None else [None, library, library, None]
    sys.stdout.writelines(table([(each, measured(arms, each)) for each in turns]))


if __name__ == "__main__":
    main()
