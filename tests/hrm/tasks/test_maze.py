"""Mazes, against the shortest paths of networkx."""

from itertools import islice

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards, Ints
from hrm.tasks.maze import FREE, GOAL, START, WALL, Carved, Maze, nearest_path

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
    walls=st.sampled_from([0.0, 0.2, 0.4, Carved(), Carved(openings=0.5)]),
    shortest=st.integers(2, 4),
)
seeds = st.integers(0, 10_000)


@pytest.mark.parametrize(
    "task",
    [
        Maze(size=8),
        Maze(size=5, walls=0.0),
        Maze(size=12, walls=0.4),
        Maze(size=12, walls=Carved(openings=0.3)),
    ],
    ids=repr,
)
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


@pytest.mark.parametrize("walls", [0.2, Carved(), Carved(openings=0.2)], ids=repr)
def test_no_board_is_another_turned_or_reflected_of_another_set(walls: float | Carved) -> None:
    task = Maze(size=4, walls=walls, shortest=3)
    splits = [task.generate(seed, 60, 30, 30) for seed in (0, 1)]
    orbits = [
        {
            min(
                tuple(np.rot90(grid, k).ravel().tolist())
                for grid in (row.reshape(4, 4), row.reshape(4, 4).T)
                for k in range(4)
            )
            for s in splits
            for row in getattr(s, name).inputs
        }
        for name in ("train", "validation", "test")
    ]
    assert sum(map(len, orbits)) == len(set.union(*orbits))


@properties
@given(task=mazes, seed=seeds, copies=st.integers(0, 7))
def test_versions_are_turned_and_reflected_with_their_answers(
    task: Maze, seed: int, copies: int
) -> None:
    boards = task.generate(seed, 2, 0, 0).train
    found = task.augment(boards, np.random.default_rng(seed), copies)
    assert len(found) == 2 * (copies + 1)
    assert found.groups.tolist() == [0] * (copies + 1) + [1] * (copies + 1)
    assert found.puzzles.tolist() == list(range(len(found)))
    assert (found.inputs[:: copies + 1] == boards.inputs).all()
    assert (found.targets[:: copies + 1] == boards.targets).all()
    grids = np.stack([found.inputs, found.targets], axis=1).reshape(-1, 2, task.size, task.size)
    eight = [
        np.rot90(grid, k, axes=(1, 2))
        for grid in (grids[0], grids[0].swapaxes(1, 2))
        for k in range(4)
    ]
    for grid in grids[: copies + 1]:
        assert any((grid == version).all() for version in eight)
    for board, target, length in zip(found.inputs, found.targets, found.difficulty, strict=True):
        paths = optimal_paths(board, task.size)
        assert len(paths[0]) - 1 == length
        assert any((target == marks(path, task.cells)).all() for path in paths)


def test_seven_versions_and_the_board_are_all_eight() -> None:
    task = Maze(size=9)
    boards = task.generate(0, 5, 0, 0).train
    assert len(np.unique(task.augment(boards, np.random.default_rng(0)).inputs, axis=0)) == 40
    with pytest.raises(UserError, match="copies is 8; allowed is 0 to 7"):
        task.augment(boards, np.random.default_rng(0), 8)


def test_carved_boards_have_one_path_and_longer_ones_than_random_walls() -> None:
    perfect = Maze(size=11, walls=Carved()).generate(0, 60, 0, 0).train
    for board in perfect.inputs:
        assert nx.is_tree(graph(board, 11)[0])
    opened = Maze(size=11, walls=Carved(openings=0.5)).generate(0, 60, 0, 0).train
    assert perfect.difficulty.mean() > 1.5 * opened.difficulty.mean()
    assert (perfect.inputs == WALL).mean() > (opened.inputs == WALL).mean()


def test_the_largest_boards_of_the_field_are_solved() -> None:
    task = Maze(size=30, walls=Carved(openings=0.1))
    boards = task.generate(0, 3, 0, 0).train
    for board, difficulty in zip(boards.inputs, boards.difficulty, strict=True):
        assert nx.shortest_path_length(*graph(board, 30)) == difficulty
    assert (task.score(boards, boards.targets).valid == 1).all()


