"""What holds for the files of every task that is asked in cells of its own."""

import numpy as np
import pytest

from hrm.errors import UserError
from hrm.tasks import Boards
from hrm.tasks.asking import Asking
from hrm.tasks.coloring import Coloring
from hrm.tasks.hanoi import Hanoi
from hrm.tasks.logic import Logic
from hrm.tasks.pattern import Pattern
from hrm.tasks.recall import Recall

asking = [
    Pattern(),
    Pattern(modulus=53, strands=1, strata=((1, 1), (2, 2))),
    Recall(),
    Recall(items=2, symbols=30, strata=((1, 1), (2, 2))),
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
