"""Summaries against float64 references, and what each of them can't see."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrm import config, recipes
from hrm.model.registry import built
from hrm.model.summary import LastStep, StepAttention, TraceAttention

Floats = NDArray[np.float64]
low, high, steps = 8, 6, 3


def made(part: config.LastStep | config.StepAttention | config.TraceAttention):
    c = recipes.gru(inputs=3, hidden_low=low, hidden_high=high, low_steps=steps).model
    torch.manual_seed(0)
    return built(part, replace(c, summary=part)).double()


def drawn(count: int, seed: int = 1) -> tuple[tuple[Tensor, ...], Tensor]:
    rng = np.random.default_rng(seed)
    trace = tuple(torch.from_numpy(rng.standard_normal((2, low))) for _ in range(count))
    return trace, torch.from_numpy(rng.standard_normal((2, high)))


def weights(module: torch.nn.Module) -> dict[str, Floats]:
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def linear(w: dict[str, Floats], name: str, x: Floats) -> Floats:
    return x @ w[f"attention.{name}.weight"].T + w[f"attention.{name}.bias"]


def test_the_last_step_is_the_last_low_state_itself() -> None:
    trace, z = drawn(2)
    part = made(config.LastStep())
    assert isinstance(part, LastStep)
    assert part(trace, z) is trace[-1]
    assert list(part.parameters()) == []


def test_a_projected_last_step_is_relu_of_a_map_with_dropout_in_training() -> None:
    trace, z = drawn(2)
    part = made(config.LastStep(project=True, dropout=0.5))
    w = weights(part)
    expected = np.maximum(trace[-1].numpy() @ w["project.weight"].T + w["project.bias"], 0)
    assert np.allclose(part.eval()(trace, z).detach().numpy(), expected, atol=1e-12)
    dropped = part.train()(trace, z).detach().numpy()
    assert np.all((dropped == 0) | np.isclose(dropped, 2 * expected))
    assert (dropped == 0).sum() > (expected == 0).sum()


def test_attention_over_one_step_is_two_maps_whatever_the_query() -> None:
    trace, z = drawn(3)
    part = made(config.StepAttention(heads=4))
    assert isinstance(part, StepAttention)
    w = weights(part)
    expected = linear(w, "out", linear(w, "value", trace[-1].numpy()))
    found = part(trace, z)
    assert np.allclose(found.detach().numpy(), expected, atol=1e-12)
    with torch.no_grad():
        for p in (*part.attention.query.parameters(), *part.attention.key.parameters()):
            p.normal_(std=10)
    assert torch.allclose(part(trace, z), found, atol=1e-12)
    part(trace, z).square().sum().backward()
    for p in (*part.attention.query.parameters(), *part.attention.key.parameters()):
        assert p.grad is not None and p.grad.abs().max() < 1e-9
    assert part.attention.value.weight.grad.abs().max() > 0


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_over_the_trace_asks_with_the_high_state_head_by_head(heads: int) -> None:
    trace, z = drawn(steps)
    part = made(config.TraceAttention(heads=heads))
    assert isinstance(part, TraceAttention)
    w, e = weights(part), low // heads
    query = linear(w, "query", linear(w, "from_query", z.numpy()))
    expected = []
    for b in range(2):
        seen = np.stack([t[b].numpy() for t in trace])
        k, v = linear(w, "key", seen), linear(w, "value", seen)
        read = []
        for h in range(heads):
            cut = slice(h * e, (h + 1) * e)
            score = np.exp(k[:, cut] @ query[b, cut] / math.sqrt(e))
            read.append(score / score.sum() @ v[:, cut])
        expected.append(linear(w, "out", np.concatenate(read)))
    assert np.allclose(part(trace, z).detach().numpy(), np.stack(expected), atol=1e-12)


def test_attention_over_the_trace_sees_early_states_and_the_query() -> None:
    trace, z = drawn(steps)
    part = made(config.TraceAttention(heads=2))
    found = part(trace, z)
    assert not torch.allclose(part((trace[0] + 1, *trace[1:]), z), found)
    assert not torch.allclose(part(trace, z + 1), found)


def test_attention_over_a_trace_of_one_is_attention_over_one_step() -> None:
    trace, z = drawn(1)
    step, whole = made(config.StepAttention(heads=2)), made(config.TraceAttention(heads=2))
    whole.load_state_dict({**whole.state_dict(), **step.state_dict()})
    assert torch.allclose(whole(trace, z), step(trace, z), atol=1e-12)


@pytest.mark.parametrize(
    ("part", "window"),
    [
        (config.LastStep(), 1),
        (config.StepAttention(heads=2), 1),
        (config.TraceAttention(heads=2), steps),
    ],
)
def test_a_summary_says_how_many_low_states_it_needs(part, window: int) -> None:
    assert made(part).window == window
