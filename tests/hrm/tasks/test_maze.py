"""Mazes, against the shortest paths of networkx."""

from itertools import islice

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards, Ints
from hrm.tasks.maze import FREE, GOAL, START, WALL, Maze

properties = settings(max_examples=40, deadline=None, derandomize=True)


def graph(board: Ints, size: int) -> tuple[nx.Graph, int, int]:
    """The cells that aren't walls by index, with start and goal: the oracle's view of a board."""
    grid = nx.relabel_nodes(nx.grid_2d_graph(size, size), lambda cell: cell[0] * size + cell[1])
    grid.remove_nodes_from([c for c in range(size**2) if board[c] == WALL])
    (start,), (goal,) = (np.flatnonzero(board == token).tolist() for token in (START, GOAL))
    return grid, start, goal


def optimal_paths(board: Ints, size: int) -> list[list[int]]:
    return [list(path) for path in nx.all_shortest_paths(*graph(board, size))]


def marks(path: list[int], cells: int) -> Ints:
    answer = np.zeros(cells, dtype=np.int64)
    answer[path[1:-1]] = 1
    return answer


def one(task: Maze, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


mazes = st.builds(
    Maze,
    size=st.integers(4, 6),
    walls=st.sampled_from([0.0, 0.2, 0.4]),
    shortest=st.integers(2, 5),
)
seeds = st.integers(0, 10_000)


@pytest.mark.parametrize("task", [Maze(size=8), Maze(size=5, walls=0.0), Maze(size=12, walls=0.4)])
def test_answers_are_optimal_and_the_first_of_all_in_order_of_cells(task: Maze) -> None:
    boards = task.generate(11, 40, 0, 0).train
    for board, target, difficulty in zip(
        boards.inputs, boards.targets, boards.difficulty, strict=True
    ):
        first = min(nx.all_shortest_paths(*graph(board, task.size)))
        assert target.tolist() == marks(first, task.cells).tolist()
        assert difficulty == len(first) - 1 >= task.shortest


@properties
@given(task=mazes, seed=seeds)
def test_every_optimal_path_counts_as_right(task: Maze, seed: int) -> None:
    boards = one(task, seed)
    for path in islice(optimal_paths(boards.inputs[0], task.size), 30):
        answer = marks(path, task.cells)
        scores = task.score(boards, answer[None])
        assert scores.valid == scores.unknown == scores.tokens == 1
        assert scores.exact == (answer == boards.targets[0]).all()
        assert task.check(boards.inputs[0], answer)


@properties
@given(task=mazes, seed=seeds, data=st.data())
def test_a_longer_path_is_not_valid(task: Maze, seed: int, data: st.DataObject) -> None:
    boards = one(task, seed)
    length = int(boards.difficulty[0])
    paths = nx.all_simple_paths(*graph(boards.inputs[0], task.size), cutoff=length + 2)
    longer = [p for p in islice(paths, 300) if len(p) - 1 > length]
    assume(longer)
    answer = marks(data.draw(st.sampled_from(longer)), task.cells)
    scores = task.score(boards, answer[None])
    assert scores.valid == scores.exact == 0
    assert scores.unknown < 1
    assert not task.check(boards.inputs[0], answer)


@properties
@given(task=mazes, seed=seeds, share=st.sampled_from([0.1, 0.5, 0.9]))
def test_agreement_is_that_of_the_nearest_optimal_path(task: Maze, seed: int, share: float) -> None:
    boards = one(task, seed)
    board = boards.inputs[0]
    prediction = (np.random.default_rng(seed).random(task.cells) < share).astype(np.int64)
    nearest = max(
        ((marks(p, task.cells) == prediction) & (board == FREE)).sum()
        for p in optimal_paths(board, task.size)
    )
    known = ((prediction == 0) & (board != FREE)).sum()
    scores = task.score(boards, prediction[None])
    assert scores.unknown[0] == nearest / (board == FREE).sum()
    assert scores.tokens[0] == (nearest + known) / task.cells


@properties
@given(task=mazes, seed=seeds, data=st.data())
def test_one_wrong_cell_is_not_valid(task: Maze, seed: int, data: st.DataObject) -> None:
    boards = one(task, seed)
    answer = boards.targets[0].copy()
    cell = data.draw(st.integers(0, task.cells - 1))
    answer[cell] = 1 - answer[cell]
    scores = task.score(boards, answer[None])
    assert scores.valid == scores.exact == 0
    assert scores.tokens[0] == 1 - 1 / task.cells
    assert (scores.unknown[0] == 1) == (boards.inputs[0, cell] != FREE)
    assert not task.check(boards.inputs[0], answer)


def test_walls_have_the_probability_asked_for() -> None:
    boards = Maze(size=20, walls=0.25).generate(0, 200, 0, 0).train
    assert abs((boards.inputs == WALL).mean() - 0.25) < 0.01


def test_without_walls_copying_misses_the_path_and_the_corner_is_the_stored_answer() -> None:
    task = Maze(size=6, walls=0.0)
    splits = task.generate(3, 50, 0, 50)
    baselines = task.baselines(splits.train, splits.test)
    corner = task.score(splits.test, baselines["corner"])
    assert (corner.exact == 1).all()
    copy = task.score(splits.test, baselines["copy"])
    missed = (splits.test.difficulty - 1) / (task.cells - 2)
    assert copy.unknown == pytest.approx(1 - missed, abs=1e-12)
    assert (copy.valid == 0).all()


def test_the_corner_goes_through_walls_and_is_wrong_then() -> None:
    task = Maze(size=8, walls=0.3)
    boards = task.generate(4, 300, 0, 0).train
    corner = task.baselines(boards, boards)["corner"]
    through = ((corner == 1) & (boards.inputs == WALL)).any(axis=1)
    assert ((task.score(boards, corner).valid == 0) == through).all()
    assert through.any() and not through.all()


def test_strata_hold_equal_numbers_in_every_set() -> None:
    strata = ((2, 4), (5, 8), (9, 64))
    splits = Maze(size=8, strata=strata).generate(0, 90, 30, 31)
    for boards, expected in (
        (splits.train, [30, 30, 30]),
        (splits.validation, [10, 10, 10]),
        (splits.test, [11, 10, 10]),
    ):
        found = [
            ((low <= boards.difficulty) & (boards.difficulty <= high)).sum() for low, high in strata
        ]
        assert found == expected


def test_a_drawing_shows_the_board_and_the_marks() -> None:
    board = np.array([2, 0, 0, 1, 1, 1, 0, 0, 0, 0, 3, 0, 0, 1, 0, 0])
    task = Maze(size=4)
    assert task.draw(board) == "S . . #\n# # . .\n. . G .\n. # . ."
    answer = np.array([0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert task.draw(board, answer) == "S * * !\n# # * .\n. . G .\n. # . ."
    assert not task.check(board, answer)
    answer[3] = 0
    assert task.check(board, answer)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 2}, "size is 2; allowed is 4 or more"),
        ({"size": 8, "walls": 1.2}, "walls is 1.2; allowed is a probability below 1"),
        ({"size": 8, "walls": -0.1}, "walls is -0.1"),
        ({"size": 8, "walls": float("nan")}, "walls is nan"),
        ({"size": 8, "shortest": 1}, "shortest is 1; allowed is 2 to 63"),
        ({"size": 4, "shortest": 16}, "shortest is 16; allowed is 2 to 15"),
        ({"size": 8, "strata": ((2, 4), (4, 8))}, "strata is"),
        ({"size": 8, "strata": ((5, 4),)}, "strata is"),
        ({"size": 8, "strata": ((1, 4),)}, "strata is"),
        ({"size": 8, "strata": ((5, 8), (2, 4))}, "strata is"),
        ({"size": 8, "strata": ((2, 4, 5),)}, "strata is"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Maze(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lengths_that_no_board_has_end_in_an_error() -> None:
    with pytest.raises(UserError, match="no new one turns up after 0"):
        Maze(size=4, shortest=15).generate(0, 1, 0, 0)
    with pytest.raises(UserError, match="no new one turns up after 1"):
        Maze(size=4, strata=((2, 3), (14, 15))).generate(0, 2, 0, 0)


def test_seeded_boards_never_change() -> None:
    plain = Maze(size=8).generate(0, 40, 20, 20)
    mixed = Maze(size=10, walls=0.4, shortest=3, strata=((3, 6), (7, 30))).generate(7, 40, 0, 0)
    assert [b.digest() for b in (plain.train, plain.validation, plain.test, mixed.train)] == [
        "87df7d996841bac5b8fbd27f8fdf16e4f0f9622f9fdb1c4b0b1360eecf64d62f",
        "fcb93b2fff77daf4ad15e4be9b0d541efaf1e3bf13afc97223bc875e2898e265",
        "0c8a6b24830403d013c7406ae2c01cb46747b74bc41bde333fbda851ee4be853",
        "fbcc772e6cfc3ca6c1b1e9494a825c6b353f97cc6090e59a23229520bdd037be",
    ]
