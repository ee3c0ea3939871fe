"""The ladder on which answers between the steps count: their losses, and constant answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.protocols import ladder
from ablations.protocols.boards import table
from ablations.protocols.climb import Means, constant_loss
from ablations.specs.arms import changed
from ablations.specs.protocols import Boards, Climb, Ladder
from hrm import recipes
from hrm.config import Masked
from hrm.config.learning import AdamW
from hrm.errors import UserError
from hrm.model.execution import Run
from hrm.model.model import Output
from hrm.tasks.pattern import Pattern
from hrm.training import losses
from tests.ablations.protocols.tiny import SHORT, observed

BOARDS = Boards(
    task=Pattern(modulus=5, strands=1, shown=3, asked=1), train=64, validation=8, test=8, seed=1
)
CODED = recipes.complete(positions=4, h_dim=8, l_dim=8, h_layers=1, max_steps=4)
PLAIN = changed(CODED, {"objective.between": 0.0, "model.readout.softmax": False})
CLIMB = Climb(
    boards=BOARDS,
    training=replace(SHORT, updates=8, learning_rate=1e-3, halting_rate=1e-4),
    rungs=2,
    step=4.0,
)


def answered(system, logits, targets, steps):
    """Return the training loss of a model that always gives one answer, after some steps."""
    prediction = logits.softmax(-1) if system.model.readout.softmax else logits
    given = prediction.expand(len(targets), -1, -1)
    nothing = torch.zeros(steps, len(targets))
    run = Run(
        state=None,
        steps=torch.full((len(targets),), steps),
        rows=(len(targets),) * steps,
        margins=nothing,
        logits=nothing,
        values=nothing,
        drafts=given.expand(steps, 1, *given.shape),
    )
    output = Output(prediction=given, run=run)
    return losses.supervised_loss(system.objective, output, targets)


@pytest.mark.parametrize("softmax", [True, False])
@pytest.mark.parametrize("steps", [1, 2, 4, 5, 10])
def test_the_best_model_of_constant_answers_has_the_constant_loss(steps, softmax):
    system = changed(CODED, {"model.readout.softmax": softmax})
    dealt = table(BOARDS, 0)
    targets = torch.from_numpy(dealt.splits.train.targets)
    logits = torch.zeros(4, 10, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.2)
    for _ in range(300):
        optimiser.zero_grad()
        loss = answered(system, logits, targets, steps)
        loss.backward()
        optimiser.step()
    progress = Means(SHORT, system)
    progress.updated(loss.item(), steps=float(steps), task=loss.item())
    least = constant_loss(system, dealt.task, dealt.splits.train)
    assert progress.tasks == pytest.approx([least], abs=2e-3)
    assert least <= progress.tasks[0] + 1e-9
    assert progress.losses == [loss.item()], "the loss itself stays as it was"


def test_a_distribution_as_logits_costs_more_than_free_ones():
    dealt = table(BOARDS, 0)
    bound, free = (constant_loss(s, dealt.task, dealt.splits.train) for s in (CODED, PLAIN))
    assert free == ladder.constant_loss(PLAIN, dealt.task, dealt.splits.train)
    assert free < math.log(5) < bound < math.log(10)


def test_without_answers_between_it_is_the_ladder():
    bare = replace(CLIMB, training=replace(CLIMB.training, halting_rate=None, optimiser=AdamW()))
    fields = {name: getattr(bare, name) for name in ("boards", "training", "rungs", "step")}
    climbed, plain = observed(bare, PLAIN), observed(Ladder(**fields), PLAIN)
    assert climbed.keys() == plain.keys()
    for name in plain:
        assert np.array_equal(climbed[name], plain[name]), name


def test_the_rate_of_halting_stays_on_all_rungs(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "ablations.protocols.ours.Ours.train",
        lambda _, training, *given: (seen.append(training), given[2].updated(1.0)),
    )
    observed(replace(CLIMB, rate_factors=(0.5, 0.5)), CODED)
    assert [each.learning_rate for each in seen] == pytest.approx([5e-4, 2e-3])
    assert [each.halting_rate for each in seen] == pytest.approx([5e-5, 5e-5])


def test_a_rung_that_diverges_is_kept_and_the_others_with_it():
    found = observed(replace(CLIMB, step=1e38), CODED)
    assert found["finite"].tolist() == [True, False]
    assert np.isnan(found["final_loss"][1])


def test_answers_between_are_refused_where_samples_stop_one_by_one():
    dealt = table(BOARDS, 0)
    system = changed(CODED, {"model.execution": Masked()})
    with pytest.raises(UserError, match="execution"):
        constant_loss(system, dealt.task, dealt.splits.train)
