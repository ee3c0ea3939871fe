"""Training: one loop for every system, exact and reproducible.

There are three seeds: the data seed generates the boards; the weight seed draws initial weights and
dropout masks; the order seed shuffles the boards and draws the halting noise. Equal seeds give
bit-identical curves on the same machine with the same number of threads.

Under torchrun, several processes share each batch, see `hrm.system.distributed`: all of them call
`fit` and get the same weights and the same curve. They equal those of a single process to rounding,
except for dropout masks.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hrm.config.learning import System, Training
from hrm.config.parts import Part
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.system import distributed, interrupts
from hrm.tasks import Boards, Floats, Ints, Scores, Task, Values
from hrm.training import checkpoint, losses
from hrm.training.averages import Averaged
from hrm.training.learner import Learner, evaluating
from hrm.training.order import Order as Order
from hrm.training.order import Shuffled as Shuffled
from hrm.training.order import stream as stream
from hrm.training.stablemax import IGNORED


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The seeds of a run, except for the data seed.

    Each purpose draws from a stream of its own, even if both seeds are the same number.

    Args:
        weights: Seed of the initial weights and of dropout.
        order: Seed of the order of the boards and of the halting noise.
    """

    weights: int
    order: int


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Boards as tensors: inputs as the system's embedding takes them, targets [N, cells].

    Identities [N] are rows of the puzzle table; None stands for the blank one.
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

    def order(self, batch: int, seed: int) -> Order:
        """Return the order in which training takes the boards."""
        return Shuffled(len(self), batch, seed)


class Samples(Protocol):
    """Training data: boards in memory (`Encoded`), or those of a folder (`mapped.Mapped`)."""

    def batch(self, rows: Tensor) -> Batch:
        """Return some rows as a batch."""

    def order(self, batch: int, seed: int) -> Order:
        """Return the order in which training takes the rows."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One point of the training curve, after `update` updates.

    Args:
        loss: Mean training loss since the last point.
        steps: Mean number of halting steps since the last point.
        score: The value that `watch` returned.
        parts: Means of the parts of the loss since the last point, by the names of
            `Learner.training_step`.
        rates: Learning rates in this update, by their names in `Training`.
    """

    update: int
    loss: float
    steps: float
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)


def build(system: System, seeds: Seeds, device: torch.device | str = "cpu") -> HRM:
    """Return the model of a system on a device; its weights are drawn from the seed on the CPU.

    Raises:
        UserError: If the model computes in bfloat16 and the device doesn't support it.
    """
    there = torch.device(device)
    if system.model.bfloat16 and there.type == "cuda":
        with torch.cuda.device(there):
            able = torch.cuda.is_bf16_supported(including_emulation=False)
        if not able:
            raise UserError(
                f"bfloat16 is True; allowed is False on {torch.cuda.get_device_name(there)}, which "
                "has no such numbers; leave HRMConfig.bfloat16 out, or use another device"
            )
    torch.manual_seed(stream(seeds.weights, "weights"))
    return HRM(system.model).to(there)


def encode(
    system: System, task: Task, boards: Boards, device: torch.device | str = "cpu"
) -> Encoded:
    """Turn boards into tensors for a system, on a device.

    Cells of the class that a task ignores are unlabelled. Where answers are learned by squared
    error, it is a class like the others.
    """
    reads = system.model.embedding.reads
    inputs = boards.inputs if reads == "tokens" else task.one_hot(boards.inputs)
    if reads == "numbers":  # each cell's token
        inputs = boards.inputs[..., None].astype(np.float32)
    targets, ignored = boards.targets, getattr(task, "ignored", None)
    answer = getattr(system.objective, "answer", None)
    if ignored is not None and getattr(answer, "ignores", False):
        targets = np.where(targets == ignored, IGNORED, targets)
    arrays = (inputs, targets, boards.identities)
    found = [torch.from_numpy(array).to(device) for array in arrays]
    return Encoded(
        inputs=found[0], targets=found[1], identities=found[2] if reads == "tokens" else None
    )


@dataclass(frozen=True, kw_only=True)
class Recipe(Part):
    """The configuration that a checkpoint belongs to."""

    system: System
    training: Training
    weights: int
    order: int


