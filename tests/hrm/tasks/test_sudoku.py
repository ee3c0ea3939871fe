"""Sudoku, against an exact cover search, a plain search, rules with sets and orbits enumerated."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards, Splits, sparse
from hrm.tasks.sudoku import Sudoku
from hrm.tasks.symmetry import grid_keys
from tests.hrm.tasks.sudoku_oracle import (
    candidates,
    canonical,
    guesses,
    obeys,
    seventeen,
    solutions,
)

properties = settings(max_examples=30, deadline=None, derandomize=True)


def all_of(splits: Splits) -> tuple[Boards, Boards, Boards]:
    return splits.train, splits.validation, splits.test


def one(task: Sudoku, seed: int) -> Boards:
    return task.generate(seed, 1, 0, 0).train


sudokus = st.sampled_from([Sudoku(size=4), Sudoku(size=6, clues=16), Sudoku(size=9, clues=36)])
seeds = st.integers(0, 10_000)


def test_the_oracle_counts_all_grids_of_four() -> None:
    assert sum(1 for _ in solutions([0] * 16, 4)) == 288


@pytest.mark.parametrize(
    ("task", "boards"),
    [
        (Sudoku(size=4), 40),
        (Sudoku(size=4, clues=8), 40),
        (Sudoku(size=6), 20),
        (Sudoku(size=6, clues=14), 20),
        (Sudoku(), 8),
        (Sudoku(clues=30), 8),
    ],
    ids=repr,
)
def test_every_puzzle_has_the_stored_solution_and_no_other(task: Sudoku, boards: int) -> None:
    found = task.generate(1, boards, 0, 0).train
    for board, target in zip(found.inputs.tolist(), found.targets.tolist(), strict=True):
        assert list(solutions(board, task.size)) == [target]
        assert obeys(target, board, task.size)
        assert task.clues in (None, sum(d > 0 for d in board))


@pytest.mark.parametrize("clues", [None, 4, 5, 9, 14, (5, 8, 11)], ids=repr)
def test_no_symmetry_leads_from_one_set_to_another(clues: int | tuple[int, ...] | None) -> None:
    splits = [Sudoku(size=4, clues=clues).generate(seed, 60, 30, 30) for seed in (0, 1)]
    orbits = [
        {canonical(board) for s in splits for board in getattr(s, name).inputs.tolist()}
        for name in ("train", "validation", "test")
    ]
    assert sum(map(len, orbits)) == len(set.union(*orbits))
    assert all(orbits)


@pytest.mark.parametrize("task", [Sudoku(size=6, clues=20), Sudoku(size=9, clues=45)], ids=repr)
def test_versions_of_a_board_belong_to_its_own_set(task: Sudoku) -> None:
    splits = task.generate(3, 20, 10, 10)
    keys = [
        set(task._keys(task.augment(boards, np.random.default_rng(0), 5).inputs).tolist())
        for boards in all_of(splits)
    ]
    assert list(map(len, keys)) == [20, 10, 10]
    assert len(set.union(*keys)) == 40


def test_every_set_has_the_stated_mix_of_clues() -> None:
    splits = Sudoku(size=4, clues=(5, 8, 8, 11)).generate(0, 41, 22, 9)
    for boards in all_of(splits):
        expected = [(5, 8, 8, 11)[i % 4] for i in range(len(boards))]
        assert (boards.inputs > 0).sum(axis=1).tolist() == expected


@properties
@given(task=sudokus, seed=seeds, data=st.data())
def test_one_wrong_cell_is_not_valid(task: Sudoku, seed: int, data: st.DataObject) -> None:
    boards = one(task, seed)
    answer = boards.targets[0].copy()
    cell = data.draw(st.integers(0, task.cells - 1))
    answer[cell] = data.draw(st.integers(0, task.size).filter(lambda d: d != answer[cell]))
    scores = task.score(boards, answer[None])
    blank = boards.inputs[0] == 0
    assert scores.valid == scores.exact == 0
    assert scores.tokens[0] == 1 - 1 / task.cells
    assert scores.unknown[0] == pytest.approx(1 - blank[cell] / blank.sum(), abs=1e-12)
    assert not task.check(boards.inputs[0], answer)


@properties
@given(seed=seeds, data=st.data())
def test_the_checker_agrees_with_rules_written_with_sets(seed: int, data: st.DataObject) -> None:
    task = data.draw(sudokus)
    boards = one(task, seed)
    board, answer = boards.inputs[0].copy(), boards.targets[0].copy()
    digits = data.draw(st.permutations(range(1, task.size + 1)))
    change = data.draw(
        st.sampled_from(["relabel", "relabel without clues", "swap cells", "swap rows"])
    )
    if change.startswith("relabel"):
        answer = np.array([0, *digits])[answer]
        board *= change == "relabel"
    elif change == "swap cells":
        i, j = data.draw(st.tuples(*[st.integers(0, task.cells - 1)] * 2))
        answer[[i, j]] = answer[[j, i]]
    else:
        board[:] = 0
        i, j = data.draw(st.tuples(*[st.integers(0, task.size - 1)] * 2))
        rows = answer.reshape(task.size, task.size)
        rows[[i, j]] = rows[[j, i]]
    assert task.check(board, answer) == obeys(answer.tolist(), board.tolist(), task.size)


def test_another_valid_answer_counts_as_right_but_is_not_exact() -> None:
    task = Sudoku(size=4)
    first, second = (np.array([s], dtype=np.int64) for s in islice(solutions([0] * 16, 4), 2))
    boards = Boards(inputs=np.zeros_like(first), targets=first, difficulty=np.zeros(1))
    scores = task.score(boards, second)
    assert scores.valid == 1
    assert scores.exact == 0
    assert scores.unknown == scores.tokens == (first == second).mean()


@pytest.mark.parametrize(
    ("task", "number"), [(Sudoku(size=6), 8), (Sudoku(size=9, clues=28), 3)], ids=repr
)
def test_the_difficulty_is_the_number_of_guesses_of_a_plain_search(
    task: Sudoku, number: int
) -> None:
    boards = task.generate(5, number, 0, 0).train
    found = [guesses(board, task.size) for board in boards.inputs.tolist()]
    assert [grid for grid, _ in found] == boards.targets.tolist()
    assert [spent for _, spent in found] == boards.difficulty.tolist()
    assert boards.difficulty.max() > 0


@pytest.mark.parametrize(
    "task", [Sudoku(size=4), Sudoku(size=6, clues=14), Sudoku(size=9, clues=40)], ids=repr
)
def test_a_version_is_a_puzzle_whose_only_solution_is_the_versions(task: Sudoku) -> None:
    boards = task.generate(9, 3, 0, 0).train
    found = task.augment(boards, np.random.default_rng(0), 6)
    assert found.groups.tolist() == np.arange(3).repeat(7).tolist()
    assert found.puzzles.tolist() == list(range(21))
    assert (found.inputs[::7] == boards.inputs).all()
    assert (found.targets[::7] == boards.targets).all()
    assert len(np.unique(found.inputs, axis=0)) == 21
    for board, target in zip(found.inputs.tolist(), found.targets.tolist(), strict=True):
        assert list(solutions(board, task.size)) == [target]
    again = task.augment(boards, np.random.default_rng(0), 6)
    assert again.digest() == found.digest()
    assert task.augment(boards, np.random.default_rng(0), 0).digest() == boards.digest()


def test_a_negative_number_of_versions_is_refused() -> None:
    task = Sudoku(size=4)
    boards = task.generate(0, 1, 0, 0).train
    with pytest.raises(UserError, match="copies is -1; allowed is 0 or more"):
        task.augment(boards, np.random.default_rng(0), -1)


@pytest.mark.parametrize("puzzle", seventeen)
def test_known_puzzles_of_seventeen_clues_are_problems(puzzle: str) -> None:
    task = Sudoku()
    board = task.encode(puzzle)
    assert (board > 0).sum() == 17
    assert task.decode(board) == puzzle.replace("0", ".")


def test_known_puzzles_have_17_clues_and_one_solution_and_are_no_versions_of_each_other() -> None:
    boards = np.array([Sudoku().encode(puzzle) for puzzle in sparse.PUZZLES])
    assert ((boards > 0).sum(axis=1) == sparse.CLUES).all()
    assert len(set(grid_keys(boards, 3, 3).tolist())) == len(boards)


def test_boards_of_17_clues_are_versions_of_known_ones_in_every_split() -> None:
    splits = Sudoku(clues=(17, 30)).generate(0, 4, 2, 2)
    known = np.array([Sudoku().encode(puzzle) for puzzle in sparse.PUZZLES])
    keys = set(grid_keys(known, 3, 3).tolist())
    for boards in (splits.train, splits.validation, splits.test):
        few = (boards.inputs > 0).sum(axis=1) == 17
        assert few.tolist() == [True, False] * (len(boards) // 2)
        assert set(grid_keys(boards.inputs[few], 3, 3).tolist()) <= keys
        for board, target in zip(boards.inputs, boards.targets, strict=True):
            assert list(islice(solutions(board.tolist(), 9), 2)) == [target.tolist()]


def test_a_string_may_have_spaces_and_an_answer_is_a_string_of_digits() -> None:
    task = Sudoku(size=4)
    board = task.encode("4..2 ....\n04.. 1.2.")
    assert board.tolist() == [4, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 2, 0]
    assert task.decode(board) == "4..2.....4..1.2."
    (answer,) = solutions(board.tolist(), 4)
    assert task.decode(board, np.array(answer)) == "".join(map(str, answer))


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("4..2.........41.2", "allowed is 16 characters of .01234"),
        ("4..2....x...41.2.", "allowed is 16 characters of .01234"),
        ("5..2.......41.2.", "allowed is 16 characters of .01234"),
        ("1234341221434321", "with a blank among them"),
        ("4..24......41.2.", "it has none; take clues away"),
        ("4...............", "it has several; add clues"),
        (None, "puzzle is None"),
    ],
)
def test_what_is_no_problem_is_refused_on_one_line(problem: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Sudoku(size=4).encode(problem)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_hold_one_for_a_blank_and_full_grids() -> None:
    task = Sudoku(size=4, clues=8)
    boards = task.generate(0, 6, 0, 0).train
    inputs, labels = task.to_public(boards)
    assert task.public_vocabulary == 6
    assert Sudoku().public_vocabulary == 11
    assert (inputs == boards.inputs + 1).all() and (labels == boards.targets + 1).all()
    narrow = task.from_public(inputs.astype(np.uint8), labels.astype(np.uint8))
    assert narrow.digest() == boards.digest()


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("inputs", 0, "a value of inputs is 0; allowed is 1 to 5"),
        ("labels", 6, "a value of labels is 6; allowed is 1 to 5"),
        ("labels", 1, "the label of row 2 is no solution of its input"),
    ],
)
def test_files_of_something_else_are_refused(place: str, value: int, message: str) -> None:
    task = Sudoku(size=4, clues=8)
    boards = task.generate(0, 4, 0, 0).train
    inputs, labels = task.to_public(boards)
    arrays = {"inputs": inputs, "labels": labels}
    arrays[place][2, 3] = value
    with pytest.raises(UserError, match=message):
        task.from_public(**arrays)
    with pytest.raises(UserError, match="the label of row 0 is no solution of its input"):
        task.from_public(*task.to_public(replace(boards, targets=boards.targets[::-1])))
    with pytest.raises(UserError, match=r"inputs is 'int64 \[4, 16\]'; allowed is whole numbers"):
        Sudoku(size=6).from_public(**arrays)
    with pytest.raises(UserError, match=r"labels is 'float64 \[4, 16\]'"):
        task.from_public(np.ones((4, 16), dtype=np.int8), np.ones((4, 16)))


def test_copying_knows_clues_alone_and_candidates_follow_the_rules() -> None:
    task = Sudoku(size=6, clues=16)
    boards = task.generate(6, 50, 0, 0).train
    baselines = task.baselines(boards, boards)
    copy = task.score(boards, baselines["copy"])
    assert (copy.unknown == 0).all()
    assert copy.tokens == pytest.approx(16 / 36)
    for board, filled in zip(boards.inputs.tolist(), baselines["candidate"].tolist(), strict=True):
        for cell, digit in enumerate(board):
            assert filled[cell] == (digit or candidates(board, cell, 6)[0])


def test_the_most_frequent_digit_is_right_as_often_as_chance() -> None:
    task = Sudoku(size=4, clues=8)
    splits = task.generate(7, 1000, 0, 500)
    frequent = task.baselines(splits.train, splits.test)["frequent"]
    assert task.score(splits.test, frequent).unknown.mean() == pytest.approx(1 / 4, abs=0.03)


def test_a_single_blank_is_filled_by_the_candidate() -> None:
    task = Sudoku(size=9, clues=80)
    boards = task.generate(8, 5, 0, 0).train
    candidate = task.baselines(boards, boards)["candidate"]
    assert (task.score(boards, candidate).exact == 1).all()
    assert (boards.difficulty == 0).all()


def test_a_drawing_shows_boxes_predictions_and_lost_clues() -> None:
    board = np.array([4, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 2, 0])
    task = Sudoku(size=4)
    assert task.draw(board) == "4 . |. 2\n. . |. .\n----+----\n. 4 |. .\n1 . |2 ."
    answer = np.array([3, 1, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 2, 3])
    assert task.draw(board, answer) == "3!1'|. 2\n. . |. .\n----+----\n. 4 |. .\n1 . |2 3'"
    rows = Sudoku(size=6).draw(np.zeros(36, dtype=np.int64)).split("\n")
    assert rows == [". . . |. . .", ". . . |. . .", "------+------"] * 2 + rows[:2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 5}, "size is 5; allowed is 4, 6 or 9"),
        ({"size": 4, "clues": 3}, "clues is 3; allowed is 4 to 14 at size 4"),
        ({"size": 4, "clues": 15}, "clues is 15; allowed is 4 to 14 at size 4"),
        ({"size": 4, "clues": ()}, "clues is ()"),
        ({"size": 4, "clues": (5, "8")}, "clues[1] is '8'; allowed is int"),
        ({"size": 9, "clues": 18}, "clues is 18; allowed is 22 to 80 at size 9, 17, or None"),
        ({"size": 6, "clues": 36}, "clues is 36; allowed is 8 to 35 at size 6"),
    ],
)
def test_impossible_settings_are_refused_on_one_line(
    settings: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        Sudoku(**settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_puzzles_than_there_are_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hrm.tasks.sudoku._patience", 1)
    with pytest.raises(UserError, match=r"900 different boards were asked for.* after \d+;"):
        Sudoku(size=4, clues=4).generate(0, 0, 0, 900)


def test_seeded_puzzles_never_change() -> None:
    small = Sudoku(size=4).generate(0, 40, 0, 0).train
    middle = Sudoku(size=6, clues=12).generate(1, 10, 10, 0).validation
    large = Sudoku().generate(2, 0, 0, 4).test
    assert [boards.digest() for boards in (small, middle, large)] == [
        "39786747d5de1645c991006de7102650546b954ac62a5432070198d4606bb12c",
        "ae4e42d2e2b4ce10b67d3556d24a12ace52933a2c05787419f4f512bf5150a19",
        "5911bece93e1049428df8c7cba2444095af729e6714732dec9c31027edff6300",
    ]


def test_boards_without_blanks_have_scores_that_are_numbers():
    task = Sudoku(size=4)
    full = task.generate(0, 0, 0, 2).test.targets
    boards = Boards(inputs=full, targets=full, difficulty=np.zeros(2))
    scores = task.score(boards, np.where(np.arange(2)[:, None] == 0, full, full % 4 + 1))
    assert scores.unknown.tolist() == [1, 1]  # of no cell, none is wrong
    assert scores.exact.tolist() == [1, 0] and scores.tokens.tolist() == [1, 0]
