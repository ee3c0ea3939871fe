"""Optimisers against straight loops over numbers, and across processes."""

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import Optimizer

from hrm.errors import UserError
from hrm.model.puzzles import PuzzleTable
from hrm.training import optim
from hrm.training.optim import AdamAtan2, AdamAtan2AsCoded, clip

properties = settings(max_examples=40, deadline=None, derandomize=True)
both = pytest.mark.parametrize("kind", [AdamAtan2, AdamAtan2AsCoded])


def public(p: float, gradients: list[float], lr: float, b1: float, b2: float, wd: float) -> float:
    """Adam-atan2 on one number, equation by equation."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        p = p * (1 - lr * wd)
        p = p - lr / (1 - b1**t) * math.atan2(m, math.sqrt(v) / math.sqrt(1 - b2**t))
    return p


def as_coded(p: float, gradients: list[float], lr: float, b1: float, b2: float, wd: float) -> float:
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        p = p * (1 - lr * wd)
        sine = math.sin(math.atan2(m, math.sqrt(v) + 1e-8))
        p = p - lr / (1 - b1**t) * sine / (math.sqrt(v / (1 - b2**t)) + 1e-8)
    return p


loops = pytest.mark.parametrize(
    ("kind", "loop", "betas"),
    [(AdamAtan2, public, (0.9, 0.95)), (AdamAtan2AsCoded, as_coded, (0.9, 0.999))],
)


def parameters(*values: list[float]) -> list[nn.Parameter]:
    return [nn.Parameter(torch.tensor(value, dtype=torch.float64)) for value in values]


def steps(
    optimiser: Optimizer, params: list[nn.Parameter], gradients: list[list[Tensor | None]]
) -> None:
    for per_parameter in gradients:
        for p, g in zip(params, per_parameter, strict=True):
            p.grad = None if g is None else g.clone()
        optimiser.step()


def random_gradients(like: list[nn.Parameter], count: int, seed: int = 0) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in like]
        for _ in range(count)
    ]


def random_parameters(dtype: torch.dtype = torch.float64, seed: int = 1) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 2), (4,), ()]
    return [nn.Parameter(torch.randn(s, generator=generator, dtype=dtype)) for s in shapes]


# -- Adam-atan2 -----------------------------------------------------------------------------------
def test_the_first_steps_of_the_public_form_have_a_closed_form() -> None:
    # A constant gradient makes m = g (1 − β1ᵗ) and √v / √(1 − β2ᵗ) = |g|.
    (p,) = params = parameters([2.0])
    optimiser = AdamAtan2(params, lr=0.1)
    expected = 2.0
    for t in range(1, 6):
        steps(optimiser, params, [[torch.tensor([-7.0]).double()]])
        expected += 0.1 / (1 - 0.9**t) * math.atan(1 - 0.9**t)
        assert p.item() == pytest.approx(expected, rel=1e-12)


def test_the_first_step_of_the_coded_form_has_a_closed_form() -> None:
    # m = 0.1 g and √v = √0.001 |g|: the sine is 0.1 / √(0.01 + 0.001), over 0.1 and |g| once more.
    (p,) = params = parameters([0.0])
    steps(AdamAtan2AsCoded(params, lr=1e-3), params, [[torch.tensor([0.5]).double()]])
    assert p.item() == pytest.approx(-1e-3 / 0.1 * 0.1 / math.sqrt(0.011) / 0.5, rel=1e-6)


# The square of a gradient below 1e-150 underflows; then the public form is only near the loop.
some_gradients = st.floats(-1e3, 1e3).filter(lambda g: g == 0 or abs(g) > 1e-150)


@loops
@given(
    gradients=st.lists(some_gradients, min_size=1, max_size=6),
    wd=st.sampled_from([0.0, 0.1]),
)
@properties
def test_several_steps_equal_a_loop_over_numbers(
    kind: Any, loop: Any, betas: tuple[float, float], gradients: list[float], wd: float
) -> None:
    (p,) = params = parameters([0.5])
    optimiser = kind(params, lr=0.01, weight_decay=wd)
    steps(optimiser, params, [[torch.tensor([g], dtype=torch.float64)] for g in gradients])
    expected = loop(0.5, gradients, 0.01, *betas, wd)
    assert p.item() == pytest.approx(expected, rel=1e-10, abs=1e-12)


@loops
def test_all_parameters_at_once_equal_one_number_at_a_time(
    kind: Any, loop: Any, betas: tuple[float, float]
) -> None:
    params = random_parameters()
    before = [p.detach().clone() for p in params]
    gradients = random_gradients(params, 5)
    steps(kind(params, lr=0.02, weight_decay=0.3), params, gradients)
    for i, p in enumerate(params):
        history = torch.stack([g[i].flatten() for g in gradients])
        for k, start in enumerate(before[i].flatten().tolist()):
            expected = loop(start, history[:, k].tolist(), 0.02, *betas, 0.3)
            assert p.detach().flatten()[k].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.promise("complete", "Adam-atan2", "Training(optimiser=AdamAtan2())")
@given(seed=st.integers(0, 2**31), decay=st.floats(0.0, 0.5))
@properties
def test_the_public_form_is_torchs_adamw_but_for_the_arctangent(seed: int, decay: float) -> None:
    """Equal moments and decay; atan(x) stands for x = m / √v̂, from which it differs by x³ / 3."""
    b1, b2, lr = 0.9, 0.95, 0.1
    ours, theirs = random_parameters(seed=seed), random_parameters(seed=seed)
    rates: Any = {"lr": lr, "betas": (b1, b2), "weight_decay": decay}
    public, adamw = AdamAtan2(ours, **rates), torch.optim.AdamW(theirs, eps=0.0, **rates)
    for t, gradients in enumerate(random_gradients(ours, 5, seed), start=1):
        with torch.no_grad():
            torch._foreach_copy_(theirs, ours)  # one step from the same place
        steps(public, ours, [list(gradients)])
        steps(adamw, theirs, [list(gradients)])
        for p, q in zip(ours, theirs, strict=True):
            m, v = (adamw.state[q][name] for name in ("exp_avg", "exp_avg_sq"))
            torch.testing.assert_close(public.state[p]["exp_avg"], m, rtol=1e-12, atol=1e-15)
            torch.testing.assert_close(public.state[p]["exp_avg_sq"], v, rtol=1e-12, atol=1e-15)
            x, rate = m / (v / (1 - b2**t)).sqrt(), lr / (1 - b1**t)
            torch.testing.assert_close(p - q, rate * (x - x.atan()), rtol=1e-6, atol=1e-12)
            assert ((p - q).abs() <= rate * x.abs() ** 3 / 3 + 1e-12).all()


@given(exponent=st.integers(-20, 20), seed=st.integers(0, 2**31))
@properties
def test_the_public_update_does_not_change_when_the_loss_is_scaled(
    exponent: int, seed: int
) -> None:
    # A power of two scales without rounding, so that equality is exact.
    one, other = random_parameters(torch.float32), random_parameters(torch.float32)
    gradients = random_gradients(one, 4, seed)
    steps(AdamAtan2(one, lr=0.1, weight_decay=0.1), one, gradients)
    scaled = [[g * 2.0**exponent for g in step] for step in gradients]
    steps(AdamAtan2(other, lr=0.1, weight_decay=0.1), other, scaled)
    for p, q in zip(one, other, strict=True):
        assert torch.equal(p, q)


@given(scale=st.floats(1e-6, 1e6), seed=st.integers(0, 2**31))
@properties
def test_the_public_update_is_free_of_scale_to_rounding_for_any_constant(
    scale: float, seed: int
) -> None:
    one, other = random_parameters(), random_parameters()
    gradients = random_gradients(one, 4, seed)
    steps(AdamAtan2(one, lr=0.1), one, gradients)
    steps(AdamAtan2(other, lr=0.1), other, [[g * scale for g in step] for step in gradients])
    for p, q in zip(one, other, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)


@given(scale=st.floats(0.01, 1e4), seed=st.integers(0, 2**31))
@properties
def test_the_coded_update_is_divided_by_the_scale_of_the_loss(scale: float, seed: int) -> None:
    moves = []
    for factor in (1.0, scale):
        params = parameters([0.0] * 5)
        gradients = random_gradients(params, 4, seed)
        # A gradient of 1 or more is far above ε.
        scaled = [[factor * (g + g.sign()) for g in step] for step in gradients]
        steps(AdamAtan2AsCoded(params, lr=0.1), params, scaled)
        moves.append(params[0].detach())
    torch.testing.assert_close(moves[1] * scale, moves[0], rtol=1e-4, atol=1e-6)


@given(seed=st.integers(0, 2**31), exponent=st.integers(-25, 10))
@properties
def test_no_public_step_is_larger_than_a_quarter_turn(seed: int, exponent: int) -> None:
    params = parameters([0.0] * 8)
    optimiser = AdamAtan2(params, lr=0.1)
    before = params[0].detach().clone()
    for t, gradients in enumerate(random_gradients(params, 6, seed), start=1):
        steps(optimiser, params, [[g * 10.0**exponent for g in gradients]])
        moved = (params[0].detach() - before).abs()
        assert (moved <= 0.1 / (1 - 0.9**t) * math.pi / 2 + 1e-15).all()
        before = params[0].detach().clone()


@both
def test_a_gradient_of_zero_moves_nothing(kind: Any) -> None:
    params = parameters([1.0, -2.0])
    steps(kind(params, lr=0.1), params, [[torch.zeros(2).double()]] * 3)
    assert params[0].tolist() == [1.0, -2.0]


def test_a_gradient_whose_square_underflows_still_moves_by_the_sign() -> None:
    p = nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([1e-25, -1e-25])  # v = 0 in float32, and atan2(±m, 0) = ±π/2
    AdamAtan2([p], lr=0.1).step()
    assert p.tolist() == pytest.approx([-math.pi / 2, math.pi / 2], rel=1e-6)


@both
def test_a_nan_reaches_the_parameter(kind: Any) -> None:
    params = parameters([1.0, 1.0])
    steps(kind(params, lr=0.1), params, [[torch.tensor([math.nan, 1.0]).double()]])
    assert params[0].isnan().tolist() == [True, False]


@both
def test_weight_decay_is_decoupled_from_the_gradient(kind: Any) -> None:
    with_decay, without = random_parameters(), random_parameters()
    before = [p.detach().clone() for p in without]
    gradients = random_gradients(without, 1)
    steps(kind(with_decay, lr=0.1, weight_decay=0.5), with_decay, gradients)
    steps(kind(without, lr=0.1), without, gradients)
    for p, q, start in zip(with_decay, without, before, strict=True):
        torch.testing.assert_close(p, q - 0.1 * 0.5 * start, rtol=1e-14, atol=1e-15)


@both
def test_decay_alone_shrinks_a_parameter_without_gradient_signal(kind: Any) -> None:
    params = parameters([4.0])
    steps(kind(params, lr=0.1, weight_decay=0.5), params, [[torch.zeros(1).double()]] * 2)
    assert params[0].item() == pytest.approx(4.0 * 0.95**2, rel=1e-15)


@both
def test_parameters_without_a_gradient_wait_with_their_own_count_of_steps(kind: Any) -> None:
    params, alone = parameters([1.0], [1.0]), parameters([1.0])
    g = [torch.tensor([value]).double() for value in (0.3, -0.2, 0.5)]
    steps(kind(params, lr=0.1, weight_decay=0.1), params, [[g[0], None], [g[1], g[0]]])
    steps(kind(alone, lr=0.1, weight_decay=0.1), alone, [[g[0]]])
    assert torch.equal(params[1], alone[0])
    optimiser = kind(params, lr=0.1)
    for p in params:
        p.grad = None
    optimiser.step()
    assert not optimiser.state


@both
def test_groups_have_their_own_rates(kind: Any) -> None:
    params = parameters([1.0], [1.0])
    optimiser = kind([{"params": params[:1]}, {"params": params[1:], "lr": 0.0}], lr=0.1)
    steps(optimiser, params, [[torch.ones(1).double()] * 2])
    assert params[0].item() < 1.0 and params[1].item() == 1.0


@both
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_training_resumes_exactly_from_a_saved_state(kind: Any, dtype: torch.dtype) -> None:
    straight = random_parameters(dtype)
    gradients = random_gradients(straight, 6)
    optimiser = kind(straight, lr=0.1, weight_decay=0.1)
    steps(optimiser, straight, gradients[:3])
    file = io.BytesIO()
    torch.save({"optimiser": optimiser.state_dict(), "params": straight}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    resumed = [nn.Parameter(p.detach()) for p in saved["params"]]
    other = kind(resumed, lr=99.0)
    other.load_state_dict(saved["optimiser"])
    steps(optimiser, straight, gradients[3:])
    steps(other, resumed, gradients[3:])
    for p, q in zip(straight, resumed, strict=True):
        assert torch.equal(p, q)


@both
def test_a_scheduler_sets_the_rate_and_a_closure_gives_the_loss(kind: Any) -> None:
    (p,) = parameters([3.0])
    optimiser = kind([p], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda update: 0.5**update)

    def closure() -> float:
        optimiser.zero_grad()
        loss = p.square().sum()
        loss.backward()
        return loss.item()

    assert optimiser.step(closure) == 9.0
    schedule.step()
    assert optimiser.param_groups[0]["lr"] == 0.05
    assert p.item() < 3.0


@both
def test_a_quadratic_is_minimised(kind: Any) -> None:
    (p,) = parameters([1.5, -0.5])
    optimiser = kind([p], lr=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda update: 1 - update / 400)
    for _ in range(400):
        optimiser.zero_grad()
        # The coded form's steps grow as gradients shrink, so the slope must not vanish.
        (p - 1).abs().sum().backward()
        optimiser.step()
        schedule.step()
    assert p.tolist() == pytest.approx([1.0, 1.0], abs=0.02)


@both
@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"lr": -0.1}, "lr is -0.1"),
        ({"lr": math.nan}, "lr is nan"),
        ({"lr": math.inf}, "lr is inf"),
        ({"lr": 0.1, "weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"lr": 0.1, "betas": (1.0, 0.9)}, "0 <= beta < 1"),
        ({"lr": 0.1, "betas": (0.9, -0.1)}, "0 <= beta < 1"),
    ],
)
def test_rates_out_of_range_are_refused(kind: Any, wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(UserError, match=named):
        kind(parameters([1.0]), **wrong)
    group = {"params": parameters([1.0]), **wrong}
    optimiser = kind(parameters([1.0]), lr=0.1)
    with pytest.raises(UserError, match=named):
        optimiser.add_param_group(group)
    assert len(optimiser.param_groups) == 1


@pytest.mark.parametrize("eps", [0.0, -1e-8, math.nan])
def test_the_coded_form_needs_a_positive_epsilon(eps: float) -> None:
    with pytest.raises(UserError, match="eps is"):
        AdamAtan2AsCoded(parameters([1.0]), lr=0.1, eps=eps)


@both
def test_no_parameters_and_sparse_gradients_are_refused(kind: Any) -> None:
    with pytest.raises(UserError, match="got no parameters"):
        kind(PuzzleTable(3, 2).parameters(), lr=0.1)
    embedding = nn.Embedding(3, 2, sparse=True)
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(UserError, match="sparse gradient"):
        kind(embedding.parameters(), lr=0.1).step()


@both
def test_the_number_of_torch_calls_does_not_grow_with_the_parameters(kind: Any) -> None:
    def calls(count: int) -> int:
        params = parameters(*[[1.0]] * count)
        gradients = [[torch.ones(1).double()] * count]
        optimiser = kind(params, lr=0.1)
        steps(optimiser, params, gradients)  # the first step makes the state
        for p in params:
            p.grad = torch.ones(1).double()
        with Calls() as mode:
            optimiser.step()
        return mode.count

    assert calls(2) == calls(20)


class Calls(torch.overrides.TorchFunctionMode):
    """Counts calls into torch that compute (looking up an attribute doesn't)."""

    count = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.count += getattr(func, "__name__", "") not in ("__get__", "__set__")
        return func(*args, **(kwargs or {}))


# -- blocks ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("made", [AdamAtan2, AdamAtan2AsCoded])
def test_blocks_have_the_bits_of_whole_tensors(made, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [(7,), (40, 33), (3, 5), (513,), (64, 64), (2,)]

    def trained(entries: int) -> list[torch.Tensor]:
        monkeypatch.setattr(optim, "_entries", entries)
        generator = torch.Generator().manual_seed(0)
        params = [nn.Parameter(torch.randn(s, generator=generator)) for s in shapes]
        params.append(nn.Parameter(torch.randn(9, 20, generator=generator).t()))  # no view
        stepper = made(params, lr=0.1, weight_decay=0.1)
        for _ in range(3):
            for p in params[1:]:  # the first has no gradient
                p.grad = torch.randn(p.shape, generator=generator)
            stepper.step()
        return [p.detach() for p in params]

    whole = trained(10**9)
    for entries in (64, 512, 1024):
        found = trained(entries)
        assert all(torch.equal(a, b) for a, b in zip(found, whole, strict=True))


# -- clipping -------------------------------------------------------------------------------------
@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e3])
def test_clipping_has_the_bits_of_torchs(largest: float) -> None:
    generator = torch.Generator().manual_seed(0)
    mine, theirs = ([nn.Parameter(torch.zeros(n, 3)) for n in (2, 5, 1, 4)] for _ in range(2))
    for a, b in zip(mine[:-1], theirs[:-1], strict=True):  # the last has no gradient
        a.grad = torch.randn(a.shape, generator=generator)
        b.grad = a.grad.clone()
    norm = clip(mine, largest)
    assert torch.equal(norm, nn.utils.clip_grad_norm_(theirs, largest))
    for a, b in zip(mine[:-1], theirs[:-1], strict=True):
        assert a.grad is not None and b.grad is not None
        assert torch.equal(a.grad, b.grad)
    assert mine[-1].grad is None


def test_clipping_no_gradients_does_nothing() -> None:
    assert clip([nn.Parameter(torch.zeros(2))], 1.0) == 0
