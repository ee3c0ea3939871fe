"""Document gru: samples that stop by a learned policy, trained by its own training step.

The printed example's loop trains the printed model on `hrm.tasks.regression` with one or two steps.
Then the same held-out boards are answered twice: as in the document's evaluation, where the batch
stops as one, and with each sample stopping on its own.

Source: document gru, "Training Example" and "Adaptive Computation Time".
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from hrm.config import Lockstep, Masked
from hrm.config.parts import require
from hrm.documented.demos.shown import Say, Shown, table
from hrm.documented.gru import HierarchicalReasoningModel, HRMConfig
from hrm.model import HRM
from hrm.plots import training
from hrm.plots.style import Figure
from hrm.tasks.regression import Regression
from hrm.training import loop
from hrm.training.learner import evaluating

UPDATES = 2400
TASK: Any = Regression(size=5, depth=2)  # Any: a task of real numbers
TRAIN, TEST, BATCH = 4096, 256, 64


def run(seed: int = 0, updates: int = UPDATES, say: Say = lambda *_: None) -> Shown:
    """Train the document's model and measure both ways to stop.

    Raises:
        UserError: If a number is out of its range.
    """
    require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
    require(updates >= 1, "updates", updates, "1 or more", f"use {UPDATES}")
    splits = TASK.generate(seed, TRAIN, 0, TEST)
    torch.manual_seed(loop.stream(seed, "weights"))
    config = HRMConfig(
        hidden_low=32,
        hidden_high=32,
        T=2,
        max_cycles=5,
        compute_cost_weight=0.01,
        input_dim=TASK.cells,
        device="cpu",
    )
    model = HierarchicalReasoningModel(config)
    x, y = _tensors(splits.train)
    batches = loop.Shuffled(TRAIN, BATCH, loop.stream(seed, "order"))
    curve: list[dict[str, float]] = []
    for update, rows in zip(range(1, updates + 1), batches, strict=False):
        curve.append(model.training_step(x[rows], y[rows], nn.MSELoss()))
        if update % max(1, updates // 10) == 0:
            shown = ("loss", "task_loss", "cycles_mean")
            named = "  ".join(f"{name} {curve[-1][name]:.3f}" for name in shown)
            say(update / updates, f"update {update} of {updates}  {named}")
    x, y = _tensors(splits.test)
    folds = splits.test.difficulty.astype(int)
    arms = {
        name: _answered(model, x, y, folds, Lockstep() if name == "as one" else Masked())
        for name in ("as one", "each for itself")
    }
    trivial = float(splits.test.targets.var())
    data = {"seed": seed, "updates": updates, "arms": arms, "trivial": trivial, "last": curve[-1]}
    text = (
        f"gru, {sum(p.numel() for p in model.parameters()):,} parameters: {updates} updates, "
        f"seed {seed}\n{TEST} held-out boards, the same weights for both\n\n{table(arms)}\n\n"
        f"error: mean squared; {trivial:.3f} for always answering the mean\n"
        "as one: a batch goes on until all its samples want to stop, as coded in evaluation\n"
    )
    return Shown(text=text, data=data, figures={"training": _curve(curve)})


def _tensors(boards: Any) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.from_numpy(TASK.one_hot(boards.inputs))
    return x, torch.from_numpy(boards.targets).to(x.dtype)


def _answered(
    view: HierarchicalReasoningModel,
    x: torch.Tensor,
    y: torch.Tensor,
    folds: "np.ndarray[Any, Any]",
    execution: Lockstep | Masked,
) -> dict[str, float]:
    """Return error and cycles for one execution, in batches of 4."""
    model = HRM(replace(view.model.config, evaluation=execution))
    model.load_state_dict(view.model.state_dict())
    with evaluating(model):
        found = [model(rows) for rows in x.split(4)]
    cycles = torch.cat([each.run.steps for each in found]).double().numpy()
    error = (torch.cat([each.prediction for each in found]) - y).square().mean().item()
    return {
        "error": error,
        "cycles": float(cycles.mean()),
        **{f"{k} fold{'s' * (k > 1)}": float(cycles[folds == k].mean()) for k in (1, 2)},
    }


def _curve(found: list[dict[str, float]]) -> Figure:
    names = ("task_loss", "policy_loss", "baseline_loss")
    losses = {name: np.array([each[name] for each in found]) for name in names}
    return training.dynamics(
        [
            training.Curve(
                updates=np.arange(1.0, len(found) + 1),
                losses={"total": np.array([each["loss"] for each in found]), **losses},
                score=np.full(len(found), np.nan),
                steps=np.array([each["cycles_mean"] for each in found]),
            )
        ]
    )
