"""What holds for every task that is asked in cells of its own, and for regression."""

import numpy as np
import pytest

from hrm.errors import UserError
from hrm.parts import Part
from hrm.tasks import Boards, Task
from hrm.tasks.asking import Asking
from hrm.tasks.coloring import Coloring
from hrm.tasks.hanoi import Hanoi
from hrm.tasks.logic import Logic
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression

asking = [
    Pattern(),
    Pattern(modulus=53, strands=1, strata=((1, 1), (2, 2))),
    Hanoi(),
    Hanoi(disks=(3, 5), whole=True),
    Hanoi(disks=6, whole=True, towers=True),
    Logic(),
    Logic(variables=4, clauses=10),
    Coloring(),
    Coloring(vertices=9, colors=4, density=0.5, strata=((2, 3), (4, 4))),
    Coloring(vertices=10, colors=4, density=0.6, given=3),
    Coloring(vertices=7, colors=3, density=0.6, given=2, strata=((0, 0), (1, 5))),
]
tasks = [*asking, Regression(size=64), Regression(size=33, outputs=3, depth=3)]


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
            assert isinstance(task.decode(board, target), list)
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


@pytest.mark.parametrize("task", asking, ids=repr)
class TestFiles:
    def test_boards_survive_their_file_form(self, task: Asking) -> None:
        boards = task.generate(10, 20, 0, 0).train
        inputs, labels = task.to_public(boards)
        asked = task.unknown(boards.inputs)
        assert inputs.min() >= 1
        assert max(inputs.max(), labels.max()) < task.public_vocabulary
        assert ((labels > 0) == asked).all()
        assert (labels[asked] == boards.targets[asked] + 1).all()
        back = task.from_public(inputs.astype(np.uint8), labels.astype(np.uint8))
        assert back.digest() == boards.digest()

    def test_given_cells_never_count(self, task: Asking) -> None:
        boards = task.generate(11, 10, 0, 0).train
        asked = task.unknown(boards.inputs)
        wrong = np.where(asked, boards.targets, (boards.targets + 1) % task.classes)
        scores = task.score(boards, wrong)
        assert (scores.unknown == 1).all() and (scores.valid == 1).all()
        assert (scores.exact == 1).all()
        assert scores.tokens == pytest.approx(asked.mean(axis=1), abs=1e-12)

    def test_foreign_files_are_refused(self, task: Asking) -> None:
        inputs, labels = task.to_public(task.generate(12, 6, 0, 0).train)
        asked = labels > 0
        moved = np.roll(inputs, 1, axis=1)
        for bad, message in (
            ((inputs[:, 1:], labels), "inputs of shape"),
            ((inputs, labels.astype(float)), "labels of shape"),
            ((inputs * 0, labels), f"0 in inputs; allowed is 1 to {task.vocabulary};"),
            ((inputs, labels - 1), f"-1 in labels; allowed is 0 to {task.classes};"),
            ((inputs, labels * 0), "the label of row 0; allowed is a valid answer to its input"),
            ((inputs, np.where(asked, labels, 1)), "the label of row 0"),
            ((moved, np.roll(labels, 1, axis=1)), "allowed is"),
        ):
            with pytest.raises(UserError, match=message) as caught:
                task.from_public(*bad)
            assert "\n" not in str(caught.value)

    def test_wrong_labels_are_refused(self, task: Asking) -> None:
        boards = task.generate(13, 20, 0, 0).train
        prediction = task.baselines(boards, boards)["frequent"]
        first = int(task.score(boards, prediction).valid.argmin())
        false = Boards(inputs=boards.inputs, targets=prediction, difficulty=boards.difficulty)
        with pytest.raises(UserError, match=f"the label of row {first};"):
            task.from_public(*task.to_public(false))