def fit(
    model: HRM,
    system: System,
    training: Training,
    data: Samples,
    seeds: Seeds,
    watch: Callable[[HRM], float],
    folder: Path | None = None,
    report: Callable[[Moment, int], None] = lambda *_: None,
    measured: Callable[[Mapping[str, float]], None] = lambda _: None,
    *,
    compiled: bool = False,
) -> list[Moment]:
    """Train a model in place and return its curve.

    Args:
        model: From `build`.
        system: The system of the model, with its objective.
        training: Optimisers, learning rates and the number of updates.
        data: The training set.
        seeds: The seeds of the run.
        watch: Called every `evaluate_every` updates and after the last one, in evaluation mode
            without gradient. It returns the score of the curve; higher is better. With
            `training.ema` it is called with the averaged weights, which the model keeps at the end.
        folder: Folder of the checkpoints `last.safetensors`, from which an interrupted run
            continues to the identical curve, and `best.safetensors`, the model at the best score;
            None to write nothing.
        report: Called with each new point of the curve, before its checkpoint is written, and with
            the number of updates that this process took for it.
        measured: Called after each update with the result of `Learner.training_step`.
        compiled: Whether steps are compiled, see `Learner.compile`.

    With a folder, a first Ctrl-C or SIGTERM takes effect at the end of the current update or
    evaluation, and everything up to there is kept. A second one takes effect at once; the run then
    continues from its last evaluation. So does a run of several processes after any interruption,
    since these are interrupted at different updates.

    Only the first of several processes calls `watch` and `report` and writes to the folder. All of
    them need access to the folder to continue from it.

    Raises:
        Diverged: If the loss or an answer isn't finite, with the update where it happened.
        KeyboardInterrupt: As above.
        Lost: If another process has ended.
        UserError: If the folder holds the checkpoint of another run.
    """
    # for dropout, independently of draws since the model was built
    rank = distributed.rank()
    torch.manual_seed(stream(seeds.weights, f"dropout {rank}" if rank else "dropout"))
    noise = torch.Generator().manual_seed(stream(seeds.order, "noise"))
    batches = data.order(training.batch, seeds.order)
    learner = Learner(model, system, training, noise)
    if compiled:
        learner.compile()
    average = None if training.ema is None else Averaged(model, training.ema)
    recipe = Recipe(system=system, training=training, weights=seeds.weights, order=seeds.order)
    last = None if folder is None else folder / "last.safetensors"
    where = Reached()
    if last is not None and distributed.first(last.exists):
        where = _resumed(last, recipe, learner, batches, average)
    curve, since, came = where.curve, where.since, len(where.since)
    alone = last is not None and distributed.world() == 1
    model.train()
    with interrupts.postponed() if alone else contextlib.nullcontext(lambda: False) as interrupted:
        for update in range(where.update + 1, training.updates + 1):
            rates = learner.rates
            with _diverging(update):
                since.append(learner.training_step(data.batch(next(batches))))
            measured(since[-1])
            if average is not None:
                average.update_parameters(model)
            due = update % training.evaluate_every == 0 or update == training.updates
            if due:
                _finite(model, update)
                shown = model if average is None else average.module
                assert isinstance(shown, HRM)
                with evaluating(shown), _diverging(update):
                    score = distributed.first(functools.partial(watch, shown))
                curve.append(_moment(update, since, score, rates))
                if rank == 0:
                    report(curve[-1], len(since) - came)
                    _keep_best(folder, curve, shown)
                since, came = [], 0
            if last is not None and (due or interrupted()):
                where = Reached(update=update, curve=curve, since=since)
                _save(last, recipe, where, learner, batches, average)
            if interrupted():
                break
    if average is not None:
        model.load_state_dict(average.module.state_dict())
    return curve


@contextmanager
def _diverging(update: int) -> Iterator[None]:
    """Turn errors about numbers that aren't finite into `Diverged`, with the update."""
    try:
        yield
    except FloatingPointError as error:
        raise Diverged(update, str(error)) from error


def _finite(model: HRM, update: int) -> None:
    if not all(bool(p.isfinite().all()) for p in model.parameters()):
        raise Diverged(update, "weights aren't finite")


