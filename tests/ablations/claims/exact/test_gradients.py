"""Checks of policy gradients, of what reaches what and of targets find the opposite planted."""

import dataclasses

import pytest
import torch

import hrm.training.losses
import hrm.training.q_losses
from ablations.claims import sets
from ablations.claims.exact import dilution, flow, targets
from hrm import recipes
from hrm.config import Compacted, Lockstep
from hrm.model import coupling
from tests.ablations.protocols.tiny import executed, tiny

SMALL = {"inputs": 8, "outputs": 2, "hidden_low": 8, "hidden_high": 16, "max_cycles": 4}
GRU = recipes.gru(**SMALL)
OPEN = recipes.gru(**SMALL, detach_low_to_high=False)


def primary(function, *arms, **settings):
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


# -- means over zeros, and normalised advantages --------------------------------------------------
def test_zeros_dilute_where_samples_stop_apart_and_nowhere_else():
    assert primary(dilution.zeros, executed(tiny(), Compacted())) == [True, True]
    assert primary(dilution.zeros, executed(tiny(), Lockstep())) == [False, True]


def test_a_mean_of_live_samples_in_both_places_dilutes_nothing(monkeypatch):
    monkeypatch.setattr(hrm.training.losses, "mean_over_batch", hrm.training.losses.mean_over_live)
    assert primary(dilution.zeros, executed(tiny(), Compacted())) == [False, False]


def test_normalised_advantages_keep_the_gradient_but_for_a_batch_of_one():
    assert primary(dilution.normalised, GRU) == [True, True, True, False]


def test_a_gradient_that_grows_with_its_rewards_is_found():
    raw = dataclasses.replace(GRU, objective=dataclasses.replace(GRU.objective, normalise=False))
    assert primary(dilution.normalised, raw) == [False, False, True, False]


# -- what reaches what ----------------------------------------------------------------------------
def test_two_timescales_are_read_off_the_updates(monkeypatch):
    assert all(primary(flow.timescales, GRU))
    cycle = coupling.Alternating.cycle
    monkeypatch.setattr(coupling.Alternating, "cycle", lambda self: [self.update_low, *cycle(self)])
    assert not any(primary(flow.timescales, GRU))


@pytest.mark.parametrize("act", [True, False])
def test_a_flag_that_does_not_cut_is_found(monkeypatch, act):
    system = recipes.gru(**SMALL, use_act=act)
    assert primary(flow.detached, system) == [True]
    monkeypatch.setattr(torch.Tensor, "detach", lambda tensor: tensor)
    assert primary(flow.detached, system) == [False]


def test_arms_of_the_detach_flags_are_named_by_the_flags_that_they_set():
    (claim,) = sets.choose(["gru-detach-flags"])
    names = []
    for arm in claim.arms:
        coupling, act = arm.part.model.coupling, arm.part.model.halting.obeyed
        on = [
            flag for flag in ("low_to_high", "high_to_low") if getattr(coupling, f"detach_{flag}")
        ]
        flags = {0: "no flag", 2: "both flags"}.get(len(on)) or f"detach_{on[0]}"
        names.append(f"{flags}, ACT {'on' if act else 'off'}")
    assert names == [arm.label for arm in claim.arms]
    assert len(set(names)) == 8


def test_a_level_that_does_not_read_the_other_is_found(monkeypatch):
    assert primary(flow.both_ways, GRU) == [True, True]
    monkeypatch.setattr(
        "hrm.model.cores.Gru.from_context", lambda self, context: torch.zeros(16, 8).double()
    )
    assert primary(flow.both_ways, GRU) == [False, True]


def test_parameters_that_nothing_reaches_are_named():
    found, *beside = flow.reach([GRU], 0)
    assert not found.holds
    assert "low.cell.weight_hh" in found.observed
    assert [c.what.rpartition(" ")[2] for c in beside if not c.holds] == ["`embed`", "`low`"]
    assert primary(flow.reach, OPEN) == [True]
    assert primary(flow.reach, recipes.gru(**SMALL, as_coded=True)) == [False]


# -- targets --------------------------------------------------------------------------------------
def test_a_terminal_target_that_is_worth_more_than_its_reward_is_found(monkeypatch):
    system = recipes.amulgent(width=16, h_layers=1, l_layers=1)
    assert primary(targets.terminal, system) == [True]
    made = hrm.training.q_losses.replay_targets
    monkeypatch.setattr(
        hrm.training.q_losses, "replay_targets", lambda r, q, t: made(r, q, torch.zeros_like(t))
    )
    assert primary(targets.terminal, system) == [False]
