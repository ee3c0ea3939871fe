"""Sudoku grids: fill them, count guesses, and dig puzzles out of them.

A grid has n x n cells, numbered row by row, in boxes of r rows and c columns, r * c = n. Rows,
columns and boxes are its *units*. Sets of digits are integers: bit d stands for digit d.

Digging empties cells in a given order as long as the solution stays unique, that is, as long as no
solution agrees with the other clues and has another digit in the emptied cell. Often this follows
from the other clues in one step: they exclude all other digits from the cell, or the digit from all
other blank cells of a unit. Otherwise a SAT solver (python-sat) decides: variable x_{k,d} means
that cell k holds digit d. A clue that is necessary stays necessary when there are fewer clues, so
one pass over the cells gives a puzzle in which every clue is necessary.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import combinations
from operator import or_

import numpy as np
from pysat.solvers import Solver

from hrm.tasks import Ints

BLANK = 0

shapes = {4: (2, 2), 6: (2, 3), 9: (3, 3)}  # rows and columns of a box, by size


def units(size: int) -> Ints:
    """Return the cells of each row, then of each column, then of each box, [3 n, n]."""
    rows, columns = shapes[size]
    grid = np.arange(size**2).reshape(size, size)
    boxes = grid.reshape(columns, rows, rows, columns).swapaxes(1, 2).reshape(size, size)
    return np.concatenate([grid, grid.T, boxes])


def memberships(size: int) -> Ints:
    """Return the row, column and box of each cell as indices of units, [cells, 3]."""
    belongs = (units(size)[:, :, None] == np.arange(size**2)).any(axis=1)
    return np.nonzero(belongs.T)[1].reshape(-1, 3)


def peers(size: int) -> list[list[int]]:
    """Return the other cells in each cell's units, ascending."""
    member = memberships(size)
    shared = (member[:, None] == member).any(axis=2) & ~np.eye(size**2, dtype=np.bool_)
    return [np.flatnonzero(row).tolist() for row in shared]


class Search:
    """Fills grids by depth-first search and counts its guesses.

    Blank cells with a single candidate are filled first. Otherwise the first cell among those with
    the fewest candidates gets them in turn; each of these is a guess.

    Args:
        size: n.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._peers = peers(size)

    def fill(self, puzzle: Sequence[int], tries: Sequence[Sequence[int]]) -> tuple[list[int], int]:
        """Return the first solution found and the number of guesses until then.

        Args:
            puzzle: [cells]; it must have a solution.
            tries: Every cell's digits in the order of guessing, [cells, n].
        """
        every = (1 << (self.size + 1)) - 2
        options = [1 << d if d else every for d in puzzle]
        guesses = 0
        pending: list[tuple[list[int], int, int]] = []  # states, cells and digits left to guess
        consistent = self._settle(options, [k for k, d in enumerate(puzzle) if d])
        while not consistent or (several := [k for k, o in enumerate(options) if o > 0]):
            if consistent:
                counts = [options[k].bit_count() for k in several]
                cell = several[counts.index(min(counts))]
                candidates = [d for d in tries[cell] if options[cell] >> d & 1]
                pending += [(options, cell, d) for d in reversed(candidates)]
            assert pending, "the puzzle has no solution"
            options, cell, digit = pending.pop()
            options = options.copy()
            options[cell] = 1 << digit
            consistent = self._settle(options, [cell])
            guesses += 1
        return [(-o).bit_length() - 1 for o in options], guesses

    def _settle(self, options: list[int], settled: list[int]) -> bool:
        """Fill cells with one candidate, repeatedly; return whether every cell keeps a candidate.

        Args:
            options: The candidates of each cell, changed in place; negative where written.
            settled: The cells with one candidate; the list is emptied.
        """
        while settled:
            cell = settled.pop()
            bit = options[cell]
            options[cell] = -bit
            for k in self._peers[cell]:
                if options[k] & bit and options[k] > 0:
                    options[k] ^= bit
                    if not options[k]:
                        return False
                    if not options[k] & (options[k] - 1):
                        settled.append(k)
        return True


def solutions(puzzle: Sequence[int], size: int, limit: int = 2) -> list[list[int]]:
    """Return at most `limit` solutions of a puzzle [cells]; none if the clues are contradictory."""
    given = [_holds(k, d, size) for k, d in enumerate(puzzle) if d != BLANK]
    found: list[list[int]] = []
    with rules(size) as solver:
        while len(found) < limit and solver.solve(assumptions=given):
            true = sorted(v for v in solver.get_model() if v > 0)
            found.append([(v - 1) % size + 1 for v in true])
            solver.add_clause([-v for v in true])
    return found


class Digger:
    """Digs puzzles; its results don't depend on earlier calls.

    Args:
        size: n.
        solver: From `rules`. The clauses that it learns slow it down; use a new one after about 30
            puzzles.
    """

    def __init__(self, size: int, solver: Solver) -> None:
        self.size = size
        self._solver = solver
        self._member: list[list[int]] = memberships(size).tolist()
        self._units = [sum(1 << cell for cell in unit) for unit in units(size).tolist()]
        self._sight = [reduce(or_, (self._units[unit] for unit in m)) for m in self._member]
        self._peers = peers(size)

    def dig(self, full: Sequence[int], order: Sequence[int], clues: int | None) -> list[int]:
        """Empty cells of a grid in an order, while its solution stays unique.

        Args:
            full: A solution, [cells].
            order: The order in which cells are tried, each once.
            clues: Number of clues at which to stop; None to try all cells.
        """
        puzzle = list(full)
        holders = [[k for k, d in enumerate(full) if d == digit] for digit in range(self.size + 1)]
        blanks = 0  # a bit for each cell
        for cell in order:
            if len(full) - blanks.bit_count() == clues:
                break
            digit = full[cell]
            puzzle[cell] = BLANK
            barred = reduce(or_, [self._sight[k] for k in holders[digit] if puzzle[k]], 0)
            if self._follows(puzzle, cell, (blanks | 1 << cell) & ~barred, digit):
                blanks |= 1 << cell
            else:
                puzzle[cell] = digit
        return puzzle

    def _follows(self, puzzle: Sequence[int], cell: int, places: int, digit: int) -> bool:
        """Return whether the digit of a cell follows from the clues in one step."""
        return (
            any(self._units[unit] & places == 1 << cell for unit in self._member[cell])
            or len({puzzle[k] for k in self._peers[cell]} - {BLANK}) == self.size - 1
            or not self._solver.solve(
                assumptions=[
                    -_holds(cell, digit, self.size),
                    *[_holds(k, d, self.size) for k, d in enumerate(puzzle) if d != BLANK],
                ]
            )
        )


def rules(size: int) -> Solver:
    """Return a solver with the rules: one digit per cell, and each digit once per unit.

    Use it in a `with` statement, which frees its memory.
    """
    digits = range(1, size + 1)
    cells = [[_holds(cell, d, size) for d in digits] for cell in range(size**2)]
    places = [[_holds(cell, d, size) for cell in u] for u in units(size).tolist() for d in digits]
    exactly_one = cells + places
    pairs = [[-a, -b] for group in exactly_one for a, b in combinations(group, 2)]
    return Solver(name="cadical153", bootstrap_with=exactly_one + pairs)


def _holds(cell: int, digit: int, size: int) -> int:
    """Return the number of the variable that says that a cell holds a digit, from 1 on."""
    return cell * size + digit
