"""The recursion against straight-line references in numpy, its horizon, and what cuts gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hrm import config, recipes
from hrm.model import HRM
from hrm.model.state import State

Floats = NDArray[np.float64]
Weights = dict[str, Floats]


def weights(model: HRM) -> Weights:
    return {name: t.detach().numpy() for name, t in model.state_dict().items()}


def linear(w: Weights, name: str, x: Floats) -> Floats:
    return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)


def sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def gru_cell(w: Weights, name: str, x: Floats, h: Floats) -> Floats:
    xr, xu, xn = np.split(x @ w[f"{name}.weight_ih"].T + w[f"{name}.bias_ih"], 3, axis=-1)
    hr, hu, hn = np.split(h @ w[f"{name}.weight_hh"].T + w[f"{name}.bias_hh"], 3, axis=-1)
    u = sigmoid(xu + hu)
    return (1 - u) * np.tanh(xn + sigmoid(xr + hr) * hn) + u * h


# -- one forward pass of v2, greedy, in lockstep --------------------------------------------------
def v2_reference(w: Weights, x: Floats, steps: int, cycles: int) -> tuple[Floats, int, Floats]:
    """All flags off: prediction, cycles and the logits of each cycle."""
    embedded = linear(w, "embed.map", x)
    low = np.zeros((len(x), w["low.control.weight"].shape[0]))
    high = np.zeros((len(x), w["readout.weight"].shape[1]))
    seen = []
    for c in range(cycles):
        for _ in range(steps):
            low = gru_cell(w, "low.cell", embedded, low + linear(w, "low.control", high))
        high = gru_cell(w, "high.cell", np.maximum(linear(w, "summary.project", low), 0), high)
        # [I | 1] [z_H ; c/C]: the progress is added to every entry.
        hidden = np.maximum(linear(w, "halting.controller.policy.0", high + c / cycles), 0)
        hidden = np.maximum(linear(w, "halting.controller.policy.3", hidden), 0)
        seen.append(linear(w, "halting.controller.policy.5", hidden))
        if np.all(seen[-1][:, 1] > seen[-1][:, 0]):
            break
    return linear(w, "readout", high), len(seen), np.stack(seen)


@pytest.mark.parametrize("stop", [-10.0, 0.0, 0.02, 10.0])
def test_v2s_forward_pass_is_its_straight_line_reference(stop: float) -> None:
    torch.manual_seed(3)
    system = recipes.v2(inputs=5, outputs=3, hidden_low=8, hidden_high=12, max_cycles=6)
    model = HRM(system.model).double().eval()
    with torch.no_grad():
        model.halting.controller.policy[5].bias.add_(torch.tensor([-stop, stop]))
    x = torch.randn(3, 5, dtype=torch.float64)
    prediction, cycles, logits = v2_reference(weights(model), x.numpy(), steps=3, cycles=6)
    found = model(x)
    assert cycles == {-10.0: 6, 10.0: 1}.get(stop, cycles)
    assert found.run.steps.tolist() == [cycles] * 3
    assert np.allclose(found.prediction.detach().numpy(), prediction, atol=1e-12)
    assert np.allclose(found.run.logits.detach().numpy(), logits, atol=1e-12)


# -- one segment of act-v1 ------------------------------------------------------------------------
def rms(x: Floats) -> Floats:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)


def act_level(w: Weights, name: str, x: Floats, layers: int, heads: int) -> Floats:
    """Post-norm layers on one sequence [S, D], with rotary positions as complex numbers.

    The model's rotary tables are made in float32, so that both agree to 1e-7.
    """
    s, d = x.shape
    e = d // heads
    turn = np.exp(1j * np.outer(np.arange(s), 10_000.0 ** (-2 * np.arange(e // 2) / e)))
    for i in range(layers):
        at = f"{name}.layers.{i}"
        q, k, v = (
            part.reshape(s, heads, e).transpose(1, 0, 2)
            for part in np.split(linear(w, f"{at}.attention.qkv", x), 3, axis=-1)
        )
        q, k = ((t[..., : e // 2] + 1j * t[..., e // 2 :]) * turn for t in (q, k))
        scores = np.exp((q @ k.conj().transpose(0, 2, 1)).real / math.sqrt(e))
        read = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(s, d)
        x = rms(x + linear(w, f"{at}.attention.out", read))
        gate, up = np.split(linear(w, f"{at}.feed_forward.gate_up", x), 2, axis=-1)
        x = rms(x + linear(w, f"{at}.feed_forward.down", gate * sigmoid(gate) * up))
    return x


def act_segment(
    w: Weights, tokens: NDArray[np.int64], layers: tuple[int, int], heads: int
) -> tuple[Floats, Floats]:
    """H cycles 2, L cycles 2, from the initial states: logits [S, V] and Q values of one board."""
    x = w["embed.table.weight"][tokens] * math.sqrt(w["embed.table.weight"].shape[1])
    low = np.tile(w["start_low.value"], (len(tokens), 1))
    high = np.tile(w["start_high.value"], (len(tokens), 1))
    for _ in range(2):
        for _ in range(2):
            low = act_level(w, "low", low + high + x, layers[0], heads)
        high = act_level(w, "high", high + low, layers[1], heads)
    return linear(w, "readout", high), linear(w, "halting.heads.0", high[0])


def test_an_act_v1_segment_is_its_straight_line_reference() -> None:
    torch.manual_seed(4)
    system = recipes.act_v1(
        vocabulary=7, positions=5, width=16, heads=2, h_layers=1, l_layers=2, max_steps=3
    )
    model = HRM(system.model).double().eval()
    with torch.no_grad():
        model.halting.heads[0].weight.normal_()
    x = torch.randint(0, 7, (3, 5))
    found = model(x)
    assert found.run.steps.tolist() == [3, 3, 3]
    for i, tokens in enumerate(x.numpy()):
        _, q = act_segment(weights(model), tokens, layers=(2, 1), heads=2)
        assert np.allclose(found.run.logits[0, i].detach().numpy(), q, atol=1e-7)
    once = replace(system.model, halting=replace(system.model.halting, max_steps=1))
    model.config = once
    model.halting.max_steps = 1
    found = model(x)
    for i, tokens in enumerate(x.numpy()):
        logits, _ = act_segment(weights(model), tokens, layers=(2, 1), heads=2)
        assert np.allclose(found.prediction[i].detach().numpy(), logits, atol=1e-7)


# -- amulgent's schedule --------------------------------------------------------------------------
@pytest.mark.parametrize(("down", "up"), [(0.1, 0.1), (0.0, 1.0)])
def test_an_accumulating_segment_is_its_loop_written_out(down: float, up: float) -> None:
    torch.manual_seed(0)
    c = recipes.amulgent(inputs=6, outputs=4, width=8, l_cycles=3).model
    model = HRM(replace(c, coupling=config.Accumulating(down=down, up=up))).double()
    x = model.embed(torch.randn(2, 6, dtype=torch.float64))
    low, high = model.start_low(x), model.start_high(x)
    found = model.think(State(high, low, x.new_zeros(len(x), 0)), x)
    for _ in range(2):
        for layer in model.high.layers:
            high = layer(high, None)
        for _ in range(3):
            given = high
            for layer in model.low.layers:
                low = layer(low + x + down * given, None)
            high = high + up * low
    assert torch.allclose(found.high, high, atol=1e-12)
    assert torch.allclose(found.low, low, atol=1e-12)


@pytest.mark.promise("amulgent", "a connection between segments", "Segments(connection=0.05)")
def test_the_previous_segments_answer_enters_the_next_with_its_weight() -> None:
    torch.manual_seed(0)
    system = recipes.amulgent_enhanced(inputs=6, outputs=4, width=8, max_steps=1)
    model = HRM(system.model).double().eval()
    inputs = torch.randn(2, 6, dtype=torch.float64)
    x = model.embed(inputs)
    state = model.think(model.start(x), x)
    first = model.readout(state.high[:, 0])
    hint = x + 0.05 * (first @ model.connect.weight.T).unsqueeze(1)
    second = model.readout(model.think(state, hint).high[:, 0])
    found = model(inputs)
    assert torch.allclose(found.run.drafts[0], torch.stack([first, second]), atol=1e-12)
    assert torch.allclose(found.prediction, second, atol=1e-12)


# -- how far gradients reach back -----------------------------------------------------------------
tiny = recipes.act_v1(
    vocabulary=5,
    positions=4,
    classes=2,
    width=8,
    heads=2,
    h_layers=1,
    l_layers=1,
    max_steps=1,
    exploration=None,
).model
board = torch.tensor([[0, 1, 2, 3], [4, 4, 0, 1]])


def loss_gradients(model: HRM, prediction: Tensor) -> list[Tensor]:
    total = (prediction * torch.linspace(-1, 1, prediction.numel()).view_as(prediction)).sum()
    parameters = list(model.parameters())
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.allclose(x, y, rtol=1e-9, atol=1e-11) for x, y in zip(a, b, strict=True))


def recomputed(model: HRM, keep: int, cycles: int = 2, steps: int = 2) -> Tensor:
    """The prediction with all but the last `keep` updates cut off by hand."""
    x = model.embed(board)
    low, high = model.start_low(x), model.start_high(x)
    done, every = 0, cycles * (steps + 1)
    for _ in range(cycles):
        for t in range(steps + 1):
            if t < steps:
                low = model.low(low, model.low.from_inputs(x), model.low.from_context(high))
            else:
                high = model.high(high, model.high.from_inputs(low))
            done += 1
            if done == every - keep:
                low, high = low.detach(), high.detach()
    return model.readout(high)


@pytest.mark.promise("complete", "one-step gradient", "--axis horizon=1")
@pytest.mark.parametrize("horizon", [1, 2, 3, 5, 6, 100, None])
def test_the_horizon_is_the_number_of_updates_that_keep_the_graph(horizon: int | None) -> None:
    torch.manual_seed(0)
    model = HRM(replace(tiny, horizon=horizon)).double().train()
    expected = recomputed(model, keep=6 if horizon is None else horizon)
    found = model(board).prediction
    assert torch.allclose(found, expected, atol=1e-12)
    assert same(loss_gradients(model, found), loss_gradients(model, expected))


def test_horizons_differ_in_gradient_and_not_in_value() -> None:
    torch.manual_seed(0)
    model = HRM(tiny).double().train()
    outputs = []
    for horizon in (2, 5, None):
        model.config = replace(tiny, horizon=horizon)
        outputs.append(model(board).prediction)
    assert torch.equal(outputs[0], outputs[1]) and torch.equal(outputs[0], outputs[2])
    short, mid, whole = (loss_gradients(model, o) for o in outputs)
    assert not same(short, mid) and not same(mid, whole)


def test_one_trailing_update_trains_the_high_level_alone() -> None:
    torch.manual_seed(0)
    model = HRM(replace(tiny, horizon=1)).double().train()
    model(board).prediction.square().sum().backward()
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"high", "readout"}


@pytest.mark.parametrize("carry", [config.Kept(), config.Detached(), config.Restarted()])
def test_a_step_goes_on_from_the_last_ones_states_or_starts_again(carry) -> None:
    torch.manual_seed(0)
    c = recipes.gru(inputs=3, outputs=2, hidden_low=4, hidden_high=5, use_act=False, max_cycles=3)
    model = HRM(replace(c.model, carry=carry)).double()
    inputs = torch.randn(2, 3, dtype=torch.float64)
    x = model.embed(inputs)
    state = start = model.start(x)
    for _ in range(3):
        match carry:
            case config.Detached():
                state = state.detach()
            case config.Restarted():
                state = start
        state = model.think(state, x)
    expected, found = model.readout(state.high), model(inputs).prediction
    assert torch.allclose(found, expected, atol=1e-12)
    assert same(loss_gradients(model, found), loss_gradients(model, expected))


def test_kept_and_detached_states_differ_in_gradient_alone() -> None:
    torch.manual_seed(0)
    c = recipes.gru(inputs=3, outputs=2, hidden_low=4, hidden_high=5, use_act=False, max_cycles=3)
    model = HRM(c.model).double()
    inputs = torch.randn(2, 3, dtype=torch.float64)
    outputs = []
    for carry in (config.Kept(), config.Detached()):
        model.config = replace(c.model, carry=carry)
        outputs.append(model(inputs).prediction)
    assert torch.equal(*outputs)
    assert not same(*(loss_gradients(model, o) for o in outputs))


@pytest.mark.parametrize("low_to_high", [True, False])
@pytest.mark.parametrize("high_to_low", [True, False])
@pytest.mark.parametrize("summary", [config.LastStep(), config.TraceAttention(heads=2)])
def test_a_detach_flag_cuts_the_direction_that_it_names(
    low_to_high: bool, high_to_low: bool, summary
) -> None:
    torch.manual_seed(0)
    c = recipes.gru(
        inputs=3,
        hidden_low=4,
        hidden_high=5,
        detach_low_to_high=low_to_high,
        detach_high_to_low=high_to_low,
    ).model
    model = HRM(replace(c, summary=summary)).double()
    x = model.embed(torch.randn(1, 3, dtype=torch.float64)).detach()

    def one_cycle(high: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
        after = model.think(State(high[None], low[None], x.new_zeros(1, 0)), x)
        return after.high[0], after.low[0]

    start = torch.randn(5, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    (high_by_high, high_by_low), (low_by_high, low_by_low) = torch.autograd.functional.jacobian(
        one_cycle, start
    )
    assert (high_by_low.abs().max() == 0) == low_to_high
    assert (low_by_high.abs().max() == 0) == high_to_low
    assert high_by_high.abs().max() > 0 and low_by_low.abs().max() > 0


@pytest.mark.promise("amulgent", "segments whose gradients are cut", "Segments(detached=True)")
@pytest.mark.parametrize("detached", [True, False])
def test_segments_are_detached_where_asked(detached: bool) -> None:
    torch.manual_seed(0)
    c = recipes.gru(inputs=3, outputs=2, hidden_low=4, hidden_high=5, use_act=False, max_cycles=1)
    model = HRM(replace(c.model, segments=config.Segments(count=2, detached=detached))).double()
    inputs = torch.randn(2, 3, dtype=torch.float64)
    x = model.embed(inputs)
    state = model.think(model.start(x), x)
    if detached:
        state = state.detach()
    expected, found = model.readout(model.think(state, x).high), model(inputs).prediction
    assert torch.allclose(found, expected, atol=1e-12)
    assert same(loss_gradients(model, found), loss_gradients(model, expected))


def test_states_copied_at_the_stop_carry_no_gradient() -> None:
    torch.manual_seed(0)
    kwargs = {"inputs": 3, "outputs": 2, "hidden_low": 4, "hidden_high": 5}
    coded = HRM(recipes.gru(**kwargs, as_coded=True).model).train()
    found = coded(torch.randn(2, 3))
    found.prediction.sum().backward()
    trained = {name for name, p in coded.named_parameters() if p.grad is not None}
    assert trained == {"readout.weight", "readout.bias"}
    assert not found.run.logits.requires_grad


def test_a_forward_pass_in_evaluation_repeats_itself() -> None:
    torch.manual_seed(0)
    model = HRM(recipes.v2(inputs=3, hidden_low=8, hidden_high=8).model).eval()
    x = torch.randn(4, 3)
    assert torch.equal(model(x).prediction, model(x).prediction)


def test_predictions_are_vectors_for_vectors_and_sequences_for_tokens() -> None:
    c = recipes.amulgent(inputs=6, outputs=4, width=8, max_steps=1).model
    assert HRM(c).eval()(torch.zeros(2, 6)).prediction.shape == (2, 4)
    assert HRM(tiny).eval()(board).prediction.shape == (2, 4, 2)
