"""Models that aren't ours, under our protocols: an adapter, and a part that names it.

    class Theirs(Foreign):                      # a part: its fields are the arm's configuration
        width: int = 64

        def adapter(self) -> Adapter:
            from theirs import TheirAdapter     # what needs torch is imported here
            return TheirAdapter(self.width)

    Arm(label="theirs", part=Theirs(width=128))

`Train` treats it as it treats a `System`: equal boards, budgets and scores. Nothing here needs
torch.
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
    """What a model answers to boards.

    Args:
        predictions: Classes [N, cells], or numbers where the task's answers are real-valued.
        steps: Halting steps that each board took, [N]; ones where nothing halts.
    """

    predictions: Values
    steps: Floats


class Progress:
    """What a training run reports while it goes on; the protocol keeps it.

    Args:
        training: The budget: `due` follows from it.
        score: Mean score of answers to the validation boards; it is given what answers boards.
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

        `task` is the answer's part of the loss, all of it if None; `more` are numbers by names of
        the model's own, equal ones in every update.

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
        """Return what the protocol stores, an array each."""
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
    """One model under a protocol: built, trained, asked."""

    max_steps: int = 1  # halting steps that a board may take

    @abstractmethod
    def build(self, task: Task, seed: int, device: str) -> None:
        """Make the model for a task's boards, its weights drawn from the seed, on a device."""

    @abstractmethod
    def train(self, training: Training, boards: Boards, seed: int, progress: Progress) -> None:
        """Take the optimiser steps that `training` asks for, the order drawn from the seed.

        Call `progress.updated` after each of them, and `progress.evaluated(self.answer)` whenever
        `progress.due`. What an adapter can't do as asked, it refuses with a `UserError`.

        Args:
            boards: Inputs [N, cells], each below the task's vocabulary, targets [N, cells].
        """

    @abstractmethod
    def answer(self, boards: Boards) -> Answers:
        """Return what the model answers, in evaluation mode."""

    @property
    @abstractmethod
    def parameters(self) -> int:
        """How many parameters the model has."""

    def report(self) -> Mapping[str, Any]:
        """Return what else the model has to tell of its run, by names of its own."""
        return {}

    @abstractmethod
    def weights(self) -> Mapping[str, Any]:
        """Return the model's tensors by name."""

    @abstractmethod
    def load(self, weights: Mapping[str, Any]) -> None:
        """Take tensors that `weights` returned."""


@dataclass(frozen=True, kw_only=True)
class Foreign(Part, ABC):
    """An arm that isn't a `System`: its fields configure a model of anybody's."""

    @abstractmethod
    def adapter(self) -> Adapter:
        """Return what runs it; torch and the model's own code are imported here."""
