"""Tasks: problems on boards of cells, in one protocol; each task is a part in a module of its own.

This package imports none of them, so that a trial rests on the sources of its own task alone.
"""

import hashlib
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Values = NDArray[Any]  # tokens and classes, int64; float64 where a task is real-valued


@dataclass(frozen=True, kw_only=True)
class Boards:
    """Problems with one stored answer each.

    A *puzzle* is what one identity stands for, with one board or several; a *group* holds the
    versions of one puzzle that augmentation made. Where a task has neither, each board is a puzzle
    and a group of its own, with the blank identity, 0.

    Args:
        inputs: Tokens [N, cells], each below the task's vocabulary.
        targets: The stored answer [N, cells], each below the task's classes.
        difficulty: [N], in the task's own unit.
        identities: [N], which puzzle embedding a board may use; 0 is the blank one.
        puzzles, groups: [N], ascending numbers; boards of one puzzle, puzzles of one group, stand
            side by side.
    """

    inputs: Values
    targets: Values
    difficulty: Floats
    identities: Ints = None  # type: ignore[assignment]  # filled in below
    puzzles: Ints = None  # type: ignore[assignment]
    groups: Ints = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        own = np.arange(len(self.inputs), dtype=np.int64)
        for name, default in (("identities", 0 * own), ("puzzles", own), ("groups", own)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    def __len__(self) -> int:
        return len(self.inputs)

    def digest(self) -> str:
        """Return the SHA-256 of all values, the same on every platform."""
        whole = hashlib.sha256()
        for field in fields(self):
            array = getattr(self, field.name)
            whole.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return whole.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Splits:
    """Boards in three disjoint sets: no input occurs twice, within a set or across sets."""

    train: Boards
    validation: Boards
    test: Boards


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores in 0 ... 1 per board, each of shape [N].

    Args:
        tokens: Share of all cells that are right. Given cells flatter it.
        unknown: Share of the unknown cells that are right: what counts as skill; 1 without any.
        exact: 1 where the prediction equals the stored answer.
        valid: 1 where the prediction is a valid answer, the stored one or another.
    """

    tokens: Floats
    unknown: Floats
    exact: Floats
    valid: Floats


@runtime_checkable
class Task(Protocol):
    """What every task offers.

    Three may be there beside: `ignored`, a class of targets that isn't learned; `identities`, the
    number of puzzle identities; and `digits`, how many tokens, from 1 on, are the answers' classes
    too, so that a board whose digits are exchanged for each other is a board with that answer.
    """

    @property
    def cells(self) -> int:
        """Cells per board."""

    @property
    def vocabulary(self) -> int:
        """Number of input tokens."""

    @property
    def classes(self) -> int:
        """Number of classes that a cell of the answer can have; 0 where it is real-valued."""

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return so many boards per split: equal arguments give equal boards on every platform.

        The test and validation sets don't change when the training set grows.

        Raises:
            UserError: If a number is negative, or so many different boards can't be found.
        """

    def encode(self, problem: Any) -> Values:
        """Return the input [cells] of a problem in its natural form, which the task names.

        Raises:
            UserError: If it isn't a problem of this task.
        """

    def decode(self, board: Values, prediction: Values | None = None) -> Any:
        """Return a board's problem in its natural form, or with a prediction the answer in its."""

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells [N, cells] the input leaves open."""

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return inputs for vector models, [N, cells * vocabulary]."""

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare predicted classes [N, cells] with the answers."""

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return what trivial methods predict for `boards`, [N, cells] by name.

        Every task has ``copy`` (what the input says already) and ``frequent`` (each position's
        most frequent class in the training targets), and at least one of its own.
        """

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether a prediction [cells] is a valid answer to one board's input [cells]."""

    @property
    def public_vocabulary(self) -> int:
        """Number of tokens in the field's file format, padding (0) included; 0 if it has none."""

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return inputs and labels as the field's files hold them; label 0 is ignored."""

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards from file inputs and labels, the inverse of `to_public`.

        Raises:
            UserError: If they aren't boards of this task.
        """

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a text picture of one board's input [cells], with a prediction or without."""
