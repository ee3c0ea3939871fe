"""A task small enough to see through: the answer is the input, backwards."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from hrm.config.parts import Part
from hrm.data.writing import write
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Splits


@dataclass(frozen=True, kw_only=True)
class Backwards(Part):
    """Tokens 0, 1, 2; in files 1, 2, 3, and an answer of 0 is ignored."""

    cells: int = 3
    public_vocabulary: int = 4
    real: bool = False

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        if seed < 0:
            raise UserError("data seed is negative")
        random = np.random.default_rng(seed)
        return Splits(
            **{
                name: self.boards(random.integers(0, 3, (size, self.cells)))
                for name, size in (("train", train), ("validation", validation), ("test", test))
            }
        )

    def boards(self, inputs: Ints, **structure: Ints) -> Boards:
        values = inputs / 7 if self.real else inputs
        return Boards(
            inputs=values,
            targets=values[:, ::-1].copy(),
            difficulty=inputs.sum(axis=1).astype(np.float64),
            **structure,
        )

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        return boards.inputs + 1, np.where(boards.targets == 0, 0, boards.targets + 1)

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        return self.boards(inputs - 1)


@pytest.fixture(scope="session")
def backwards() -> Callable[..., Backwards]:
    return Backwards


@pytest.fixture
def task(backwards):
    return backwards()


@pytest.fixture
def boards(task):
    """Seven boards; puzzles of 2, 1, 3 and 1 boards; groups of 1, 2 and 1 puzzles."""
    inputs = np.array([[i % 3, i // 3, 1] for i in range(7)])
    return task.boards(
        inputs,
        identities=np.array([1, 1, 2, 3, 3, 3, 0]),
        puzzles=np.array([4, 4, 5, 7, 7, 7, 8]),
        groups=np.array([0, 0, 1, 1, 1, 1, 5]),
    )


@pytest.fixture
def folder(tmp_path, task, boards):
    write(
        tmp_path / "set",
        task,
        {"train": [boards], "test": [boards]},
        identifiers=("<blank>", "a", "b", "c"),
    )
    return tmp_path / "set"
