"""Sudoku: fill a grid so that every row, column and box holds each digit once.

Grids of n x n with boxes of r rows and c columns, r * c = n: 4 (2 x 2), 6 (2 x 3), 9 (3 x 3).

A puzzle is dug from a full grid, and its solution is proved to be unique; see `hrm.tasks.grids`.
Full grids come from a search that tries digits in random order. It reaches every grid, but not with
exactly equal probabilities (a SAT solver with random phases would be much less uniform); no claim
depends on uniformity.

Puzzles that a symmetry of sudoku maps to each other (digits renamed; rows, columns, bands and
stacks permuted; the grid transposed) are never in different sets; see `hrm.tasks.symmetry`.

Most of the time is spent on digging. With as few clues as possible, a puzzle takes 0.3 ms at size
4, 1.2 ms at size 6 and 8 ms at size 9, on one core; with 30 clues at size 9 it takes 3 ms. Exactly
22 clues take 80 ms, because one puzzle in 35 reaches them; 8 clues at size 6 take 180 ms, at one in
200. The symmetry key of a puzzle decides whether it may be used for training (one half), validation
or test (one quarter each), so that a training set takes twice as many puzzles as it holds, and a
validation or test set four times as many.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Floats, Ints, Scores, Splits, sparse
from hrm.tasks.board import (
    everything,
    most_frequent,
    one_hot,
    randomness,
    share,
    shifted,
    split,
    unshifted,
)
from hrm.tasks.grids import BLANK, Digger, Search, memberships, rules, shapes, solutions, units
from hrm.tasks.symmetry import Keys, grid_keys, grid_moves, versions

_fewest = {4: 4, 6: 8, 9: 22}  # fewest clues that digging reaches often enough
_most = {4: 14, 6: 35, 9: 80}  # with 15 clues at 4 x 4, one set would get all puzzles
_lifetime = 8  # batches per solver: learned clauses slow it down after some hundred puzzles
_batch = 32  # puzzles at most in a batch, which doubles each time
_patience = 512  # batches without a new puzzle that end a search


@dataclass(frozen=True, kw_only=True)
class Sudoku(Part):
    """Puzzles with one solution; input token 0 is blank, 1 ... n are clues; targets are the digits.

    Class 0 is never right. The unknown cells are the blank ones. The difficulty is the number of
    guesses of a depth-first search: it fills cells with a single candidate first; otherwise it
    guesses digits, smallest first, in the first cell with the fewest candidates. 0 means that no
    guess is needed. The natural form of a puzzle is a string of its n * n cells, row by row, with
    ``.`` for blanks; that of an answer is a string of digits.

    Args:
        size: n, one of 4, 6 and 9.
        clues: Clues per puzzle; several numbers for puzzles of each in turn; None to empty cells
            until every clue is necessary.
    """

    size: int = 9
    clues: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size in shapes, "size", self.size, "4, 6 or 9", "use one of these")
        fewest, most = _fewest[self.size], _most[self.size]
        require(
            all(
                type(count) is int and (fewest <= count <= most or count in self._known)
                for count in self._counts
            )
            and self.clues != (),
            "clues",
            self.clues,
            f"{fewest} to {most} at size {self.size}, {''.join(f'{n}, ' for n in self._known)}"
            "or None for the fewest possible",
            "ask for numbers that digging often reaches and that leave a choice",
        )

    @property
    def _counts(self) -> tuple[int, ...]:
        """Return the configured numbers of clues; empty for as few as possible."""
        if isinstance(self.clues, int):
            return (self.clues,)
        return self.clues or ()

    @property
    def _known(self) -> tuple[int, ...]:
        """Return the numbers of clues for which known puzzles are used instead of dug ones."""
        return (sparse.CLUES,) if self.size == 9 else ()

    @property
    def cells(self) -> int:
        """Cells per board, n * n."""
        return self.size**2

    @property
    def vocabulary(self) -> int:
        """Number of tokens: blank and the digits."""
        return self.size + 1

    @property
    def classes(self) -> int:
        """Number of classes, as many as input tokens: token d and class d are the same digit."""
        return self.size + 1

    @property
    def digits(self) -> int:
        """Number of tokens, from 1 on, that are classes as well and may be permuted."""
        return self.size

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return boards disjoint up to symmetry; see `Task.generate`.

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
            strata=[(count, count) for count in self._counts] or everything,
            measure=lambda boards: (boards.inputs != BLANK).sum(axis=1),
            orbits=self._keys,
        )

    def augment(self, boards: Boards, random: np.random.Generator, copies: int = 1) -> Boards:
        """Return each board, followed by `copies` versions under random symmetries, as one group.

        A version keeps the difficulty of its board, since the number of guesses depends on the
        order of cells.

        Raises:
            UserError: If the number of copies is negative.
        """
        require(copies >= 0, "copies", copies, "0 or more", "ask for fewer or none")
        n, count = len(boards), len(boards) * copies
        digits = np.tile(np.arange(1, self.vocabulary), (count, 1))
        renamed = np.pad(random.permuted(digits, axis=1), ((0, 0), (1, 0)))
        moves = grid_moves(random, count, *shapes[self.size])

        def after_itself(changes: Ints) -> Ints:
            same = np.tile(np.arange(changes.shape[1]), (n, 1, 1))
            return np.concatenate([same, changes.reshape(n, copies, changes.shape[1])], axis=1)

        return versions(boards, after_itself(moves), after_itself(renamed))

    def encode(self, problem: str) -> Ints:
        """Return the input [cells] of a puzzle; its string may have spaces, and ``0`` for blanks.

        Raises:
            UserError: If it is no such string, or has no solution or several.
        """
        text = "".join(str(problem).split()).replace(".", "0")
        digits = "0123456789"[: self.vocabulary]
        require(
            len(text) == self.cells and set(text) <= set(digits) and "0" in text,
            "puzzle",
            problem,
            f"{self.cells} characters of .{digits}, with a blank among them",
            "write it row by row",
        )
        board = np.array(list(text), dtype=np.int64)
        found = len(solutions(board.tolist(), self.size))
        require(
            found == 1,
            "puzzle",
            problem,
            f"one with a single solution, and it has {'none' if found == 0 else 'several'}",
            "take clues away that contradict each other" if found == 0 else "add clues",
        )
        return board

    def decode(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return the puzzle as a string of cells, or the prediction; ``.`` for blanks."""
        return "".join(
            str(d or ".") for d in (board if prediction is None else prediction).tolist()
        )

    @property
    def public_vocabulary(self) -> int:
        """Number of tokens in the public format: padding, blank and the digits."""
        return self.size + 2

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return 1 for blanks and 2 ... n + 1 for digits; labels are full grids."""
        return shifted(boards)

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards with recomputed difficulty; solutions aren't proved to be unique.

        Raises:
            UserError: If a label isn't a full grid that satisfies the rules and the clues of its
                input.
        """
        puzzles = unshifted("inputs", inputs, self.cells, self.vocabulary)
        full = unshifted("labels", labels, self.cells, self.classes)
        right = self._valid(puzzles, full)
        if not right.all():
            raise UserError(
                f"the label of row {right.argmin()} is no solution of its input; allowed is a full "
                f"grid of size {self.size}; build the data again"
            )
        return Boards(inputs=puzzles, targets=full, difficulty=self._guesses(puzzles))

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells are blank."""
        blank: Bools = inputs == BLANK
        return blank

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare digits with the solution; `valid` checks the rules and the clues only."""
        assert predictions.shape == boards.inputs.shape
        right = predictions == boards.targets
        unknown = self.unknown(boards.inputs)
        return Scores(
            tokens=right.mean(axis=1),
            unknown=share((right & unknown).sum(axis=1), unknown.sum(axis=1)),
            exact=right.all(axis=1).astype(np.float64),
            valid=self._valid(boards.inputs, predictions).astype(np.float64),
        )

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (blanks stay 0), ``frequent`` and ``candidate``.

        ``candidate`` keeps the clues and writes into each blank the smallest digit that no clue in
        its row, column or box holds.
        """
        holds = boards.inputs[:, :, None] == np.arange(self.classes)
        taken = holds[:, units(self.size)].any(axis=2)  # in a blank's units, so is BLANK
        legal = ~taken[:, memberships(self.size)].any(axis=2)
        return {
            "copy": boards.inputs.copy(),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "candidate": np.where(boards.inputs == BLANK, legal.argmax(axis=2), boards.inputs),
        }

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether a full grid keeps the clues and holds each digit once per unit."""
        return bool(self._valid(board[None], prediction[None])[0])

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return the grid with ``.`` for blanks; ``'`` follows a prediction, ``!`` a lost clue."""
        shown = board if prediction is None else prediction
        marks = np.where(board == shown, " ", np.where(board == BLANK, "'", "!"))
        cells = [f"{d or '.'}{m}" for d, m in zip(shown.tolist(), marks.tolist(), strict=True)]
        rows, columns = shapes[self.size]
        lines = []
        for row in range(self.size):
            line = cells[row * self.size : (row + 1) * self.size]
            boxes = ["".join(line[i : i + columns]) for i in range(0, self.size, columns)]
            if row and row % rows == 0:
                lines.append("+".join(["--" * columns] * rows))
            lines.append("|".join(boxes).rstrip())
        return "\n".join(lines)

    def _valid(self, inputs: Ints, predictions: Ints) -> Bools:
        kept: Bools = ((inputs == BLANK) | (inputs == predictions)).all(axis=1)
        held = np.sort(predictions[:, units(self.size)], axis=2)
        full: Bools = (held == np.arange(1, self.size + 1)).all(axis=(1, 2))
        return kept & full

    def _keys(self, inputs: Ints) -> Keys:
        return grid_keys(inputs, *shapes[self.size])

    def _guesses(self, inputs: Ints) -> Floats:
        search = Search(self.size)
        tries = [list(range(1, self.vocabulary))] * self.cells
        return np.array([search.fill(row, tries)[1] for row in inputs.tolist()], dtype=np.float64)

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        search = Search(self.size)
        digits = np.tile(np.arange(1, self.vocabulary), (self.cells, 1))
        counts = itertools.cycle(self._counts or (None,))
        count = next(counts)
        size = 1
        while True:
            with rules(self.size) as solver:
                digger = Digger(self.size, solver)
                for _ in range(_lifetime):
                    dug: list[tuple[Sequence[int], Sequence[int]]] = []
                    for _ in range(size):
                        if count in self._known:
                            dug.append(_version(random))
                            count = next(counts)
                            continue
                        tries = random.permuted(digits, axis=1).tolist()
                        full, _ = search.fill([BLANK] * self.cells, tries)
                        puzzle = digger.dig(full, random.permutation(self.cells).tolist(), count)
                        if count in (None, self.cells - puzzle.count(BLANK)):
                            dug.append((puzzle, full))
                            count = next(counts)
                    both = np.array(dug, dtype=np.int64).reshape(-1, 2, self.cells)
                    inputs, targets = both[:, 0], both[:, 1]
                    guesses = self._guesses(inputs)
                    yield Boards(inputs=inputs, targets=targets, difficulty=guesses)
                    size = min(2 * size, _batch)


def _version(random: np.random.Generator) -> tuple[list[int], list[int]]:
    """Return a known puzzle with few clues, and its solution, by a random symmetry."""
    puzzle, full = _solved(sparse.PUZZLES[random.integers(len(sparse.PUZZLES))])
    (moves,) = grid_moves(random, 1, *shapes[9])
    renamed = np.concatenate([[BLANK], 1 + random.permutation(9)])
    return renamed[puzzle[moves]].tolist(), renamed[full[moves]].tolist()


@functools.cache
def _solved(text: str) -> tuple[Ints, Ints]:
    """Return a known puzzle and its solution."""
    puzzle = [int(c) for c in text.replace(".", "0")]
    (full,) = solutions(puzzle, 9)
    return np.array(puzzle, dtype=np.int64), np.array(full, dtype=np.int64)
