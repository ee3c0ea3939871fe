"""Both arms of the recipe complete have the weights and fresh states of their references."""

import pytest
import torch

from ablations.references import complete
from tests.hrm.equality import exact, model_of, write_out_kernels
from tests.hrm.recipes.complete import (
    batches_of,
    classes,
    coded,
    high_width,
    inputs,
    low_width,
    system_of,
    weights_of,
)


@pytest.mark.parametrize("arm", ["coded", "documented"])
def test_both_have_the_same_weights(arm):
    expected = complete.weight_shapes(
        coded, arm, low=low_width, high=high_width, inputs=inputs, outputs=classes
    )
    found = weights_of(model_of(system_of(arm)))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


@pytest.mark.parametrize("arm", ["coded", "documented"])
def test_fresh_states_are_the_same_bit_for_bit_in_float32_with_plain_kernels(monkeypatch, arm):
    # From the first norm on, the order of operations isn't the same: w · (x / r) and (w · x) / r.
    model = model_of(system_of(arm), torch.float32)
    (data,) = batches_of(1, torch.float32)
    z_low, z_high = complete.fresh_states(weights_of(model), data["inputs"])
    write_out_kernels(monkeypatch)
    state = model.start(model.perceive(data["inputs"]))
    exact(state.low, z_low)
    exact(state.high, z_high)