def test_a_board_is_lines_of_text() -> None:
    task = Maze(size=4)
    text = "S..#\n##..\n..G.\n.#.."
    board = task.encode(text)
    assert board.tolist() == [2, 0, 0, 1, 1, 1, 0, 0, 0, 0, 3, 0, 0, 1, 0, 0]
    assert task.decode(board) == text
    assert (task.encode("S  #\n##  \n  G \n #  \n") == board).all()
    answer = marks(optimal_paths(board, 4)[0], 16)
    assert task.decode(board, answer) == "Soo#\n##o.\n..G.\n.#.."


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("S..#\n##..\n..G.", "allowed is 4 lines of 4 characters"),
        ("S..#\n##..\n..G.\n.#.", "allowed is 4 lines of 4 characters"),
        ("S..#\n##..\n..x.\n.#..", "allowed is 4 lines of 4 characters"),
        ("S..#\n##..\n..S.\n.#..", "one 'S' and one 'G'"),
        ("S..#\n####\n..G.\n.#..", "2 moves apart or more, not separated"),
        ("SG.#\n##..\n....\n.#..", "2 moves apart or more, not 1"),
        (None, "board is None"),
    ],
)
def test_what_is_no_board_is_refused_on_one_line(problem: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Maze(size=4).encode(problem)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_hold_whole_boards_with_the_path() -> None:
    task = Maze(size=4)
    board = task.encode("S..#\n##..\n..G.\n.#..")[None]
    answer = marks(optimal_paths(board[0], 4)[0], 16)[None]
    inputs, labels = task.to_public(
        Boards(inputs=board, targets=answer, difficulty=np.array([4.0]))
    )
    assert task.public_vocabulary == 6
    assert inputs.tolist() == [[3, 2, 2, 1, 1, 1, 2, 2, 2, 2, 4, 2, 2, 1, 2, 2]]
    assert labels.tolist() == [[3, 5, 5, 1, 1, 1, 5, 2, 2, 2, 4, 2, 2, 1, 2, 2]]
    boards = Maze(size=9).generate(0, 20, 0, 0).train
    files = Maze(size=9).to_public(boards)
    read = Maze(size=9).from_public(*(values.astype(np.uint8) for values in files))
    assert read.digest() == boards.digest()


@pytest.mark.parametrize(
    ("place", "cells", "message"),
    [
        ("inputs", {3: 0}, "a value of inputs is 0; allowed is 1 to 4"),
        ("labels", {3: 6}, "a value of labels is 6; allowed is 1 to 5"),
        ("labels", {1: 2}, "row 1 of the labels isn't its input with an optimal path"),
        ("labels", {15: 5}, "row 1 of the labels"),
        ("labels", {0: 5}, "row 1 of the labels"),
        ("labels", {3: 2}, "row 1 of the labels"),
        ("both", {15: 3}, "row 1 of the labels"),
        ("both", {1: 4, 10: 2, 6: 2, 2: 2}, "row 1 of the labels"),
        ("both", {0: 2, 1: 2, 2: 2, 6: 2}, "row 1 of the labels"),
        ("both", {1: 1, 2: 2, 6: 2}, "row 1 of the labels"),
    ],
)
def test_files_of_something_else_are_refused(
    place: str, cells: dict[int, int], message: str
) -> None:
    task = Maze(size=4)
    board = task.encode("S..#\n##..\n..G.\n.#..")
    inputs, labels = task.to_public(
        Boards(
            inputs=np.stack([board] * 2),
            targets=np.stack([marks(optimal_paths(board, 4)[0], 16)] * 2),
            difficulty=np.full(2, 4.0),
        )
    )
    assert len(task.from_public(inputs, labels)) == 2
    for array in {"inputs": [inputs], "labels": [labels], "both": [inputs, labels]}[place]:
        array[1, list(cells)] = list(cells.values())
    with pytest.raises(UserError, match=message):
        task.from_public(inputs, labels)


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
        ({"size": 2}, "size is 2; allowed is 4 to 100"),
        ({"size": 8, "walls": 1.2}, "walls is 1.2; allowed is a probability below 1, or Carved"),
        ({"size": 8, "walls": -0.1}, "walls is -0.1"),
        ({"size": 8, "walls": float("nan")}, "walls is nan"),
        ({"size": 8, "shortest": 1}, "shortest is 1; allowed is 2 to 63"),
        ({"size": 4, "shortest": 16}, "shortest is 16; allowed is 2 to 15"),
        ({"size": 8, "strata": ((2, 4), (4, 8))}, "strata is"),
        ({"size": 8, "strata": ((5, 4),)}, "strata is"),
        ({"size": 8, "strata": ((1, 4),)}, "strata is"),
        ({"size": 8, "strata": ((5, 8), (2, 4))}, "strata is"),
        ({"size": 8, "strata": ((2, 4, 5),)}, "strata[0] is (2, 4, 5); allowed is tuple[int, int]"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Maze(**settings)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_probability_above_one_opens_no_walls() -> None:
    with pytest.raises(UserError, match=r"openings is 1.5; allowed is a probability"):
        Carved(openings=1.5)


def test_lengths_that_no_board_has_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrm.tasks.maze._patience", 12)
    with pytest.raises(UserError, match="no new one turns up after 0"):
        Maze(size=4, shortest=15).generate(0, 1, 0, 0)
    with pytest.raises(UserError, match="no new one turns up after 1"):
        Maze(size=4, strata=((2, 3), (14, 15))).generate(0, 2, 0, 0)


def test_seeded_boards_never_change() -> None:
    plain = Maze(size=8).generate(0, 40, 20, 20)
    mixed = Maze(size=10, walls=0.4, shortest=3, strata=((3, 6), (7, 30))).generate(7, 40, 0, 0)
    carved = Maze(size=12, walls=Carved(openings=0.1)).generate(1, 20, 0, 0)
    found = plain.train, plain.validation, plain.test, mixed.train, carved.train
    assert [boards.digest() for boards in found] == [
        "6eccd9b65694755803f8c40853faa9df95a3c2c135b850f503d214bb4dbe9e5a",
        "89c9b9d1915f490fda4e2c7ca2346ca4952e4a7dafef883117cd21a80c91f3eb",
        "245c15cdd28f87f7208d9349382063f2788c44b11675e012ff9605ba3181cd83",
        "4f88c02b83a55608006aff6248a5253cf642c490caf0283acc3280ba18f347d4",
        "b403e9b5684ebe0372d1458b4cf5b03fb7b606435b3e752991909bf3dc08f0bf",
    ]


def test_the_nearest_path_is_optimal_and_agrees_as_the_score_says() -> None:
    task, random = Maze(size=6, walls=0.2), np.random.default_rng(5)
    boards = task.generate(1, 0, 0, 40).test
    marks = random.integers(2, size=boards.inputs.shape)
    score = task.score(boards, marks).tokens
    for board, mark, expected in zip(boards.inputs, marks, score, strict=True):
        path = nearest_path(board, mark).astype(np.int64)
        assert task.check(board, path)
        assert np.mean(path == mark) == pytest.approx(expected)


def test_a_board_may_have_windows_line_ends():
    lines = "S..#\n#..#\n#..G\n####"
    maze = Maze(size=4)
    assert (maze.encode(lines.replace("\n", "\r\n") + "\r\n") == maze.encode(lines)).all()
