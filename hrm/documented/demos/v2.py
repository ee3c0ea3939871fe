"""The savings of document v2's per-sample halting, on a model that is trained here.

A small v2 model learns a regression of mixed difficulty (`hrm.tasks.regression`, one or two steps).
During the first half of the updates it takes all cycles, so that later cycles learn to give better
answers. Then the policy's decisions are followed; the policy starts with a bias to continue and
learns for which samples a further cycle is worth its cost. It doesn't do so in time for every seed
(it does for the default, 1, and up to 4; it doesn't for 0). If the decisions were followed from the
start, the policy would learn to stop at the first cycle before a second one is of any use. With the
final weights, the same held-out boards are answered in the same batches twice: as in the original,
where a batch continues until all its samples want to stop in the same cycle, and with each sample
stopping on its own. Decisions are greedy, as in evaluation.

With one low step per cycle, attention would have a single low state, so that flag stays off.

Source: document v2, "Basic Enhanced Usage" and "Per-Sample Adaptive Computation Time".
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hrm import recipes
from hrm.config import Compacted, HRMConfig, Lockstep, Policy
from hrm.config.learning import System, Training
from hrm.config.parts import require
from hrm.model import HRM, cost
from hrm.model.halting import DirectController
from hrm.model.halting import Policy as Halting
from hrm.tasks import Splits
from hrm.tasks.regression import Regression
from hrm.training import loop
from hrm.training.learner import evaluating

UPDATES, BATCH = 800, 4
TASK: Any = Regression(size=5, depth=2)  # Any: a task of real numbers
SIZES: Mapping[str, Any] = {
    "inputs": 5,
    "outputs": 1,
    "hidden_low": 32,
    "hidden_high": 32,
    "low_steps": 1,
}
FLAGS: Mapping[str, bool] = {
    "use_per_sample_act": True,
    "use_corrected_meta_rl": True,
    "use_optimized_controller": True,
}
EXECUTIONS: Mapping[str, Lockstep | Compacted] = {"original": Lockstep(), "enhanced": Compacted()}
TRAIN, TEST = 16_384, 512  # boards
_inclination = 1.5  # of the logits (continue, stop), ±: 5 % stop where nothing else is known


@dataclass(frozen=True, kw_only=True)
class Arm:
    """The cost of one execution on the held-out boards, and the error of its answers.

    Args:
        cycles: Cycles of each board, [512]; in lockstep, those of its batch.
        operations: The sum of all computed cycles, which the document counts as operations.
        flops: Floating-point operations of all forward passes.
        error: Mean squared error.
    """

    cycles: tuple[int, ...]
    operations: int
    flops: int
    error: float


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """The results of the demonstration.

    Args:
        batch: Boards per batch.
        parameters: Number of the model's parameters.
        seconds: Duration of the training.
        folds: Difficulty of each held-out board, [512].
        trivial: Mean squared error of always answering the mean.
        arms: Results by name, "original" and "enhanced".
    """

    seed: int
    updates: int
    batch: int
    parameters: int
    seconds: float
    folds: tuple[int, ...]
    trivial: float
    arms: Mapping[str, Arm]

    @property
    def savings(self) -> dict[str, float]:
        """Shares of the original's operations and FLOPs that the enhanced execution saves."""
        original, enhanced = self.arms["original"], self.arms["enhanced"]
        return {
            "operations": 1 - enhanced.operations / original.operations,
            "flops": 1 - enhanced.flops / original.flops,
        }

    def to_json(self) -> dict[str, Any]:
        """Return all of it, ready for JSON."""
        return {**asdict(self), "savings": self.savings}


def v2(
    *,
    seed: int = 1,
    updates: int = UPDATES,
    batch: int = BATCH,
    report: Callable[[loop.Moment, int], None] = lambda *_: None,
) -> Demonstration:
    """Train a model and measure both executions.

    Args:
        seed: Seed of boards, weights and order.
        updates: Number of optimiser steps.
        batch: Held-out boards per batch.
        report: Called with each point of the training curve; its score is the negative error.

    Raises:
        UserError: If a number is out of its range.
        Diverged: If the loss isn't finite.
    """
    require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
    require(updates >= 2, "updates", updates, "2 or more, half of them without halting", "use 2")
    require(1 <= batch <= TEST, "batch", batch, f"1 ... {TEST}, the held-out boards", "use 4")
    splits = TASK.generate(seed, TRAIN, 0, TEST)
    before = time.perf_counter()
    model, system = trained(splits, seed, updates, report)
    return Demonstration(
        seed=seed,
        updates=updates,
        batch=batch,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=time.perf_counter() - before,
        folds=tuple(splits.test.difficulty.astype(int).tolist()),
        trivial=float(splits.test.targets.var()),
        arms={
            name: measured(model, replace(system.model, execution=part), splits, batch)
            for name, part in EXECUTIONS.items()
        },
    )


