"""What tests against `ablations.references` share: a model to compare, comparisons, plain kernels.

Tolerances, relative to the largest number of a tensor. A number here is the end of 10² to 10⁴
roundings of 1.1e-16 each in float64; recursion and an optimiser's quotients pass them on, and
between 1e-15 and 5e-12 is what we measured. 1e-10 is above that, and far below what another
constant, order or sign makes. The same passes agree to 1e-5 in float32, for which we ask 1e-4.

Bit for bit we compare what is copied, counted or drawn; and, with the fused kernels written out,
all that is computed by the same operations in the same order.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from hrm.config.learning import System
from hrm.model import HRM
from hrm.model.execution import Carry
from hrm.training import loop


def model_of(system: System, dtype: torch.dtype = torch.float64, seed: int = 4) -> HRM:
    """Return a system's model in which no weight is constant.

    What starts at zeros, ones or -5 would hide the terms that it multiplies. With the seeds here
    samples stop in different steps, which each test asserts where it matters.
    """
    model = loop.build(system, loop.Seeds(weights=seed, order=0))
    generator = torch.Generator().manual_seed(0)
    for value in model.state_dict().values():
        if (value == value.flatten()[0]).all():
            value.add_(0.25 * torch.randn(value.shape, generator=generator))
    return model.to(dtype)


def executed(model: HRM, **changes: object) -> HRM:
    """The same model, in evaluation mode, with another configuration of how it is run."""
    other = HRM(replace(model.config, **changes)).to(model.start_low.value.dtype)
    other.load_state_dict(model.state_dict())
    return other.eval()


def leaves_of(model: HRM) -> dict[str, Tensor]:
    """Copies of the weights, which take gradients."""
    return {name: value.clone().requires_grad_() for name, value in model.state_dict().items()}


def gradients_of(model: HRM) -> dict[str, Tensor]:
    """None counts as zeros: nothing reaches the weight."""
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in model.named_parameters()
    }


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def close(found: Tensor, expected: Tensor, tolerance: float = 1e-10) -> None:
    """Assert that no number is off by more than `tolerance` times the largest; zeros are zeros."""
    assert found.shape == expected.shape
    error = (found.double() - expected.double()).abs().max()
    largest = expected.double().abs().max()
    assert error <= tolerance * largest, f"off by {error:.2e}, where the largest is {largest:.2e}"


def all_close(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float = 1e-10
) -> None:
    """Assert the same of every tensor; names have to agree."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        try:
            close(found[name], value, tolerance)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def exact(found: Tensor, expected: Tensor) -> None:
    """Assert that both are the same, type and all."""
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


def write_out_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace torch's fused kernels by their formulas, which is how the references compute.

    A fused kernel may round its intermediate results elsewhere, or take its sums in another order.
    """

    def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1) @ v

    def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return x @ weight.T if bias is None else x @ weight.T + bias

    def rms_norm(x: Tensor, shape: tuple[int, ...], weight: Tensor | None, eps: float) -> Tensor:
        assert shape == x.shape[-1:] and weight is None
        return x * torch.rsqrt((x * x).mean(dim=-1, keepdim=True) + eps)

    monkeypatch.setattr(F, "scaled_dot_product_attention", attention)
    monkeypatch.setattr(F, "linear", linear)
    monkeypatch.setattr(F, "rms_norm", rms_norm)
    monkeypatch.setattr(F, "silu", lambda x: x * torch.sigmoid(x))


def carried_alike(carry: Carry, prediction: Tensor, theirs: Any, outputs: dict[str, Any]) -> None:
    """Compare what a call leaves: the batch, counts and states carried on, and the prediction."""
    exact(carry.batch.inputs, theirs.data["inputs"])
    exact(carry.batch.targets, theirs.data["labels"])
    exact(carry.steps, theirs.steps)
    exact(carry.halted, theirs.halted)
    close(carry.state.low, theirs.z_low)
    close(carry.state.high, theirs.z_high)
    close(prediction, outputs["logits"])
