"""Stablemax against closed forms, exact fractions, and at logits near the ends of their types."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hrm.training.stablemax import (
    log_stablemax,
    shifted_softmax,
    stablemax,
    stablemax_cross_entropy,
)

properties = settings(max_examples=50, deadline=None, derandomize=True)
finite = st.floats(-(2.0**127), 2.0**127, width=32)
moderate = st.floats(-50, 50, width=32)
types = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])


def exact(logits: Tensor) -> list[Fraction]:
    """Stablemax of one vector in exact arithmetic: s is rational where x is."""
    xs = [Fraction(x) for x in logits.double().tolist()]
    s = [x + 1 if x >= 0 else 1 / (1 - x) for x in xs]
    return [value / sum(s) for value in s]


def exact_gradient(logits: Tensor, target: int) -> list[Fraction]:
    """The cross-entropy's gradient, (p − 1[target]) · s'(x) / s(x), from s' = 1 or 1 / (1 − x)²."""
    xs = [Fraction(x) for x in logits.double().tolist()]
    relative = [1 / (x + 1) if x >= 0 else (1 / (1 - x)) ** 2 * (1 - x) for x in xs]
    p = exact(logits)
    return [(p[c] - (c == target)) * relative[c] for c in range(len(xs))]


def gradient(logits: Tensor, target: int) -> Tensor:
    leaf = logits.clone().requires_grad_()
    stablemax_cross_entropy(leaf, torch.tensor(target)).backward()
    assert leaf.grad is not None
    return leaf.grad


# -- values ---------------------------------------------------------------------------------------
def test_stablemax_of_small_whole_numbers_is_what_is_worked_by_hand() -> None:
    # s takes the values 1/3, 1/2, 1, 2 and 3
    found = stablemax(torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]))
    expected = torch.tensor([2.0, 3.0, 6.0, 12.0, 18.0], dtype=torch.float64) / 41
    torch.testing.assert_close(found, expected)


def test_the_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    found = stablemax_cross_entropy(torch.full((2, 7), 3.25), torch.tensor([0, 6]))
    torch.testing.assert_close(found, torch.full((2,), math.log(7), dtype=torch.float64))


@pytest.mark.promise("complete", "StableMax", "StablemaxCrossEntropy()")
@given(st.lists(finite, min_size=1, max_size=6))
@properties
def test_stablemax_equals_exact_fractions_over_all_of_float32(values: list[float]) -> None:
    logits = torch.tensor(values)
    expected = torch.tensor([float(p) for p in exact(logits)], dtype=torch.float64)
    torch.testing.assert_close(stablemax(logits), expected, rtol=1e-14, atol=0)
    torch.testing.assert_close(log_stablemax(logits).exp(), expected, rtol=1e-12, atol=0)


@given(st.lists(finite, min_size=2, max_size=6))
@properties
def test_stablemax_keeps_the_order_of_the_logits(values: list[float]) -> None:
    p = stablemax(torch.tensor(sorted(values)))
    assert (p.diff() >= 0).all()


@types
def test_results_are_float64_and_gradients_have_the_type_of_the_logits(dtype: torch.dtype) -> None:
    logits = torch.zeros(2, 3, dtype=dtype, requires_grad=True)
    loss = stablemax_cross_entropy(logits, torch.tensor([0, 2]))
    loss.sum().backward()
    assert loss.shape == (2,) and loss.dtype == torch.float64
    assert stablemax(logits).dtype == log_stablemax(logits).dtype == torch.float64
    assert logits.grad is not None and logits.grad.dtype == dtype


def test_targets_of_any_leading_shape_give_one_loss_each() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, generator=generator)
    target = torch.randint(5, (2, 3), generator=generator, dtype=torch.int32)
    found = stablemax_cross_entropy(logits, target)
    for b in range(2):
        for s in range(3):
            p = exact(logits[b, s])[int(target[b, s])]
            assert found[b, s].item() == pytest.approx(-math.log(p), rel=1e-12)


# -- gradients ------------------------------------------------------------------------------------
@given(st.lists(moderate, min_size=2, max_size=5), st.data())
@properties
def test_gradients_equal_exact_fractions(values: list[float], data: st.DataObject) -> None:
    logits = torch.tensor(values, dtype=torch.float64)
    target = data.draw(st.integers(0, len(values) - 1))
    exactly = [float(g) for g in exact_gradient(logits, target)]
    expected = torch.tensor(exactly, dtype=torch.float64)
    torch.testing.assert_close(gradient(logits, target), expected, rtol=1e-12, atol=1e-14)


