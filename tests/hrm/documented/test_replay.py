"""Replay: the buffer, its targets, and five updates beside the straight-line reference."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ablations.references import amulgent as reference
from hrm import recipes
from hrm.config.learning import System
from hrm.documented import replay
from hrm.documented.replay import Experience, Replay
from hrm.model import HRM
from hrm.training import loop, q_losses
from tests.hrm.equality import all_close, close, model_of

sizes = {"inputs": 6, "outputs": 6, "width": 16, "h_layers": 1, "l_layers": 2, "max_steps": 3}
systems = {
    "original": (
        recipes.amulgent(**sizes, original=True),
        reference.System(high_layers=1, low_layers=2, max_steps=3),
    ),
    "baseline": (
        recipes.amulgent(**sizes),
        reference.System(
            weak_injections=True, two_heads=True, high_layers=1, low_layers=2, max_steps=3
        ),
    ),
    "enhanced": (
        recipes.amulgent_enhanced(**sizes),
        reference.ENHANCED._replace(high_layers=1, low_layers=2, max_steps=3),
    ),
}
names = {
    "embed.map.": "input.",
    "start_high.value": "initial_high",
    "start_low.value": "initial_low",
    ".layers.": ".",
    ".attention.out.": ".attention_output.",
    ".attention.": ".",
    ".feed_forward.": ".",
    "readout.": "output.",
    "connect.": "connection.",
    "halting.heads.1.": "q_continue.",
}


def entry(
    state: Tensor, next_state: Tensor, reward: float = 0.1, terminal: bool = False
) -> Experience:
    return Experience(state=state, next_state=next_state, reward=reward, terminal=terminal)


def numbered(*numbers: int) -> list[Experience]:
    return [entry(torch.tensor([float(n)]), torch.zeros(1)) for n in numbers]


def experiences(count: int, seed: int = 0) -> list[Experience]:
    """Random ones, a third of them terminal."""
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(count, 2, 6, generator=generator, dtype=torch.float64)
    ends = [i % 3 == 2 for i in range(count)]
    return [
        entry(s, n, reward=1.0 if end else 0.1, terminal=end)
        for (s, n), end in zip(states, ends, strict=True)
    ]


def weights_of(model: HRM) -> dict[str, Tensor]:
    """The model's weights by the reference's names."""
    found = {}
    heads = len(model.halting.heads)
    for name, value in model.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        name = name.replace("halting.heads.0.", "q_halt." if heads == 2 else "q.")
        if ".norm_" in name:
            name = name.replace(".weight", ".scale").replace(".bias", ".shift")
        found[name] = value.detach().clone()
    return found


# -- the buffer -----------------------------------------------------------------------------------
@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    capacity=st.integers(1, 8),
    added=st.integers(0, 20),
    count=st.integers(1, 12),
)
def test_the_buffer_is_the_tail_of_what_was_added(capacity, added, count):
    buffer, entries = Replay(capacity), numbered(*range(added))
    for e in entries:
        buffer.add(e)
    kept = entries[-capacity:]
    assert len(buffer) == len(kept)
    assert buffer.latest(count) == kept[-count:]
    assert buffer.utilisation == len(kept) / capacity


def test_the_buffer_holds_1000_and_a_batch_is_the_latest_32():
    buffer, entries = Replay(), numbered(*range(1_010))
    for e in entries:
        buffer.add(e)
    assert len(buffer) == 1_000
    assert buffer.utilisation == 1.0
    assert buffer.latest() == entries[-32:]


# -- targets --------------------------------------------------------------------------------------
def linear_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Q values that are the state's first two numbers."""
    monkeypatch.setattr(replay, "q_values", lambda model, states: states[:, :2])


@pytest.mark.promise(
    "amulgent",
    "Q values for halting and going on, with losses of their own",
    "hrm.agent.learn(Goal(text=...))",
)
def test_separate_heads_learn_their_own_targets(monkeypatch):
    linear_in_the_state(monkeypatch)
    model = model_of(systems["baseline"][0])
    going, ended = torch.tensor([0.5, -1.0]), torch.tensor([2.0, 0.25])
    ahead = torch.tensor([-3.0, 4.0])
    found = replay.loss(model, [entry(going, ahead), entry(ended, ahead, 1.0, terminal=True)])
    halt = ((0.5 - (0.1 + 0.99 * 0.8 * 4)) ** 2 + (2.0 - 1.0) ** 2) / 2
    keep_on = ((-1.0 - (0.1 + 0.99 * 4)) ** 2 + (0.25 - 0.0) ** 2) / 2
    assert found.item() == pytest.approx(halt + 1.1 * keep_on, rel=1e-6)


