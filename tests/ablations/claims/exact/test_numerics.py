"""Checks of training's identities find what breaks them."""

import pytest
import torch

from ablations.claims.exact import numerics
from hrm import recipes
from hrm.training import optim, stablemax
from hrm.training.learner import Learner
from tests.ablations.claims.exact.checks import beside, primary

ARM = recipes.act_v1(
    vocabulary=5,
    positions=6,
    width=16,
    heads=2,
    h_layers=1,
    l_layers=1,
    exploration=0.0,
)
SERIES = recipes.complete(
    h_dim=16, l_dim=8, h_layers=1, l_layers=1, h_heads=1, l_heads=1, positions=4, as_coded=False
)


def test_pieces_add_up_but_for_a_mean_over_tokens_of_unequal_pieces():
    assert primary(numerics.accumulation, ARM, batch=8) == [True, True]
    assert beside(numerics.accumulation, ARM, batch=8) == [True, False]


def test_pieces_that_are_not_divided_are_found(monkeypatch):
    init = Learner.__init__

    def undivided(self, *given):
        init(self, *given)
        self.objective.coupled = True

    monkeypatch.setattr(Learner, "__init__", undivided)
    assert primary(numerics.accumulation, ARM, batch=8) == [False, True]


def test_an_update_that_an_epsilon_scales_is_found(monkeypatch):
    assert primary(numerics.scale_free, SERIES, updates=2) == [True, True]

    def direction(self, m, v, t, group):
        return [a / (b.sqrt() + 1e-3) for a, b in zip(m, v, strict=True)]

    monkeypatch.setattr(optim.AdamAtan2, "_direction", direction)
    assert primary(numerics.scale_free, SERIES, updates=2) == [False, False]


@pytest.mark.parametrize(
    "worse",
    [
        lambda x, y: torch.nn.functional.cross_entropy(x, y, reduction="none"),
        lambda x, y: -stablemax.stablemax(x).gather(-1, y[:, None]).squeeze(-1).half().log(),
    ],
)
def test_another_map_and_another_precision_are_found(monkeypatch, worse):
    assert primary(numerics.stablemax) == [True] * 4
    monkeypatch.setattr(stablemax, "stablemax_cross_entropy", worse)
    assert False in primary(numerics.stablemax)
