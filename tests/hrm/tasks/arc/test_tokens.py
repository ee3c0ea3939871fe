"""Grids on boards, and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.tasks import Ints
from hrm.tasks.arc.data import Grid
from hrm.tasks.arc.tokens import (
    CELLS,
    END,
    FIRST,
    PADDING,
    VOCABULARY,
    aligned,
    cut_out,
    embedded,
    malformed,
    origins,
    rectangles,
    sizes,
)

properties = settings(max_examples=40, deadline=None, derandomize=True)
lengths = st.sampled_from([1, 2, 3, 7, 29, 30])


def random_grid(seed: int, height: int, width: int) -> Grid:
    return np.random.default_rng(seed).integers(0, 10, (height, width)).astype(np.uint8)


@st.composite
def placed(draw: st.DrawFn) -> tuple[Grid, Grid, tuple[int, int]]:
    """A pair of grids and an offset at which both fit."""
    seed = draw(st.integers(0, 9999))
    shapes = [(draw(lengths), draw(lengths)) for _ in range(2)]
    offset = tuple(draw(st.integers(0, 30 - max(s[i] for s in shapes))) for i in range(2))
    first, second = (random_grid(seed + i, *shape) for i, shape in enumerate(shapes))
    return first, second, offset  # type: ignore[return-value]


def test_tokens_are_the_public_ones() -> None:
    board = embedded(np.array([[0, 9], [5, 1]], dtype=np.uint8), (1, 2)).reshape(30, 30)
    assert board[:5, :6].tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 2, 11, 1, 0],
        [0, 0, 7, 3, 1, 0],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    assert board[5:].sum() == board[:, 6:].sum() == 0
    assert (CELLS, VOCABULARY, PADDING, END, FIRST) == (900, 12, 0, 1, 2)


def test_where_a_grid_ends_at_the_border_there_is_no_end_marker() -> None:
    full = embedded(np.zeros((30, 30), dtype=np.uint8))
    assert (full == FIRST).all()
    tall = embedded(np.zeros((30, 4), dtype=np.uint8)).reshape(30, 30)
    assert (tall == END).sum(axis=0).tolist() == [0] * 4 + [30] + [0] * 25
    corner = embedded(np.zeros((2, 2), dtype=np.uint8), (28, 27)).reshape(30, 30)
    assert np.argwhere(corner == END).tolist() == [[28, 29], [29, 29]]


def test_what_does_not_fit_is_cut_off() -> None:
    board = embedded(random_grid(0, 10, 10), (25, 28)).reshape(30, 30)
    assert (board[25:, 28:] == random_grid(0, 10, 10)[:5, :2] + 2).all()
    assert (board > 0).sum() == 10


@properties
@given(placed())
def test_cutting_out_finds_what_was_embedded(case: tuple[Grid, Grid, tuple[int, int]]) -> None:
    first, second, offset = case
    board, answer = embedded(first, offset), embedded(second, offset)
    assert origins(board[None]).tolist() == [list(offset)]
    grids = cut_out(np.stack([board, board]), np.stack([board, answer]))
    assert [g.tolist() for g in grids] == [first.tolist(), second.tolist()]
    assert not malformed(board[None], board[None])[0]
    assert not malformed(board[None], answer[None])[0]


@properties
@given(placed(), st.integers(0, 899), st.integers(-1, 12))
def test_a_token_of_another_sort_is_malformed(
    case: tuple[Grid, Grid, tuple[int, int]], cell: int, token: int
) -> None:
    first, second, offset = case
    board, answer = embedded(first, offset), embedded(second, offset)
    before = int(answer[cell])
    answer[cell] = token
    both_colours = before >= FIRST and FIRST <= token < VOCABULARY
    assert malformed(board[None], answer[None])[0] == (token != before and not both_colours)


def test_an_answer_elsewhere_than_its_input_is_malformed() -> None:
    square = np.ones((3, 3), dtype=np.uint8)
    here, there = embedded(square, (2, 2))[None], embedded(square, (2, 3))[None]
    assert malformed(here, there).tolist() == [True]
    assert malformed(there, here).tolist() == [True]
    assert malformed(here, 0 * here).tolist() == [True]


def largest_by_trial(board: Ints) -> list[int]:
    """All rectangles at the corner, one by one: the oracle."""
    best = [0, 0]
    for height in range(1, 31):
        for width in range(1, 31):
            part = board[:height, :width]
            if ((part < 2) | (part > 11)).any():
                break
            if height * width > best[0] * best[1]:
                best = [height, width]
    return best


@properties
@given(st.integers(0, 9999), st.sampled_from([0.002, 0.01, 0.05, 0.5]))
def test_sizes_are_those_of_the_largest_rectangles(seed: int, holes: float) -> None:
    random = np.random.default_rng(seed)
    board = random.integers(2, 12, (30, 30))
    board[random.random((30, 30)) < holes] = random.choice([0, 1, 12])
    assert sizes(board[None])[0].tolist() == largest_by_trial(board)


def test_of_equal_rectangles_the_flattest_counts() -> None:
    board = np.zeros((1, 30, 30), dtype=np.int64)
    board[0, 0, :4] = board[0, :4, 0] = FIRST
    assert sizes(board).tolist() == [[1, 4]]
    assert sizes(0 * board).tolist() == [[0, 0]]
    assert rectangles(np.array([[0, 0], [2, 3]])).sum(axis=(1, 2)).tolist() == [0, 6]


def test_boards_are_aligned_one_by_one() -> None:
    square = np.array([[4, 5]], dtype=np.uint8)
    inputs = np.stack([embedded(square, (0, 0)), embedded(square, (29, 28)), np.zeros(900)])
    moved = aligned(inputs.astype(np.int64), inputs.astype(np.int64))
    assert moved[:, 0, :3].tolist() == [[6, 7, 1], [6, 7, 0], [0, 0, 0]]


@pytest.mark.parametrize("rows", [0, 1])
def test_no_boards_are_no_trouble(rows: int) -> None:
    boards = np.zeros((rows, CELLS), dtype=np.int64)
    assert malformed(boards, boards).tolist() == [True] * rows
    assert sizes(aligned(boards, boards)).shape == (rows, 2)
