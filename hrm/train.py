"""Training: one loop for every system, exact and repeatable.

Seeds are apart: the data seed makes the boards, the weight seed draws initial weights (and
dropout), the order seed shuffles the boards and draws the halting noise. Equal seeds give
bit-identical curves on the same machine with the same number of threads.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hrm import losses
from hrm.config import Tokens
from hrm.errors import Diverged
from hrm.learning import System, Training
from hrm.model import HRM
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
    """Boards as tensors: inputs as the system's embedding takes them, targets [N, cells]."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)


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
    tensors = [torch.from_numpy(array).to(device) for array in (inputs, boards.targets)]
    return Encoded(inputs=tensors[0], targets=tensors[1])


def fit(
    model: HRM,
    system: System,
    training: Training,
    data: Encoded,
    seeds: Seeds,
    watch: Callable[[HRM], float],
) -> list[Moment]:
    """Train a model in place and return its curve.

    Args:
        model: From `build`.
        data: The training set.
        watch: Called every `evaluate_every` updates, and after the last, in evaluation mode without
            gradient; what it returns is the curve's score.

    Raises:
        Diverged: If the loss isn't finite, with the update where it happened.
    """
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=training.learning_rate,
        weight_decay=training.weight_decay,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda update: min(1.0, (update + 1) / max(1, training.warmup))
    )
    # for dropout, whatever was drawn since the model was built
    torch.manual_seed(stream(seeds.weights, "dropout"))
    noise = torch.Generator().manual_seed(stream(seeds.order, "noise"))
    batches = shuffled(len(data), training.batch, seeds.order)
    curve: list[Moment] = []
    since: list[tuple[float, float]] = []
    model.train()
    for update in range(1, training.updates + 1):
        rows = next(batches)
        draws = model.draw(len(rows), noise).to(data.inputs.device)
        output = model(data.inputs[rows], draws)
        loss = losses.loss(system.objective, output, data.targets[rows], model.halting.max_steps)
        value = loss.total.item()
        if not np.isfinite(value):
            raise Diverged(update, f"the loss is {value}")
        optimiser.zero_grad(set_to_none=True)
        loss.total.backward()
        if training.clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), training.clip)
        optimiser.step()
        schedule.step()
        since.append((value, output.run.steps.float().mean().item()))
        if update % training.evaluate_every == 0 or update == training.updates:
            if not all(bool(p.isfinite().all()) for p in model.parameters()):
                raise Diverged(update, "weights aren't finite")
            mean_loss, mean_steps = np.mean(since, axis=0).tolist()
            with evaluating(model):
                score = watch(model)
            curve.append(Moment(update=update, loss=mean_loss, steps=mean_steps, score=score))
            since.clear()
    return curve


def predict(model: HRM, system: System, data: Encoded, batch: int = 256) -> Ints:
    """Return the classes that a model answers, int64 [N, cells], without halting noise."""
    cells = data.targets.shape[1]
    with evaluating(model):
        answers = [
            losses.answer(system.objective, model(inputs).prediction, cells)
            for inputs in data.inputs.split(batch)
        ]
    return torch.cat(answers).cpu().numpy()


def evaluate(model: HRM, system: System, task: Task, boards: Boards, batch: int = 256) -> Scores:
    """Return a model's scores on boards."""
    device = next(model.parameters()).device.type
    return task.score(boards, predict(model, system, encode(system, task, boards, device), batch))


def shuffled(size: int, batch: int, seed: int) -> Iterator[Tensor]:
    """Deal the indices of a training set in batches for ever.

    They are shuffled anew each epoch; a last partial batch is dropped.
    """
    generator = torch.Generator().manual_seed(stream(seed, "order"))
    if size < batch:
        raise ValueError(f"{size} boards don't fill a batch of {batch}")
    while True:
        order = torch.randperm(size, generator=generator)
        yield from order[: size - size % batch].split(batch)


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
