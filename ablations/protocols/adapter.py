"""Models of users in our protocols: an adapter, and a part that configures it.

    class Theirs(Foreign):                      # a part: its fields are the arm's configuration
        width: int = 64

        def adapter(self) -> Adapter:
            from theirs import TheirAdapter     # what needs torch is imported here
            return TheirAdapter(self.width)

    Arm(label="theirs", part=Theirs(width=128))

`Train` treats such an arm like a `System`, with equal boards, budgets and scores. Nothing here
needs torch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrm.config.learning import Training
from hrm.config.parts import Part
from hrm.errors import Diverged
from hrm.tasks import Boards, Floats, Task, Values


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers of a model to boards.

    Args:
        predictions: Classes [N, cells], or numbers where the task's answers are real-valued.
        steps: Halting steps that each board took, [N]; ones where nothing halts.
    """

    predictions: Values
    steps: Floats


class Progress:
    """The reports of a training run, which the protocol stores.

    Args:
        training: The budget, which determines when `due` is true.
        score: Computes the mean score on the validation boards, given a function that answers
            boards.
    """

    def __init__(
        self, training: Training, score: Callable[[Callable[[Boards], Answers]], float]
    ) -> None:
        self.training, self._score = training, score
        self.losses: list[float] = []
        self.tasks: list[float] = []
        self.norms: list[float] = []
        self._steps: list[float] = []
        self.series: dict[str, list[float]] = {}
        self.points: list[tuple[int, float, float, float]] = []

    def updated(
        self,
        loss: float,
        *,
        norm: float = math.nan,
        steps: float = 1.0,
        task: float | None = None,
        **more: float,
    ) -> None:
        """Report an update: its loss, the gradient's norm, and the mean number of halting steps.

        `task` is the loss of the answer; None if it is the whole loss. `more` are further numbers
        by name; the names must be the same in every update.

        Raises:
            Diverged: If the loss isn't finite.
        """
        if not math.isfinite(loss):
            raise Diverged(len(self.losses) + 1, f"the loss is {loss}")
        self.losses.append(loss)
        self.tasks.append(loss if task is None else task)
        self.norms.append(norm)
        self._steps.append(steps)
        for name, value in more.items():
            self.series.setdefault(name, []).append(value)

    @property
    def due(self) -> bool:
        """Whether the validation boards are due after this update."""
        done = len(self.losses)
        return done % self.training.evaluate_every == 0 or done == self.training.updates

    def evaluated(self, answer: Callable[[Boards], Answers]) -> float:
        """Score the model on the validation boards, and return the score, higher being better.

        Args:
            answer: Answers boards, in evaluation mode.
        """
        since = self.points[-1][0] if self.points else 0
        score = self._score(answer)
        means = (float(np.mean(found[since:])) for found in (self.losses, self._steps))
        self.points.append((len(self.losses), *means, score))  # type: ignore[arg-type]
        return score

    def observations(self) -> dict[str, Any]:
        """Return the observations of the training, by name; each is an array."""
        names = ("evaluation_update", "evaluation_loss", "evaluation_steps", "evaluation_score")
        columns = zip(*self.points, strict=True) if self.points else ((),) * len(names)
        return {
            **{name: np.array(column) for name, column in zip(names, columns, strict=True)},
            "update_loss": np.array(self.losses, dtype=np.float32),
            "update_norm": np.array(self.norms, dtype=np.float32),
            **{
                f"update_{name}": np.array(values, dtype=np.float32)
                for name, values in self.series.items()
            },
        }


class Adapter(ABC):
    """A model under a protocol: how to build it, train it, and get its answers."""

    max_steps: int = 1  # halting steps that a board may take

    @abstractmethod
    def build(self, task: Task, seed: int, device: str) -> None:
        """Build the model for a task's boards on a device, with weights drawn from the seed."""

    @abstractmethod
    def train(self, training: Training, boards: Boards, seed: int, progress: Progress) -> None:
        """Take the optimiser steps of `training`, with an order of boards drawn from the seed.

        Call `progress.updated` after each step, and `progress.evaluated(self.answer)` whenever
        `progress.due` is true. Refuse settings that the adapter doesn't support with a `UserError`.

        Args:
            training: Optimiser, schedule and number of updates.
            boards: Inputs [N, cells], each below the task's vocabulary, and targets [N, cells].
            seed: Seed of the order.
            progress: Receives reports.
        """

    @abstractmethod
    def answer(self, boards: Boards) -> Answers:
        """Return the model's answers in evaluation mode."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """The number of parameters of the model."""

    def report(self) -> Mapping[str, Any]:
        """Return further observations of the run, by names of the adapter's own."""
        return {}

    @abstractmethod
    def weights(self) -> Mapping[str, Any]:
        """Return the model's tensors by name."""

    @abstractmethod
    def load(self, weights: Mapping[str, Any]) -> None:
        """Load tensors that `weights` returned."""


@dataclass(frozen=True, kw_only=True)
class Foreign(Part, ABC):
    """Base class of arms that aren't a `System`; their fields configure a user's model."""

    @abstractmethod
    def adapter(self) -> Adapter:
        """Return the adapter; torch and the model's own code are imported here."""
