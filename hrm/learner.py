"""Learner: one optimiser step of any system, and everything that the next one depends on."""

import functools
import math
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from hrm import checkpoint, losses, optim, q_losses
from hrm.execution import Batch, Carry
from hrm.learning import (
    AdamAtan2,
    AdamAtan2AsCoded,
    AdamW,
    Constant,
    Cosine,
    PolicyGradient,
    QHalting,
    System,
    Training,
)
from hrm.model import HRM
from hrm.parts import require
from hrm.puzzles import PuzzleTable
from hrm.state import State


class Learner:
    """Takes optimiser steps: one halting step of its places, or one whole forward pass, each.

    Args:
        model: From `build`; its weights change, and so does its puzzle table.
        system: What the model is trained for.
        training: Optimisers, rates, clipping.
        noise: Where halting's noise is drawn from.

    Raises:
        UserError: If a batch is to be computed in pieces whose samples the objective couples.
    """

    def __init__(
        self, model: HRM, system: System, training: Training, noise: torch.Generator
    ) -> None:
        require(
            training.pieces == 1 or not isinstance(system.objective, PolicyGradient),
            "pieces",
            training.pieces,
            "1 with PolicyGradient, whose means are over the whole batch",
            "use pieces=1",
        )
        self.model, self.system, self.training, self.noise = model, system, training, noise
        self.parameters = list(model.parameters())
        self.optimisers = optimisers(model, training)
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimiser, functools.partial(share, training))
            for optimiser in self.optimisers
        ]
        self.carries: list[Carry | None] = [None] * training.pieces

    @property
    def carry(self) -> Carry | None:
        """The places' carry, of the first piece where there are several."""
        return self.carries[0]

    def update(self, batch: Batch) -> tuple[float, float]:
        """Take one optimiser step and return the loss and the mean number of halting steps.

        Raises:
            FloatingPointError: If the loss isn't finite; no step is taken then.
        """
        found = self.training_step(batch)
        return found["loss"], found["cycles_mean"]

    def training_step(self, batch: Batch) -> dict[str, float]:
        """Take one optimiser step and return what it measured.

        That is `loss`, `task_loss` and `cycles_mean`, the mean number of halting steps (with a
        carry, how far the places are); of policy gradients `policy_loss` and `baseline_loss`, of Q
        values `halt_loss` and `continue_loss`.

        Raises:
            FloatingPointError: If the loss isn't finite; no step is taken then.

        Source: document gru, "Training Example".
        """
        for optimiser in self.optimisers:  # before the forward pass, in which puzzle rows are lent
            optimiser.zero_grad(set_to_none=True)
        pieces, found = self.training.pieces, dict[str, float]()
        noise = self._draw(len(batch.inputs))
        for i in range(pieces):
            parts, steps = self._losses(_part(batch, i, pieces), noise.chunk(pieces, 1)[i], i)
            (parts["loss"] / pieces).backward()
            for name, value in (*parts.items(), ("cycles_mean", steps.double().mean())):
                found[name] = found.get(name, 0.0) + value.item() / pieces
        if not np.isfinite(found["loss"]):
            raise FloatingPointError(f"the loss is {found['loss']}")
        if self.training.clip is not None:
            optim.clip(self.parameters, self.training.clip)
        for optimiser, schedule in zip(self.optimisers, self.schedules, strict=True):
            optimiser.step()
            schedule.step()
        return found

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch and each sample's halting steps [B]."""
        parts, steps = self._losses(batch, self._draw(len(batch.inputs)), 0)
        return parts["loss"], steps

    def state(self) -> checkpoint.Tree:
        """Return everything that the next update depends on, but for the batch."""
        return {
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "schedules": [schedule.last_epoch for schedule in self.schedules],
            "carries": [None if c is None else _flat(c) for c in self.carries],
            "noise": self.noise.get_state(),
            "dropout": torch.get_rng_state(),
        }

    def load(self, state: checkpoint.Tree) -> None:
        """Go on from where `state` was taken."""
        self.model.load_state_dict(state["model"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(stored)
        for schedule, epoch in zip(self.schedules, state["schedules"], strict=True):
            schedule.last_epoch = epoch
        self.carries = [None if c is None else _carry(c) for c in state["carries"]]
        self.noise.set_state(checkpoint.bytes_of(state["noise"]))
        torch.set_rng_state(checkpoint.bytes_of(state["dropout"]))

    def _draw(self, size: int) -> Tensor:
        one = isinstance(self.system.objective, QHalting)
        device = self.model.start_low.value.device
        return self.model.draw(size, self.noise, steps=1 if one else None).to(device)

    def _losses(self, batch: Batch, noise: Tensor, piece: int) -> tuple[dict[str, Tensor], Tensor]:
        objective, model = self.system.objective, self.model
        assert batch.targets is not None
        if not isinstance(objective, QHalting):
            output = model(batch.inputs, noise, identities=batch.identities)
            whole = losses.loss(objective, output, batch.targets, model.halting.max_steps)
            parts = {"loss": whole.total, "task_loss": whole.task}
            if isinstance(objective, PolicyGradient):
                parts |= {"policy_loss": whole.policy, "baseline_loss": whole.baseline}
            return parts, output.run.steps
        carry = self.carries[piece] or model.begin(batch)
        carry, prediction, decision = model.advance(carry, batch, noise[0])
        self.carries[piece] = carry
        ahead = objective.continue_loss and model.halting.max_steps > 1
        next_q = q_losses.continue_target(model, carry) if ahead else None
        targets = carry.batch.targets
        assert targets is not None
        found = q_losses.segment_loss(objective, prediction, decision.logits, targets, next_q)
        halting = {"halt_loss": found.halt, "continue_loss": found.keep_on}
        return {"loss": found.total, "task_loss": found.task, **halting}, carry.steps


def share(training: Training, update: int) -> float:
    """Return the share of its full value that a learning rate has in an update, from 0.

    (update + 1) / warmup while that is below 1; then 1, or f + (1 − f) (1 + cos πp) / 2 with the
    progress p since warm-up and the floor f.
    """
    if update < training.warmup:
        return (update + 1) / training.warmup
    match training.schedule:
        case Constant():
            return 1.0
        case Cosine(floor=floor):
            span = max(1, training.updates - training.warmup)
            progress = min(1.0, (update - training.warmup) / span)
            return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def optimisers(model: HRM, training: Training) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a model: its own, one of the halting's, one of the puzzle table."""
    apart = training.halting_rate is not None
    halting = list(model.halting.parameters()) if apart else []
    own = {id(p) for p in halting}
    parameters = [p for p in model.parameters() if id(p) not in own]
    rates = Rates(lr=training.learning_rate, weight_decay=training.weight_decay)
    found: list[torch.optim.Optimizer] = []
    match training.optimiser:
        case AdamW(betas=betas):
            found.append(torch.optim.AdamW(parameters, **rates, betas=betas, fused=True))
        case AdamAtan2(betas=betas):
            found.append(optim.AdamAtan2(parameters, **rates, betas=betas))
        case AdamAtan2AsCoded(betas=betas):
            found.append(optim.AdamAtan2AsCoded(parameters, **rates, betas=betas))
    if training.halting_rate is not None and halting:
        found.append(torch.optim.AdamW(halting, lr=training.halting_rate, weight_decay=0.0))
    tables = [m for m in model.modules() if isinstance(m, PuzzleTable)]
    if tables:
        if training.puzzle_rate is not None:
            rates["lr"] = training.puzzle_rate
        if training.puzzle_decay is not None:
            rates["weight_decay"] = training.puzzle_decay
        found.append(optim.SparseSignSGD(tables, **rates))
    return found


class Rates(TypedDict):
    """What all optimisers take."""

    lr: float
    weight_decay: float


def averaged(model: HRM, decay: float) -> optim.Averaged:
    """Return an exponential moving average of a model's parameters that starts at them."""
    return optim.Averaged(model, decay)


def _part(batch: Batch, i: int, pieces: int) -> Batch:
    return Batch(*(None if t is None else t.chunk(pieces)[i] for t in batch))  # type: ignore[arg-type]


def _flat(carry: Carry) -> checkpoint.Tree:
    return [list(carry.batch), list(carry.state), carry.steps, carry.halted]


def _carry(flat: checkpoint.Tree) -> Carry:
    batch, state, steps, halted = flat
    return Carry(Batch(*batch), State(*state), steps, halted)
