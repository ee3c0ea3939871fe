"""Seconds that tasks take to generate boards and to score answers, without a model.

`Boards.time_generate` generates 24 boards (16 for training, 4 for validation, 4 for testing).
`Scoring.time_score` scores 256 answers ten times: the stored answers with every fifth cell changed.
"""

from importlib import import_module
from typing import Any

import numpy as np

from bench.timed import Suite, Timed, times

boards = {"train": 16, "validation": 4, "test": 4}
scored, scorings = 256, 10
_made: dict[str, tuple[str, dict[str, Any]]] = {
    "coloring": ("Coloring", {"vertices": 8, "colors": 4}),
    "hanoi": ("Hanoi", {}),
    "logic": ("Logic", {}),
    "maze": ("Maze", {"size": 7}),
    "pattern": ("Pattern", {}),
    "recall": ("Recall", {}),
    "regression": ("Regression", {"size": 64}),
    "sudoku": ("Sudoku", {"size": 4}),
    "sudoku 9 x 9": ("Sudoku", {"clues": 30}),
}


def task(name: str) -> Any:
    """Return a task."""
    kind, settings = _made[name]
    return getattr(import_module(f"hrm.tasks.{name.partition(' ')[0]}"), kind)(**settings)


class Boards(Suite):
    """Generation of a task's boards, by task."""

    params = (tuple(_made),)
    param_names = ("task",)
    rounds = 1

    @classmethod
    def make(cls, name: str) -> Timed:
        made = task(name)
        return lambda: made.generate(1, **boards)

    def time_generate(self, name: str) -> None:
        """Boards."""
        self.call()


class Scoring(Suite):
    """Scoring of a task's answers, by task."""

    params = Boards.params
    param_names = ("task",)
    rounds = 1

    @classmethod
    def make(cls, name: str) -> Timed:
        made = task(name)
        few = made.generate(1, **boards).train
        rows = np.arange(scored) % len(few)
        stored = type(few)(
            inputs=few.inputs[rows], targets=few.targets[rows], difficulty=few.difficulty[rows]
        )
        answers = stored.targets.copy()
        answers[:, ::5] = stored.targets[::-1, ::5]
        return times(scorings, lambda: made.score(stored, answers))

    def time_score(self, name: str) -> None:
        """Score all 256 answers ten times."""
        self.call()
