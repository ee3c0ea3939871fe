"""Training: one loop for every system, exact and repeatable.

Seeds are apart: the data seed makes the boards, the weight seed draws initial weights (and
dropout), the order seed shuffles the boards and draws the halting noise. Equal seeds give
bit-identical curves on the same machine with the same number of threads.
"""

import functools
import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor

from hrm import checkpoint, losses, optim, q_losses
from hrm.config import Series, Tokens
from hrm.errors import Diverged
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
from hrm.parts import Part, require
from hrm.puzzles import PuzzleTable
from hrm.state import State
from hrm.tasks import Boards, Ints, Scores, Task


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """Seeds of what is random in a run; that of the data belongs to the task.

    Each purpose draws from a stream of its own, even where both seeds are the same number.

    Args:
        weights: Initial weights, and dropout.
        order: The order of the boards, and the halting noise.
    """

    weights: int
    order: int


def stream(seed: int, purpose: str) -> int:
    """Return the seed of one purpose's stream: different for every seed and purpose.

    torch's CPU generator keeps 32 bits of a seed, so adding to it isn't enough.
    """
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:4], "little")


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Boards as tensors: inputs as the system's embedding takes them, targets [N, cells].

    Identities [N] name rows of the puzzle table; None for the blank one.
    """

    inputs: Tensor
    targets: Tensor
    identities: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, rows: Tensor) -> Batch:
        """Return some rows as a batch."""
        identities = None if self.identities is None else self.identities[rows]
        return Batch(self.inputs[rows], identities, self.targets[rows])


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One point of the training curve, after so many updates.

    Args:
        loss, steps: Means since the last point: training loss, halting steps.
        score: What `watch` returned.
    """

    update: int
    loss: float
    steps: float
    score: float


def build(system: System, seeds: Seeds, device: str = "cpu") -> HRM:
    """Return the system's model, its weights drawn from the weight seed on the CPU, on a device."""
    torch.manual_seed(stream(seeds.weights, "weights"))
    return HRM(system.model).to(device)


def encode(system: System, task: Task, boards: Boards, device: str = "cpu") -> Encoded:
    """Turn boards into tensors for a system, on a device."""
    tokens = isinstance(system.model.embedding, Tokens)
    inputs = boards.inputs if tokens else task.one_hot(boards.inputs)
    if isinstance(system.model.embedding, Series):  # of numbers: each cell's token
        inputs = boards.inputs[..., None].astype(np.float32)
    arrays = (inputs, boards.targets, boards.identities)
    found = [torch.from_numpy(array).to(device) for array in arrays]
    return Encoded(inputs=found[0], targets=found[1], identities=found[2] if tokens else None)


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

        With a carry, steps are how far the places are.

        Raises:
            FloatingPointError: If the loss isn't finite; no step is taken then.
        """
        for optimiser in self.optimisers:  # before the forward pass, in which puzzle rows are lent
            optimiser.zero_grad(set_to_none=True)
        pieces, value, steps = self.training.pieces, 0.0, 0.0
        noise = self._draw(len(batch.inputs))
        for i in range(pieces):
            total, taken = self._loss(_part(batch, i, pieces), noise.chunk(pieces, 1)[i], i)
            (total / pieces).backward()
            value += total.item() / pieces
            steps += taken.float().mean().item() / pieces
        if not np.isfinite(value):
            raise FloatingPointError(f"the loss is {value}")
        if self.training.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training.clip)
        for optimiser, schedule in zip(self.optimisers, self.schedules, strict=True):
            optimiser.step()
            schedule.step()
        return value, steps

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss of a batch and each sample's halting steps [B]."""
        return self._loss(batch, self._draw(len(batch.inputs)), 0)

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

    def _loss(self, batch: Batch, noise: Tensor, piece: int) -> tuple[Tensor, Tensor]:
        objective, model = self.system.objective, self.model
        assert batch.targets is not None
        if not isinstance(objective, QHalting):
            output = model(batch.inputs, noise, identities=batch.identities)
            whole = losses.loss(objective, output, batch.targets, model.halting.max_steps)
            return whole.total, output.run.steps
        carry = self.carries[piece] or model.begin(batch)
        carry, prediction, decision = model.advance(carry, batch, noise[0])
        self.carries[piece] = carry
        ahead = objective.continue_loss and model.halting.max_steps > 1
        next_q = q_losses.continue_target(model, carry) if ahead else None
        targets = carry.batch.targets
        assert targets is not None
        found = q_losses.segment_loss(objective, prediction, decision.logits, targets, next_q)
        return found.total, carry.steps


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


@dataclass(frozen=True, kw_only=True)
class Recipe(Part):
    """What a checkpoint belongs to."""

    system: System
    training: Training
    weights: int
    order: int


