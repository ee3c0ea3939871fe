"""The ladder of rates: rungs, the constant answer's loss, what diverges."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.protocols.boards import table
from ablations.protocols.ladder import constant_loss
from ablations.specs.protocols import Ladder
from hrm import recipes
from hrm.config.learning import PolicyGradient, StablemaxCrossEntropy, Supervised, System
from hrm.errors import UserError
from hrm.tasks.regression import Regression
from hrm.training import losses
from hrm.training.stablemax import IGNORED
from tests.ablations.protocols.tiny import BOARDS, SHORT, board, observed

LEVELS = recipes.act_v1_vector(inputs=80, outputs=80, width=16, heads=2)
LADDER = Ladder(
    boards=BOARDS, training=replace(SHORT, updates=8, learning_rate=1e-3), rungs=3, step=4.0
)


def test_each_rung_starts_from_equal_weights_and_climbs_by_the_step():
    found = observed(LADDER, LEVELS)
    assert found["rate"].tolist() == pytest.approx([1e-3, 4e-3, 16e-3])
    assert found["finite"].all()
    assert len(set(found["final_loss"].tolist())) == 3
    alone = observed(replace(LADDER, training=replace(LADDER.training, learning_rate=4e-3)), LEVELS)
    assert alone["final_loss"][0] == found["final_loss"][1]


def test_a_rung_that_diverges_is_kept_and_the_others_with_it():
    found = observed(replace(LADDER, step=1e38, rungs=2), LEVELS)
    assert found["finite"].tolist() == [True, False]
    assert np.isnan(found["final_loss"][1])


def test_the_seeds_factor_shifts_the_ladder_but_not_the_names_of_its_rates():
    shifted = observed(replace(LADDER, rate_factors=(4.0, 4.0)), LEVELS)
    found = observed(replace(LADDER, rate_factors=None), LEVELS)
    assert shifted["rate"].tolist() == found["rate"].tolist()
    assert shifted["final_loss"][0] == pytest.approx(found["final_loss"][1])


def test_replicas_are_independent():
    first, second = (observed(replace(LADDER, replica=n), LEVELS) for n in (0, 1))
    assert not np.array_equal(first["final_loss"], second["final_loss"])


def test_the_answers_part_of_the_loss_counts_where_halting_learns_too():
    found = observed(replace(LADDER, rungs=2), board())
    assert found["final_loss"][0] < 1, "a mean squared error of one-hot cells"


@pytest.mark.parametrize("answer", [Supervised().answer, StablemaxCrossEntropy()])
def test_no_constant_logits_cost_less_than_the_constant_answer(answer):
    dealt = table(BOARDS, 0)
    system = System(model=LEVELS.model, objective=Supervised(answer=answer))
    least = constant_loss(system, dealt.task, dealt.splits.train)
    targets = torch.from_numpy(dealt.splits.train.targets)
    ignored = getattr(dealt.task, "ignored", None)
    if ignored is not None:
        targets = torch.where(targets == ignored, IGNORED, targets)
    logits = torch.zeros(16 * 5, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        loss = losses.cross_entropy(logits.expand(len(targets), -1), targets).mean()
        loss.backward()
        optimiser.step()
    assert least == pytest.approx(loss.item(), abs=2e-3)
    assert least <= loss.item()


def test_the_constant_answer_of_squared_errors_is_the_mean():
    dealt = table(BOARDS, 0)
    system = board()
    assert isinstance(system.objective, PolicyGradient)
    targets = torch.from_numpy(dealt.splits.train.targets)
    mean = torch.nn.functional.one_hot(targets, 5).double().mean(0).flatten()
    expected = losses.squared_error(mean.expand(len(targets), -1), targets).mean().item()
    assert constant_loss(system, dealt.task, dealt.splits.train) == pytest.approx(expected)


def test_the_constant_answer_of_numbers_has_their_variance():
    task = Regression(size=5, outputs=1, depth=2)
    drawn = table(replace(BOARDS, task=task), 0)
    system = recipes.v2(inputs=5, outputs=1, hidden_low=8, hidden_high=16)
    expected = drawn.splits.train.targets.var(axis=0).mean()
    assert constant_loss(system, drawn.task, drawn.splits.train) == pytest.approx(expected)


def test_answers_between_the_steps_have_no_constant_loss():
    dealt = table(BOARDS, 0)
    with pytest.raises(UserError, match="between"):
        constant_loss(recipes.complete(), dealt.task, dealt.splits.train)
