"""A batch in pieces, and activations that are computed again, give the step of the whole."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm import recipes
from hrm.config.learning import Supervised, Training
from hrm.model.execution import Batch
from hrm.training import loop
from hrm.training.learner import Learner

systems = st.builds(
    recipes.act_v1,
    vocabulary=st.integers(2, 6),
    positions=st.integers(1, 7),
    width=st.sampled_from([4, 8, 12]),
    heads=st.sampled_from([1, 2]),
    h_layers=st.integers(1, 2),
    l_layers=st.integers(1, 2),
    h_cycles=st.integers(1, 2),
    l_cycles=st.integers(1, 3),
    max_steps=st.integers(1, 3),
    learned_positions=st.booleans(),
)


def stepped(system, pieces, size):
    """What two updates measure, and the weights that they leave, in float64."""
    model = loop.build(system, loop.Seeds(weights=1, order=0)).double().train()
    training = Training(updates=2, batch=size, pieces=pieces, learning_rate=1e-2)
    learner = Learner(model, system, training, torch.Generator().manual_seed(0))
    random = torch.Generator().manual_seed(5)
    part = system.model.embedding
    found = []
    for _ in range(2):
        tokens, answers = (
            torch.randint(high, (size, part.positions), generator=random)
            for high in (part.vocabulary, system.model.readout.size)
        )
        found.append(learner.training_step(Batch(tokens, None, answers)))
    return found, {name: value.detach().clone() for name, value in model.state_dict().items()}


def agree(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        assert a == pytest.approx(b, rel=1e-7, abs=1e-10)
    assert one[1].keys() == other[1].keys()
    assert all(torch.allclose(one[1][n], other[1][n], atol=1e-8) for n in one[1])


@settings(max_examples=15)
@given(
    system=systems,
    pieces=st.integers(1, 4),
    rows=st.integers(1, 3),
    supervised=st.booleans(),
    again=st.booleans(),
)
def test_pieces_and_checkpointing_are_the_whole_at_any_size(
    system, pieces, rows, supervised, again
):
    system = replace(system, model=replace(system.model, bfloat16=False))
    if supervised:
        system = replace(system, objective=Supervised())
    other = replace(system, model=replace(system.model, checkpointing=again))
    agree(stepped(other, pieces, pieces * rows), stepped(system, 1, pieces * rows))
