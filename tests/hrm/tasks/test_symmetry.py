"""Symmetries, against moves made one by one and orbits enumerated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.tasks import Boards, Ints
from hrm.tasks.symmetry import grid_keys, grid_moves, square_keys, squares, versions
from tests.hrm.tasks.sudoku_oracle import box_shapes, canonical

properties = settings(max_examples=60, deadline=None, derandomize=True)
Rows = list[list[int]]


def transposed(rows: Rows) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def with_lines_moved(rows: Rows, thick: int, data: st.DataObject) -> Rows:
    """Strips of so many rows, and the rows in each, in another order."""
    strips = [rows[i : i + thick] for i in range(0, len(rows), thick)]
    order = data.draw(st.permutations(range(len(strips))))
    return [row for i in order for row in data.draw(st.permutations(strips[i]))]


def with_a_symmetry(board: list[int], size: int, data: st.DataObject) -> list[int]:
    thick, wide = box_shapes[size]
    rows = [board[i : i + size] for i in range(0, size**2, size)]
    rows = with_lines_moved(rows, thick, data)
    rows = transposed(with_lines_moved(transposed(rows), wide, data))
    if thick == wide and data.draw(st.booleans()):
        rows = transposed(rows)
    names = [0, *data.draw(st.permutations(range(1, size + 1)))]
    return [names[digit] for row in rows for digit in row]


@st.composite
def clues(draw: st.DrawFn, size: int) -> list[int]:
    return draw(st.lists(st.integers(0, size), min_size=size**2, max_size=size**2))


@properties
@given(size=st.sampled_from([4, 6, 9]), data=st.data())
def test_no_symmetry_of_sudoku_changes_a_key(size: int, data: st.DataObject) -> None:
    board = data.draw(clues(size))
    both = np.array([board, with_a_symmetry(board, size, data)])
    first, second = grid_keys(both, *box_shapes[size]).tolist()
    assert first == second


@pytest.mark.parametrize("size", [4, 6, 9])
def test_other_changes_change_the_key(size: int) -> None:
    random = np.random.default_rng(size)
    boards = random.integers(0, size + 1, (200, size**2))
    shape = box_shapes[size]
    grids = boards.reshape(-1, size, size)
    swapped = grids.copy()
    swapped[:, [0, shape[0]]] = swapped[:, [shape[0], 0]]  # two rows of different bands
    changed = boards.copy()
    changed[:, 0] = (changed[:, 0] + 1) % (size + 1)
    others = [changed, swapped.reshape(boards.shape)]
    if shape[0] != shape[1]:
        others.append(grids.swapaxes(1, 2).reshape(boards.shape))
    for other in others:
        assert (grid_keys(boards, *shape) != grid_keys(other, *shape)).mean() > 0.95


def test_keys_tell_nearly_all_orbits_of_four_apart() -> None:
    boards = np.random.default_rng(0).integers(0, 5, (600, 16)) * (
        np.random.default_rng(1).random((600, 16)) < 0.5
    )
    keys = grid_keys(boards, 2, 2).tolist()
    orbits = [canonical(board) for board in boards.tolist()]
    assert len(set(zip(keys, orbits, strict=True))) == len(set(orbits))  # one key per orbit
    assert len(set(keys)) >= 0.98 * len(set(orbits))


def test_grids_of_four_have_all_their_moves_and_equally_often() -> None:
    moves = grid_moves(np.random.default_rng(0), 12_800, 2, 2)
    found, counts = np.unique(moves, axis=0, return_counts=True)
    assert len(found) == 128
    assert counts.min() > 60
    board = np.random.default_rng(1).integers(0, 5, 16)
    assert {canonical(board[move].tolist()) for move in found} == {canonical(board.tolist())}


@pytest.mark.parametrize(("shape", "number"), [((2, 3), 6 * 8 * 2 * 36), ((3, 3), 2 * (6**4) ** 2)])
def test_moves_keep_the_key_and_are_all_there_are(shape: tuple[int, int], number: int) -> None:
    size = shape[0] * shape[1]
    moves = grid_moves(np.random.default_rng(0), 4000, *shape)
    assert (np.sort(moves, axis=1) == np.arange(size**2)).all()
    board = np.random.default_rng(1).integers(0, size + 1, size**2)
    assert len(set(grid_keys(board[moves], *shape).tolist())) == 1
    different = len(np.unique(moves, axis=0))
    expected = number * (1 - np.exp(-4000 / number))  # of so many equally likely ones
    assert different == pytest.approx(expected, rel=0.02)


@properties
@given(size=st.integers(2, 5), data=st.data())
def test_turning_and_reflecting_leave_a_squares_key(size: int, data: st.DataObject) -> None:
    cells = st.lists(st.integers(0, 3), min_size=size**2, max_size=size**2)
    grid = np.array(data.draw(cells)).reshape(size, size)
    all_eight = [np.rot90(g, k).ravel() for g in (grid, np.fliplr(grid)) for k in range(4)]
    assert len(set(square_keys(np.stack(all_eight), size).tolist())) == 1
    moved = {tuple(row) for row in grid.ravel()[squares(size)].tolist()}
    assert moved == {tuple(row.tolist()) for row in all_eight}


def test_squares_in_different_orbits_have_different_keys() -> None:
    boards = np.random.default_rng(0).integers(0, 4, (3000, 9))
    orbits = [min(map(tuple, row[squares(3)].tolist())) for row in boards]
    keys = square_keys(boards, 3).tolist()
    assert len(set(keys)) == len(set(orbits)) == len(set(zip(keys, orbits, strict=True)))


def test_no_boards_have_no_keys() -> None:
    assert grid_keys(np.zeros((0, 36), dtype=np.int64), 2, 3).shape == (0,)
    assert square_keys(np.zeros((0, 25), dtype=np.int64), 5).shape == (0,)


def tiny(*rows: list[int]) -> Ints:
    return np.array(rows, dtype=np.int64)


def test_versions_stand_side_by_side_and_keep_what_they_are() -> None:
    boards = Boards(
        inputs=tiny([0, 1, 2], [2, 0, 0]),
        targets=tiny([2, 1, 2], [2, 2, 1]),
        difficulty=np.array([3.0, 5.0]),
        identities=tiny([7, 8])[0],
    )
    moves = np.array([[[0, 1, 2], [2, 1, 0]], [[0, 1, 2], [1, 2, 0]]])
    tokens = np.array([[[0, 1, 2], [0, 2, 1]], [[0, 1, 2], [0, 1, 2]]])
    found = versions(boards, moves, tokens)
    assert found.inputs.tolist() == [[0, 1, 2], [1, 2, 0], [2, 0, 0], [0, 0, 2]]
    assert found.targets.tolist() == [[2, 1, 2], [1, 2, 1], [2, 2, 1], [2, 1, 2]]
    assert found.difficulty.tolist() == [3, 3, 5, 5]
    assert found.identities.tolist() == [7, 7, 8, 8]
    assert found.puzzles.tolist() == [0, 1, 2, 3]
    assert found.groups.tolist() == [0, 0, 1, 1]
    assert versions(boards, moves).inputs.tolist()[1] == [2, 1, 0]
