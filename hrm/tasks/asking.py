"""Base class of tasks whose answer has cells of its own, apart from the given ones.

Shapes: N boards. A cell is either given or asked; inputs mark asked cells with the last token.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Floats, Ints, Scores, Splits
from hrm.tasks.board import everything, one_hot, randomness, share, shifted, split

_patience = 64  # batches without a new board that end a search


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers to inputs.

    Attributes:
        targets: The stored answers [N, cells], given cells included.
        difficulty: Difficulties [N], in the task's own unit.
        solvable: Which inputs have an answer, [N]; targets and difficulties of the others are
            meaningless.
    """

    targets: Ints
    difficulty: Floats
    solvable: Bools


@dataclass(frozen=True, kw_only=True)
class Asking(Part, ABC):
    """Abstract base class: a subclass draws inputs and answers them; the rest is derived.

    Only asked cells decide whether an answer is valid or exact. The given cells are unlabelled in
    files, so that a model may never have learned what to predict there.

    Args:
        strata: Ranges of difficulty, both ends included. Every split has equal numbers of boards
            (up to one) of each range, in turn; empty for boards as they are drawn.
    """

    strata: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        bounds = [bound for stratum in self.strata for bound in stratum]
        require(
            all(low <= high for low, high in self.strata)
            and all(high < low for high, low in zip(bounds[1::2], bounds[2::2], strict=False)),
            "strata",
            self.strata,
            "ascending ranges apart",
            "use ((2, 4), (5, 8), (9, 64))",
        )

    @property
    @abstractmethod
    def cells(self) -> int:
        """Cells per board."""

    @property
    @abstractmethod
    def vocabulary(self) -> int:
        """Number of input tokens; the last one marks an asked cell."""

    @property
    @abstractmethod
    def classes(self) -> int:
        """Number of classes that a cell of the answer can have."""

    @abstractmethod
    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return the problem of a board [cells], or the answer in its prediction [cells]."""

    @abstractmethod
    def _row(self, problem: Any) -> Ints:
        """Return a problem's input [cells], in one form; UserError where it isn't a problem."""

    @abstractmethod
    def _draw(self, random: np.random.Generator) -> Ints:
        """Return a batch of random inputs [any, cells]; some may be unsolvable."""

    @abstractmethod
    def _answer(self, inputs: Ints) -> Answers:
        """Answer inputs [N, cells] that are well-formed, though perhaps unsolvable."""

    @abstractmethod
    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        """Return the number of asked cells that differ from the nearest valid answer, [N].

        Targets are valid answers; the result is 0 if and only if the prediction is one.
        """

    def _counted(self, inputs: Ints, targets: Ints, predictions: Ints) -> Bools:
        """Return which cells [N, cells] can be right or wrong by skill: the asked ones."""
        return self.unknown(inputs)

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return disjoint boards; see `Task.generate`.

        Raises:
            UserError: If a number is negative, or so many different boards can't be found.
        """
        return split(
            self._stream(randomness(seed)),
            cells=self.cells,
            train=train,
            validation=validation,
            test=test,
            patience=_patience,
            strata=self.strata or everything,
        )

    @property
    def _solvable(self) -> str:
        """Return which problems `_answer` calls solvable, in words."""
        return "a problem that has an answer"

    def encode(self, problem: Any) -> Ints:
        """Return the input [cells] of a problem in its natural form.

        Raises:
            UserError: If it isn't a problem of this task, or has no answer.
        """
        board = self._row(problem)
        if not self._answer(board[None]).solvable[0]:
            raise self._refusal(problem, self._solvable)
        return board

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells are asked."""
        asked: Bools = inputs == self.vocabulary - 1
        return asked

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare asked cells with the nearest valid answer; `exact` with the stored one."""
        assert predictions.shape == boards.inputs.shape
        whole = (boards.inputs, boards.targets, predictions)
        differs, asked = predictions != boards.targets, self.unknown(boards.inputs)
        wrong, counted = self._wrong(*whole), self._counted(*whole).sum(axis=1)
        return Scores(
            tokens=1 - ((differs & ~asked).sum(axis=1) + wrong) / self.cells,
            unknown=share(counted - wrong, counted),
            exact=(~(differs & asked).any(axis=1)).astype(np.float64),
            valid=(wrong == 0).astype(np.float64),
        )

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether the asked cells hold a valid answer."""
        answer = self._answer(board[None])
        assert answer.solvable.all()
        return bool(self._wrong(board[None], answer.targets, prediction[None])[0] == 0)

    @property
    def public_vocabulary(self) -> int:
        """The larger number of tokens and classes, plus padding."""
        return max(self.vocabulary, self.classes) + 1

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return tokens plus one, and classes plus one with 0 for given cells."""
        inputs, labels = shifted(boards)
        return inputs, np.where(self.unknown(boards.inputs), labels, 0)

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards from file inputs and labels, both [N, cells], solving each again.

        Raises:
            UserError: If they aren't boards of this task with valid answers in the asked cells.
        """
        for name, values, low, high in (
            ("inputs", inputs, 1, self.vocabulary),
            ("labels", labels, 0, self.classes),
        ):
            if values.shape != (len(inputs), self.cells) or values.dtype.kind not in "iu":
                raise self._refusal(
                    f"{name} of shape {values.shape}, {values.dtype}",
                    f"integers of shape ({len(inputs)}, {self.cells})",
                )
            bad = values[(values < low) | (values > high)]
            if len(bad):
                raise self._refusal(f"{bad[0]} in {name}", f"{low} to {high}")
        tokens = inputs.astype(np.int64) - 1
        for i, row in enumerate(tokens):
            if (self._row(self.decode(row)) != row).any():
                raise self._refusal(f"the input of row {i}", "what `encode` returns")
        found = self._answer(tokens)
        asked = self.unknown(tokens)
        targets = np.where(asked, labels.astype(np.int64) - 1, found.targets)
        right = found.solvable & ((labels > 0) == asked).all(axis=1)
        right[right] = self._wrong(*(v[right] for v in (tokens, found.targets, targets))) == 0
        if not right.all():
            raise self._refusal(f"the label of row {right.argmin()}", "a valid answer to its input")
        return Boards(inputs=tokens, targets=targets, difficulty=found.difficulty)

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        while True:
            inputs = self._draw(random)
            found = self._answer(inputs)
            yield Boards(
                inputs=inputs[found.solvable],
                targets=found.targets[found.solvable],
                difficulty=found.difficulty[found.solvable],
            )

    def _refusal(self, what: object, allowed: str) -> UserError:
        """Return the error of something that isn't this task's."""
        shown = what if isinstance(what, str) else repr(what)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return UserError(
            f"{type(self).__name__} can't use {shown}; allowed is {allowed}; "
            f"see the form that {type(self).__name__} documents"
        )