def test_gradients_equal_finite_differences_in_float64() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = 3 * torch.randn(4, 5, generator=generator, dtype=torch.float64)
    target = torch.tensor([0, 1, 4, 4])
    assert torch.autograd.gradcheck(
        lambda x: (stablemax(x), stablemax_cross_entropy(x, target)), (logits.requires_grad_(),)
    )


def test_the_slope_at_zero_is_one_from_both_sides() -> None:
    # p = (1/2, 1/2) and |x| = 0: the gradient is p − 1[target], as softmax has it there
    found = gradient(torch.tensor([0.0, -0.0]), 1)
    assert found.tolist() == [0.5, -0.5]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(
    "values",
    [
        [1e30, 0.0, -1e30],
        [1e30, 1e30, 2e30],
        [-1e30, -2e30, -3e30],
        [3.3e38, -3.3e38, 1.0],
        [1e4, -1e4, 1e-30],
    ],
)
def test_extreme_logits_have_finite_and_correct_gradients(
    dtype: torch.dtype, values: list[float]
) -> None:
    logits = torch.tensor(values, dtype=dtype)
    for target in range(3):
        loss = stablemax_cross_entropy(logits, torch.tensor(target))
        p = exact(logits)[target]
        log_p = math.log(p.numerator) - math.log(p.denominator)  # p itself may round to zero
        assert loss.item() == pytest.approx(-log_p, rel=1e-13, abs=1e-13)
        found = gradient(logits, target)
        expected = torch.tensor([float(g) for g in exact_gradient(logits, target)]).to(dtype)
        assert found.isfinite().all()
        # One rounding of the type; where 1 − p is lost in float64, so is the gradient, next to
        # others that are 1e16 times as large. Below the least normal number, absolute rounding.
        absolute = 2e-14 / (1 + logits.double().abs()) + torch.finfo(dtype).tiny
        error = (found.double() - expected.double()).abs()
        assert (error <= 2 * torch.finfo(dtype).eps * expected.double().abs() + absolute).all()


def test_softmax_has_no_gradient_left_where_stablemax_has_one() -> None:
    logits = torch.tensor([40.0, -80.0, 0.0], requires_grad=True)
    torch.nn.functional.cross_entropy(logits, torch.tensor(0)).backward()
    assert logits.grad is not None and logits.grad[0] == 0
    assert gradient(logits.detach(), 0)[0].item() == pytest.approx(
        float(exact_gradient(logits.detach(), 0)[0]), rel=1e-6
    )


def test_masked_logits_have_no_probability_and_no_gradient() -> None:
    logits = torch.tensor([1.0, -math.inf, 3.0])
    assert stablemax(logits).tolist() == pytest.approx([1 / 3, 0, 2 / 3])
    found = gradient(logits, 0)
    assert found.isfinite().all() and found[1] == 0


def test_a_nan_is_not_hidden() -> None:
    logits = torch.tensor([math.nan, 1.0])
    assert stablemax(logits).isnan().all()
    assert stablemax_cross_entropy(logits, torch.tensor(1)).isnan()


# -- labels ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("ignored", [-100, 2])
def test_ignored_labels_cost_nothing_and_teach_nothing(ignored: int) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(4, 3, generator=generator, requires_grad=True)
    target = torch.tensor([0, ignored, 1, ignored])
    loss = stablemax_cross_entropy(logits, target, ignored)
    loss.sum().backward()
    assert loss[1::2].tolist() == [0.0, 0.0]
    assert (loss[::2] > 0).all()
    assert logits.grad is not None
    assert (logits.grad[1::2] == 0).all() and (logits.grad[::2] != 0).all()


# -- complete's form ------------------------------------------------------------------------------
@given(st.lists(moderate, min_size=1, max_size=6))
@properties
def test_the_shifted_form_is_softmax(values: list[float]) -> None:
    logits = torch.tensor(values)
    assert torch.equal(shifted_softmax(logits), logits.softmax(-1))


def test_the_shifted_form_has_the_gradient_of_softmax() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    weights = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    found, expected = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    (shifted_softmax(found) * weights).sum().backward()
    (expected.softmax(-1) * weights).sum().backward()
    torch.testing.assert_close(found.grad, expected.grad)


@types
def test_the_shifted_form_is_finite_at_extreme_logits_and_keeps_their_type(
    dtype: torch.dtype,
) -> None:
    logits = torch.tensor([[1e30, -1e30, 0.0], [3e38, 3e38, -3e38]], dtype=dtype)
    found = shifted_softmax(logits)
    assert found.dtype == dtype
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