def trained(
    splits: Splits, seed: int, updates: int, report: Callable[[loop.Moment, int], None]
) -> tuple[HRM, System]:
    """Return a model that has learnt the task first and halting afterwards."""
    system = recipes.v2(**SIZES, **FLAGS)
    assert isinstance(system.model.halting, Policy)
    deaf = replace(system.model.halting, obeyed=False)
    first = replace(system, model=replace(system.model, halting=deaf))
    training = Training(
        updates=updates - updates // 2,
        batch=128,
        learning_rate=5e-3,
        clip=1.0,
        evaluate_every=max(1, updates // 20),
    )
    data = loop.encode(system, TASK, splits.train)
    held_out = loop.encode(system, TASK, splits.test).batch(torch.arange(TEST))
    assert held_out.targets is not None
    targets = held_out.targets

    def watch(model: HRM) -> float:
        return -float((model(held_out.inputs).prediction - targets).square().mean())

    def later(moment: loop.Moment, updates: int) -> None:
        report(replace(moment, update=moment.update + training.updates), updates)

    seeds = loop.Seeds(weights=seed, order=seed)
    learner = loop.build(first, seeds)
    loop.fit(learner, first, training, data, seeds, watch, report=report)
    model = HRM(system.model)
    model.load_state_dict(learner.state_dict())
    incline(model)
    training = replace(training, updates=updates // 2, learning_rate=2e-3)
    loop.fit(model, system, training, data, seeds, watch, report=later)
    return model, system


@torch.no_grad()
def incline(model: HRM) -> None:
    """Bias a policy to continue, so that training still sees the later cycles for a while."""
    assert isinstance(model.halting, Halting)
    assert isinstance(model.halting.controller, DirectController)
    last = model.halting.controller.policy[-1]
    assert isinstance(last, torch.nn.Linear)
    last.bias.add_(torch.tensor([_inclination, -_inclination]))


def measured(model: HRM, c: HRMConfig, splits: Splits, batch: int) -> Arm:
    """Answer the held-out boards in one execution, with a model's weights."""
    executed = HRM(c)
    executed.load_state_dict(model.state_dict())
    inputs = torch.from_numpy(TASK.one_hot(splits.test.inputs))
    answers: list[Tensor] = []
    cycles: list[int] = []
    operations = 0

    def run() -> None:
        nonlocal operations
        for rows in inputs.split(batch):
            found = executed(rows)
            answers.append(found.prediction)
            cycles.extend(found.run.steps.tolist())
            operations += sum(found.run.rows)

    with evaluating(executed):
        flops = cost.operations(run).forward
    error = torch.cat(answers).double().numpy() - splits.test.targets
    return Arm(
        cycles=tuple(cycles),
        operations=operations,
        flops=flops,
        error=float(np.square(error).mean()),
    )


def text(found: Demonstration) -> str:
    """Return the text to print."""
    folds = np.array(found.folds)
    kinds = np.unique(folds).tolist()
    shown = {
        name: " ".join(map(str, arm.cycles[: min(found.batch, 16)]))
        for name, arm in found.arms.items()
    }
    width = max(map(len, (*shown.values(), "first batch")))
    columns = "".join(f"{f'{k} fold' + 's' * (k > 1):>9}" for k in kinds)
    heading = f"v2, {found.parameters:,} parameters: {found.updates} updates, seed {found.seed}"
    header = f"{'cycles':10}{'first batch':{width}}{columns}{'mean':>8}{'operations':>12}"
    lines = [
        f"{heading}, {found.seconds:.0f} s",
        f"{len(folds)} held-out boards in batches of {found.batch}, the same weights for both",
        "",
        f"{header}{'MFLOP':>9}{'error':>9}",
    ]
    for name, arm in found.arms.items():
        cycles = np.array(arm.cycles)
        each = "".join(f"{cycles[folds == k].mean():9.2f}" for k in kinds)
        lines.append(
            f"{name:10}{shown[name]:{width}}{each}{cycles.mean():8.2f}{arm.operations:12,}"
            f"{arm.flops / 1e6:9.1f}{arm.error:9.3f}"
        )
    saved = found.savings
    gap = width + 9 * len(kinds) + 8
    lines += [
        f"{'saved':10}{'':{gap}}{saved['operations']:12.1%}{saved['flops']:9.1%}",
        "",
        "operations: one cycle of one board each, as the document counts them",
        f"error: mean squared; {found.trivial:.3f} for always answering the mean",
    ]
    if len(set(found.arms["enhanced"].cycles)) == 1:
        lines.append("every board stops at the same cycle in this run, so there is nothing to save")
    return "\n".join(lines) + "\n"
