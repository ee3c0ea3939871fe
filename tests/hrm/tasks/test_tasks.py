"""What holds for every task, and how boards are dealt."""

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hrm.config.parts import Part
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Task
from hrm.tasks.arc import Arc
from hrm.tasks.board import most_frequent, one_hot, shifted, split, unshifted
from hrm.tasks.identified import Identified
from hrm.tasks.maze import Carved, Maze
from hrm.tasks.mixture import Mixture
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression
from hrm.tasks.sudoku import Sudoku
from tests.hrm.tasks.test_asking import asking

whole = [  # boards without cells that are asked apart
    Maze(size=5),
    Maze(size=8, walls=0.2, strata=((2, 4), (5, 8), (9, 64))),
    Maze(size=9, walls=Carved(openings=0.2)),
    Sudoku(size=4, clues=8),
    Sudoku(size=4, clues=(5, 8, 11)),
    Sudoku(size=6),
    Sudoku(size=9, clues=40),
    Arc(translate=False),
    Arc(version=2, augmentations=2, translate=False),
]
identified = [Identified(modulus=7, asked=1), Identified(redundant=True)]
tasks = [
    *whole,
    *asking,
    *identified,
    Regression(size=64),
    Regression(size=33, outputs=3, depth=3),
    Mixture(tasks=(Maze(size=5), Pattern(modulus=7, shown=3, asked=1))),
]


def rows(*sets: Boards) -> list[bytes]:
    return [row.tobytes() for boards in sets for row in boards.inputs]


