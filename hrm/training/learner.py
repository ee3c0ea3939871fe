"""Learner: one optimiser step of any system, and the state that the next step depends on.

A batch is computed in equal parts, in the order of its rows: processes share it, and each process
computes its part in pieces, one after another. If places persist, each part keeps its own.
"""

import functools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

import torch
from torch import Tensor

from hrm.config import Fixed
from hrm.config.learning import AdamW, System, Training
from hrm.config.parts import require
from hrm.model import HRM
from hrm.model.execution import Batch, Carry
from hrm.model.puzzles import PuzzleTable
from hrm.model.registry import built
from hrm.model.state import State
from hrm.system import distributed
from hrm.training import checkpoint, optim
from hrm.training.compiled import Compiled
from hrm.training.objectives import Objective
from hrm.training.sparse_adam import SparseAdam


class Learner:
    """Takes optimiser steps, each on one halting step of its places or on one whole forward pass.

    Args:
        model: From `loop.build`; its weights and its puzzle table are changed in place.
        system: The system of the model, with its objective.
        training: Optimisers, learning rates, clipping.
        noise: Generator of the halting noise. Every process draws the noise of the whole batch, so
            that it doesn't depend on the number of processes. Dropout masks do depend on it: each
            process draws its own.

    Raises:
        UserError: If a batch can't be divided evenly, or if it would be computed in pieces although
            the objective couples its samples.
    """

    def __init__(
        self, model: HRM, system: System, training: Training, noise: torch.Generator
    ) -> None:
        self.objective: Objective = built(system.objective)
        together = _together(system, self.objective)
        require(
            training.pieces == 1 or not together,
            "pieces",
            training.pieces,
            f"1 with {together}, which couples the samples of a batch",
            "use pieces=1",
        )
        processes = distributed.world()
        require(
            training.batch % (processes * training.pieces) == 0,
            "batch",
            training.batch,
            f"a multiple of processes times pieces, {processes} x {training.pieces}",
            "change one of them",
        )
        self.model, self.system, self.training, self.noise = model, system, training, noise
        self.parts = processes * training.pieces
        self.parameters = list(model.parameters())
        self.optimisers = optimisers(model, training)
        self.schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimiser, functools.partial(share, training))
            for optimiser in self.optimisers.values()
        ]
        self.carries: list[Carry | None] = [None] * training.pieces
        self.compiled: Compiled | None = None
        fixed = system.model.coupling.separate  # one state per low update
        for depth in training.depths:
            require(
                not fixed or depth.low_steps == system.model.low_steps,
                "low_steps",
                depth.low_steps,
                f"{system.model.low_steps} where each low update has a state of its own",
                "let the cycles alone grow",
            )

    @property
    def carry(self) -> Carry | None:
        """The carry of the places; if there are several pieces, that of this process's first."""
        return self.carries[0]

    @property
    def rates(self) -> dict[str, float]:
        """The learning rate of each optimiser in the next update, by its name in `Training`."""
        return {name: float(o.param_groups[0]["lr"]) for name, o in self.optimisers.items()}

    def compile(self) -> None:
        """Compile forward pass, losses and backward pass; results stay the same to rounding.

        See `hrm.training.compiled`. All seeds of a system share the compiled graph.
        """
        self.compiled = Compiled(self.model, self.system)

    def update(self, batch: Batch) -> tuple[float, float]:
        """Take one optimiser step and return the loss and the mean number of halting steps.

        Raises:
            FloatingPointError: If the loss isn't finite; no step is taken then.
        """
        found = self.training_step(batch)
        return found["loss"], found["cycles_mean"]

    def training_step(self, batch: Batch) -> dict[str, float]:
        """Take one optimiser step and return what it measured, over the whole batch.

        All systems measure `loss`, `task_loss`, `gradient_norm` (of all parameters' gradients,
        before clipping) and `cycles_mean`, the mean number of halting steps (with a carry: the mean
        step that the places have reached). Policy gradients add `policy_loss` and `baseline_loss`,
        and `entropy_loss` and `penalty_loss` if their weights aren't zero. Q-learning adds
        `halt_loss` and `continue_loss`, before weighting; `halted`, the share of places that halt
        in this step; and `halted_steps`, the steps that these places have taken, summed and divided
        by the number of all places. The quotient of the last two is the mean number of steps at
        completion. Replay learning adds `halted_1`, `halted_2` …, the share of places that halt
        after 1, 2 … steps.

        Args:
            batch: The whole batch, equal in all processes; each computes its own part.

        Raises:
            FloatingPointError: If the loss isn't finite; no step is taken then.

        Source: document gru, "Training Example".
        """
        # Before the forward pass, which uses a local copy of puzzle rows.
        for optimiser in self.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        update = self.schedules[0].last_epoch
        self.model.depth = self.training.depth(update)
        self.model.obeys = self.training.obeys(update)
        noise = self._draw(len(batch.inputs)).chunk(self.parts, 1)
        mine = distributed.rank() * self.training.pieces
        names: list[str] = []
        measured: list[list[float]] = []
        for piece in range(self.training.pieces):
            part = mine + piece
            loss, named = self._measured(_part(batch, part, self.parts), noise[part], piece)
            # a coupled loss is already that of the whole batch, in each process
            whole = self.objective.coupled or self.parts == 1
            (loss if whole else loss / self.parts).backward()
            names = list(named)
            measured.append(list(named.values()))
        means = [sum(v / self.parts for v in column) for column in zip(*measured, strict=True)]
        result = dict(zip(names, distributed.totals(means), strict=True))
        if not math.isfinite(result["loss"]):
            raise FloatingPointError(f"the loss is {result['loss']}")
        distributed.sum_gradients(self.parameters)
        result["gradient_norm"] = float(optim.clip(self.parameters, self.training.clip))
        for optimiser, schedule in zip(self.optimisers.values(), self.schedules, strict=True):
            optimiser.step()
            schedule.step()
        return result

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch, in one piece, and the halting steps of each sample, [B]."""
        parts, steps = self._losses(batch, self._draw(len(batch.inputs)), 0)
        return parts["loss"], steps

    def state(self) -> checkpoint.Tree:
        """Return everything that the next update depends on, except for the batch.

        All processes have to call this together, and all of them get the state of all processes.
        Places are in the order of their samples, so that another number of processes can continue
        from it.
        """
        carry = None
        if self.carries[0] is not None:
            pieces = zip(*(_flat(c) for c in self.carries if c is not None), strict=True)
            carry = [
                None if ts[0] is None else distributed.gathered(torch.cat(ts)) for ts in pieces
            ]
        return {
            "model": self.model.state_dict(),
            "optimisers": {name: o.state_dict() for name, o in self.optimisers.items()},
            "schedules": [schedule.last_epoch for schedule in self.schedules],
            "carry": carry,
            "noise": self.noise.get_state(),
            "dropout": distributed.gathered(_dropout(self._device)[None]),
        }

    def load(self, state: checkpoint.Tree) -> None:
        """Continue from a `state`, with the same number of processes or another one.

        A process that didn't exist then keeps the dropout generator that it was seeded with.
        """
        self.model.load_state_dict(state["model"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for schedule, epoch in zip(self.schedules, state["schedules"], strict=True):
            schedule.last_epoch = epoch
        if state["carry"] is not None:
            mine = distributed.rank() * self.training.pieces
            self.carries = [
                _carry([None if t is None else self._place(t, mine + i) for t in state["carry"]])
                for i in range(self.training.pieces)
            ]
        self.noise.set_state(checkpoint.bytes_of(state["noise"]))
        _go_on(self._device, state["dropout"])

    @property
    def _device(self) -> torch.device:
        return self.model.start_low.value.device

    def _place(self, t: Tensor, part: int) -> Tensor:
        return t.chunk(self.parts)[part].to(self._device)

    def _draw(self, size: int) -> Tensor:
        steps = 1 if self.objective.one_step else None
        noise = self.model.draw(size, self.noise, steps=steps)
        if self.model.halting.shared:
            noise = noise[:, :1].expand_as(noise)  # the whole batch draws once, not each part
        return noise.to(self._device)

    def _measured(self, batch: Batch, noise: Tensor, piece: int) -> tuple[Tensor, dict[str, float]]:
        """Return the loss of a piece, and its measurements."""
        if self.compiled is None:
            parts, steps = self._losses(batch, noise, piece)
            measured = {name: value.item() for name, value in parts.items()}
            return parts["loss"], {**measured, "cycles_mean": _mean(steps)}
        depth, obeys = self.model.depth, bool(self.model.obeys)
        found = self.compiled.losses(batch, noise, self.carries[piece], depth=depth, obeys=obeys)
        self.carries[piece] = found.carry
        return found.loss, dict(zip(found.names, found.measured.tolist(), strict=True))

    def _losses(self, batch: Batch, noise: Tensor, piece: int) -> tuple[dict[str, Tensor], Tensor]:
        parts, steps, carry = self.objective.losses(self.model, batch, noise, self.carries[piece])
        self.carries[piece] = carry
        return parts, steps


def share(training: Training, update: int) -> float:
    """Return a learning rate in an update, counted from 0, as a share of its full value.

    With t the update counted from 1, it is t / warmup during warm-up; then it is the schedule's
    share at progress (t − warmup) / (updates − warmup), which is 1 in the last update.

    Source: github.com/sapientinc/HRM, pretrain.py, which counts updates from 1.
    """
    t = update + 1
    if t < training.warmup:
        return t / training.warmup
    span = max(1, training.updates - training.warmup)
    return training.schedule.share(min(1.0, (t - training.warmup) / span))


def optimisers(model: HRM, training: Training) -> dict[str, torch.optim.Optimizer]:
    """Return the optimisers of a model, by the names of their rates in `Training`.

    One is for all other parameters, one for those of halting if they have a rate of their own, and
    one for puzzle tables if the model has any.
    """
    apart = training.halting_rate is not None
    halting = list(model.halting.parameters()) if apart else []
    own = {id(p) for p in halting}
    parameters = [p for p in model.parameters() if id(p) not in own]
    rates = Rates(lr=training.learning_rate, weight_decay=training.weight_decay)
    found: dict[str, torch.optim.Optimizer] = {}
    found["learning_rate"] = built(training.optimiser, parameters, **rates)
    if training.halting_rate is not None and halting:
        own_rates = Rates(lr=training.halting_rate, weight_decay=0.0)
        found["halting_rate"] = torch.optim.AdamW(halting, **own_rates, fused=True)
    tables = [m for m in model.modules() if isinstance(m, PuzzleTable)]
    if tables:
        if training.puzzle_rate is not None:
            rates["lr"] = training.puzzle_rate
        if training.puzzle_decay is not None:
            rates["weight_decay"] = training.puzzle_decay
        found["puzzle_rate"] = (
            SparseAdam(tables, betas=training.puzzle_optimiser.betas, **rates)
            if isinstance(training.puzzle_optimiser, AdamW)
            else optim.SparseSignSGD(tables, **rates)
        )
    return found


class Rates(TypedDict):
    """Keyword arguments of all optimisers."""

    lr: float
    weight_decay: float


def _together(system: System, objective: Objective) -> str:
    """Return what couples the samples of a batch in training and thus prevents pieces."""
    model = system.model
    if objective.coupled:
        return type(system.objective).__name__
    if model.halting.together:
        return "batch_mean"
    free = objective.one_step or isinstance(model.halting, Fixed)
    return type(model.execution).__name__ if model.execution.as_one and not free else ""


def _part(batch: Batch, i: int, parts: int) -> Batch:
    if parts == 1:
        return batch
    return Batch(*(None if t is None else t.chunk(parts)[i] for t in batch))  # type: ignore[arg-type]


def _mean(steps: Tensor) -> float:
    return float(steps.sum()) / len(steps)


def _flat(carry: Carry) -> list[Tensor | None]:
    return [*carry.batch, *carry.state, carry.steps, carry.halted]


def _carry(flat: checkpoint.Tree) -> Carry:
    batch, state = flat[: len(Batch._fields)], flat[len(Batch._fields) : -2]
    return Carry(Batch(*batch), State(*state), *flat[-2:])


def _dropout(device: torch.device) -> Tensor:
    """Return the state of the generator of dropout masks."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _go_on(device: torch.device, each: Tensor) -> None:
    """Restore the generator of dropout masks from the states of all processes, [processes, ...].

    It is left unchanged if this process has no state there, or one for another kind of device.
    """
    rank = distributed.rank()
    if rank < len(each) and each.shape[1:] == _dropout(device).shape:
        state = checkpoint.bytes_of(each[rank])
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        else:
            torch.set_rng_state(state)


@contextmanager
def evaluating(model: HRM) -> Iterator[None]:
    """Switch to evaluation mode without gradient; the previous mode is restored at the end."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)
