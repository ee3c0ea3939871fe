"""Samples take all halting steps at first in training; later they stop where they want to."""

from dataclasses import replace

import pytest
import torch

from hrm import recipes
from hrm.config import QLearning
from hrm.config.learning import QHalting, System, Training
from hrm.errors import UserError
from hrm.model.execution import Batch
from hrm.training import loop
from hrm.training.learner import Learner

TRAINING = Training(updates=10, batch=16, learning_rate=0.01, halts_from=0.3)


def policy(*, obeyed: bool = True) -> System:
    system = recipes.gru(inputs=4, outputs=1, hidden_low=6, hidden_high=6, max_cycles=4)
    halting = replace(system.model.halting, obeyed=obeyed)
    return replace(system, model=replace(system.model, halting=halting))


def learner_of(system: System, training: Training) -> Learner:
    model = loop.build(system, loop.Seeds(weights=1, order=1)).train()
    return Learner(model, system, training, torch.Generator().manual_seed(0))


def batch_of(seed: int) -> Batch:
    drawn = torch.Generator().manual_seed(seed)
    return Batch(torch.randn(16, 4, generator=drawn), None, torch.randn(16, 1, generator=drawn))


def test_the_first_updates_are_those_of_a_policy_that_is_not_obeyed():
    learner = learner_of(policy(), TRAINING)
    deaf = learner_of(policy(obeyed=False), replace(TRAINING, halts_from=0.0))
    for update in range(3):
        batch = batch_of(update)
        assert learner.training_step(batch) == deaf.training_step(batch), update
    expected = deaf.model.state_dict()
    assert all(torch.equal(w, expected[n]) for n, w in learner.model.state_dict().items())


def test_later_updates_stop_where_samples_want_to():
    learner = learner_of(policy(), TRAINING)
    taken = [learner.training_step(batch_of(update))["cycles_mean"] for update in range(10)]
    assert taken[:3] == [4.0] * 3
    assert max(taken[3:]) < 4.0


def test_evaluation_obeys_them_even_before():
    learner = learner_of(policy(), replace(TRAINING, halts_from=1.0))
    assert learner.training_step(batch_of(0))["cycles_mean"] == 4.0
    own = loop.build(policy(), loop.Seeds(weights=1, order=1))
    own.load_state_dict(learner.model.state_dict())
    with torch.no_grad():
        own.halting.controller.policy.bias.copy_(torch.tensor([-9.0, 9.0]))
        learner.model.halting.controller.policy.bias.copy_(torch.tensor([-9.0, 9.0]))
    found = learner.model.eval()(batch_of(1).inputs)
    assert found.run.steps.tolist() == [1] * 16
    assert torch.equal(found.prediction, own.eval()(batch_of(1).inputs).prediction)


def test_places_that_carry_their_states_take_all_steps_too():
    system = recipes.act_v1(
        vocabulary=5, positions=4, width=8, heads=2, h_layers=1, l_layers=1, max_steps=3
    )
    assert isinstance(system.model.halting, QLearning)
    halting = replace(system.model.halting, biases=(5.0, -5.0), exploration=None)
    system = replace(system, model=replace(system.model, halting=halting), objective=QHalting())
    inputs, targets = torch.randint(5, (2, 16, 4), generator=torch.Generator().manual_seed(0))
    batch = Batch(inputs, None, targets)
    learner = learner_of(system, replace(TRAINING, halts_from=0.6))
    halted = [learner.training_step(batch)["halted"] for _ in range(10)]
    assert halted[:6] == [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert halted[6:] == [1.0] * 4


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_out_of_its_range_is_refused(share):
    with pytest.raises(UserError, match="halts_from is"):
        Training(updates=1, halts_from=share)
