"""Several answers of one model to each board: votes, noisy trajectories, easy boards."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.metrics.ensembles import ChosenAccuracy, EasyFailure, FirstStepShare
from ablations.metrics.scores import Accuracy
from ablations.protocols import boards, ensembles, ours
from ablations.protocols.adapter import Answers
from ablations.specs.protocols import (
    Boards,
    Evaluate,
    Forced,
    Greedy,
    OneUnknown,
    Trajectories,
    Vote,
)
from hrm import recipes
from hrm.config import Readout, Vector
from hrm.errors import UserError
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku
from tests.ablations.protocols.tiny import BOARDS, TRAIN, observed, outcome

LONG = replace(TRAIN, training=replace(TRAIN.training, updates=40, learning_rate=1e-2))
_SYSTEM = recipes.act_v1(width=16, heads=2, h_layers=1, l_layers=1, max_steps=3)
ARM = replace(
    _SYSTEM,
    model=replace(
        _SYSTEM.model,
        embedding=Vector(size=80),
        readout=Readout(size=80, bias=False),
        low=replace(_SYSTEM.model.low, rotary=None),
        high=replace(_SYSTEM.model.high, rotary=None),
    ),
)


@pytest.fixture(scope="module")
def weights():
    return outcome(LONG, ARM).weights


def evaluated(weights, mode, seed=0, **more):
    return observed(Evaluate(after=LONG, mode=mode, **more), ARM, weights=weights, seed=seed)


def dealt():
    return boards.table(BOARDS, 0)


def solver(asked):
    """Answers that are right whatever digits are called."""
    return Answers(predictions=asked.targets, steps=np.ones(len(asked)))


def row_reader(asked):
    """Answers by what a digit is called, not by what it means: the first open cell's is 1."""
    answer = asked.targets.copy()
    first = (asked.inputs == 0).argmax(axis=1)
    answer[np.arange(len(asked)), first] = 1
    return Answers(predictions=answer, steps=np.ones(len(asked)))


# -- votes ----------------------------------------------------------------------------------------
def test_copies_of_boards_are_boards_with_those_answers():
    table = dealt()
    for new in ensembles.exchanges(4, 24, 0):
        test = table.splits.test
        assert table.task._valid(new[test.inputs], new[test.targets]).all()
        assert new[0] == 0 and sorted(new) == [0, 1, 2, 3, 4]
    assert len({tuple(new) for new in ensembles.exchanges(4, 24, 0)}) == 24
    with pytest.raises(UserError, match="copies is 25; allowed is at most 24 with 4 digits"):
        ensembles.exchanges(4, 25, 0)


def test_a_solver_is_right_in_every_copy():
    answered, more = ensembles.voted(Vote(copies=9), dealt(), solver, 0)
    assert np.array_equal(answered.predictions, dealt().splits.test.targets)
    assert more["single_exact"].all()


def test_a_vote_outvotes_errors_that_depend_on_the_digits_names():
    """With all 24 copies each digit of a cell is called 1 in a quarter of them."""
    answered, more = ensembles.voted(Vote(copies=24), dealt(), row_reader, 0)
    test = dealt().splits.test
    first = (test.inputs == 0).argmax(axis=1)
    rows = np.arange(len(test))
    others = np.ones(test.inputs.shape, dtype=bool)
    others[rows, first] = False
    assert np.array_equal(answered.predictions[others], test.targets[others])
    assert (more["single_right"] < dealt().unknown).any()


def test_the_commonest_class_wins_and_the_first_among_equals():
    each = np.array([[[3, 1]], [[2, 4]], [[3, 0]]])
    assert ensembles.commonest(each, 5).tolist() == [[3, 0]]


def test_a_trained_models_vote_reads_its_own_answers(weights):
    found = evaluated(weights, Vote(copies=9))
    assert found["steps"].tolist() == [3] * 16
    assert not np.array_equal(found["right"], found["single_right"]), "copies differ"
    single = ChosenAccuracy(by="single").read(found).low
    assert single == pytest.approx((found["single_right"] / found["unknown"]).mean())


def test_tasks_without_digits_have_no_vote():
    task = Pattern(modulus=7, strands=2, shown=3, asked=1)
    with pytest.raises(UserError, match="task is 'Pattern'; allowed is one with digits"):
        ensembles.digits(task, "Vote")


# -- boards with one unknown cell -----------------------------------------------------------------
def test_easy_boards_leave_one_of_the_open_cells_open():
    seen = []

    def answer(asked):
        seen.append(asked)
        return solver(asked)

    _, more = ensembles.one_unknown(dealt(), answer, 0)
    test, (easy, asked) = dealt().splits.test, seen
    assert asked is test
    assert ((easy.inputs == 0).sum(axis=1) == 1).all()
    assert (test.inputs[easy.inputs == 0] == 0).all()
    assert (easy.inputs == test.targets)[easy.inputs != 0].all()
    assert more["easy_right"].all() and more["easy_exact"].all()
    _, wrong = ensembles.one_unknown(dealt(), row_reader, 0)
    assert 0 < wrong["easy_right"].mean() < 1


