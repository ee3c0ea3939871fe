"""The boards of a run, generated once per process and cached on disk, and scores of answers."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.protocols.adapter import Answers
from ablations.specs.protocols import Boards
from hrm.data import cache
from hrm.tasks import Boards as Dealt
from hrm.tasks import Scores, Splits, Task


@dataclass(frozen=True)
class Table:
    """A task with its boards, and the scores of trivial methods on the test boards."""

    task: Task
    splits: Splits

    @functools.cached_property
    def trivial(self) -> tuple[str, Scores]:
        """The best trivial method on unknown cells: its name, and its scores."""
        guesses = self.task.baselines(self.splits.train, self.splits.test)
        scores = {n: self.task.score(self.splits.test, guess) for n, guess in guesses.items()}
        best = max(scores, key=lambda name: float(scores[name].unknown.mean()))
        return best, scores[best]

    @functools.cached_property
    def unknown(self) -> NDArray[np.int64]:
        """Number of unknown cells of each test board, [N]; 1 for boards without any."""
        counts: NDArray[np.int64] = self.task.unknown(self.splits.test.inputs).sum(axis=1)
        return np.maximum(counts, 1)

    def validation(self, answers: Answers) -> dict[str, float]:
        """Return means over the validation boards, of answers to them.

        They are the `score`, accuracy on unknown cells; the halting steps `taken`; and where
        answers are numbers, their squared `error`.
        """
        boards = self.splits.validation
        scores = self.task.score(boards, answers.predictions)
        found = {"score": float(scores.unknown.mean()), "taken": float(answers.steps.mean())}
        if not self.task.classes:
            found["error"] = float(squared_errors(boards, answers.predictions).mean())
        return found

    def right(self, predictions: NDArray[Any]) -> NDArray[Any]:
        """Return how many unknown cells of each test board are right, [N]."""
        return compact(self.task.score(self.splits.test, predictions).unknown * self.unknown)

    def scored(self, answers: Answers) -> dict[str, Any]:
        """Return the observations of answers to the test boards, by name; each is an array [N].

        For real-valued answers, `error` is the mean squared error of each board. For a mixture of
        tasks, `task` is the index of each board's task.
        """
        boards = self.splits.test
        found = self.task.score(boards, answers.predictions)
        method, trivial = self.trivial
        numbers = not self.task.classes
        error = {"error": squared_errors(boards, answers.predictions)} if numbers else {}
        return {
            **error,
            "right": compact(found.unknown * self.unknown),
            "unknown": compact(self.unknown),
            "all_right": compact(found.tokens * self.task.cells),
            "cells": self.task.cells,
            "exact": compact(found.exact),
            "valid": compact(found.valid),
            "steps": compact(answers.steps),
            "difficulty": compact(boards.difficulty),
            "trivial_right": compact(trivial.unknown * self.unknown),
            "trivial_all_right": compact(trivial.tokens * self.task.cells),
            "trivial_method": method,
            **self._kinds(),
        }

    def shown(self, split: str, count: int | None) -> "Table":
        """Return a table whose test boards are the first `count` of a split, or all of them."""
        chosen: Dealt = getattr(self.splits, split)
        first = Dealt(**{f.name: getattr(chosen, f.name)[:count] for f in fields(Dealt)})
        return Table(self.task, replace(self.splits, test=first))

    def _kinds(self) -> dict[str, Any]:
        kinds: Callable[[Any], NDArray[Any]] | None = getattr(self.task, "kinds", None)
        return {} if kinds is None else {"task": compact(kinds(self.splits.test.inputs))}


def squared_errors(boards: Dealt, predictions: NDArray[Any]) -> NDArray[np.float32]:
    """Return the mean squared error of each board's numbers, [N]."""
    errors: NDArray[np.float32] = ((predictions - boards.targets) ** 2).mean(1).astype(np.float32)
    return errors


def table(boards: Boards, seed: int) -> Table:
    """Return the boards of a run: those of the data seed, or else of the run's seed.

    They are kept for the process's next runs, and on disk in `hrm.data.cache.default_folder()`.

    Raises:
        UserError: If there aren't enough different boards.
    """
    return _table(boards, seed if boards.seed is None else boards.seed)


@functools.lru_cache(maxsize=8)
def _table(boards: Boards, seed: int) -> Table:
    task = boards.task
    assert isinstance(task, Task), task
    return Table(task, cache.load(task, seed, boards.train, boards.validation, boards.test))


def compact(values: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers in their smallest type, others as they are.

    Values within 1e-9 of a whole number, such as a share times a count, count as whole.
    """
    rounded = np.rint(values)
    whole = np.isfinite(values).all() and (np.abs(values - rounded) < 1e-9).all()
    if not whole or not values.size:
        return values
    ends = map(np.min_scalar_type, (int(rounded.min()), int(rounded.max())))
    whole_numbers: NDArray[Any] = rounded.astype(np.result_type(*ends))
    return whole_numbers
