"""What the views share: dictionaries held to a document's keys, and models that count cycles."""

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from hrm.config import Vector
from hrm.config.learning import System, Training
from hrm.config.parts import Part, require
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training.learner import Learner

P = TypeVar("P", bound=Part)
OURS = {"input_dim": "inputs", "output_dim": "outputs", "T": "low_steps"}  # the recipes' names


def read(kind: type[P], given: Any, where: str) -> P:
    """Return the part that a dictionary with a document's keys describes.

    Args:
        where: The document, for errors.

    Raises:
        UserError: If it isn't a dictionary, has an unknown key, lacks one, or a value is refused.
    """
    require(isinstance(given, Mapping), "config", given, "a dictionary", f"see {where}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in given:
        near = difflib.get_close_matches(str(name), fields, n=1)
        mend = f"did you mean {near[0]!r}?" if near else "leave it out"
        require(name in fields, "config's key", name, ", ".join(fields), mend)
    lacking = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and name not in given
    ]
    mend = f"give {', '.join(lacking)} as well, as {where} does"
    require(not lacking, "config", sorted(given), f"one with {', '.join(fields)}", mend)
    return kind(**given)


def arguments(config: Part) -> dict[str, Any]:
    """Return a configuration's values under the names of the recipe's arguments."""
    names = [field.name for field in dataclasses.fields(config)]
    return {OURS.get(name, name): getattr(config, name) for name in names}


def positive(part: Part, *names: str) -> None:
    """Refuse numbers below one.

    Raises:
        UserError: With the first of them.
    """
    for name in names:
        value = getattr(part, name)
        require(value >= 1, name, value, "1 or more", "raise it")


class CycleModel(nn.Module):
    """``output, cycles_used = model(x)`` and ``training_step``: what documents gru and v2 show.

    Weights, and what is drawn in training, come from torch's default generator: seed it by
    ``torch.manual_seed``. Adam's learning rate is 1e-3.

    Args:
        system: What it is a view of.
        device: Of the model; batches are moved there.
    """

    def __init__(self, system: System, device: str = "cpu") -> None:
        super().__init__()
        assert isinstance(system.model.embedding, Vector)
        self.model = HRM(system.model).to(device)
        self._size = system.model.embedding.size
        training = Training(updates=1)  # the rate is constant, however many there will be
        self._learner = Learner(self.model, system, training, torch.default_generator)

    @property
    def device(self) -> torch.device:
        """Where the model is now."""
        return self.model.start_low.value.device

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return predictions [B, output_dim] and the cycles of each sample [B]; x: [B, input_dim].

        Raises:
            UserError: If x has another shape.
        """
        x = self._moved("x", x, self._size)
        noise = None
        if self.training:
            noise = self.model.draw(len(x), torch.default_generator).to(self.device)
        found = self.model(x, noise)
        return found.prediction, found.run.steps

    def training_step(self, x: Tensor, y: Tensor, criterion: nn.Module) -> dict[str, float]:
        """Take one optimiser step on a batch and return what it measured.

        Args:
            x: [B, input_dim]. y: [B, output_dim].
            criterion: ``nn.MSELoss()``; rewards are made of each sample's squared error.

        Returns:
            loss, task_loss, policy_loss, baseline_loss, cycles_mean.

        Raises:
            UserError: If a shape is another, or the criterion.
            FloatingPointError: If the loss isn't finite; no step is taken then.
        """
        require(
            isinstance(criterion, nn.MSELoss) and criterion.reduction == "mean",
            "criterion",
            criterion,
            "nn.MSELoss(), since each sample's reward is its squared error",
            "pass that one, or train another objective by hrm.training.learner.Learner",
        )
        inputs = self._moved("x", x, self._size)
        targets = self._moved("y", y, self.model.config.readout.size)
        rows = f"{len(inputs)} rows, as x has"
        require(len(targets) == len(inputs), "y", f"{len(targets)} rows", rows, "pass as many")
        self.train()
        return self._learner.training_step(Batch(inputs, None, targets))

    def _moved(self, name: str, tensor: Tensor, size: int) -> Tensor:
        require(
            tensor.dim() == 2 and tensor.shape[1] == size and tensor.is_floating_point(),
            name,
            f"{tensor.dtype} of shape {list(tensor.shape)}",
            f"floats of shape [batch, {size}]",
            "reshape it, or build the model with other input_dim and output_dim",
        )
        return tensor.to(self.device)
