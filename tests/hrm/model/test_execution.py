"""Execution: masked and compacted are one to rounding, lockstep is what its definition says."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from hrm import config
from hrm.config import (
    Accumulating,
    Alternating,
    Compacted,
    ConcatenatedController,
    Detached,
    DirectController,
    Fixed,
    GatedMlp,
    Gru,
    HRMConfig,
    Kept,
    LastStep,
    LayerNorm,
    Learned,
    LinearController,
    Lockstep,
    Masked,
    Minimum,
    Policy,
    QLearning,
    Readout,
    Restarted,
    RmsNorm,
    Segments,
    StepAttention,
    SwiGlu,
    Tokens,
    TraceAttention,
    Transformer,
    Vector,
)
from hrm.config.learning import PolicyGradient, StopWhileLive, Supervised
from hrm.model import HRM, Output
from hrm.model.halting import Decision, Halting
from hrm.model.registry import built
from hrm.model.state import State
from hrm.training import losses

properties = settings(max_examples=10, deadline=None, derandomize=True)
max_steps, cells, classes = 4, 3, 2

policy = Policy(max_steps=max_steps, controller=LinearController())
q_values = QLearning(
    max_steps=max_steps, halt_in_evaluation=True, zero_weight=False, biases=(0.0, 0.0)
)
recurrent = HRMConfig(
    embedding=Vector(size=3),
    low=Gru(width=4),
    high=Gru(width=6),
    readout=Readout(size=cells * classes),
    low_steps=2,
    halting=policy,
)


def transformer(**changes) -> Transformer:
    parts = {"norm": RmsNorm(eps=1e-5), "feed_forward": SwiGlu(inner=5, fused=True)}
    return Transformer(width=4, layers=1, heads=2, **(parts | changes))


tokens = HRMConfig(
    embedding=Tokens(vocabulary=3, positions=cells),
    low=transformer(rotary=100.0),
    high=transformer(rotary=100.0),
    readout=Readout(size=classes, bias=False),
    low_steps=2,
    cycles=2,
    horizon=2,
    initial=config.Frozen(),
    carry=Detached(),
    halting=q_values,
)
mlp = transformer(norm=LayerNorm(), feed_forward=GatedMlp(inner=5), bias=True)
vectors = replace(
    recurrent,
    low=mlp,
    high=mlp,
    coupling=Accumulating(),
    initial=Learned(),
    halting=q_values,
)
models: dict[str, HRMConfig] = {
    "gru": recurrent,
    "gru, detached both ways": replace(
        recurrent, coupling=Alternating(detach_low_to_high=True, detach_high_to_low=True)
    ),
    "gru, projected": replace(
        recurrent,
        summary=LastStep(project=True),
        halting=replace(policy, controller=ConcatenatedController(dropout=0.0), detach_state=True),
    ),
    "gru, attention over one step": replace(recurrent, summary=StepAttention(heads=2)),
    "gru, attention over the trace": replace(
        recurrent,
        high=Gru(width=16),
        summary=TraceAttention(heads=2),
        cycles=2,
        halting=replace(policy, controller=DirectController(dropout=0.0)),
    ),
    "gru, horizon 2, restarted": replace(recurrent, horizon=2, carry=Restarted()),
    "gru, connected segments": replace(
        recurrent, segments=Segments(count=2, detached=False, connection=0.5)
    ),
    "gru, stop copied": replace(recurrent, halting=replace(policy, detach_at_stop=True)),
    "tokens, horizon 2": tokens,
    "tokens, unrolled": replace(tokens, horizon=None, carry=Kept()),
    "tokens, two segments": replace(tokens, segments=Segments(count=2)),
    "vectors, connected segments": replace(
        vectors, segments=Segments(count=3, detached=True, connection=0.5)
    ),
    "vectors, restarted": replace(vectors, carry=Restarted()),
}


class Scripted(Halting):
    """Decides as another halting does, but wants to stop where the noise is positive."""

    draws = 1

    def __init__(self, inner: Halting) -> None:
        super().__init__()
        self.inner = inner
        self.max_steps = inner.max_steps

    def forward(self, high: Tensor, step: int, noise: Tensor | None) -> Decision:
        assert noise is not None
        return self.inner(high, step, None)._replace(margin=noise[:, 0])


def scripted(c: HRMConfig, seed: int) -> HRM:
    torch.manual_seed(seed)
    model = HRM(c).double().train()
    model.halting = Scripted(model.halting)
    return model


def drawn(c: HRMConfig, rows: int, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(0, classes, (rows, cells), generator=generator)
    if isinstance(c.embedding, Tokens):
        return torch.randint(0, 3, (rows, cells), generator=generator), target
    return torch.randn(rows, 3, generator=generator, dtype=torch.float64), target


def run(model: HRM, part: Lockstep | Masked | Compacted, x: Tensor, noise: Tensor | None) -> Output:
    model.config = replace(model.config, execution=part)
    return model(x, noise)


def gradients(model: HRM, total: Tensor) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return {
        name: torch.zeros_like(p) if g is None else g
        for name, p, g in zip(names, parameters, found, strict=True)
    }


def close(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-9, atol=1e-10)


# Who wants to stop: [steps][rows]; what comes after a row's first stop must not matter.
wishes = (
    st.integers(1, 4)
    .flatmap(
        lambda rows: st.lists(
            st.lists(st.booleans(), min_size=rows, max_size=rows),
            min_size=max_steps,
            max_size=max_steps,
        )
    )
    .map(torch.tensor)
)
seeds = st.integers(0, 10**6)


def noise_of(wish: Tensor) -> Tensor:
    return torch.where(wish, 1.0, -1.0).double()[..., None]


def stop_times(wish: Tensor) -> list[int]:
    return [
        next((k + 1 for k in range(max_steps) if wish[k, i]), max_steps)
        for i in range(wish.shape[1])
    ]


objectives = (
    Supervised(),
    Supervised(every_segment=True),
    PolicyGradient(cost=0.1, entropy=0.1, step_penalty=0.1),
    PolicyGradient(masked_mean=True, score=StopWhileLive()),
    PolicyGradient(normalise=True, value_at_stop=True),
)


@pytest.mark.parametrize("name", models)
@properties
@given(wish=wishes, seed=seeds)
def test_masked_and_compacted_agree_to_rounding(name: str, wish: Tensor, seed: int) -> None:
    model = scripted(models[name], seed)
    x, target = drawn(model.config, wish.shape[1], seed)
    outputs = {p: run(model, p, x, noise_of(wish)) for p in (Masked(), Compacted())}
    a, b = outputs.values()
    assert a.run.steps.tolist() == b.run.steps.tolist() == stop_times(wish)
    assert close(a.prediction, b.prediction)
    assert close(a.run.drafts, b.run.drafts)
    assert close(a.run.margins, b.run.margins)
    assert close(a.run.logits, b.run.logits)
    assert close(a.run.values, b.run.values)
    assert close(a.run.state.high, b.run.state.high) and close(a.run.state.low, b.run.state.low)
    for objective in objectives:
        if isinstance(objective, PolicyGradient) and isinstance(model.config.embedding, Tokens):
            continue
        first, second = (losses.loss(objective, o, target, max_steps) for o in (a, b))
        for part in ("total", "task", "policy", "baseline", "reward"):
            assert close(getattr(first, part), getattr(second, part))
    every = [losses.loss(objectives[1], o, target, max_steps).total for o in (a, b)]
    if not isinstance(model.config.embedding, Tokens):
        every = [
            t + losses.loss(objectives[2], o, target, max_steps).total
            for t, o in zip(every, (a, b), strict=True)
        ]
    # Logits too, so that halting heads without a loss of their own are compared.
    sums = [t + o.run.logits.square().sum() for t, o in zip(every, (a, b), strict=True)]
    found = [gradients(model, total) for total in sums]
    assert all(close(found[0][n], found[1][n]) for n in found[0])
    assert any(g.abs().max() > 0 for g in found[0].values())


@pytest.mark.parametrize("name", models)
@properties
@given(wish=wishes, seed=seeds)
def test_lockstep_runs_until_all_want_to_stop_in_the_same_step(
    name: str, wish: Tensor, seed: int
) -> None:
    model = scripted(models[name], seed)
    rows = wish.shape[1]
    x, _ = drawn(model.config, rows, seed)
    together = run(model, Lockstep(), x, noise_of(wish))
    last = next((k + 1 for k in range(max_steps) if wish[k].all()), max_steps)
    assert together.run.steps.tolist() == [last] * rows
    assert together.run.rows == (rows,) * last
    assert together.run.live.all()
    # The same states as samples that stop for themselves, all of them at that step.
    never = torch.full_like(wish, fill_value=False)
    never[last - 1] = True
    apart = run(model, Masked(), x, noise_of(never))
    assert close(together.prediction, apart.prediction)
    assert close(together.run.logits, apart.run.logits)


def test_lockstep_may_outlast_every_sample() -> None:
    wish = torch.tensor([[True, False], [False, True], [False, False], [False, False]])
    model = scripted(recurrent, 0)
    x, _ = drawn(recurrent, 2, 0)
    assert run(model, Masked(), x, noise_of(wish)).run.steps.tolist() == [1, 2]
    assert run(model, Lockstep(), x, noise_of(wish)).run.steps.tolist() == [4, 4]


@pytest.mark.parametrize("name", models)
@pytest.mark.parametrize("part", [Masked(), Compacted()])
@settings(max_examples=4, deadline=None, derandomize=True)
@given(wish=wishes, seed=seeds)
def test_a_sample_alone_is_the_sample_in_its_batch(
    name: str, part: Masked | Compacted, wish: Tensor, seed: int
) -> None:
    model = scripted(models[name], seed)
    x, target = drawn(model.config, wish.shape[1], seed)
    noise = noise_of(wish)
    batch = run(model, part, x, noise)
    every = []
    for i, steps in enumerate(stop_times(wish)):
        alone = run(model, part, x[i : i + 1], noise[:, i : i + 1])
        assert alone.run.steps.item() == batch.run.steps[i].item() == steps
        assert len(alone.run.rows) == steps
        assert close(alone.prediction[0], batch.prediction[i])
        assert close(alone.run.logits[:, 0], batch.run.logits[:steps, i])
        assert close(alone.run.values[:, 0], batch.run.values[:steps, i])
        assert (batch.run.logits[steps:, i] == 0).all() and (batch.run.values[steps:, i] == 0).all()
        if batch.run.drafts is not None:
            assert alone.run.drafts is not None
            assert close(alone.run.drafts[:, :, 0], batch.run.drafts[:steps, :, i])
        every.append(losses.loss(objectives[1], alone, target[i : i + 1], max_steps).total)
    # What a sample is trained for doesn't depend on its batch-mates either.
    whole = losses.loss(objectives[1], batch, target, max_steps).total
    assert close(whole, torch.stack(every).mean())


def eager(c: HRMConfig, x: Tensor, seed: int) -> HRM:
    """A model whose own halting scatters its stops: at the first step half want to, greedily."""
    torch.manual_seed(seed)
    model = HRM(c).double().eval()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(2.0)
        last = [m for m in model.halting.modules() if isinstance(m, nn.Linear) and len(m.bias) == 2]
        stop = 0 if isinstance(c.halting, QLearning) else 1
        margins = run(model, Masked(), x, None).run.margins[0].round(decimals=6).unique()
        last[-1].bias[stop] -= margins[len(margins) // 2 - 1 :][:2].mean()
    return model


@pytest.mark.parametrize("training", [True, False], ids=["sampled", "greedy"])
@pytest.mark.parametrize("part", [Masked(), Compacted()])
@pytest.mark.parametrize(
    "name", ["gru", "gru, projected", "gru, attention over the trace", "tokens, horizon 2"]
)
def test_a_sample_halts_alone_as_in_its_batch(
    name: str, part: Masked | Compacted, training: bool
) -> None:
    c = models[name]
    if isinstance(c.halting, QLearning):
        c = replace(c, halting=replace(c.halting, exploration=Minimum(probability=0.5)))
    x, _ = drawn(c, 24, 4)
    model = eager(c, x, 0).train(training)
    noise = model.draw(24, torch.Generator().manual_seed(5)) if training else None
    batch = run(model, part, x, noise)
    assert len(set(batch.run.steps.tolist())) > 1
    for i in range(24):
        own = None if noise is None else noise[:, i : i + 1]
        alone = run(model, part, x[i : i + 1], own)
        assert alone.run.steps.item() == batch.run.steps[i].item()
        assert close(alone.prediction[0], batch.prediction[i])
        # One sample is its whole batch: lockstep can't differ.
        assert close(run(model, Lockstep(), x[i : i + 1], own).prediction, alone.prediction)


def computed_rows(model: HRM, part: Masked | Compacted, x: Tensor, noise: Tensor) -> list[int]:
    rows: list[int] = []
    hook = model.low.register_forward_hook(lambda _m, _a, out: rows.append(len(out)))
    run(model, part, x, noise)
    hook.remove()
    each = model.config.low_steps * model.config.cycles * model.config.segments.count
    assert all(len(set(rows[i : i + each])) == 1 for i in range(0, len(rows), each))
    return rows[::each]


@pytest.mark.parametrize("name", ["gru", "gru, connected segments", "tokens, unrolled"])
@properties
@given(wish=wishes, seed=seeds)
def test_compacted_computes_the_live_rows_and_masked_all_until_the_last_stop(
    name: str, wish: Tensor, seed: int
) -> None:
    model = scripted(models[name], seed)
    rows = wish.shape[1]
    x, _ = drawn(model.config, rows, seed)
    noise, stops = noise_of(wish), stop_times(wish)
    live = [sum(stop > k for stop in stops) for k in range(max(stops))]
    assert list(run(model, Compacted(), x, noise).run.rows) == live
    assert computed_rows(model, Compacted(), x, noise) == live
    assert sum(live) == sum(stops)
    assert list(run(model, Masked(), x, noise).run.rows) == [rows] * max(stops)
    assert computed_rows(model, Masked(), x, noise) == [rows] * max(stops)
    counts = run(model, Masked(), x, noise).run.live
    assert counts.sum(1).tolist() == live


@pytest.mark.parametrize("part", [Lockstep(), Masked(), Compacted()])
def test_fixed_steps_are_the_same_for_every_strategy(part: Lockstep | Masked | Compacted) -> None:
    torch.manual_seed(0)
    model = HRM(replace(recurrent, halting=Fixed(steps=3))).double()
    x, _ = drawn(recurrent, 5, 0)
    found = run(model, part, x, None)
    assert found.run.steps.tolist() == [3] * 5
    assert found.run.rows == (5, 5, 5)
    assert close(found.prediction, run(model, Masked(), x, None).prediction)


# -- strategies alone, on a counter ---------------------------------------------------------------
def count_to(stops: Tensor, seen: list[list[int]]):
    """A step that adds one to a row's state; row i wants to stop from the state stops[i] on."""

    def step(state: State, rows: Tensor | None, k: int) -> tuple[State, Decision, None]:
        which = torch.arange(len(stops)) if rows is None else rows
        seen.append(which.tolist())
        high = state.high + 1
        margin = (high[:, 0] >= stops[which]).double() - 0.5
        logits = torch.stack([which, which + k], 1).double()
        return State(high, state.low - 1, state.memory), Decision(margin, logits, high[:, 0]), None

    return step