def test_one_map_learns_the_larger_value_alone(monkeypatch):
    linear_in_the_state(monkeypatch)
    model = model_of(systems["original"][0])
    going, ended = torch.tensor([0.5, -1.0]), torch.tensor([0.25, 2.0])
    ahead = torch.tensor([-3.0, 4.0])
    found = replay.loss(model, [entry(going, ahead), entry(ended, ahead, 1.0, terminal=True)])
    expected = ((0.5 - (0.1 + 0.99 * 4)) ** 2 + (2.0 - 1.0) ** 2) / 2
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", systems)
def test_targets_carry_no_gradient(name):
    """The gradient is the same with the targets as plain numbers."""
    model = model_of(systems[name][0])
    batch = experiences(6)
    replay.loss(model, batch).backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    states = torch.stack([e.state for e in batch])
    next_q = replay.q_values(model, torch.stack([e.next_state for e in batch])).detach()
    rewards = torch.tensor([e.reward for e in batch], dtype=torch.float64)
    ends = torch.tensor([e.terminal for e in batch])
    q = replay.q_values(model, states)
    if name == "original":
        q_losses.single_head_loss(q, rewards, next_q, ends).backward()
    else:
        q_losses.replay_loss(q, q_losses.replay_targets(rewards, next_q, ends)).backward()
    all_close(found, {n: p.grad for n, p in model.named_parameters() if p.grad is not None})


@pytest.mark.parametrize("name", systems)
def test_q_values_are_those_of_one_step_without_exploration(name):
    system, _ = systems[name]
    model = model_of(system)
    states = torch.stack([e.state for e in experiences(4)])
    model.train()
    learning = replay.q_values(model, states)
    model.eval()
    assert torch.equal(learning, model(states).run.logits[0])


# -- updates --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "learn_connection"),
    [("original", False), ("baseline", False), ("enhanced", False), ("enhanced", True)],
)
def test_five_updates_are_those_of_the_reference(name, learn_connection):
    system, theirs = systems[name]
    model, entries = model_of(system), experiences(40)
    weights = weights_of(model)
    assert {n: tuple(w.shape) for n, w in weights.items()} == reference.shapes(theirs, 6, 16, 6)

    buffer = Replay()
    for e in entries:
        buffer.add(e)
    optimiser = replay.adam(model, learn_connection=learn_connection)
    losses = [replay.replay_update(model, buffer, optimiser) for _ in range(5)]

    expected_losses, expected = reference.train(
        weights,
        theirs,
        [reference.Experience(e.state, e.next_state, e.reward, e.terminal) for e in entries],
        learn_connection=learn_connection,
    )
    close(torch.tensor(losses), torch.tensor(expected_losses))
    all_close(weights_of(model), expected)
    moved = {n for n, w in weights_of(model).items() if not torch.equal(w, weights[n])}
    assert ("connection.weight" in moved) == (learn_connection and name == "enhanced")


@pytest.mark.parametrize("name", systems)
def test_learning_draws_the_values_to_what_was_earned(name):
    """From ends alone, where halting earned 1: Q(halt) to 1, Q(continue) to 0."""
    system, _ = systems[name]
    model = loop.build(system, loop.Seeds(weights=1, order=0))
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(4, 6, generator=generator)
    buffer = Replay()
    for state in states:
        buffer.add(entry(state, state, 1.0, terminal=True))
    before = replay.q_values(model, states).detach()
    optimiser = replay.adam(model, 1e-2)
    losses = [replay.replay_update(model, buffer, optimiser) for _ in range(15)]
    after = replay.q_values(model, states).detach()
    assert losses[-1] < 0.1 * losses[0]
    if name == "original":
        assert (after.amax(1) - 1).abs().max() < (before.amax(1) - 1).abs().max()
        return
    target = torch.tensor([1.0, 0.0])
    assert ((after - target).abs().mean(0) < (before - target).abs().mean(0)).all()
    assert (after[:, 0] > after[:, 1]).all()


def test_a_batch_is_learnt_from_while_the_buffer_fills():
    model, buffer = model_of(systems["enhanced"][0]), Replay()
    optimiser = replay.adam(model)
    for e in experiences(3):
        buffer.add(e)
        expected = replay.loss(model, buffer.latest()).item()
        assert replay.replay_update(model, buffer, optimiser) == expected


def test_a_loss_that_is_not_finite_takes_no_step():
    model, buffer = model_of(systems["enhanced"][0]), Replay()
    buffer.add(entry(torch.full((6,), torch.nan, dtype=torch.float64), experiences(1)[0].state))
    before = weights_of(model)
    with pytest.raises(FloatingPointError, match="nan"):
        replay.replay_update(model, buffer, replay.adam(model))
    assert all(torch.equal(w, before[n]) for n, w in weights_of(model).items())


def test_without_a_map_between_segments_the_optimiser_has_every_parameter():
    plain: list[System] = [systems["baseline"][0], recipes.amulgent_enhanced(**sizes | same_width)]
    for system, learns in itertools.product(plain, (False, True)):
        model = model_of(system)
        (group,) = replay.adam(model, learn_connection=learns).param_groups
        assert len(group["params"]) == len(list(model.parameters()))
        assert group["lr"] == 1e-4


same_width = {"inputs": 16, "outputs": 16}
