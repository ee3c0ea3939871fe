"""One level alone: no second core, no parameters for it, and what it costs beside two levels."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from hrm import config, recipes
from hrm.config import HRMConfig, Transformer
from hrm.errors import UserError
from hrm.model import HRM, cost

WIDTH, SIZE, B = 16, 12, 4


def levels() -> HRMConfig:
    """Two levels of one layer each, two cycles of two low updates: six block evaluations."""
    return recipes.amulgent(
        inputs=SIZE, outputs=SIZE, width=WIDTH, h_layers=1, l_layers=1, max_steps=1
    ).model


def alone(passes: int) -> HRMConfig:
    """One level of both layers, so many passes a segment."""
    c = levels()
    assert isinstance(c.low, Transformer)
    core = replace(c.low, layers=2)
    return replace(c, low=core, high=core, coupling=config.Single(), low_steps=passes, cycles=1)


def built(c: HRMConfig) -> HRM:
    torch.manual_seed(0)
    return HRM(c)


def count(model: HRM) -> int:
    return sum(p.numel() for p in model.parameters())


def flops(c: HRMConfig) -> int:
    model, x = built(c), torch.zeros(B, SIZE)
    return cost.operations(lambda: model(x, steps=1)).total


def test_there_are_no_parameters_for_a_second_level() -> None:
    names = {name.partition(".")[0] for name, _ in built(alone(1)).named_parameters()}
    assert names == {"embed", "low", "start_low", "halting", "readout"}


def test_it_has_the_parameters_of_two_levels_but_for_the_second_start() -> None:
    assert count(built(levels())) - count(built(alone(1))) == WIDTH


def test_three_passes_of_both_layers_cost_what_two_levels_do_and_one_a_third() -> None:
    rest = flops(alone(2)) - 2 * (flops(alone(2)) - flops(alone(1)))
    assert flops(alone(3)) == flops(levels())
    assert flops(alone(1)) - rest == (flops(levels()) - rest) / 3


@pytest.mark.parametrize("core", [None, config.Gru(width=WIDTH)])
def test_a_segment_is_the_core_applied_so_often(core: Any) -> None:
    c = alone(3)
    if core is not None:
        c = replace(c, low=core, high=core)
    model = built(c).eval()
    x = torch.randn(B, SIZE, generator=torch.Generator().manual_seed(1))
    embedded = model.perceive(x)
    state = model.start_low(embedded)
    for _ in range(3):
        state = model.low(state, model.low.from_inputs(embedded))
    expected = model.readout(state.squeeze(1) if state.dim() == 3 else state)
    assert torch.equal(model(x, steps=1).prediction, expected)


def test_reading_the_low_state_is_reading_the_only_one() -> None:
    c = alone(2)
    x = torch.randn(B, SIZE, generator=torch.Generator().manual_seed(1))
    low = built(replace(c, readout=replace(c.readout, low=True)))
    assert torch.equal(built(c).eval()(x).prediction, low.eval()(x).prediction)


def test_a_second_core_that_differs_is_refused() -> None:
    c = alone(1)
    with pytest.raises(UserError, match="there is but one"):
        replace(c, high=levels().high)
    with pytest.raises(UserError, match="there is but one"):
        replace(c, one_network=True)