def test_failure_on_easy_boards_is_a_share_and_can_be_set_against_the_test_boards(weights):
    found = evaluated(weights, OneUnknown())
    greedy = evaluated(weights, Greedy())
    assert np.array_equal(found["right"], greedy["right"])
    share = EasyFailure().read(found).low
    assert share == pytest.approx(1 - found["easy_right"].mean())
    against = EasyFailure(cells="exact", against=True).read(found).low
    wrong = 1 - Accuracy(cells="exact").read(found).low
    assert against == pytest.approx(1 - found["easy_exact"].mean() - wrong)


# -- trajectories ---------------------------------------------------------------------------------
def built(weights):
    arm = ours.own(ARM)
    arm.build(dealt().task, 0, "cpu")
    arm.load(weights)
    return arm


def test_without_noise_to_speak_of_all_trajectories_are_the_models_own(weights):
    mode = Trajectories(count=3, scales=(1e-9,))
    found, greedy = evaluated(weights, mode), evaluated(weights, Greedy())
    for name in ("right", "majority_right", "oracle_right", "single_right"):
        assert np.array_equal(found[name], greedy["right"]), name
    assert found["scale"] == 1e-9


def test_trajectories_differ_by_their_noise_and_follow_from_the_seed(weights):
    mode, arm = Trajectories(count=4, scales=(1.0,)), built(weights)
    test = dealt().splits.test
    answers, q = ensembles.trajectories(arm, test, mode, 1.0, 8, seed=1)
    again, _ = ensembles.trajectories(arm, test, mode, 1.0, 8, seed=1)
    other, _ = ensembles.trajectories(arm, test, mode, 1.0, 8, seed=2)
    assert answers.shape == (4, 16, 16) and q.shape == (4, 16)
    assert np.array_equal(answers, again)
    assert not np.array_equal(answers, other)
    assert not np.array_equal(answers[0], answers[1])


def test_a_trajectory_is_the_models_recursion_with_noise_before_each_step(weights):
    arm, scale = built(weights), 0.3
    test = dealt().splits.test
    answers, q = ensembles.trajectories(
        arm, test, Trajectories(count=1, scales=(scale,)), scale, 16, seed=5
    )
    generator = torch.Generator().manual_seed(5)
    model, data = arm.model.eval(), arm.encoded(test)
    with torch.no_grad():
        x = model.perceive(data.inputs)
        state = model.start(x)
        for _ in range(3):
            high, low = (
                z + scale * torch.randn(z.shape, generator=generator)
                for z in (state.high, state.low)
            )
            state, _ = model.refine(state._replace(high=high, low=low), x)
        logits = model.read(state).view(16, 16, 5)
        values = model.halting(state, 2, None).logits[:, 0]
    assert np.array_equal(answers[0], logits.argmax(-1).numpy())
    assert np.allclose(q[0], values.numpy())


def test_the_majority_is_of_whole_answers_and_q_chooses_the_largest():
    each = np.array([[[1, 2], [0, 0]], [[3, 3], [1, 1]], [[3, 3], [2, 2]]])
    assert ensembles.votes(each).tolist() == [[1, 1], [2, 1], [2, 1]]
    assert ensembles.of_board(each, np.array([2, 1])).tolist() == [[3, 3], [1, 1]]


def test_the_scale_is_the_best_one_of_the_validation_boards(weights):
    mode = Trajectories(count=2, scales=(1e-9, 100.0))
    found = evaluated(weights, mode)
    assert found["validation_scores"].shape == (2,)
    assert found["scale"] == mode.scales[int(found["validation_scores"].argmax())]
    oracle = ChosenAccuracy(by="oracle", cells="exact").read(found).low
    assert oracle >= Accuracy(cells="exact").read(found).low


# -- other boards, first steps --------------------------------------------------------------------
def test_other_boards_can_be_answered_than_those_of_the_training(weights):
    hard = Boards(task=Sudoku(size=4, clues=5), train=8, validation=8, test=16, seed=1)
    found = evaluated(weights, Greedy(), boards=hard)
    assert (found["unknown"] == 11).all()
    assert not (evaluated(weights, Greedy())["unknown"] == 11).all()


def test_the_first_steps_share_is_of_the_gain_over_the_best_trivial_method(weights):
    found = {
        "right_by_step": np.array([[3, 3], [3, 4], [4, 4]]),
        "unknown": np.array([4, 4]),
        "trivial_right": np.array([2, 2]),
    }
    assert FirstStepShare().read(found).low == 0.5
    lost = {**found, "trivial_right": np.array([4, 4])}
    assert not FirstStepShare().read(lost).known
    assert "right_by_step" in evaluated(weights, Forced(steps=3))
