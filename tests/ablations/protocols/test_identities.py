"""Models are told their boards' identities, or others; and weights are averaged beside."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.metrics.costs import CompletionStep
from ablations.metrics.scores import Accuracy, ShadowAccuracy
from ablations.protocols import boards, train
from ablations.protocols.identities import renamed
from ablations.specs.protocols import Boards, Evaluate, Train
from hrm import recipes
from hrm.errors import UserError
from hrm.tasks.identified import Identified
from tests.ablations.protocols.tiny import BOARDS, SHORT, TRAIN, board, observed, outcome

TASK = Identified(modulus=7, strands=1, shown=3, asked=1, identities=4)
GIVEN = Train(
    boards=Boards(task=TASK, train=64, validation=8, test=32, seed=1),
    training=replace(SHORT, updates=30, learning_rate=1e-2, puzzle_rate=1e-1),
    rate_factors=None,
)


def system(**changes):
    return recipes.act_v1(
        vocabulary=8,
        positions=4,
        classes=7,
        width=32,
        heads=4,
        h_layers=1,
        l_layers=1,
        puzzle_size=32,
        identities=4,
        max_steps=2,
        **changes,
    )


@pytest.fixture(scope="module")
def given():
    return outcome(GIVEN, system())


def table(weights):
    (name,) = (name for name in weights if name.endswith("puzzles.weights"))
    return weights[name]


def test_what_is_told_instead_is_blank_shared_or_another_ones():
    dealt = boards.table(GIVEN.boards, 0)
    own = dealt.splits.test.identities
    told = {how: renamed(dealt, how, 5).splits.test for how in ("blank", "shared", "random")}
    assert set(told["blank"].identities) == {0}
    assert set(told["shared"].identities) == {1}
    assert (told["random"].identities != own).all()
    assert set(told["random"].identities) == {1, 2, 3}
    assert renamed(dealt, "given", 5) is dealt
    for boards_told in told.values():
        assert np.array_equal(boards_told.targets, dealt.splits.test.targets)
    again = renamed(dealt, "random", 5).splits.test.identities
    assert np.array_equal(again, told["random"].identities)


def test_training_tells_what_it_is_asked_to(given):
    shared = outcome(replace(GIVEN, identities="shared"), system())
    rows = [(table(found.weights) != 0).any(-1).tolist() for found in (given, shared)]
    assert rows == [[False, True, True, True], [False, True, False, False]]
    drawn = outcome(replace(GIVEN, identities="random"), system())
    assert (table(drawn.weights) != 0).any(-1).tolist() == [False, True, True, True]
    assert not np.array_equal(
        drawn.observations[0]["update_loss"], given.observations[0]["update_loss"]
    )


def test_evaluation_tells_what_training_told_unless_it_is_asked_to_tell_others(given):
    def scored(protocol, weights):
        return observed(protocol, system(), weights=weights)["right"]

    own = scored(Evaluate(after=GIVEN), given.weights)
    assert np.array_equal(own, given.observations[0]["right"])
    assert np.array_equal(own, scored(Evaluate(after=GIVEN, identities="given"), given.weights))
    for how in ("blank", "random"):
        other = scored(Evaluate(after=GIVEN, identities=how), given.weights)
        assert not np.array_equal(own, other)
    shared = replace(GIVEN, identities="shared")
    weights = outcome(shared, system()).weights
    as_trained = scored(Evaluate(after=shared), weights)
    told = scored(Evaluate(after=shared, identities="shared"), weights)
    assert np.array_equal(as_trained, told)


def test_tasks_without_identities_have_none_to_tell():
    with pytest.raises(UserError, match="identities is 'random'; allowed is given"):
        observed(replace(TRAIN, identities="random"), board())
    with pytest.raises(UserError, match="identities is 'all'"):
        replace(TRAIN, identities="all")


def test_shadows_average_and_steer_nothing(given):
    beside = outcome(replace(GIVEN, shadows=(0.5, 0.999)), system())
    plain, found = given.observations[0], beside.observations[0]
    assert np.array_equal(plain["update_loss"], found["update_loss"])
    assert np.array_equal(plain["right"], found["right"])
    assert found["shadow_right"].shape == (2, 32)
    averaged = observed(replace(GIVEN, training=replace(GIVEN.training, ema=0.5)), system())
    assert np.array_equal(averaged["right"], found["shadow_right"][0])
    assert ShadowAccuracy(decay=0.5).read(found) == Accuracy().read(averaged)
    assert not np.array_equal(found["shadow_right"][0], found["shadow_right"][1])


def test_replicas_draw_of_their_own_what_varies():
    fresh = replace(TRAIN, boards=replace(BOARDS, seed=None), replica=1)

    def parts(*varies):
        protocol = replace(fresh, varies=varies)
        return {name: train.varied(protocol, 3, name) for name in ("weights", "order", "boards")}

    assert parts() == {"weights": 3, "order": 3, "boards": 3}
    own = train.replica(3, 1)
    assert parts("weights", "boards") == {"weights": own, "order": 3, "boards": own}
    first = observed(replace(fresh, replica=0), board(), seed=3)
    same = observed(replace(fresh, varies=()), board(), seed=3)
    other = observed(replace(fresh, varies=("boards",)), board(), seed=3)
    assert np.array_equal(first["update_loss"], same["update_loss"])
    assert not np.array_equal(first["update_loss"], other["update_loss"])
    order = observed(replace(fresh, varies=("order",)), board(), seed=3)
    assert np.array_equal(first["trivial_right"], order["trivial_right"])
    assert not np.array_equal(first["update_loss"], order["update_loss"])


def test_the_step_at_completion_is_over_places_that_halt():
    found = observed(GIVEN, system())
    assert len(found["update_halted"]) == 30
    assert CompletionStep().read(found).mean <= 2
    rows = {
        "update_halted": np.array([1.0, 0.0, 0.5, 0.25]),
        "update_halted_steps": np.array([9.0, 0.0, 1.0, 0.5]),
        "max_steps": 2,
    }
    assert CompletionStep(last=0.5).read(rows).mean == pytest.approx(2.0)
    assert CompletionStep(last=0.5).extreme(rows).startswith("ceiling")
    assert CompletionStep(last=0.5).extreme({**rows, "max_steps": 4}) == ""
    assert not CompletionStep(last=0.5).read({**rows, "update_halted": np.zeros(4)}).known
