"""Tasks: problems on boards of cells, with one protocol; each task is a part in its own module.

This package imports none of them, so that the fingerprint of a trial covers only its own task.
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
        puzzles: Number of each board's puzzle, ascending, [N].
        groups: Number of each board's group, ascending, [N].
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
        tokens: Share of all cells that are right. Given cells inflate it.
        unknown: Share of the unknown cells that are right, the measure of skill; 1 if there are
            none.
        exact: 1 where the prediction equals the stored answer.
        valid: 1 where the prediction is a valid answer, the stored one or another.
    """

    tokens: Floats
    unknown: Floats
    exact: Floats
    valid: Floats


@runtime_checkable
class Task(Protocol):
    """The protocol of all tasks.

    Three attributes are optional: `ignored`, a class of targets that isn't learned; `identities`,
    the number of puzzle identities; and `digits`, the number of tokens, from 1 on, that are classes
    of the answer as well and may be permuted: a board with permuted digits has the permuted answer.
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
        """Generate boards for each split; equal arguments give equal boards on every platform.

        The test and validation sets don't change when the training set grows.

        Raises:
            UserError: If a number is negative, or there aren't enough different boards.
        """

    def encode(self, problem: Any) -> Values:
        """Return the input [cells] of a problem in its natural form, which the task names.

        Raises:
            UserError: If it isn't a problem of this task.
        """

    def decode(self, board: Values, prediction: Values | None = None) -> Any:
        """Return the problem of a board in its natural form or, with a prediction, the answer."""

    def unknown(self, inputs: Ints) -> Bools:
        """Return a mask [N, cells] of the cells that the input leaves open."""

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return inputs for vector models, [N, cells * vocabulary]."""

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare predicted classes [N, cells] with the answers."""

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return the predictions of trivial methods for `boards`, [N, cells], by name.

        Every task has ``copy``, which repeats the input; ``frequent``, the most frequent class of
        each position in the training targets; and at least one method of its own.
        """

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether a prediction [cells] is a valid answer to one board's input [cells]."""

    @property
    def public_vocabulary(self) -> int:
        """Number of tokens in the public format, padding (0) included; 0 if it has none."""

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return inputs and labels in the public format; label 0 is ignored."""

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards from public inputs and labels; the inverse of `to_public`.

        Raises:
            UserError: If they aren't boards of this task.
        """

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a text picture of one board's input [cells], with or without a prediction."""
