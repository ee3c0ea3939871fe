"""Sudoku: fill a grid so that every row, column and box holds each digit once.

Grids of n x n with boxes of r rows and c columns, r * c = n: 4 (2 x 2), 6 (2 x 3), 9 (3 x 3).

A puzzle is dug from a full grid: cells are emptied in random order as long as the solution stays
the only one. It does iff no solution agrees with the other clues and has another digit in the
emptied cell, which a solver for Boolean satisfiability (python-sat) decides: variable x_{k,d} says
that cell k holds digit d. A clue that had to stay once has to stay with fewer clues too, so one
pass over the cells ends in a puzzle that loses its uniqueness with any clue.

Full grids come from a depth-first search that takes a cell with fewest candidates and tries digits
in random order. That reaches every grid, though not all with exactly equal probability (nor would
a solver with random phases, which is much worse); no claim rests on uniformity.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pysat.solvers import Solver

from hrm.parts import Part, require
from hrm.tasks import Boards, Bools, Ints, Scores, Splits
from hrm.tasks.board import most_frequent, one_hot, randomness, split

BLANK = 0

_shapes = {4: (2, 2), 6: (2, 3), 9: (3, 3)}
_fewest = {4: 4, 6: 9, 9: 22}  # clues that digging reaches often enough to wait for
_lifetime = 30  # puzzles per solver: what it learns slows it down
_patience = 1024  # puzzles without a new one that end a search


@dataclass(frozen=True, kw_only=True)
class Sudoku(Part):
    """Puzzles with one solution; input token 0 is blank, 1 ... n are clues; targets are the digits.

    Class 0 is never right. Unknown are the blank cells. The difficulty is the number of
    guesses: the digits that a depth-first search tries, smallest first, in cells where several are
    possible, always in the first cell with fewest candidates. 0 means that each step has a cell
    with one.

    Args:
        size: n, one of 4, 6 and 9.
        clues: Clues per puzzle; several numbers for puzzles of each in turn, a stated mix; None
            empties cells until every clue is needed.
    """

    size: int = 9
    clues: int | tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size in _shapes, "size", self.size, "4, 6 or 9", "use one of these")
        fewest = _fewest[self.size]
        require(
            all(fewest <= clues < self.cells for clues in self._targets if clues is not None)
            and len(self._targets) > 0,
            "clues",
            self.clues,
            f"{fewest} to {self.cells - 1} at size {self.size}, or None for the fewest possible",
            "ask for more, since digging hardly ever reaches fewer",
        )

    @property
    def _targets(self) -> tuple[int | None, ...]:
        return self.clues if isinstance(self.clues, tuple) else (self.clues,)

    @property
    def cells(self) -> int:
        """Cells per board, n * n."""
        return self.size**2

    @property
    def vocabulary(self) -> int:
        """Blank and the digits."""
        return self.size + 1

    @property
    def classes(self) -> int:
        """As many as input tokens, so that a digit has the same number on both sides."""
        return self.size + 1

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
        )

    def unknown(self, inputs: Ints) -> Bools:
        """Return which cells are blank."""
        blank: Bools = inputs == BLANK
        return blank

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare digits with the solution; `valid` looks at the rules and clues alone."""
        assert predictions.shape == boards.inputs.shape
        right = predictions == boards.targets
        unknown = self.unknown(boards.inputs)
        return Scores(
            tokens=right.mean(axis=1),
            unknown=(right & unknown).sum(axis=1) / unknown.sum(axis=1),
            exact=right.all(axis=1).astype(np.float64),
            valid=self._valid(boards.inputs, predictions).astype(np.float64),
        )

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (blanks stay 0), ``frequent`` and ``candidate``.

        ``candidate`` keeps the clues and writes into each blank the smallest digit that no clue in
        its row, column or box holds.
        """
        holds = boards.inputs[:, :, None] == np.arange(self.classes)
        taken = holds[:, _units(self.size)].any(axis=2)  # in a blank's units, so is BLANK
        legal = ~taken[:, _memberships(self.size)].any(axis=2)
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
        rows, columns = _shapes[self.size]
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
        units = np.sort(predictions[:, _units(self.size)], axis=2)
        full: Bools = (units == np.arange(1, self.size + 1)).all(axis=(1, 2))
        return kept & full

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        targets = itertools.cycle(self._targets)
        target = next(targets)
        while True:
            with Solver(name="minisat22", bootstrap_with=_clauses(self.size)) as solver:
                for _ in range(_lifetime):
                    order = np.tile(np.arange(1, self.size + 1), (self.cells, 1))
                    tries: list[list[int]] = random.permuted(order, axis=1).tolist()
                    full = [BLANK] * self.cells
                    _search(full, self.size, tries)
                    puzzle = self._dig(
                        full, random.permutation(self.cells).tolist(), solver, target
                    )
                    enough = target is None or self.cells - puzzle.count(BLANK) == target
                    dug = [puzzle] if enough else []
                    target = next(targets) if enough else target
                    guesses = [_search(p.copy(), self.size, order.tolist()) for p in dug]
                    yield Boards(
                        inputs=np.array(dug, dtype=np.int64).reshape(-1, self.cells),
                        targets=np.array([full] * len(dug), dtype=np.int64).reshape(-1, self.cells),
                        difficulty=np.array(guesses, dtype=np.float64),
                    )

    def _dig(
        self, full: list[int], order: list[int], solver: Solver, clues: int | None
    ) -> list[int]:
        """Empty cells in this order, down to so many clues, while the solution is unique."""
        puzzle = full.copy()
        left = self.cells
        for cell in order:
            if left == clues:
                break
            given = [_holds(k, d, self.size) for k, d in enumerate(puzzle) if d and k != cell]
            if not solver.solve(assumptions=[*given, -_holds(cell, full[cell], self.size)]):
                puzzle[cell] = BLANK
                left -= 1
        return puzzle


def _units(size: int) -> Ints:
    """Return the cells of each row, then of each column, then of each box, [3 n, n]."""
    rows, columns = _shapes[size]
    grid = np.arange(size**2).reshape(size, size)
    boxes = grid.reshape(columns, rows, rows, columns).swapaxes(1, 2).reshape(size, size)
    return np.concatenate([grid, grid.T, boxes])


def _memberships(size: int) -> Ints:
    """Return the row, column and box of each cell as indices of units, [cells, 3]."""
    belongs = (_units(size)[:, :, None] == np.arange(size**2)).any(axis=1)
    return np.nonzero(belongs.T)[1].reshape(-1, 3)


def _holds(cell: int, digit: int, size: int) -> int:
    """Return the number of the variable that says that a cell holds a digit."""
    return cell * size + digit


def _clauses(size: int) -> list[list[int]]:
    """Return the rules: each cell one digit, each digit once per unit."""
    digits = range(1, size + 1)
    cells = [[_holds(cell, d, size) for d in digits] for cell in range(size**2)]
    places = [[_holds(cell, d, size) for cell in u] for u in _units(size).tolist() for d in digits]
    exactly_one = cells + places
    return exactly_one + [[-a, -b] for group in exactly_one for a, b in combinations(group, 2)]


def _search(grid: list[int], size: int, tries: list[list[int]]) -> int:
    """Fill a grid's blanks in place and return how many digits were tried where several could be.

    Depth first, in the first cell with fewest candidates, digits in the order of `tries`,
    [cells, n]. The grid must have a solution.
    """
    member: list[list[int]] = _memberships(size).tolist()
    lacking = [(1 << (size + 1)) - 2] * (3 * size)  # per unit, a bit for each digit
    guesses = 0

    def candidates(cell: int) -> int:
        row, column, box = member[cell]
        return lacking[row] & lacking[column] & lacking[box]

    def flip(cell: int, digit: int) -> None:
        for unit in member[cell]:
            lacking[unit] ^= 1 << digit

    def fill(blanks: list[int]) -> bool:
        nonlocal guesses
        if not blanks:
            return True
        chosen = min(blanks, key=lambda cell: candidates(cell).bit_count())
        options = [d for d in tries[chosen] if candidates(chosen) >> d & 1]
        rest = [cell for cell in blanks if cell != chosen]
        for digit in options:
            guesses += len(options) > 1
            flip(chosen, digit)
            if fill(rest):
                grid[chosen] = digit
                return True
            flip(chosen, digit)
        return False

    for cell, digit in enumerate(grid):
        if digit != BLANK:
            flip(cell, digit)
    solved = fill([cell for cell, digit in enumerate(grid) if digit == BLANK])
    assert solved, "the grid has no solution"
    return guesses
