"""Halting: who wants to stop, by policy and by Q values."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from hrm import config
from hrm.errors import UserError
from hrm.model import HRM, halting
from hrm.model.state import State

properties = settings(max_examples=20, deadline=None, derandomize=True)
width = 8
controllers = [
    config.LinearController(),
    config.ConcatenatedController(dropout=0.0),
    config.DirectController(dropout=0.0),
]


def policy(controller=controllers[0], **changes) -> halting.Policy:
    torch.manual_seed(0)
    return halting.Policy(config.Policy(max_steps=5, controller=controller, **changes), width)


def q_learning(max_steps: int = 5, **changes) -> halting.QLearning:
    torch.manual_seed(0)
    part = config.QLearning(max_steps=max_steps, **({"halt_in_evaluation": True} | changes))
    return halting.QLearning(part, width)


def states(rows: int = 4, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def at(high: torch.Tensor) -> State:
    """A state of which halting sees the high part alone."""
    return State(high, high, high.new_zeros(len(high), 0))


def test_with_fixed_steps_nobody_wants_to_stop() -> None:
    made = halting.Fixed(config.Fixed(steps=3))
    found = made(at(states()), 2, None)
    assert (made.max_steps, made.draws) == (3, 0)
    assert (found.margin < 0).all()
    assert found.logits.shape == (4, 2) and found.value.shape == (4,)


# -- policy ---------------------------------------------------------------------------------------
def network(made: nn.Module, x: np.ndarray) -> np.ndarray:
    """Linear, ReLU, Linear, ReLU, Linear, in numpy."""
    maps = [m for m in made.modules() if isinstance(m, nn.Linear)]
    for i, m in enumerate(maps):
        x = x @ m.weight.detach().numpy().T + m.bias.detach().numpy()
        x = np.maximum(x, 0) if i < len(maps) - 1 else x
    return x


def test_a_linear_controller_is_one_map() -> None:
    made = halting.LinearController(width).double()
    x = states().double()
    assert np.allclose(made(x, 0.3).detach().numpy(), network(made, x.numpy()))


def test_the_direct_controller_reads_the_state_and_the_progress() -> None:
    made = halting.DirectController(width, dropout=0.0).double()
    x = states().double()
    seen = np.concatenate([x.numpy(), np.full((4, 1), 0.6)], axis=1)
    assert np.allclose(made(x, 0.6).detach().numpy(), network(made, seen))
    sizes = [tuple(m.weight.shape) for m in made.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(width // 2, width + 1), (width // 4, width // 2), (2, width // 4)]


def test_the_concatenated_controller_adds_the_progress_to_every_entry() -> None:
    made = halting.ConcatenatedController(width, dropout=0.0).double()
    x = states().double()
    assert np.allclose(made(x, 0.6).detach().numpy(), network(made, x.numpy() + 0.6))
    sizes = [tuple(m.weight.shape) for m in made.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(width // 2, width), (width // 4, width // 2), (2, width // 4)]


def test_the_direct_controller_takes_over_weights_that_compute_the_same() -> None:
    concatenated = halting.ConcatenatedController(width, dropout=0.1).double().eval()
    direct = halting.DirectController(width, dropout=0.1).double().eval()
    before = {name: p.clone() for name, p in concatenated.state_dict().items()}
    assert not torch.allclose(direct(states().double(), 0.4), concatenated(states().double(), 0.4))
    direct.load_concatenated(concatenated)
    for progress in (0.0, 0.4, 1.0):
        x = states(seed=int(10 * progress)).double()
        assert torch.allclose(direct(x, progress), concatenated(x, progress), atol=1e-12)
    assert all(torch.equal(p, before[name]) for name, p in concatenated.state_dict().items())


@pytest.mark.parametrize("part", controllers)
def test_a_greedy_policy_stops_where_stopping_is_the_likelier_action(part) -> None:
    made, x = policy(part), states(20)
    found = made(at(x), 2, None)
    logits = made.controller(x, 2 / 5)
    assert torch.equal(found.margin > 0, logits[:, 1] > logits[:, 0])
    assert torch.equal(found.logits, logits)
    assert torch.equal(found.value, made.baseline(x)[:, 0])
    assert not found.margin.requires_grad and found.logits.requires_grad


def test_sampled_actions_come_as_often_as_their_probabilities_say() -> None:
    made, rows = policy(), 20_000
    x = states(1).expand(rows, -1)
    noise = torch.rand(rows, 1, generator=torch.Generator().manual_seed(3))
    found = made(at(x), 0, noise)
    chance = found.logits.softmax(-1)[0, 1].item()
    assert 0.1 < chance < 0.9
    error = (chance * (1 - chance) / rows) ** 0.5
    assert (found.margin > 0).double().mean().item() == pytest.approx(chance, abs=4 * error)


def test_a_policy_draws_only_where_it_samples() -> None:
    assert policy().draws == 1
    assert policy(sample=False).draws == 0


@pytest.mark.parametrize("detached", [True, False])
def test_a_policy_may_see_the_state_without_gradient(detached: bool) -> None:
    made, x = policy(detach_state=detached), states().requires_grad_()
    found = made(at(x), 0, None)
    (found.logits.sum() + found.value.sum()).backward()
    assert (x.grad is None) == detached


def test_a_policys_dropout_acts_in_training_alone() -> None:
    made = policy(config.DirectController(dropout=0.5))
    x = states(64)
    assert torch.equal(made.eval()(at(x), 0, None).logits, made(at(x), 0, None).logits)
    assert not torch.equal(made.train()(at(x), 0, None).logits, made(at(x), 0, None).logits)


# -- Q values -------------------------------------------------------------------------------------
@pytest.mark.promise("act-v1", "Q heads that start from biases", "HRMACTv1(config)")
def test_q_heads_start_at_their_biases_and_weights_at_zero_where_asked() -> None:
    one = q_learning(biases=(-5.0, -4.0))
    assert [tuple(h.weight.shape) for h in one.heads] == [(2, width)]
    assert one(at(states()), 0, None).logits.tolist() == [[-5.0, -4.0]] * 4
    two = q_learning(heads=2, biases=(-0.1, 0.1), zero_weight=False)
    assert [tuple(h.weight.shape) for h in two.heads] == [(1, width)] * 2
    assert [round(h.bias.item(), 6) for h in two.heads] == [-0.1, 0.1]
    assert all(h.weight.abs().min() > 0 for h in two.heads)


@pytest.mark.promise("act-v1", "halting where Q(halt) > Q(continue)", '"halt_max_steps": 5')
@pytest.mark.parametrize("heads", [1, 2])
def test_q_learning_stops_where_halting_is_worth_strictly_more(heads: int) -> None:
    made, x = q_learning(heads=heads, zero_weight=False, biases=(0.0, 0.0)), states(30)
    found = made(at(x), 0, None)
    w = torch.cat([h.weight for h in made.heads])
    q = x @ w.T
    assert torch.allclose(found.logits, q, atol=1e-6)
    assert torch.equal(found.margin > 0, q[:, 0] > q[:, 1])
    assert 0 < (found.margin > 0).sum() < 30
    even = q_learning()(at(x), 0, None)
    assert (even.margin == 0).all()  # equal values: nobody stops


def test_q_values_are_read_at_the_first_position_in_float32() -> None:
    made = q_learning(zero_weight=False)
    x = torch.randn(3, 5, width, generator=torch.Generator().manual_seed(2))
    assert torch.equal(made(at(x), 0, None).logits, made(at(x[:, 0]), 0, None).logits)
    half = made.bfloat16()(at(x.bfloat16()), 0, None)
    assert half.logits.dtype == torch.float32
    assert q_learning().double()(at(x.double()), 0, None).logits.dtype == torch.float64


def test_the_batch_mean_decides_for_all_rows() -> None:
    x = states(7)
    alone = q_learning(zero_weight=False, biases=(0.0, 0.0))(at(x), 0, None).margin
    together = q_learning(zero_weight=False, biases=(0.0, 0.0), batch_mean=True)(
        at(x), 0, None
    ).margin
    assert torch.allclose(together, alone.mean().expand(7))


@pytest.mark.parametrize("halts", [True, False])
def test_evaluation_as_coded_never_halts(halts: bool) -> None:
    made = q_learning(halt_in_evaluation=halts, biases=(1.0, 0.0))
    assert (made.train()(at(states()), 0, None).margin > 0).all()
    assert (made.eval()(at(states()), 0, None).margin > 0).all() == halts


@pytest.mark.promise("act-v1", "exploration in halting", '"halt_exploration_prob": 0.1')
@properties
@given(
    max_steps=st.integers(2, 9),
    step=st.integers(0, 8),
    explores=st.floats(0, 1, exclude_max=True, width=32),
    drawn=st.floats(0, 1, exclude_max=True, width=32),
)
def test_an_exploring_sample_keeps_on_below_the_minimum_that_it_drew(
    max_steps: int, step: int, explores: float, drawn: float
) -> None:
    made = q_learning(
        max_steps=max_steps, exploration=config.Minimum(probability=0.3), biases=(1.0, 0.0)
    )  # wants to stop
    noise = torch.tensor([[explores, drawn]])
    stops = (made(at(states(1)), step, noise).margin > 0).item()
    minimum = 2 + int(drawn * (max_steps - 1))
    assert 2 <= minimum <= max_steps
    below_threshold = torch.tensor(explores) < 0.3
    assert stops == (not below_threshold or step + 1 >= minimum)


def test_every_minimum_from_two_to_the_maximum_is_drawn_equally_often() -> None:
    rows, max_steps = 12_000, 5
    made = q_learning(
        max_steps=max_steps, exploration=config.Minimum(probability=0.5), biases=(1.0, 0.0)
    )
    noise = torch.rand(rows, 2, generator=torch.Generator().manual_seed(4))
    x = states(1).expand(rows, -1)
    held = [(made(at(x), k, noise).margin <= 0).double().mean().item() for k in range(max_steps)]
    # Half explore; a minimum of 2, 3, 4 or 5 (a quarter each) holds while k + 1 is below it.
    assert held == pytest.approx([0.5, 0.375, 0.25, 0.125, 0.0], abs=0.02)


def test_a_fixed_minimum_is_everybodys_who_explores() -> None:
    made = q_learning(exploration=config.Minimum(probability=0.5, least=3), biases=(1.0, 0.0))
    noise = torch.tensor([[0.4, 0.0], [0.4, 0.9], [0.6, 0.0]])
    stops = [(made(at(states(3)), k, noise).margin > 0).tolist() for k in range(3)]
    assert stops == [[False, False, True], [False, False, True], [True, True, True]]
    with pytest.raises(UserError, match="least"):
        config.Minimum(probability=0.5, least=1)


def test_a_sample_looks_ahead_for_itself_where_exploration_is_per_sample() -> None:
    ahead = config.Ahead(probability=0.5, most=3, per_sample=True)
    made = q_learning(exploration=ahead, biases=(1.0, 0.0))  # wants to stop
    noise = torch.tensor([[0.4, 0.9], [0.6, 0.9], [0.4, 0.0]])
    # at step k a later one is drawn: only at the last one can it have come
    assert (made(at(states(3)), 0, noise).margin > 0).tolist() == [False, True, False]
    assert (made(at(states(3)), 4, noise).margin > 0).tolist() == [True, True, True]
    assert not made.shared
    with pytest.raises(UserError, match="per_sample=True"):
        replace(made.part, exploration=config.Ahead(probability=0.5))


def test_exploration_never_makes_a_sample_stop() -> None:
    made = q_learning(exploration=config.Minimum(probability=1.0), biases=(0.0, 1.0))
    noise = torch.rand(50, 2, generator=torch.Generator().manual_seed(4))
    assert all((made(at(states(50)), k, noise).margin <= 0).all() for k in range(5))


def test_q_learning_draws_only_where_it_explores() -> None:
    assert q_learning().draws == 0
    assert q_learning(exploration=config.Minimum(probability=0.1)).draws == 2


# -- in a model -----------------------------------------------------------------------------------
base = config.HRMConfig(
    embedding=config.Vector(size=3),
    low=config.Gru(width=4),
    high=config.Gru(width=width),
    readout=config.Readout(size=2),
    low_steps=1,
    halting=config.QLearning(
        max_steps=5,
        halt_in_evaluation=False,
        biases=(1.0, 0.0),
        exploration=config.Minimum(probability=1.0),
    ),
)


def test_exploration_is_drawn_anew_at_each_step() -> None:
    model = HRM(base).train()
    noise = torch.zeros(5, 1, 2)
    noise[:, 0, 1] = torch.tensor([0.9, 0.0, 0.9, 0.9, 0.9])  # minima 5, then 2: it stops there
    assert model(torch.zeros(1, 3), noise).run.steps.tolist() == [2]
    noise[1, 0, 1] = 0.9
    assert model(torch.zeros(1, 3), noise).run.steps.tolist() == [5]


def test_evaluation_as_coded_takes_all_steps_and_as_documented_halts() -> None:
    x = torch.zeros(3, 3)
    assert HRM(base).eval()(x).run.steps.tolist() == [5] * 3
    documented = replace(base, halting=replace(base.halting, halt_in_evaluation=True))
    assert HRM(documented).eval()(x).run.steps.tolist() == [1] * 3


def test_random_halting_without_noise_is_refused_in_training_alone() -> None:
    model = HRM(base)
    with pytest.raises(ValueError, match=r"pass noise=model\.draw"):
        model.train()(torch.zeros(1, 3))
    model.eval()(torch.zeros(1, 3))


def test_noise_has_a_row_for_each_step_and_sample_and_repeats_with_its_seed() -> None:
    model = HRM(base)
    drawn = model.draw(7, torch.Generator().manual_seed(1))
    assert drawn.shape == (5, 7, 2)
    assert torch.equal(drawn, model.draw(7, torch.Generator().manual_seed(1)))
    assert not torch.equal(drawn, model.draw(7, torch.Generator().manual_seed(2)))