@pytest.mark.parametrize("part", [Masked(), Compacted()])
def test_a_halted_row_keeps_its_state(part: Masked | Compacted) -> None:
    stops = torch.tensor([3, 1, 2, 9])
    seen: list[list[int]] = []
    start = State(torch.zeros(4, 2), torch.zeros(4, 3), torch.zeros(4, 0))
    found = built(part)(count_to(stops, seen), start, 5)
    assert found.state.high[:, 0].tolist() == [3, 1, 2, 5]
    assert found.state.low[:, 0].tolist() == [-3, -1, -2, -5]
    assert found.steps.tolist() == [3, 1, 2, 5]
    live = [[0, 1, 2, 3], [0, 2, 3], [0, 3], [3], [3]]
    assert seen == (live if isinstance(part, Compacted) else [[0, 1, 2, 3]] * 5)
    assert found.values.tolist() == [
        [1] * 4,
        [2, 0, 2, 2],
        [3, 0, 0, 3],
        [0, 0, 0, 4],
        [0] * 3 + [5],
    ]
    assert found.logits[2].tolist() == [[0, 2], [0, 0], [0, 0], [3, 5]]
    assert found.drafts is None


@pytest.mark.parametrize("part", [Lockstep(), Masked(), Compacted()])
def test_the_loop_ends_when_nobody_goes_on(part: Lockstep | Masked | Compacted) -> None:
    seen: list[list[int]] = []
    start = State(torch.zeros(2, 1), torch.zeros(2, 1), torch.zeros(2, 0))
    built(part)(count_to(torch.tensor([2, 2]), seen), start, 100)
    assert len(seen) == 2


@pytest.mark.parametrize("part", [Masked(), Compacted()])
def test_the_start_is_left_as_it_was(part: Masked | Compacted) -> None:
    start = State(torch.zeros(3, 1), torch.zeros(3, 1), torch.zeros(3, 0))
    built(part)(count_to(torch.tensor([1, 2, 3]), []), start, 3)
    assert start.high.tolist() == [[0.0]] * 3


def test_a_margin_of_zero_is_no_wish_to_stop() -> None:
    def step(state: State, rows: Tensor | None, k: int) -> tuple[State, Decision, None]:
        b = len(state.high)
        return state, Decision(torch.zeros(b), torch.zeros(b, 2), torch.zeros(b)), None

    start = State(torch.zeros(2, 1), torch.zeros(2, 1), torch.zeros(2, 0))
    for part in (Lockstep(), Masked(), Compacted()):
        assert built(part)(step, start, 4).steps.tolist() == [4, 4]


def test_scripted_halting_is_a_module_of_its_model() -> None:
    assert isinstance(scripted(recurrent, 0).halting, nn.Module)