@pytest.mark.parametrize("task", tasks, ids=repr)
class TestEveryTask:
    def test_it_keeps_the_protocol_and_survives_json(self, task: Task) -> None:
        assert isinstance(task, Task)
        assert isinstance(task, Part)
        assert Part.from_json(task.to_json()) == task
        assert Part.from_json(task.to_json()).fingerprint() == task.fingerprint()

    def test_no_board_occurs_twice(self, task: Task) -> None:
        splits = task.generate(1, 30, 20, 10)
        assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [30, 20, 10]
        assert len(set(rows(splits.train, splits.validation, splits.test))) == 60

    def test_shapes_types_and_ranges_hold(self, task: Task) -> None:
        boards = task.generate(2, 12, 0, 0).train
        assert boards.inputs.shape == (12, task.cells)
        assert boards.difficulty.shape == (12,)
        assert boards.difficulty.dtype == np.float64
        assert (boards.difficulty == np.floor(boards.difficulty)).all()
        asked = task.unknown(boards.inputs)
        assert asked.shape == boards.targets.shape
        assert asked.any(axis=1).all()
        if task.classes:
            assert boards.targets.shape == (12, task.cells)
            assert boards.inputs.dtype == boards.targets.dtype == np.int64
            assert set(np.unique(boards.inputs)) <= set(range(task.vocabulary))
            assert set(np.unique(boards.targets)) <= set(range(task.classes))
        else:
            assert boards.inputs.dtype == boards.targets.dtype == np.float64
            assert np.abs(boards.inputs).max() <= 1 >= np.abs(boards.targets).max()

    def test_equal_seeds_give_equal_boards_and_others_differ(self, task: Task) -> None:
        digests = [task.generate(seed, 10, 5, 5).train.digest() for seed in (3, 3, 4)]
        assert digests[0] == digests[1] != digests[2]

    def test_more_training_boards_change_nothing_else(self, task: Task) -> None:
        few, many = task.generate(5, 6, 6, 6), task.generate(5, 24, 6, 6)
        assert few.test.digest() == many.test.digest()
        assert few.validation.digest() == many.validation.digest()
        assert rows(few.train) == rows(many.train)[:6]

    def test_the_stored_answer_scores_one_in_everything(self, task: Task) -> None:
        boards = task.generate(6, 20, 0, 0).train
        scores = task.score(boards, boards.targets)
        for values in (scores.tokens, scores.unknown, scores.exact, scores.valid):
            assert values.shape == (20,)
            assert values.dtype == np.float64
            assert (values == 1).all()
        answers = zip(boards.inputs, boards.targets, strict=True)
        assert all(task.check(board, answer) for board, answer in answers)

    def test_baselines_are_predictions_and_trivial_ones_solve_little(self, task: Task) -> None:
        splits = task.generate(7, 60, 0, 30)
        baselines = task.baselines(splits.train, splits.test)
        assert {"copy", "frequent"} < set(baselines)
        for name, prediction in baselines.items():
            assert prediction.shape == splits.test.targets.shape
            assert prediction.dtype == splits.test.targets.dtype
            if task.classes:
                assert set(np.unique(prediction)) <= set(range(task.classes))
            valid = task.score(splits.test, prediction).valid.mean()
            assert valid < (0.8 if name not in ("saturation", "units") else 1)

    def test_check_agrees_with_the_score(self, task: Task) -> None:
        boards = task.generate(8, 30, 0, 0).train
        for prediction in task.baselines(boards, boards).values():
            pairs = zip(boards.inputs, prediction, strict=True)
            checked = [task.check(board, row) for board, row in pairs]
            assert checked == (task.score(boards, prediction).valid == 1).tolist()

    def test_a_problem_survives_its_natural_form(self, task: Task) -> None:
        boards = task.generate(9, 20, 0, 0).train
        for board, target in zip(boards.inputs, boards.targets, strict=True):
            assert (task.encode(task.decode(board)) == board).all()
            assert task.decode(board, target) != task.decode(board)
            assert task.draw(board) != task.draw(board, target)
            assert "!" not in task.draw(board, target)

    def test_vectors_hold_the_input(self, task: Task) -> None:
        inputs = task.generate(9, 5, 0, 0).train.inputs
        encoded = task.one_hot(inputs)
        assert encoded.dtype == np.float32
        if task.classes:
            assert encoded.shape == (5, task.cells * task.vocabulary)
            assert (encoded.reshape(5, task.cells, -1).argmax(axis=2) == inputs).all()
            assert (encoded.reshape(5, task.cells, -1).sum(axis=2) == 1).all()
        else:
            assert (encoded == inputs).all()

    def test_empty_sets_are_allowed(self, task: Task) -> None:
        splits = task.generate(0, 0, 0, 0)
        assert splits.train.inputs.shape == (0, task.cells)
        assert len(splits.train.targets) == len(splits.validation) == 0
        train = task.generate(0, 12, 0, 0).train
        for prediction in task.baselines(train, splits.test).values():
            assert prediction.shape == splits.test.targets.shape
            assert task.score(splits.test, prediction).valid.shape == (0,)

    def test_a_negative_number_is_refused(self, task: Task) -> None:
        with pytest.raises(UserError, match="data seed is -1; allowed is 0 or more"):
            task.generate(-1, 1, 1, 1)
        with pytest.raises(UserError, match="validation boards is -2; allowed is 0 or more"):
            task.generate(0, 1, -2, 1)


@pytest.mark.parametrize("task", whole, ids=repr)
def test_whole_boards_survive_files(task: Task) -> None:
    boards = task.generate(10, 8, 0, 0).train
    inputs, labels = task.to_public(boards)
    for tokens in (inputs, labels):
        assert tokens.min() >= 0
        assert tokens.max() < task.public_vocabulary
    back = task.from_public(inputs, labels)  # identities and groups have files of their own
    for name in ("inputs", "targets", "difficulty"):
        assert (getattr(back, name) == getattr(boards, name)).all()


def counting(*batches: list[tuple[int, float]]) -> Iterator[Boards]:
    """Boards of one cell, by (token, difficulty); the last batch forever."""
    for batch in [*batches, *[batches[-1]] * 100]:
        tokens = np.array([[token] for token, _ in batch], dtype=np.int64).reshape(-1, 1)
        yield Boards(
            inputs=tokens,
            targets=tokens * 10,
            difficulty=np.array([d for _, d in batch], dtype=np.float64),
        )


