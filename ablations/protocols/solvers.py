"""Solvers and generators that are independent of the tasks', to check their boards."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from hrm.tasks import Bools, Ints
from hrm.tasks.grids import BLANK, Search, solutions
from hrm.tasks.maze import GOAL, START, WALL


def count_solutions(puzzle: Ints, *, limit: int = 2) -> int:
    """Return the number of solutions of a sudoku [cells], or `limit` if there are more."""
    size = round(len(puzzle) ** 0.5)
    return len(solutions(puzzle.tolist(), size, limit))


def emptied(seed: int, *, clues: int, size: int = 9) -> Iterator[Ints]:
    """Yield random full grids in which all but `clues` random cells are emptied, endlessly.

    Document complete makes its puzzles in this way, without checking that the solution is unique.
    """
    random, search, cells = np.random.default_rng(seed), Search(size), size**2
    digits = np.tile(np.arange(1, size + 1), (cells, 1))
    while True:
        full, _ = search.fill([BLANK] * cells, random.permuted(digits, axis=1).tolist())
        board = np.array(full, dtype=np.int64)
        board[random.permutation(cells)[clues:]] = BLANK
        yield board


def moves(board: Ints, allowed: Bools) -> float:
    """Return the fewest moves from a maze's start to its goal over allowed cells, by Dijkstra.

    Args:
        board: Tokens of a square board, [cells].
        allowed: Cells that moves may enter, [cells].

    Returns:
        The number of moves; infinity if there is no path.
    """
    size = round(len(board) ** 0.5)
    cell = np.arange(len(board)).reshape(size, size)
    pairs = np.concatenate(
        [
            np.stack([cell[:, :-1].ravel(), cell[:, 1:].ravel()]),
            np.stack([cell[:-1].ravel(), cell[1:].ravel()]),
        ],
        axis=1,
    )
    a, b = pairs[:, allowed[pairs].all(axis=0)]
    graph = csr_array((np.ones(len(a)), (a, b)), shape=(len(board), len(board)))
    start, goal = (int(np.flatnonzero(board == token)[0]) for token in (START, GOAL))
    return float(dijkstra(graph, directed=False, unweighted=True, indices=start)[goal])


def shortest(board: Ints) -> float:
    """Return the fewest moves from a maze's start to its goal."""
    return moves(board, board != WALL)


def along(board: Ints, marks: Ints) -> float:
    """Return the fewest moves from start to goal over marked cells; infinity without a path."""
    return moves(board, (marks == 1) | (board == START) | (board == GOAL))
