"""Answers of stored models to a user's own problems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hrm.config.learning import System
from hrm.config.parts import require
from hrm.data.arcs import Asked, named
from hrm.data.forms import Problem
from hrm.data.tokens import classes
from hrm.errors import UserError
from hrm.recipes.sizing import sizes, wanted
from hrm.tasks import Boards, Task, Values
from hrm.tasks.arc.data import Augmentation
from hrm.tasks.arc.scoring import Submission, attempts, ranked
from hrm.tasks.arc.tokens import cut_out, embedded
from hrm.training.plans import Plan
from hrm.training.scoring import answers, readable
from hrm.training.stored import Stored, resized


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """A model's answer.

    Args:
        name: Name of the problem.
        board: The input, [cells].
        prediction: The predicted classes, [cells].
        valid: Whether the answer is valid by the rules of the task.
        steps: Number of halting steps that it took.
    """

    name: str
    board: Values
    prediction: Values
    valid: bool
    steps: float


class Answering:
    """The model of a run's best checkpoint, or of one checkpoint.

    Args:
        found: From `runs.stored`.
        task: The task whose problems are answered; its size may differ from that in training.
        steps: Halting steps that every problem takes; None for those of the run's evaluation.
        device: Device of the computation.

    Raises:
        UserError: If the checkpoint can't be read, or isn't of the task's shapes.
    """

    def __init__(
        self,
        found: Stored,
        task: Task,
        *,
        steps: int | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        require(steps is None or steps >= 1, "steps", steps, "1 or more", "leave it out")
        self.plan: Plan = found.plan
        self.task, self.steps = task, steps
        self.system: System = resized(found, task.cells).plan.system
        self.model = found.model(self.system.model, device)

    def problems(self, problems: Sequence[Problem]) -> list[Answer]:
        """Return answers to problems in their natural form.

        Raises:
            UserError: If one isn't a problem of the task, or an answer isn't finite.
        """
        inputs = []
        for problem in problems:
            try:
                inputs.append(self.task.encode(problem.problem))
            except UserError as error:
                raise UserError(f"{problem.name}: {error}") from error
        boards = _asked(np.stack(inputs))
        found, taken = self.boards(boards)
        return [
            Answer(
                name=problem.name,
                board=board,
                prediction=answer,
                valid=self.task.check(board, answer),
                steps=float(count),
            )
            for problem, board, answer, count in zip(
                problems, boards.inputs, found, taken, strict=True
            )
        ]

    def arc(self, tasks: Sequence[Asked]) -> tuple[Submission, list[str]]:
        """Return two attempts per test, by a vote over all versions of its task that are known.

        Args:
            tasks: From `hrm.data.arcs.read`.

        Returns:
            The submission, and the names of the tasks that the model wasn't trained on, which it
            answers with the blank identity.
        """
        names, votes = self._names(), dict[tuple[str, int], list[Any]]()
        rows, whose, unknown = [], [], []
        for each in tasks:
            task = each.task
            versions = {i: _augmentation(suffix) for i, suffix in named(names, task.name).items()}
            if not versions:
                unknown.append(task.name)
                versions = {0: Augmentation()}
            for number, pair in enumerate(task.tests):
                votes[task.name, number] = []
                for identity, augmentation in versions.items():
                    rows.append((embedded(augmentation.apply(pair.input)), identity))
                    whose.append((task.name, number, augmentation))
        if not rows:
            raise UserError("the tasks have no test; allowed is one or more; give other tasks")
        boards = _asked(np.stack([row for row, _ in rows]), np.array([i for _, i in rows]))
        found, _ = self.boards(boards)
        for (name, number, made), grid in zip(whose, cut_out(boards.inputs, found), strict=True):
            votes[name, number].append((made.undo(grid) if grid.size else grid, 0.0))
        submission: Submission = {each.task.name: [] for each in tasks}
        for (name, _), ballots in votes.items():
            submission[name].append(attempts(ranked(ballots)))
        return submission, unknown

    def boards(self, boards: Boards) -> tuple[Values, Values]:
        """Return the predicted classes, [N, cells], and the halting steps, [N].

        A public token that stands for no class in its cell counts as class 0.

        Raises:
            UserError: If the boards aren't of the model's shapes, or an answer isn't finite.
        """
        has = sizes(self.system.model)
        seen, read = readable(self.system, self.task, boards)
        known = has.get("identities")
        needs = wanted(self.plan.recipe, self.system.model, seen, read, known)
        for name, size in needs.items():
            require(
                has[name] == size,
                f"{type(self.task).__name__}'s {name}",
                size,
                f"{has[name]}, what the checkpoint was trained for",
                "give problems of that shape",
            )
        try:
            found, taken = answers(self.model, self.system, seen, read, steps=self.steps)
        except FloatingPointError as error:
            raise UserError(
                f"the checkpoint gives no numbers ({error}); allowed are weights that do; name "
                f"another"
            ) from error
        if read is not boards:
            found = np.maximum(classes(self.task)[boards.inputs, found], 0)
        return found, taken

    def _names(self) -> Sequence[str]:
        """Return the names of the identities that the model knows."""
        if self.plan.data is not None:
            return self.plan.data.read("train").identifiers
        task: Any = self.plan.task
        names: list[str] = task.identifiers(self.plan.data_seed)
        return names


def _augmentation(suffix: str) -> Augmentation:
    """Return the augmentation that a suffix describes in the notation of the public builder."""
    if not suffix:
        return Augmentation()
    turned, _, colours = suffix.partition("_")
    try:
        return Augmentation(
            dihedral=int(turned.removeprefix("t")), colours=tuple(int(c) for c in colours)
        )
    except ValueError as error:
        raise UserError(
            f"a task's version is called {suffix!r}; allowed is such as t3_0213456789; build the "
            f"data again"
        ) from error


def _asked(inputs: Values, identities: Any = None) -> Boards:
    """Return boards without answers."""
    zeros = np.zeros(len(inputs))
    return Boards(
        inputs=inputs, targets=np.zeros_like(inputs), difficulty=zeros, identities=identities
    )
