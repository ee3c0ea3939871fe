"""Solvers beside the tasks' own: on boards whose answers are known."""

import itertools
import math

import numpy as np

from ablations.protocols import solvers
from hrm.tasks.sudoku import Sudoku


def test_solutions_of_a_sudoku_are_counted_up_to_a_limit():
    assert solvers.count_solutions(np.zeros(16, dtype=np.int64), limit=300) == 288
    board = Sudoku(size=4).generate(0, 1, 0, 0).train.inputs[0]
    assert solvers.count_solutions(board) == 1
    board[np.flatnonzero(board)[0]] = 0
    assert solvers.count_solutions(board) == 2


def test_emptied_grids_have_so_many_clues_that_obey_the_rules_and_are_the_same_each_time():
    first, again = (
        list(itertools.islice(solvers.emptied(3, clues=6, size=4), 5)) for _ in range(2)
    )
    assert np.array_equal(first, again)
    for board in first:
        assert (board > 0).sum() == 6
        assert solvers.count_solutions(board, limit=1) == 1


def maze(lines):
    return np.array([".#SG".index(c) for c in lines.replace("\n", "")])


def test_moves_are_those_of_the_shortest_way_and_infinite_where_none_leads():
    assert solvers.shortest(maze("S..\n##.\nG..")) == 6
    assert math.isinf(solvers.shortest(maze("S#.\n##.\nG..")))


def test_only_marked_cells_lead_along_marks():
    board = maze("S..\n...\n..G")
    marks = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0])
    assert solvers.along(board, marks) == 4
    marks[1] = 0
    assert math.isinf(solvers.along(board, marks))
