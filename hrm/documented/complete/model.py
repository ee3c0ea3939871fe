"""Document complete: a model, its trainer, tasks by name.

The model is as coded (`hrm.recipes.complete`). Its training is as the text says: Adam-atan2, AdamW
with learning rate 1e-4 for halting, gradients clipped at norm 1.
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

import hrm.model
from hrm import recipes
from hrm.config import Compacted, Series, Transformer
from hrm.config.learning import AdamAtan2, System, Training
from hrm.config.parts import Part, require
from hrm.documented.common import View, described
from hrm.errors import Diverged
from hrm.model.execution import Batch
from hrm.training import loop, losses
from hrm.training.learner import Learner, evaluating

# By the names of their modules, with what the document says of them where a task needs to be told.
TASKS: Mapping[str, Mapping[str, Any]] = {
    "sudoku": {},
    "maze": {"size": 15},
    "pattern": {},
    "hanoi": {},
    "logic": {},
    "coloring": {},
    "arc": {},
}


class HRM(View):
    """Levels of unequal widths on a series of vectors.

    The widths that the document names (32/16, 64/32, 128/64, 512/256) have its layers and heads;
    other widths have those of the second. Weights are drawn from torch's default generator.

    Args:
        input_dim: Width of the input at each position.
        output_dim: Classes at each position.
        h_dim: Width of the high level.
        l_dim: Width of the low level.
        positions: Largest number of positions.
        per_sample: Whether each sample stops on its own in evaluation; as coded, the batch stops as
            one.
        more: Other arguments of `hrm.recipes.complete`, such as max_steps.

    Raises:
        UserError: If the arguments are impossible.

    Source: document complete, "Single Task Training" and "Model Configurations".
    """

    def __init__(
        self,
        input_dim: int,
        h_dim: int,
        l_dim: int,
        output_dim: int,
        *,
        positions: int = 900,
        per_sample: bool = False,
        **more: Any,
    ) -> None:
        super().__init__()
        sizes = {"input_dim": input_dim, "h_dim": h_dim, "l_dim": l_dim, "output_dim": output_dim}
        _numbers(sizes)
        self.system: System = recipes.complete(
            inputs=input_dim,
            outputs=output_dim,
            positions=positions,
            h_dim=h_dim,
            l_dim=l_dim,
            **{**_layers(h_dim, l_dim), **more},
        )
        if per_sample:
            apart = replace(self.system.model, evaluation=Compacted())
            self.system = replace(self.system, model=apart)
        self.model = hrm.model.HRM(self.system.model)

    def forward(self, x: Tensor) -> Tensor:
        """Return class probabilities [B, S, output_dim] for x: [B, S, input_dim].

        Raises:
            UserError: If x has another shape.
        """
        prediction: Tensor = self.model(self.checked(x)).prediction
        return prediction

    def steps(self, x: Tensor) -> Tensor:
        """Return the number of halting steps of each sample, [B].

        Raises:
            UserError: If x has another shape.
        """
        with torch.no_grad():
            taken: Tensor = self.model(self.checked(x)).run.steps
        return taken

    def checked(self, x: Any) -> Tensor:
        """Return x in the precision of the weights, checked to have the model's input shape.

        Raises:
            UserError: If it has another shape.
        """
        part = self.system.model.embedding
        assert isinstance(part, Series)
        require(
            isinstance(x, Tensor)
            and x.dim() == 3
            and x.is_floating_point()
            and x.numel() > 0
            and x.shape[1] <= part.positions
            and x.shape[2] == part.size,
            "x",
            described(x),
            f"floats of shape [batch, at most {part.positions}, {part.size}], one row or more",
            "reshape it, or build the model with other positions and input_dim",
        )
        found: Tensor = x.to(self.model.start_low.value.dtype)
        return found


def _numbers(given: Mapping[str, Any]) -> None:
    """Refuse what isn't a whole number of 1 or more."""
    for name, value in given.items():
        holds = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        require(holds, name, value, "1 or more, a whole number", "change it")


def _layers(h_dim: int, l_dim: int) -> dict[str, int]:
    """Return layers and heads of the documented size with these widths; {} if there is none."""
    for name, recipe in recipes.named.items():
        model = recipe.make().model if name.startswith("complete-") else None
        if model is None or (model.high.width, model.low.width) != (h_dim, l_dim):
            continue
        assert isinstance(model.low, Transformer) and isinstance(model.high, Transformer)
        return {
            "h_layers": model.high.layers,
            "l_layers": model.low.layers,
            "h_heads": model.high.heads,
            "l_heads": model.low.heads,
        }
    return {}