def _moment(
    update: int, since: list[dict[str, float]], score: float, rates: Mapping[str, float]
) -> Moment:
    means = np.mean([list(found.values()) for found in since], axis=0).tolist()
    parts = dict(zip(since[0], means, strict=True))
    loss, steps = parts.pop("loss"), parts.pop("cycles_mean")
    parts = {n: v for n, v in parts.items() if not n.startswith("halted")}  # no loss
    return Moment(update=update, loss=loss, steps=steps, score=score, parts=parts, rates=rates)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """The progress of a run: its updates, its curve, and the measurements since its last point."""

    update: int = 0
    curve: list[Moment] = field(default_factory=list)
    since: list[dict[str, float]] = field(default_factory=list)


def _keep_best(folder: Path | None, curve: Sequence[Moment], shown: HRM) -> None:
    """Write the model if its score is the best so far."""
    if folder is not None and curve[-1].score >= max(moment.score for moment in curve):
        best = {"moment": asdict(curve[-1]), "model": shown.state_dict()}
        checkpoint.save(folder / "best.safetensors", best)


def _save(
    last: Path,
    recipe: Recipe,
    where: Reached,
    learner: Learner,
    batches: Order,
    average: torch.optim.swa_utils.AveragedModel | None,
) -> None:
    """Write what `_resumed` loads."""
    state = {
        "recipe": recipe.to_json(),
        **asdict(where),
        "learner": learner.state(),  # of all processes together
        "batches": batches.state(),
        "average": None if average is None else average.state_dict(),
    }
    if distributed.rank() == 0:
        checkpoint.save(last, state)


def _resumed(
    path: Path,
    recipe: Recipe,
    learner: Learner,
    batches: Order,
    average: torch.optim.swa_utils.AveragedModel | None,
) -> Reached:
    """Load a checkpoint into the objects with which `fit` continues, and return its progress."""
    stored = checkpoint.load(path, "recipe", "update", "curve", "since", "learner", "batches")
    checkpoint.same(path, Recipe.from_json(stored["recipe"]), recipe)
    learner.load(stored["learner"])
    batches.load(stored["batches"])
    if average is not None:
        average.load_state_dict(stored["average"])
    curve = [Moment(**moment) for moment in stored["curve"]]
    return Reached(update=stored["update"], curve=curve, since=stored["since"])


def predict(model: HRM, system: System, data: Encoded, batch: int = 256) -> Ints:
    """Return the classes that a model predicts, int64 [N, cells], without halting noise."""
    return answers(model, system, data, batch)[0]


def answers(
    model: HRM,
    system: System,
    data: Encoded,
    batch: int = 256,
    *,
    numbers: bool = False,
    steps: int | None = None,
) -> tuple[Values, Floats]:
    """Return the answers of a model, [N, cells], and its numbers of halting steps, [N].

    Answers are classes, or with `numbers` the values of the readout; there is no halting noise.
    Every board takes `steps` halting steps; with None, halting decides.

    Raises:
        FloatingPointError: If an answer isn't finite.
    """
    cells, found, taken = data.targets.shape[1], [], []
    with evaluating(model):
        for rows in torch.arange(len(data)).split(batch):
            part = data.batch(rows)
            output = model(part.inputs, identities=part.identities, steps=steps)
            found.append(answered(system, output.prediction, cells, numbers=numbers))
            taken.append(output.run.steps)
    return torch.cat(found).cpu().numpy(), torch.cat(taken).double().cpu().numpy()


def answered(system: System, prediction: Tensor, cells: int, *, numbers: bool) -> Tensor:
    """Return the classes of a prediction, [B, cells], or with `numbers` the prediction itself.

    Raises:
        FloatingPointError: If the prediction isn't finite.
    """
    if not prediction.isfinite().all():  # NaN would be taken for a class
        raise FloatingPointError("its answers are NaN or infinite")
    return prediction.double() if numbers else losses.answer(system.objective, prediction, cells)


def evaluate(model: HRM, system: System, task: Task, boards: Boards, batch: int = 256) -> Scores:
    """Return the scores of a model on boards."""
    device = next(model.parameters()).device
    return task.score(boards, predict(model, system, encode(system, task, boards, device), batch))
