"""Checks of switches find a model that isn't its reference, and combinations that don't learn."""

import pytest
import torch

import hrm.training.losses
import hrm.training.q_losses
from ablations.claims.exact import switches
from hrm import recipes
from hrm.model import halting

# Widths that leave a vectorised loop no rest, as the claim has them.
SMALL = {
    "inputs": 8,
    "outputs": 2,
    "hidden_low": 32,
    "hidden_high": 64,
    "low_steps": 2,
    "max_cycles": 4,
}
SIZES = {"width": 16, "inputs": 8, "outputs": 8, "h_layers": 1, "l_layers": 1, "l_cycles": 1}
DEFAULT, BEFORE = recipes.amulgent(**SIZES), recipes.amulgent(**SIZES, original=True)


def primary(function, *arms, **settings):
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


def test_all_flags_off_is_the_reference():
    found = primary(switches.v2_off, recipes.v2(**SMALL))
    assert len(found) == 9
    assert all(found)


def test_another_cost_in_the_reward_reaches_losses_gradients_and_weights(monkeypatch):
    made = hrm.training.losses.reward
    monkeypatch.setattr(
        hrm.training.losses, "reward", lambda task, steps, cost: made(task, steps, 1.01 * cost)
    )
    found = primary(switches.v2_off, recipes.v2(**SMALL))
    assert found == [True] * 5 + [False] * 4


def test_a_controller_that_sees_another_progress_is_found_in_evaluation(monkeypatch):
    made = halting.with_progress
    monkeypatch.setattr(halting, "with_progress", lambda high, c: made(high, c - 3.0))
    found = primary(switches.v2_off, recipes.v2(**SMALL))
    assert not all(found[:4])


def test_flags_are_independent_where_all_learn_and_each_is_another_model(monkeypatch):
    arms = [recipes.v2(**SMALL, use_per_sample_act=on) for on in (False, True)]
    assert primary(switches.independent, *arms) == [True, True, True]
    assert primary(switches.independent, arms[0], arms[0]) == [True, True, False]
    made = hrm.training.losses.policy_loss
    monkeypatch.setattr(
        hrm.training.losses, "policy_loss", lambda *a: made(*a) * torch.tensor(torch.nan)
    )
    with pytest.raises(FloatingPointError):
        primary(switches.independent, *arms)


def test_the_listed_switches_off_are_the_reference_and_the_rest_stands_beside():
    found = list(switches.amulgent_off([DEFAULT, BEFORE], 0))
    assert [(c.holds, c.primary) for c in found] == [
        *[(True, True)] * 3,
        *[(False, False)] * 3,
        *[(True, False)] * 3,
    ]


def test_another_norm_or_another_loss_is_found(monkeypatch):
    monkeypatch.setattr(
        torch.nn.functional, "layer_norm", lambda x, *a: torch.layer_norm(x, *a[:3], eps=1e-3)
    )
    assert not any(primary(switches.amulgent_off, DEFAULT, BEFORE))
    monkeypatch.undo()
    made = hrm.training.q_losses.replay_loss
    monkeypatch.setattr(hrm.training.q_losses, "replay_loss", lambda q, t: made(q, t, 1.0))
    assert primary(switches.amulgent_off, DEFAULT, BEFORE) == [True, True, False]