def task_of(name: str, fields: Mapping[str, Any]) -> Any:
    """Return a task by its name in `TASKS`, with some fields set.

    Raises:
        UserError: If there's no such task or field.
    """
    require(name in TASKS, "task_name", name, ", ".join(TASKS), "take one of them")
    importlib.import_module(f"hrm.tasks.{name}")
    return Part.from_json({"kind": name.capitalize(), **TASKS[name], **fields})


class EnhancedDatasetLoader:
    """Loads boards of our tasks by name."""

    @staticmethod
    def get_dataloader(
        task_name: str,
        num_samples: int = 1000,
        batch_size: int = 32,
        *,
        shuffle: bool = True,
        seed: int = 0,
        **fields: Any,
    ) -> DataLoader[tuple[Tensor, ...]]:
        """Return batches of inputs [B, S, 1], floats, and targets [B, S], classes.

        Args:
            task_name: One of `TASKS`.
            num_samples: Number of boards.
            batch_size: Boards per batch; the last batch may be smaller.
            shuffle: Whether boards are shuffled in each epoch.
            seed: Seed of boards and order.
            fields: Fields of the task, such as ``size=15`` of a maze.

        Raises:
            UserError: If there is no such task or field, or there aren't enough boards.
        """
        _numbers({"num_samples": num_samples, "batch_size": batch_size})
        task = task_of(task_name, fields)
        boards = task.generate(seed, num_samples, 0, 0).train
        data = loop.encode(recipes.complete(), task, boards)
        order = torch.Generator().manual_seed(loop.stream(seed, "order"))
        return DataLoader(
            TensorDataset(data.inputs, data.targets), batch_size, shuffle, generator=order
        )


class HRMTrainerFixed:
    """Trains a model epoch by epoch.

    Args:
        model: The model, trained in place.
        learning_rate: Learning rate of Adam-atan2.

    Source: document complete, "Single Task Training" and "Advanced Training".
    """

    def __init__(self, model: HRM, learning_rate: float = 1e-3) -> None:
        self.model = model
        how = Training(
            updates=1,  # the rate is constant, so that the number of updates has no effect
            optimiser=AdamAtan2(),
            learning_rate=learning_rate,
            halting_rate=1e-4,
            clip=1.0,
        )
        self._learner = Learner(model.model, model.system, how, torch.default_generator)
        self.updates = 0

    def train_epoch_simple(
        self, dataloader: DataLoader[tuple[Tensor, ...]], epoch: int
    ) -> dict[str, float]:
        """Take one optimiser step on each batch; then score the model on all batches.

        Returns:
            epoch; update (total so far); mean loss; mean halting steps; accuracy (share of right
            cells after the epoch); trivial (accuracy of the better of two methods that learn
            nothing: the most frequent class everywhere, or the input).

        Raises:
            UserError: If boards don't fit the model.
            Diverged: If the loss isn't finite.
        """
        self.model.train()
        found = []
        for batch in self._batches(dataloader):
            self.updates += 1
            try:
                found.append(self._learner.training_step(batch))
            except FloatingPointError as error:
                raise Diverged(self.updates, str(error)) from error
        require(bool(found), "dataloader", "empty", "one with a batch or more", "ask for samples")
        return {
            "epoch": float(epoch),
            "update": float(self.updates),
            "loss": float(np.mean([each["loss"] for each in found])),
            "steps": float(np.mean([each["cycles_mean"] for each in found])),
            **self._accuracy(dataloader),
        }

    def _accuracy(self, dataloader: DataLoader[tuple[Tensor, ...]]) -> dict[str, float]:
        right = cells = copied = 0
        counts = torch.zeros(self.model.system.model.readout.size, dtype=torch.int64)
        with evaluating(self.model.model):
            for inputs, _, targets in self._batches(dataloader):
                assert targets is not None
                prediction = self.model(inputs)
                answer = losses.answer(self.model.system.objective, prediction, targets.shape[1])
                right += int((answer == targets).sum())
                cells += targets.numel()
                if inputs.numel() == targets.numel():  # numbers per cell, which can be copied
                    copied += int((inputs.view_as(targets) == targets).sum())
                counts += targets.flatten().bincount(minlength=len(counts)).cpu()
        return {"accuracy": right / cells, "trivial": max(int(counts.max()), copied) / cells}

    def _batches(self, dataloader: DataLoader[tuple[Tensor, ...]]) -> "list[Batch]":
        device = self.model.model.start_low.value.device
        classes = self.model.system.model.readout.size
        batches = []
        for inputs, targets in dataloader:
            largest = int(targets.max())
            require(
                largest < classes,
                "output_dim",
                classes,
                f"{largest + 1} or more for these boards",
                "build the model with a larger one",
            )
            batches.append(Batch(self.model.checked(inputs).to(device), None, targets.to(device)))
        return batches
