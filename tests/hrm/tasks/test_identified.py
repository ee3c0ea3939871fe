"""Patterns of puzzles: the identity tells the answer, and the input doesn't unless it is to."""

import numpy as np
import pytest

from hrm.errors import UserError
from hrm.tasks.identified import Identified
from hrm.tasks.pattern import Pattern

TASK = Identified(modulus=7, strands=2, shown=3, asked=1, identities=9)
PLAIN = Pattern(modulus=7, strands=2, shown=3, asked=1)
TOLD = Identified(modulus=7, strands=2, shown=3, asked=1, identities=7, redundant=True)


def test_inputs_are_the_plain_tasks_and_whole_answers_are_permuted():
    own, plain = (task.generate(3, 200, 20, 20).train for task in (TASK, PLAIN))
    assert np.array_equal(own.inputs, plain.inputs)
    assert np.array_equal(own.targets, TASK.permuted(plain.targets, own.identities))
    assert ((own.targets != plain.targets).mean(axis=0) > 0.5).all()
    assert TASK.unknown(own.inputs).all()


def test_every_identity_but_the_blank_one_is_in_every_split():
    splits = TASK.generate(4, 400, 200, 200)
    for boards in (splits.train, splits.validation, splits.test):
        assert set(boards.identities) == set(range(1, 9))


def test_identities_permute_elements_each_in_its_own_way_and_the_blank_one_does_not():
    elements = np.arange(7)
    found = set()
    for g in range(9):
        own = TASK.permuted(elements[None], np.array([g]))[0]
        assert sorted(own) == elements.tolist()
        found.add(tuple(own))
        if g == 0:
            assert np.array_equal(own, elements)
    assert len(found) == 9


def test_an_input_tells_the_identity_where_it_is_redundant():
    boards = TOLD.generate(5, 300, 0, 0).train
    assert np.array_equal(boards.identities, 1 + boards.inputs[:, 0] % 6)
    drawn = TASK.generate(5, 300, 0, 0).train
    table = np.zeros((7, 9))
    np.add.at(table, (drawn.inputs[:, 0], drawn.identities), 1)
    assert (table[:, 1:] > 0).mean() > 0.9, "an element goes with every identity"


def test_scores_and_checks_need_no_identity():
    boards = TASK.generate(6, 50, 0, 0).train
    scores = TASK.score(boards, boards.targets)
    assert (scores.exact == 1).all()
    assert (scores.valid == 1).all()
    for i in range(10):
        assert TASK.check(boards.inputs[i], boards.targets[i])
    wrong = (boards.targets + [0, 1] * 4) % 7
    assert TASK.score(boards, wrong).unknown == pytest.approx(np.full(50, 0.5))


def test_a_prediction_that_is_no_identitys_answer_is_wrong():
    board = TASK.generate(7, 1, 0, 0).train
    found = []
    for a in range(7):
        for b in range(7):
            prediction = board.targets[0].copy()
            prediction[-2:] = a, b
            found.append(TASK.check(board.inputs[0], prediction))
    assert 0 < sum(found) <= 8


def test_boards_survive_their_file_form_up_to_identities_that_fit_as_well():
    boards = TASK.generate(8, 40, 0, 0).train
    back = TASK.from_public(*TASK.to_public(boards))
    assert np.array_equal(back.targets, boards.targets)
    assert np.array_equal(back.inputs, boards.inputs)
    assert (back.identities <= boards.identities).all()
    again = TOLD.generate(8, 40, 0, 0).train
    assert TOLD.from_public(*TOLD.to_public(again)).digest() == again.digest()


def test_a_picture_marks_what_no_identity_answers():
    board = TASK.generate(9, 1, 0, 0).train
    shown = TASK.draw(board.inputs[0], board.targets[0])
    assert "!" not in shown


def test_impossible_numbers_of_identities_are_refused():
    with pytest.raises(UserError, match="identities is 1"):
        Identified(identities=1)
    with pytest.raises(UserError, match="identities is 43; allowed is 2 to 42"):
        Identified(modulus=7, identities=43)
