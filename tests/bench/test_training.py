"""The plain stack computes what the model does before their times are compared."""

import pytest
import torch
from torch.nn import functional as F

from bench import ratio, training
from hrm.model import HRM


@pytest.fixture
def models():
    """Both with Q heads that aren't zero, so that they give the states a gradient."""
    training.models.cache_clear()
    ours, plain = training.models()
    with torch.no_grad():
        head = ours.halting.heads[0]
        for mine, theirs in ((head.weight, plain.q.weight), (head.bias, plain.q.bias)):
            theirs.copy_(mine.copy_(torch.randn(mine.shape, generator=torch.Generator())))
    yield ours, plain
    training.models.cache_clear()


def stepped(model, dtype, size=3):
    model.to(dtype)
    answer = training.step(model, *training.data(size))()
    return answer, {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_answers_losses_and_gradients_are_equal_before_they_are_timed(models, dtype, tolerance):
    (found, grads), (expected, theirs) = (stepped(model, dtype) for model in models)
    names = training.names(models[1])
    assert {names[name] for name in theirs} == set(grads), "every parameter of the model"
    assert found.prediction.dtype == dtype
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)
    for name, g in theirs.items():
        assert g.abs().max() > 0, name
        torch.testing.assert_close(
            grads[names[name]], g, rtol=tolerance, atol=tolerance * float(g.abs().max())
        )


def test_the_plain_stack_keeps_the_graph_of_its_last_two_updates_alone(monkeypatch):
    """Two blocks a level: of twelve calls the last four have a graph, as in the model."""
    kept = []
    attention = F.scaled_dot_product_attention

    def noted(q, k, v):
        kept.append(q.requires_grad)
        return attention(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", noted)
    for model in training.models():
        training.step(model, *training.data(1))()
        assert kept == [False] * 8 + [True] * 4
        kept.clear()


def test_what_is_timed_is_act_v1_at_the_size_that_the_target_names():
    ours, plain = training.models()
    assert isinstance(ours, HRM)
    c = ours.config
    assert (c.positions, c.low.width, c.low.layers, c.high.layers) == (81, 128, 2, 2)
    assert (c.low_steps, c.cycles, c.horizon) == (2, 2, 2)
    assert training.ActV1.params == ((32,),)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in plain.parameters())
    assert {p.dtype for p in ours.parameters()} == {torch.float32}


def test_the_benchmark_times_the_model_over_the_plain_stack(monkeypatch):
    seen = []

    def paired(pair, clock, blocks, leg):
        seen.append((pair.first(), pair.second(), pair.scale))
        return [1.0]

    monkeypatch.setattr(ratio, "paired", paired)
    assert training.ActV1().track_step(2) == 1.0
    ((ours, plain, scale),) = seen
    assert scale == 1.0
    assert ours.prediction.grad_fn is not None
    assert ours.prediction.shape == plain.prediction.shape == (2, 81, 11)
