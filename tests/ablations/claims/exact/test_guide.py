"""Checks of act-v1's guide find the opposite where it is planted."""

from dataclasses import replace

import pytest
import torch

from ablations.claims.exact import guide
from ablations.protocols import guide as printed
from hrm import recipes
from hrm.model.puzzles import PuzzleTable
from tests.ablations.claims.exact.checks import primary

SMALL = {"vocabulary": 5, "positions": 6, "width": 16, "heads": 2, "h_layers": 1, "l_layers": 1}
ARM = recipes.act_v1(**SMALL, max_steps=3)
PUZZLES = recipes.act_v1(**SMALL, puzzle_size=16, identities=9)
NARROW = replace(ARM, model=replace(ARM.model, bfloat16=True))


def biased(biases):
    halting = replace(ARM.model.halting, biases=biases, exploration=None)
    return replace(ARM, model=replace(ARM.model, halting=halting))


def test_an_arm_becomes_the_documents_model_with_the_same_configuration():
    assert printed.view(PUZZLES, 0).config.system() == PUZZLES
    with pytest.raises(AssertionError, match="none that the document's keys describe"):
        printed.view(biased((0.0, 1.0)), 0)


def test_the_printed_loss_adds_a_tenth_of_the_squared_error_of_q_continue():
    model = printed.view(ARM, 0)
    found = printed.step(model, *next(printed.batches(ARM, 0)))
    q, target = found.outputs["q_continue_logits"].sigmoid(), found.outputs["target_q_continue"]
    assert found.q.item() == pytest.approx(((q - target) ** 2).mean().item())
    assert found.loss.item() == pytest.approx(found.language.item() + 0.1 * found.q.item())


def test_q_heads_that_prefer_to_halt_do_not_continue():
    checks = list(guide.init_continue([biased((1.0, 0.0))], 0, batch=8))
    assert not any(c.holds for c in checks)
    assert all(c.holds for c in guide.init_continue([biased((0.0, 1.0))], 0, batch=8))


def test_a_loss_of_q_halt_is_found(monkeypatch):
    assert primary(guide.learns_halting, ARM) == [False]
    step = printed.step

    def with_halt(model, batch, targets):
        found = step(model, batch, targets)
        return replace(found, q=found.q + found.outputs["q_halt_logits"].square().mean())

    monkeypatch.setattr(printed, "step", with_halt)
    assert primary(guide.learns_halting, ARM) == [True]


def test_a_maximum_that_changes_what_is_learned_is_found(monkeypatch):
    arms = [recipes.act_v1(**SMALL, max_steps=n) for n in (2, 3)]
    assert primary(guide.maximum_matters, *arms, updates=2) == [False]
    step = printed.step

    def weighted(model, batch, targets):
        found = step(model, batch, targets)
        return replace(found, language=found.language / model.config.halt_max_steps)

    monkeypatch.setattr(printed, "step", weighted)
    assert primary(guide.maximum_matters, *arms, updates=2) == [True]


def test_a_table_that_does_not_start_at_zero_is_found(monkeypatch):
    assert primary(guide.zero_table, PUZZLES) == [True]
    init = PuzzleTable.__init__

    def ones(self, *given):
        init(self, *given)
        self.weights[0, 0] = 1.0

    monkeypatch.setattr(PuzzleTable, "__init__", ones)
    assert primary(guide.zero_table, PUZZLES) == [False]


def test_a_table_that_any_optimiser_sees_is_found(monkeypatch):
    assert primary(guide.own_optimiser, PUZZLES) == [True, True]
    init = PuzzleTable.__init__

    def as_parameter(self, *given):
        init(self, *given)
        table = self.weights
        del self.weights
        self.weights = torch.nn.Parameter(table, requires_grad=False)

    monkeypatch.setattr(PuzzleTable, "__init__", as_parameter)
    assert primary(guide.own_optimiser, PUZZLES)[0] is False


def test_narrow_q_values_are_found(monkeypatch):
    assert primary(guide.wide_q, NARROW) == [True, True, True]
    step = printed.step

    def narrowed(model, batch, targets):
        found = step(model, batch, targets)
        q = found.outputs["q_halt_logits"].bfloat16()
        return replace(found, outputs={**found.outputs, "q_halt_logits": q})

    monkeypatch.setattr(printed, "step", narrowed)
    assert primary(guide.wide_q, NARROW) == [False, True, True]
