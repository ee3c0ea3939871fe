"""A recursion that deepens in training is, in each part of it, a model of that depth."""

from dataclasses import replace

import pytest
import torch

from hrm import recipes
from hrm.config import SeparateLatents
from hrm.config.learning import Depth, QHalting, System, Training
from hrm.errors import UserError
from hrm.model.execution import Batch
from hrm.training import loop
from hrm.training.learner import Learner

SHALLOW = Depth(until=0.3, cycles=1, low_steps=1)
MIDDLE = Depth(until=0.6, cycles=2, low_steps=2)
TRAINING = Training(updates=10, batch=4, learning_rate=0.01, depths=(SHALLOW, MIDDLE))


def system_of(cycles: int = 3, low_steps: int = 3) -> System:
    system = recipes.act_v1(
        vocabulary=5,
        positions=4,
        width=8,
        heads=2,
        h_layers=1,
        l_layers=1,
        h_cycles=cycles,
        l_cycles=low_steps,
        max_steps=2,
    )
    return replace(system, objective=QHalting())


def batch_of(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = torch.randint(5, (2, 4, 4), generator=generator)
    return Batch(inputs, None, targets)


def learner_of(system: System, training: Training) -> Learner:
    model = loop.build(system, loop.Seeds(weights=1, order=1)).train()
    return Learner(model, system, training, torch.Generator().manual_seed(0))


def test_each_update_has_the_depth_of_its_part_and_later_ones_the_models_own():
    found = [TRAINING.depth(update) for update in range(10)]
    assert found == [SHALLOW] * 3 + [MIDDLE] * 3 + [None] * 4


def test_updates_are_those_of_a_model_of_that_depth():
    deepening = learner_of(system_of(), TRAINING)
    depths = [(1, 1)] * 3 + [(2, 2)] * 3 + [(3, 3)] * 4
    state = None
    for update, (cycles, low_steps) in enumerate(depths):
        fixed = learner_of(system_of(cycles, low_steps), replace(TRAINING, depths=()))
        if state is not None:
            fixed.load(state)
        batch = batch_of(update)
        assert deepening.training_step(batch) == fixed.training_step(batch), update
        state = deepening.state()


def test_evaluation_is_as_deep_as_configured_whatever_training_is():
    learner = learner_of(system_of(), TRAINING)
    learner.training_step(batch_of(0))
    deep = loop.build(system_of(), loop.Seeds(weights=1, order=1))
    deep.load_state_dict(learner.model.state_dict())
    inputs = batch_of(1).inputs
    found, expected = learner.model.eval()(inputs), deep.eval()(inputs)
    assert torch.equal(found.prediction, expected.prediction)
    assert len(learner.model.schedule()) == 3 * (3 + 1)
    assert len(learner.model.train().schedule()) == 1 * (1 + 1)


def test_parts_end_one_after_another():
    with pytest.raises(UserError, match="parts that end one after another"):
        Training(updates=10, depths=(MIDDLE, SHALLOW))


def test_latents_for_each_low_update_stay_as_many():
    system = system_of()
    system = replace(system, model=replace(system.model, coupling=SeparateLatents()))
    with pytest.raises(UserError, match="low_steps is 1; allowed is 3"):
        learner_of(system, TRAINING)
    learner_of(system, replace(TRAINING, depths=(replace(SHALLOW, low_steps=3),)))
