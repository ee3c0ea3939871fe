"""Recall: items are shown one after the other, then one of them is asked for by its place.

A model that reads the cells in turn doesn't know which item counts until it has read all of them.
This is the associative recall of J. Ba et al., "Using fast weights to attend to the recent past",
2016, with places as keys.

Shapes: N boards; cells are the items, the question, and the asked cell.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrm.config.parts import require
from hrm.tasks import Boards, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent

_batch = 1024  # boards drawn at once: the stream of a seed depends on it


@dataclass(frozen=True, kw_only=True)
class Recall(Asking):
    """Items 0 ... symbols − 1; tokens after those are the places, and the last one is asked.

    The class after those of the items is that of all cells except the asked one; it isn't learned.
    The difficulty is the number of items from the asked one to the last one, both included. The
    natural form of a problem is the list of items and the place, from 0; that of an answer is the
    item.

    Args:
        items: Number of items shown.
        symbols: Number of different items.
    """

    items: int = 4
    symbols: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("items", "symbols"):
            require(getattr(self, name) >= 2, name, getattr(self, name), "2 or more", "use 4 or 10")

    @property
    def cells(self) -> int:
        """Cells per board: the items, the question, and the asked cell."""
        return self.items + 2

    @property
    def vocabulary(self) -> int:
        """Number of tokens: symbols, places, and the mark of the asked cell."""
        return self.symbols + self.items + 1

    @property
    def classes(self) -> int:
        """Number of classes: the symbols, numbered as tokens are, and one that isn't learned."""
        return self.symbols + 1

    @property
    def ignored(self) -> int:
        """The class of all cells but the asked one."""
        return self.symbols

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """Return (items, place) of a board, or the item in its prediction."""
        if prediction is not None:
            return int(prediction[-1])
        return board[: self.items].tolist(), int(board[self.items]) - self.symbols

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (item 0), ``frequent``, and ``last``, the item that was shown last."""
        return {
            "copy": self._answered(np.zeros(len(boards), dtype=np.int64)),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "last": self._answered(boards.inputs[:, self.items - 1]),
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return the items and what is asked; ``!`` marks a wrong prediction."""
        items, place = self.decode(board)
        shown = f"{' '.join(map(str, items))}, the item at {place}"
        if prediction is None:
            return f"{shown}: ?"
        answer = self.decode(board, prediction)
        return f"{shown}: {answer}{'' if answer == items[place] else '!'}"

    def _row(self, problem: Any) -> Ints:
        items, place = (
            problem if isinstance(problem, list | tuple) and len(problem) == 2 else ((), 0)
        )
        fits = (
            isinstance(items, list | tuple)
            and len(items) == self.items
            and all(type(i) is int and 0 <= i < self.symbols for i in items)
            and type(place) is int
            and 0 <= place < self.items
        )
        if not fits:
            raise self._refusal(
                problem,
                f"({self.items} integers from 0 to {self.symbols - 1}, a place from 0 to "
                f"{self.items - 1})",
            )
        return np.array([*items, self.symbols + place, self.vocabulary - 1], dtype=np.int64)

    def _draw(self, random: np.random.Generator) -> Ints:
        items = random.integers(self.symbols, size=(_batch, self.items))
        places = self.symbols + random.integers(self.items, size=(_batch, 1))
        asked = np.full((_batch, 1), self.vocabulary - 1, dtype=np.int64)
        return np.concatenate([items, places, asked], axis=1)

    def _answer(self, inputs: Ints) -> Answers:
        places = inputs[:, self.items] - self.symbols
        found = inputs[np.arange(len(inputs)), places]
        return Answers(
            targets=self._answered(found),
            difficulty=(self.items - places).astype(np.float64),
            solvable=np.ones(len(inputs), dtype=np.bool_),
        )

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        wrong: Ints = (predictions[:, -1] != targets[:, -1]).astype(np.int64)
        return wrong

    def _answered(self, items: Ints) -> Ints:
        """Return targets with these items in the asked cell."""
        targets = np.full((len(items), self.cells), self.ignored, dtype=np.int64)
        targets[:, -1] = items
        return targets
