"""The cost of training many seeds of an arm: CPU time of a step: eager, compiled, and stacked.

Learners take blocks of steps in turns in one process, so that a drift of the machine affects them
all. The CPU time of whole steps is measured, including the optimiser; a step of a stack is divided
by its number of seeds. If samples halt by a policy,
the eager learner's blocks are spread over its training, because an eager step ends with its last
sample, while a compiled one always takes all steps. The time to compile is reported separately.

`python -m bench.seeds [ARM ...]` prints a table of ratios to eager steps with the system's
allocator. If tcmalloc is installed, processes with it take turns with processes without it.
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
from ablations.claims import arms_act_v1, arms_amulgent, arms_policies, arms_research
from ablations.runs.workers import allocator, thread_variables
from ablations.specs.protocols import Ladder, Train
from hrm.config import Policy
from hrm.config.learning import System, Training
from hrm.config.parts import Part
from hrm.data import cache
from hrm.errors import UserError
from hrm.model.cost import one_thread
from hrm.system import environment, processes
from hrm.tasks import Task
from hrm.training import loop
from hrm.training import stacked as stacks
from hrm.training.learner import Learner

SEED = 1000  # the first pilot seed
BLOCK = 10  # updates per block
STACKED = 8  # seeds of a stack

ARMS: Mapping[str, tuple[Part, Train | Ladder]] = {
    "T0": (arms_act_v1.LEVELS, arms_act_v1.HALTING),
    "V3": (arms_amulgent.V3.part, arms_amulgent.LEVELS),
    "L2": (arms_amulgent.L2.part, arms_amulgent.LEVELS),
    "P2": (arms_policies.CORRECTED.part, arms_policies.FOLDING),
    "G2": (arms_policies.GRU.part, arms_policies.PRICED_FOLDING),
    "K0": (arms_act_v1.ROTARY, arms_act_v1.RECALLED),
    "attention": (arms_research.ATTENTION.part, arms_research.TOKENS),
}


def named(name: str) -> tuple[Part, Train | Ladder]:
    """Return an arm and its training: one of `ARMS`, or CLAIM:LABEL, by default the first cell.

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
        stacked: Seconds of an eager update of `STACKED` seeds trained together, per seed; None for
            an arm that can't be stacked.
        compiling: Seconds of the first compiled update, less those of the others.
        updates: Number of updates of a training.
    """

    eager: float
    compiled: float
    stacked: float | None
    compiling: float
    updates: int


def cost(system: Part, protocol: Train | Ladder, blocks: int = 6) -> Cost:
    """Return the costs of an arm, measured in this process.

    Args:
        system: The arm.
        protocol: The training.
        blocks: Number of timed blocks of each kind.
    """
    assert isinstance(system, System)
    data, updates = samples(system, protocol), protocol.training.updates
    eager, compiled = (Course(system, protocol, data) for _ in range(2))
    compiled.learner.compile()
    halting = system.model.halting
    halts = isinstance(halting, Policy) and halting.obeyed
    rest = max(0, updates // blocks - BLOCK) if halts else 0
    takers: list[Course | Stacked] = [eager, compiled]
    if stackable(system, protocol.training):
        takers.append(Stacked(system, protocol, data))
    with one_thread():
        _, first, *_ = [taker.spent(1) for taker in takers]
        spent = dict.fromkeys(takers, 0.0)
        for block in range(blocks):
            for taker in takers if block % 2 else reversed(takers):
                spent[taker] += taker.spent(BLOCK)
            eager.spent(rest)
    each, fast, *stacked = [seconds / (blocks * BLOCK) for seconds in spent.values()]
    return Cost(
        eager=each,
        compiled=fast,
        stacked=stacked[0] if stacked else None,
        compiling=first - fast,
        updates=updates,
    )


def stackable(system: System, training: Training) -> bool:
    """Return whether seeds of a system can be trained as a stack."""
    try:
        stacks.require_stackable(system, training)
    except UserError:
        return False
    return True


class Course:
    """A learner during its training."""

    def __init__(self, system: System, protocol: Train | Ladder, data: loop.Encoded) -> None:
        model = loop.build(system, loop.Seeds(weights=SEED, order=SEED)).train()
        noise = torch.Generator().manual_seed(SEED)
        self.learner = Learner(model, system, protocol.training, noise)
        self.data, self.order = data, data.order(protocol.training.batch, SEED)

    def spent(self, updates: int) -> float:
        """Do updates, and return their CPU seconds, including those of a compiler."""
        start = _spent()
        for _ in range(updates):
            self.learner.training_step(self.data.batch(next(self.order)))
        return _spent() - start


class Stacked:
    """A stack of seeds during its training."""

    def __init__(self, system: System, protocol: Train | Ladder, data: loop.Encoded) -> None:
        all_seeds = [loop.Seeds(weights=seed, order=seed) for seed in range(SEED, SEED + STACKED)]
        members = [
            stacks.Member(
                model=loop.build(system, seeds).train(),
                training=protocol.training,
                data=data,
                seeds=seeds,
            )
            for seeds in all_seeds
        ]
        self.stack = stacks.Stack(system, members)

    def spent(self, updates: int) -> float:
        """Do updates, and return their CPU seconds per seed."""
        start = _spent()
        for _ in range(updates):
            self.stack.step()
        return (_spent() - start) / STACKED


def _spent() -> float:
    """Return the CPU seconds of this process and of its finished children, such as compilers."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def samples(system: System, protocol: Train | Ladder) -> loop.Encoded:
    """Return boards for timed steps: few, because their contents don't matter."""
    task = protocol.boards.task
    assert isinstance(task, Task)
    return loop.encode(system, task, cache.load(task, SEED, 1024, 16, 16).train)


def measured(arms: Sequence[str], library: str | None) -> dict[str, Cost]:
    """Return the costs of arms, measured in a new process.

    Args:
        arms: Names of arms, see `named`.
        library: Library of the allocator; None for the system's allocator.
    """
    variables = processes.surroundings(**dict.fromkeys(thread_variables, "1"))
    if library is not None:
        variables["LD_PRELOAD"] = library
    command = processes.python("bench.seeds", "--once", *arms)
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True, text=True)
    rows = map(json.loads, done.stdout.splitlines())
    return {name: Cost(**fields) for name, fields in rows}


def table(found: Sequence[tuple[str | None, Mapping[str, Cost]]]) -> list[str]:
    """Return the lines of a table, from the results of processes with their allocators."""
    kinds = {library is not None for library, _ in found}
    head = ["arm", "updates", "eager, ms", "compiled", *["tcmalloc", "both"] * (len(kinds) == 2)]
    head.append(f"{STACKED} stacked")
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
        compiling = max(c.compiling for c in plain)  # later processes load from the cache
        saved = (1 - ratios[0]) * base * plain[0].updates
        seeds = f"{compiling / saved:.0f}" if saved > 0 else "never"
        numbers = [f"{r:.2f}" for r in ratios]
        together = [c.stacked for c in plain if c.stacked is not None]
        numbers.append(f"{statistics.mean(together) / base:.2f}" if together else "—")
        updates = str(plain[0].updates)
        rows.append([arm, updates, f"{1e3 * base:.1f}", *numbers, f"{compiling:.0f}", seeds])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() + "\n" for row in rows]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.seeds", description="CPU time of steps: eager, compiled, stacked."
    )
    parser.add_argument(
        "arms",
        nargs="*",
        metavar="ARM",
        help=f"{', '.join(ARMS)}, or CLAIM:LABEL for a cell of a claim (default: the named arms)",
    )
    parser.add_argument("--once", action="store_true", help="measure in this process, print JSON")
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
