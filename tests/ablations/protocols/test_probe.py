"""States before and after training, and the gradients that a horizon cuts."""

from dataclasses import replace

import numpy as np
import pytest

from ablations.metrics.probes import GradientCosine, Participation, ResidualLeft
from ablations.specs.protocols import Probe
from hrm import recipes
from hrm.errors import UserError
from tests.ablations.protocols.tiny import BOARDS, TRAIN, board, observed, outcome

LONG = replace(TRAIN, training=replace(TRAIN.training, updates=20, learning_rate=1e-2))
BEFORE = Probe(boards=BOARDS, after=None, steps=4, count=12)
AFTER = replace(BEFORE, after=LONG)


def act(**changes):
    system = recipes.act_v1(
        vocabulary=5, positions=16, width=32, heads=4, h_layers=1, l_layers=1, max_steps=2
    )
    return replace(system, model=replace(system.model, **changes))


@pytest.fixture(scope="module")
def weights():
    return outcome(LONG, act()).weights


def test_a_probe_keeps_one_residual_for_each_update_of_a_level(weights):
    found = observed(AFTER, act(), weights=weights)
    assert found["low_residual"].shape == (4 * 2 * 2,)
    assert found["high_residual"].shape == (4 * 2,)
    assert (found["low_residual"] > 0).all()
    assert found["steps_trained"] == 2
    alone = observed(replace(AFTER, steps=2), act(), weights=weights)
    assert np.allclose(alone["low_residual"], found["low_residual"][:8], atol=1e-6)


def test_residuals_left_are_read_at_the_end_of_schedules(weights):
    found = observed(AFTER, act(), weights=weights)
    moved = found["low_residual"]
    assert ResidualLeft().read(found).mean == pytest.approx(moved[7] / moved[0])
    assert ResidualLeft(schedules=2).read(found).mean == pytest.approx(moved[15] / moved[0])
    high = found["high_residual"]
    assert ResidualLeft(level="high").read(found).mean == pytest.approx(high[3] / high[0])


def test_the_cosine_is_one_where_the_horizon_cuts_nothing(weights):
    cut = observed(AFTER, act(), weights=weights)
    whole = observed(AFTER, act(horizon=6), weights=weights)
    assert whole["gradient_cosine"] == pytest.approx(np.ones(4), abs=1e-5)
    assert (np.abs(cut["gradient_cosine"]) < 0.999).any()
    assert GradientCosine().read(cut).mean == cut["gradient_cosine"][1]


def test_before_training_weights_are_those_that_training_starts_from():
    still = replace(LONG, training=replace(LONG.training, updates=1, learning_rate=1e-30))
    before = observed(BEFORE, act(), seed=3)
    after = observed(replace(AFTER, after=still), act(), seed=3)
    assert np.allclose(before["low_residual"], after["low_residual"], atol=1e-6)
    assert before["low_participation"] == pytest.approx(after["low_participation"], rel=1e-4)
    assert before["low_residual"][0] != observed(BEFORE, act(), seed=4)["low_residual"][0]


def test_participation_is_of_the_states_that_halting_steps_end_with(weights):
    found = observed(AFTER, act(), weights=weights)
    assert 1 <= found["low_participation"] <= 32
    low, high, ratio = (Participation(of=of).read(found).mean for of in ("low", "high", "ratio"))
    assert ratio == pytest.approx(high / low)


def test_one_network_and_recurrent_cells_can_be_probed_too():
    single = act(one_network=True)
    assert observed(BEFORE, single)["gradient_cosine"].shape == (4,)
    found = observed(BEFORE, board())
    assert found["low_residual"].shape == (4 * 3,)


def test_boards_are_those_of_the_training():
    with pytest.raises(UserError, match="boards is"):
        replace(AFTER, boards=replace(BOARDS, test=17))
