"""Sudoku, against an exact cover search and rules written with sets."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.tasks import Boards
from hrm.tasks.sudoku import Sudoku

properties = settings(max_examples=60, deadline=None, derandomize=True)
Constraint = tuple[str, int, int]
box_shapes = {4: (2, 2), 6: (2, 3), 9: (3, 3)}


def constraints(row: int, column: int, digit: int, size: int) -> list[Constraint]:
    rows, columns = box_shapes[size]
    box = row // rows * (size // columns) + column // columns
    cell = row * size + column
    return [("cell", cell, 0), ("row", row, digit), ("column", column, digit), ("box", box, digit)]


def solutions(board: list[int], size: int) -> Iterator[list[int]]:
    """Every solution, by Knuth's Algorithm X over choices (cell, digit): the oracle."""
    cells, digits = range(size**2), range(1, size + 1)
    every = {
        (k, d): frozenset(constraints(*divmod(k, size), d, size)) for k in cells for d in digits
    }
    possible = {(k, d): met for (k, d), met in every.items() if board[k] in (0, d)}
    for cover in covers(possible, frozenset().union(*every.values())):
        yield [digit for _, digit in sorted(cover)]


def covers(
    choices: dict[tuple[int, int], frozenset[Constraint]], needs: frozenset[Constraint]
) -> Iterator[list[tuple[int, int]]]:
    """Every set of choices that meets each need exactly once."""
    if not needs:
        yield []
        return
    ways = Counter(met for mets in choices.values() for met in mets)
    rarest = min(needs, key=lambda need: (ways[need], need))
    for choice, mets in choices.items():
        if rarest in mets:
            rest = {other: m for other, m in choices.items() if not m & mets}
            for cover in covers(rest, needs - mets):
                yield [choice, *cover]


def obeys(answer: list[int], board: list[int], size: int) -> bool:
    """The rules, with sets."""
    rows, columns = box_shapes[size]
    seen: dict[tuple[str, int], set[int]] = {}
    for cell, digit in enumerate(answer):
        row, column = divmod(cell, size)
        for unit in (("r", row), ("c", column), ("b", row // rows * size + column // columns)):
            seen.setdefault(unit, set()).add(digit)
    full = all(digits == set(range(1, size + 1)) for digits in seen.values())
    return full and all(clue in (0, digit) for clue, digit in zip(board, answer, strict=True))


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


@pytest.mark.parametrize(("size", "boards"), [(4, 20), (6, 10), (9, 1)])
def test_without_a_clue_count_every_clue_is_needed(size: int, boards: int) -> None:
    for board in Sudoku(size=size).generate(2, boards, 0, 0).train.inputs.tolist():
        for cell in (k for k, digit in enumerate(board) if digit):
            search = solutions([*board[:cell], 0, *board[cell + 1 :]], size)
            assert next(search) != next(search)


def test_all_full_grids_of_four_turn_up() -> None:
    boards = Sudoku(size=4, clues=15).generate(0, 2500, 0, 0).train
    grids, counts = np.unique(boards.targets, axis=0, return_counts=True)
    assert len(grids) == 288
    assert counts.max() <= 16


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
    first, second = (
        np.array([s], dtype=np.int64)
        for s, _ in zip(solutions([0] * 16, 4), range(2), strict=False)
    )
    boards = Boards(inputs=np.zeros_like(first), targets=first, difficulty=np.zeros(1))
    scores = task.score(boards, second)
    assert scores.valid == 1
    assert scores.exact == 0
    assert scores.unknown == scores.tokens == (first == second).mean()


def forced(board: list[int], size: int) -> list[int]:
    """Fill every cell that has one candidate, until there is none: the oracle of difficulty 0."""
    board = board.copy()
    while True:
        for cell in (k for k, d in enumerate(board) if not d):
            places = {
                digit: constraints(*divmod(cell, size), digit, size) for digit in range(1, size + 1)
            }
            met = {
                m for k, d in enumerate(board) if d for m in constraints(*divmod(k, size), d, size)
            }
            options = [digit for digit, needs in places.items() if not met & set(needs)]
            if len(options) == 1:
                board[cell] = options[0]
                break
        else:
            return board


def test_no_guesses_means_that_some_cell_always_has_one_candidate() -> None:
    boards = Sudoku(size=6).generate(5, 40, 0, 0).train
    for board, guesses in zip(boards.inputs.tolist(), boards.difficulty, strict=True):
        assert (0 not in forced(board, 6)) == (guesses == 0)
    assert 0 < (boards.difficulty > 0).mean() < 1


def test_copying_knows_clues_alone_and_candidates_follow_the_rules() -> None:
    task = Sudoku(size=6, clues=16)
    boards = task.generate(6, 50, 0, 0).train
    baselines = task.baselines(boards, boards)
    copy = task.score(boards, baselines["copy"])
    assert (copy.unknown == 0).all()
    assert copy.tokens == pytest.approx(16 / 36)
    for board, filled in zip(boards.inputs.tolist(), baselines["candidate"].tolist(), strict=True):
        met = {m for k, d in enumerate(board) if d for m in constraints(*divmod(k, 6), d, 6)}
        for cell, digit in enumerate(board):
            legal = [d for d in range(1, 7) if not met & set(constraints(*divmod(cell, 6), d, 6))]
            assert filled[cell] == (digit or legal[0])


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
        ({"size": 4, "clues": 3}, "clues is 3; allowed is 4 to 15 at size 4"),
        ({"size": 9, "clues": 17}, "clues is 17; allowed is 22 to 80 at size 9"),
        ({"size": 6, "clues": 36}, "clues is 36; allowed is 9 to 35 at size 6"),
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
    monkeypatch.setattr("hrm.tasks.sudoku._patience", 4)
    with pytest.raises(UserError, match="4609 different boards were asked for"):
        Sudoku(size=4, clues=15).generate(0, 4609, 0, 0)


def test_seeded_puzzles_never_change() -> None:
    small = Sudoku(size=4).generate(0, 40, 0, 0).train
    middle = Sudoku(size=6, clues=12).generate(1, 10, 10, 0).validation
    large = Sudoku().generate(2, 0, 0, 4).test
    assert [boards.digest() for boards in (small, middle, large)] == [
        "fe32a4bcae43e4046e7eceb84fc8e23b81d0733edf8cb7ecf19d8d23c748a4f9",
        "fd83249938a29fc2f83a206b10ad2e629dd96ed698e3a1aba60f8e0e2ac3ba98",
        "37ad4de74d1d4f2ccda10c7242886ff100186707f48fbcfb17d0044206d41bf1",
    ]