def test_test_is_dealt_first_and_repetitions_are_dropped() -> None:
    source = counting([(1, 0), (1, 0), (2, 0)], [], [(2, 0), (3, 0), (4, 0), (1, 0), (5, 0)])
    splits = split(source, cells=1, train=2, validation=1, test=2, patience=3)
    assert splits.test.inputs.ravel().tolist() == [1, 2]
    assert splits.validation.inputs.ravel().tolist() == [3]
    assert splits.train.inputs.ravel().tolist() == [4, 5]
    assert splits.train.targets.ravel().tolist() == [40, 50]


def test_strata_alternate_in_every_set() -> None:
    source = counting([(i, 2.0 if i < 8 else 7.0) for i in range(20)])
    strata = ((1, 3), (6, 8))
    splits = split(source, cells=1, train=4, validation=3, test=2, patience=3, strata=strata)
    assert splits.test.difficulty.tolist() == [2, 7]
    assert splits.validation.difficulty.tolist() == [2, 7, 2]
    assert splits.train.difficulty.tolist() == [2, 7, 2, 7]
    assert splits.train.inputs.ravel().tolist() == [3, 10, 4, 11]


def test_a_key_alone_says_of_which_set_a_board_is() -> None:
    def keys(inputs: Ints) -> NDArray[np.uint64]:
        return inputs[:, 0].astype(np.uint64)

    source = counting([(i, 0) for i in range(16)], [(i, 0) for i in range(32)])
    splits = split(source, cells=1, train=6, validation=5, test=2, patience=3, orbits=keys)
    assert splits.test.inputs.ravel().tolist() == [0, 4]
    assert splits.validation.inputs.ravel().tolist() == [1, 5, 9, 13, 17]
    assert splits.train.inputs.ravel().tolist() == [2, 3, 6, 7, 10, 11]
    again = counting([(i, 0) for i in range(16)])
    with pytest.raises(UserError, match=r"9 different boards were asked for.* after 4;"):
        split(again, cells=1, train=0, validation=0, test=9, patience=3, orbits=keys)


def test_strata_may_be_of_something_else_than_difficulty_and_count_twice() -> None:
    splits = split(
        counting([(i, 0) for i in range(9)]),
        cells=1,
        train=5,
        validation=0,
        test=1,
        patience=3,
        strata=((0, 2), (5, 8), (5, 8)),
        measure=lambda boards: boards.inputs[:, 0].astype(np.float64),
    )
    assert splits.test.inputs.ravel().tolist() == [0]
    assert splits.train.inputs.ravel().tolist() == [1, 5, 7, 2, 6]


def test_files_count_tokens_from_one() -> None:
    boards = Boards(
        inputs=np.array([[0, 2]]), targets=np.array([[1, 1]]), difficulty=np.array([0.0])
    )
    inputs, labels = shifted(boards)
    assert (inputs.tolist(), labels.tolist()) == ([[1, 3]], [[2, 2]])
    assert unshifted("inputs", inputs.astype(np.uint8), 2, 3).tolist() == [[0, 2]]


def test_a_stream_that_runs_dry_is_the_users_error() -> None:
    source = counting([(1, 0), (2, 0)])
    with pytest.raises(UserError, match=r"3 different boards were asked for.* after 2;"):
        split(source, cells=1, train=1, validation=1, test=1, patience=5)


def test_the_most_frequent_class_is_counted_by_position() -> None:
    targets = np.array([[0, 2, 1], [0, 2, 1], [1, 1, 0], [1, 2, 2]])
    assert most_frequent(targets, 3, 2).tolist() == [[0, 2, 1], [0, 2, 1]]


def test_one_hot_puts_a_cells_indicators_side_by_side() -> None:
    assert one_hot(np.array([[2, 0]]), 3).tolist() == [[0, 0, 1, 1, 0, 0]]


def test_the_package_loads_neither_a_task_nor_torch() -> None:
    code = (
        "import sys, hrm.tasks\n"
        "found = {m for m in sys.modules if m.startswith(('hrm.tasks.', 'pysat', 'torch'))}\n"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
