"""Checks of sizes, operations, bounds and attention over one step find the opposite planted."""

import dataclasses

import pytest
import torch

from ablations.claims.exact import attention, counts, initial, parameters
from hrm import recipes
from hrm.config import GatedMlp, Learned, Mlp, TruncatedNormal
from hrm.model.layers import CrossAttention
from hrm.model.model import HRM

SMALL = {"inputs": 8, "hidden_low": 16, "hidden_high": 24}
ONE = tuple(
    recipes.v2(**SMALL, low_steps=1, **{k: True})
    for k in ("step_attention", "use_sequence_attention")
)
AMULGENT = {"width": 16, "h_layers": 1, "l_layers": 2}


def primary(function, *arms, **settings):
    return [c.holds for c in function(arms, 0, **settings) if c.primary]


def fed(system, part):
    """A system with another feed-forward in both levels."""
    levels = {
        name: dataclasses.replace(getattr(system.model, name), feed_forward=part)
        for name in ("low", "high")
    }
    return dataclasses.replace(system, model=dataclasses.replace(system.model, **levels))


# -- attention ------------------------------------------------------------------------------------
def test_both_attentions_agree_over_one_step_and_not_over_two():
    assert primary(attention.one_step, *ONE) == [True] * 3
    longer = (ONE[0], recipes.v2(**SMALL, low_steps=2, use_sequence_attention=True))
    assert not any(primary(attention.one_step, *longer))


def test_operations_beyond_the_closed_form_are_found(monkeypatch):
    pair = (
        recipes.v2(**SMALL, step_attention=True),
        recipes.v2(**SMALL, use_sequence_attention=True),
    )
    assert primary(counts.attention, *pair, batch=2) == [True] * 3
    forward = CrossAttention.forward
    monkeypatch.setattr(
        CrossAttention, "forward", lambda self, *a: forward(self, *a) + 0 * self.out(a[0][..., :16])
    )
    assert primary(counts.attention, *pair, batch=2) == [False, False, True]


# -- segments -------------------------------------------------------------------------------------
def segmented(count):
    return recipes.amulgent(
        inputs=4,
        outputs=4,
        use_iterative_refinement=count > 1,
        refinement_segments=count,
        **AMULGENT,
    )


def test_segments_cost_as_many_times_as_much_and_the_map_between_them(monkeypatch):
    arms = [segmented(n) for n in (1, 2, 4)]
    assert all(primary(counts.segments, *arms, batch=2))
    think = HRM.think
    monkeypatch.setattr(HRM, "think", lambda self, z, x: think(self, think(self, z, x), x))
    assert all(primary(counts.segments, *arms, batch=2)), "twice the work in every segment alike"
    monkeypatch.setattr(
        HRM, "think", lambda self, z, x: think(self, z, x) if z.high.unique().numel() <= 16 else z
    )
    assert not all(primary(counts.segments, *arms, batch=2))


# -- sizes ----------------------------------------------------------------------------------------
def test_heads_of_equal_size_do_not_change_it():
    split = recipes.amulgent(**AMULGENT)
    joint = recipes.amulgent(original=True, **AMULGENT)
    assert primary(parameters.heads, split, joint) == [False, False]
    wider = recipes.amulgent(original=True, **{**AMULGENT, "width": 24})
    assert primary(parameters.heads, split, wider) == [True, True]


@pytest.mark.parametrize(
    ("function", "switch"),
    [(parameters.norms, "use_rmsnorm"), (parameters.feed_forwards, "use_swiglu")],
)
def test_a_part_changes_the_size_by_its_closed_form_and_with_another_part_it_does_not(
    function, switch
):
    before = recipes.amulgent(**AMULGENT)
    alone = recipes.amulgent(**AMULGENT, **{switch: True})
    both = recipes.amulgent(**AMULGENT, use_rmsnorm=True, use_swiglu=True)
    assert primary(function, before, alone) == [True]
    assert primary(function, before, both) == [False]


def test_a_standard_mlp_is_told_from_a_gated_one_by_its_maps():
    coded = recipes.amulgent(**AMULGENT)
    plain = fed(coded, Mlp(inner=64))
    size = f"{sum(p.numel() for p in HRM(plain.model).parameters()):,}"
    assert fed(coded, GatedMlp(inner=32)) == coded
    assert primary(parameters.standard_mlp, coded, plain, figures=[size]) == [False, True]
    assert primary(parameters.standard_mlp, plain, plain, figures=[size]) == [True, True]
    assert primary(parameters.standard_mlp, plain, plain, figures=["1,000"]) == [True, False]
    whole = list(parameters.standard_mlp([coded, plain], 0, figures=[size]))[-1]
    assert (whole.observed, whole.holds) == ("64.000", True)


# -- initial values -------------------------------------------------------------------------------
def test_states_that_are_not_clipped_or_of_another_scale_are_found(monkeypatch):
    system = recipes.amulgent(**AMULGENT)
    truncated = dataclasses.replace(
        system, model=dataclasses.replace(system.model, initialisation=TruncatedNormal())
    )
    assert primary(initial.bounds, system, truncated, draws=2**14) == [True, True]
    drawn = initial._states
    for factor, holds in ((1.1, [False, False]), (0.9, [True, False])):
        monkeypatch.setattr(
            initial, "_states", lambda *a, factor=factor: torch.mul(drawn(*a), factor)
        )
        assert primary(initial.bounds, system, truncated, draws=2**14) == holds
    assert isinstance(system.model.initial, Learned)
