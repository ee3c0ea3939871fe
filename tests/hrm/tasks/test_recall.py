"""Recall: the item at the place that is asked for, and nothing else, is learned."""

import numpy as np
import pytest

from hrm.errors import UserError
from hrm.tasks.recall import Recall

TASK = Recall(items=3, symbols=5)


def test_a_board_has_its_items_the_question_and_the_asked_cell() -> None:
    board = TASK.encode(([4, 0, 2], 1))
    assert board.tolist() == [4, 0, 2, 6, 8]
    assert TASK.decode(board) == ([4, 0, 2], 1)
    assert (TASK.cells, TASK.vocabulary, TASK.classes, TASK.ignored) == (5, 9, 6, 5)


def test_the_answer_is_the_item_at_the_place_and_other_cells_are_not_learned() -> None:
    boards = TASK.generate(0, 60, 10, 10).train
    places = boards.inputs[:, 3] - 5
    assert set(places.tolist()) == {0, 1, 2}
    assert (boards.targets[:, -1] == boards.inputs[np.arange(60), places]).all()
    assert (boards.targets[:, :-1] == TASK.ignored).all()
    assert (boards.difficulty == 3 - places).all()


def test_the_last_item_is_right_where_it_is_asked_for() -> None:
    splits = TASK.generate(0, 60, 10, 60)
    last = TASK.baselines(splits.train, splits.test)["last"]
    scores = TASK.score(splits.test, last)
    assert (scores.unknown[splits.test.difficulty == 1] == 1).all()
    assert scores.unknown.mean() < 0.7


def test_a_wrong_answer_is_drawn_as_one() -> None:
    board = TASK.encode(([4, 0, 2], 2))
    prediction = np.array([5, 5, 5, 5, 1])
    assert not TASK.check(board, prediction)
    assert TASK.draw(board) == "4 0 2, the item at 2: ?"
    assert TASK.draw(board, prediction) == "4 0 2, the item at 2: 1!"
    assert TASK.draw(board, np.array([5, 5, 5, 5, 2])).endswith(": 2")


@pytest.mark.parametrize("problem", [([4, 0], 1), ([4, 0, 5], 1), ([4, 0, 2], 3), [1, 2, 3], 7])
def test_what_is_no_problem_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="Recall can't use"):
        TASK.encode(problem)


@pytest.mark.parametrize(("items", "symbols"), [(1, 10), (4, 0)])
def test_too_few_items_or_symbols_are_refused(items: int, symbols: int) -> None:
    with pytest.raises(UserError, match="2 or more"):
        Recall(items=items, symbols=symbols)