def fit(
    model: HRM,
    system: System,
    training: Training,
    data: Encoded,
    seeds: Seeds,
    watch: Callable[[HRM], float],
    folder: Path | None = None,
    report: Callable[[Moment], None] = lambda _: None,
) -> list[Moment]:
    """Train a model in place and return its curve.

    Args:
        model: From `build`.
        data: The training set.
        watch: Called every `evaluate_every` updates, and after the last, in evaluation mode without
            gradient; what it returns is the curve's score, higher being better. With
            `training.ema` it sees the averaged weights, which the model keeps at the end.
        folder: Where `last.safetensors`, from which an interrupted run goes on to the identical
            curve, and `best.safetensors`, the model at the best score, are kept; None for nowhere.
        report: Called with each new point of the curve, before its checkpoint is written.

    Raises:
        Diverged: If the loss isn't finite, with the update where it happened.
        UserError: If the folder holds the checkpoint of another run.
    """
    # for dropout, whatever was drawn since the model was built
    torch.manual_seed(stream(seeds.weights, "dropout"))
    noise = torch.Generator().manual_seed(stream(seeds.order, "noise"))
    batches = Shuffled(len(data), training.batch, seeds.order)
    learner = Learner(model, system, training, noise)
    average = None if training.ema is None else averaged(model, training.ema)
    recipe = Recipe(system=system, training=training, weights=seeds.weights, order=seeds.order)
    last = None if folder is None else folder / "last.safetensors"
    curve: list[Moment] = []
    if last is not None and last.exists():
        curve = _resumed(last, recipe, learner, batches, average)
    since: list[tuple[float, float]] = []
    model.train()
    for update in range(curve[-1].update + 1 if curve else 1, training.updates + 1):
        try:
            since.append(learner.update(data.batch(next(batches))))
        except FloatingPointError as error:
            raise Diverged(update, str(error)) from error
        if average is not None:
            average.update_parameters(model)
        if update % training.evaluate_every == 0 or update == training.updates:
            if not all(bool(p.isfinite().all()) for p in model.parameters()):
                raise Diverged(update, "weights aren't finite")
            mean_loss, mean_steps = np.mean(since, axis=0).tolist()
            shown = model if average is None else average.module
            assert isinstance(shown, HRM)
            with evaluating(shown):
                score = watch(shown)
            curve.append(Moment(update=update, loss=mean_loss, steps=mean_steps, score=score))
            since.clear()
            report(curve[-1])
            if last is not None:
                if score >= max(moment.score for moment in curve):
                    best = {"moment": asdict(curve[-1]), "model": shown.state_dict()}
                    checkpoint.save(last.with_name("best.safetensors"), best)
                state = {
                    "recipe": recipe.to_json(),
                    "curve": [asdict(moment) for moment in curve],
                    "learner": learner.state(),
                    "batches": batches.state(),
                    "average": None if average is None else average.state_dict(),
                }
                checkpoint.save(last, state)
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    return curve


def _resumed(
    path: Path,
    recipe: Recipe,
    learner: Learner,
    batches: "Shuffled",
    average: torch.optim.swa_utils.AveragedModel | None,
) -> list[Moment]:
    """Load a checkpoint into what `fit` goes on with, and return the curve so far."""
    stored = checkpoint.load(path)
    checkpoint.same(path, Recipe.from_json(stored["recipe"]), recipe)
    learner.load(stored["learner"])
    batches.load(stored["batches"])
    if average is not None:
        average.load_state_dict(stored["average"])
    return [Moment(**moment) for moment in stored["curve"]]


def averaged(model: HRM, decay: float) -> torch.optim.swa_utils.AveragedModel:
    """Return an exponential moving average of a model's parameters that starts at them.

    θ̄ ← decay · θ̄ + (1 − decay) · θ at each `update_parameters`; buffers are copied.

    Source: "Less is More" (arXiv 2510.04871), section 4.
    """
    step = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=step)
    average.update_parameters(model)  # the first call copies
    return average


def predict(model: HRM, system: System, data: Encoded, batch: int = 256) -> Ints:
    """Return the classes that a model answers, int64 [N, cells], without halting noise."""
    cells = data.targets.shape[1]
    answers = []
    with evaluating(model):
        for start in range(0, len(data), batch):
            rows = slice(start, start + batch)
            identities = None if data.identities is None else data.identities[rows]
            found = model(data.inputs[rows], identities=identities).prediction
            answers.append(losses.answer(system.objective, found, cells))
    return torch.cat(answers).cpu().numpy()


def evaluate(model: HRM, system: System, task: Task, boards: Boards, batch: int = 256) -> Scores:
    """Return a model's scores on boards."""
    device = next(model.parameters()).device.type
    return task.score(boards, predict(model, system, encode(system, task, boards, device), batch))


class Shuffled:
    """Deals the indices of a training set in batches for ever.

    They are shuffled anew each epoch; a last partial batch is dropped.

    Args:
        size: Of the training set. batch: of a batch. seed: of the order.
    """

    def __init__(self, size: int, batch: int, seed: int) -> None:
        if size < batch:
            raise ValueError(f"{size} boards don't fill a batch of {batch}")
        self.size, self.batch = size, batch
        self.generator = torch.Generator().manual_seed(stream(seed, "order"))
        self._shuffle()

    def __iter__(self) -> "Shuffled":
        return self

    def __next__(self) -> Tensor:
        if self.dealt + self.batch > self.size:
            self._shuffle()
        rows = self.order[self.dealt : self.dealt + self.batch]
        self.dealt += self.batch
        return rows

    def state(self) -> checkpoint.Tree:
        """Return what the next batches depend on."""
        return {"epoch": self.epoch, "dealt": self.dealt}

    def load(self, state: checkpoint.Tree) -> None:
        """Go on from where `state` was taken."""
        self.generator.set_state(checkpoint.bytes_of(state["epoch"]))
        self._shuffle()
        self.dealt = state["dealt"]

    def _shuffle(self) -> None:
        self.epoch = self.generator.get_state()
        self.order = torch.randperm(self.size, generator=self.generator)
        self.dealt = 0


@contextmanager
def evaluating(model: HRM) -> Iterator[None]:
    """Evaluation mode without gradient; the mode before is restored at the end."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)


def _part(batch: Batch, i: int, pieces: int) -> Batch:
    return Batch(*(None if t is None else t.chunk(pieces)[i] for t in batch))  # type: ignore[arg-type]


def _flat(carry: Carry) -> checkpoint.Tree:
    return [list(carry.batch), list(carry.state), carry.steps, carry.halted]


def _carry(flat: checkpoint.Tree) -> Carry:
    batch, state, steps, halted = flat
    return Carry(Batch(*batch), State(*state), steps, halted)
