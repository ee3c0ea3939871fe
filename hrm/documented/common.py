"""Functions shared by the views: options under a document's names, models that count cycles."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, nn

from hrm.config import Vector
from hrm.config.learning import System, Training
from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.recipes.names import nearest
from hrm.system import environment
from hrm.training.learner import Learner
from hrm.training.losses import AnswerLoss
from hrm.training.objectives import PolicyGradient

P = TypeVar("P", bound="DocumentOptions")
OURS = {"input_dim": "inputs", "output_dim": "outputs", "T": "low_steps"}  # the recipes' names


class _Held(type):
    """A metaclass that checks the names of arguments."""

    def __call__(cls, *positional: Any, **given: Any) -> Any:
        require(not positional, cls.__name__, positional, "names with values", "write name=value")
        fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        defaults = {
            name: field.default
            for name, field in fields.items()
            if field.default is not dataclasses.MISSING
        }
        for name in given:
            if name not in fields:
                near = nearest(str(name), fields)
                mend = f"did you mean {near!r}?" if near else "leave it out"
                raise UserError(f"option is {name!r}; allowed are {', '.join(fields)}; {mend}")
        lacking = [name for name in fields if name not in defaults and name not in given]
        if lacking:
            optional = ", ".join(f"{name} ({value!r})" for name, value in defaults.items())
            raise UserError(
                f"options are {', '.join(given) or 'none'}; allowed are all of "
                f"{', '.join(name for name in fields if name not in defaults)}, and these, which "
                f"have defaults: {optional}; give {', '.join(lacking)} as well"
            )
        return super().__call__(**given)


class DocumentOptions(Part, abstract=True, metaclass=_Held):
    """Options under a document's names.

    Raises:
        UserError: If a name isn't one of the document (the error suggests the right one, also for
            names of other documents), if a required name is missing (the error lists all names,
            with their defaults), or if a value is refused.
    """


def read(kind: type[P], given: Any, where: str) -> P:
    """Return the options that a dictionary with a document's keys describes.

    Args:
        kind: The class of options.
        given: The dictionary.
        where: The document, for error messages.

    Raises:
        UserError: If it isn't a dictionary, or as `DocumentOptions`.
    """
    require(isinstance(given, Mapping), "config", given, "a dictionary", f"see {where}")
    return kind(**{str(name): value for name, value in given.items()})


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


def described(value: Any) -> str:
    """Return a description of a value that should be a tensor, for an error message."""
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    return f"{value.dtype} of shape {list(value.shape)}"


def whole(value: Any) -> bool:
    """Return whether this is a tensor of whole numbers."""
    return isinstance(value, Tensor) and not (
        value.is_floating_point() or value.is_complex() or value.dtype == torch.bool
    )


class View(nn.Module):
    """A module that refuses to move to a device that doesn't exist."""

    def to(self, *where: Any, **named: Any) -> Self:
        """Move or convert the module, as `torch.nn.Module.to`.

        Raises:
            UserError: If the device doesn't exist.
        """
        for value in (*where, *named.values()):
            if isinstance(value, (str, torch.device)):
                environment.known(str(value))
        return super().to(*where, **named)

    def cuda(self, device: int | torch.device | None = None) -> Self:
        """Move to a GPU.

        Raises:
            UserError: If there is none.
        """
        environment.known(f"cuda:{device}" if isinstance(device, int) else str(device or "cuda"))
        return super().cuda(device)


def per_sample(criterion: Any) -> AnswerLoss:
    """Return a function that computes a criterion's loss per sample, [B], as mean over elements.

    Args:
        criterion: A criterion of torch, such as ``nn.MSELoss()`` or ``nn.SmoothL1Loss()``, or any
            function of (prediction, target) that returns a loss per element or per sample.

    Raises:
        UserError: If the criterion sums losses; when it is called, if it returns no loss per
            sample.
    """
    each = copy.copy(criterion)
    reduction = getattr(criterion, "reduction", "none")
    require(
        callable(criterion) and reduction in ("mean", "none"),
        "criterion",
        criterion,
        "a function of (prediction, target) with reduction 'mean' or 'none'",
        "pass such as nn.MSELoss() or nn.SmoothL1Loss()",
    )
    if hasattr(each, "reduction"):
        each.reduction = "none"

    def answer(prediction: Tensor, target: Tensor) -> Tensor:
        found: Tensor = each(prediction, target)
        require(
            found.dim() > 0 and len(found) == len(prediction),
            "criterion",
            f"one whose loss has shape {list(found.shape)} for {len(prediction)} samples",
            "an elementwise one, since each sample's reward is its own loss",
            "pass one that gives a loss for each element, such as nn.L1Loss()",
        )
        return found.flatten(1).mean(1) if found.dim() > 1 else found

    return answer


class CycleModel(View):
    """``output, cycles_used = model(x)`` and ``training_step``: what documents gru and v2 show.

    Weights and the draws of training come from torch's default generator; seed it with
    ``torch.manual_seed``. The learning rate of Adam is 1e-3.

    Args:
        system: The system to view.
        device: Device of the model; batches are moved there.

    Raises:
        UserError: If the device doesn't exist.
    """

    def __init__(self, system: System, device: str = "cpu") -> None:
        super().__init__()
        assert isinstance(system.model.embedding, Vector)
        self.model = HRM(system.model).to(environment.known(device))
        self._size = system.model.embedding.size
        training = Training(updates=1)  # the rate is constant, however many there will be
        self._learner = Learner(self.model, system, training, torch.default_generator)

    @property
    def device(self) -> torch.device:
        """The current device of the model."""
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

    def training_step(self, x: Tensor, y: Tensor, criterion: Any) -> dict[str, float]:
        """Take one optimiser step on a batch and return its measurements.

        Args:
            x: Inputs, [B, input_dim].
            y: Targets, [B, output_dim].
            criterion: ``nn.MSELoss()``, or any other elementwise criterion, see `per_sample`;
                rewards are computed from the loss of each sample.

        Returns:
            loss, task_loss, policy_loss, baseline_loss and cycles_mean.

        Raises:
            UserError: If a shape is wrong, or the criterion is refused.
            FloatingPointError: If the loss isn't finite; no step is taken then.
        """
        assert isinstance(self._learner.objective, PolicyGradient)
        self._learner.objective.answer = per_sample(criterion)
        inputs = self._moved("x", x, self._size)
        targets = self._moved("y", y, self.model.config.readout.size)
        rows = f"{len(inputs)} rows, as x has"
        require(len(targets) == len(inputs), "y", f"{len(targets)} rows", rows, "pass as many")
        self.train()
        return self._learner.training_step(Batch(inputs, None, targets))

    def _moved(self, name: str, tensor: Any, size: int) -> Tensor:
        """Return a batch where the model is, in the precision of its weights."""
        require(
            isinstance(tensor, Tensor)
            and tensor.dim() == 2
            and len(tensor) > 0
            and tensor.shape[1] == size
            and tensor.is_floating_point(),
            name,
            described(tensor),
            f"floats of shape [batch, {size}], one row or more",
            "reshape it, or build the model with other input_dim and output_dim",
        )
        moved: Tensor = tensor.to(self.model.start_low.value)
        return moved
