"""Losses against closed forms and sums worked by hand."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hrm.config.learning import PolicyGradient, StopWhileLive, Supervised
from hrm.errors import UserError
from hrm.model import Output
from hrm.model.execution import Run
from hrm.model.state import State
from hrm.training import losses

properties = settings(max_examples=25, deadline=None, derandomize=True)


def made(steps: list[int], logits: Tensor, values: Tensor, margins: Tensor | None = None) -> Run:
    """A run of [K, B, 2] logits in which rows stop for themselves, at most after K steps."""
    k = torch.arange(len(logits))[:, None]
    taken = torch.tensor(steps)
    if margins is None:
        margins = torch.where(k == taken - 1, 1.0, -1.0).double()
    empty = torch.zeros(len(steps), 1)
    return Run(
        state=State(empty, empty, empty),
        steps=taken,
        rows=(len(steps),) * len(logits),
        margins=margins,
        logits=logits,
        values=values,
        drafts=None,
    )


def random_run(steps: list[int], seed: int = 0) -> Run:
    generator = torch.Generator().manual_seed(seed)
    shape = (max(steps), len(steps))
    return made(
        steps,
        torch.randn(*shape, 2, generator=generator, dtype=torch.float64),
        torch.randn(shape, generator=generator, dtype=torch.float64),
    )


def logits_of(chance_to_stop: list[list[float]]) -> Tensor:
    p = torch.tensor(chance_to_stop, dtype=torch.float64)
    return torch.stack([(1 - p).log(), p.log()], -1)


def tensor(values: object) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# -- reward and task losses -----------------------------------------------------------------------
def test_the_reward_is_minus_task_loss_minus_cost_times_steps() -> None:
    found = losses.reward(tensor([0.5, 2.0]), torch.tensor([3, 1]), 0.1)
    assert found.tolist() == pytest.approx([-0.8, -2.1], abs=1e-14)


def test_squared_error_of_two_classes_is_against_zero_and_one() -> None:
    found = losses.squared_error(tensor([[0.5, 2.0], [1.0, 0.0]]), torch.tensor([[0, 1], [1, 0]]))
    assert found.tolist() == [(0.25 + 1.0) / 2, 0.0]


def test_squared_error_of_more_classes_is_against_one_hot() -> None:
    prediction = tensor([[1.0, 0.0, 0.0, 0.0, 0.5, 1.0]])  # two cells of three classes
    found = losses.squared_error(prediction, torch.tensor([[0, 2]]))
    assert found.tolist() == [pytest.approx(0.25 / 6)]


def test_cross_entropy_of_two_class_logits_is_binary() -> None:
    x, y = tensor([[0.3, -1.0], [2.0, 0.0]]), torch.tensor([[1, 0], [0, 1]])
    p = 1 / (1 + np.exp(-x.numpy()))
    expected = -np.where(y.numpy() == 1, np.log(p), np.log(1 - p)).mean(1)
    assert np.allclose(losses.cross_entropy(x, y).numpy(), expected)


def test_cross_entropy_of_tokens_and_of_flat_vectors_is_the_mean_over_cells() -> None:
    x = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([[0, 1, 2], [3, 3, 0]])
    z = x.numpy()
    chosen = np.take_along_axis(z, y.numpy()[..., None], -1)[..., 0]
    expected = (np.log(np.exp(z).sum(-1)) - chosen).mean(1)
    assert np.allclose(losses.cross_entropy(x, y).numpy(), expected)
    assert np.allclose(losses.cross_entropy(x.flatten(1), y).numpy(), expected)


def test_answers_are_the_likeliest_classes_or_beyond_the_threshold() -> None:
    flat = tensor([[0.1, 0.6], [-0.1, 0.4]])
    assert losses.answer(Supervised(), flat, 2).tolist() == [[1, 1], [0, 1]]
    assert losses.answer(PolicyGradient(), flat, 2).tolist() == [[0, 1], [0, 0]]
    tokens = tensor([[[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]]])
    for objective in (Supervised(), PolicyGradient()):
        assert losses.answer(objective, tokens, 2).tolist() == [[1, 0]]
        assert losses.answer(objective, tokens.flatten(1), 2).tolist() == [[1, 0]]


# -- means ----------------------------------------------------------------------------------------
@properties
@given(k=st.integers(1, 5), b=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_the_two_means_agree_where_all_are_live(k: int, b: int, seed: int) -> None:
    terms = torch.randn(k, b, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    live = torch.ones(k, b, dtype=torch.bool)
    assert torch.allclose(
        losses.mean_over_batch(terms, live), losses.mean_over_live(terms, live), atol=1e-7
    )


def test_the_mean_over_the_live_divides_by_their_number_at_each_step() -> None:
    terms = tensor([[1.0, 3.0, 5.0, 7.0], [2.0, 100.0, 4.0, 100.0], [9.0, 100.0, 100.0, 100.0]])
    live = torch.tensor([[True] * 4, [True, False, True, False], [True, False, False, False]])
    assert losses.mean_over_live(terms, live).item() == pytest.approx(4 + 3 + 9)
    assert losses.mean_over_batch(terms * live, live).item() == pytest.approx(4 + 1.5 + 2.25)


def test_a_step_without_live_samples_adds_nothing() -> None:
    assert losses.mean_over_live(tensor([[5.0]]), torch.tensor([[False]])).item() == 0.0


# -- policy ---------------------------------------------------------------------------------------
def test_log_probabilities_are_of_the_actions_taken_and_of_stopping() -> None:
    run = made([1, 2, 3], logits_of([[0.2, 0.3, 0.4], [0.5, 0.6, 0.7], [0.8, 0.9, 0.1]]), tensor(0))
    taken, stop = losses.log_probabilities(run, max_steps=3)
    expected = [[0.2, 0.7, 0.6], [1.0, 0.6, 0.3], [1.0, 1.0, 1.0]]  # 1: nothing was chosen
    assert torch.allclose(taken.exp(), tensor(expected))
    expected = [[0.2, 0.3, 0.4], [1.0, 0.6, 0.7], [1.0, 1.0, 0.1]]
    assert torch.allclose(stop.exp(), tensor(expected))


def test_a_forced_stop_carries_no_score_and_a_chosen_one_does() -> None:
    logits = logits_of([[0.2], [0.5]]).requires_grad_()
    forced, _ = losses.log_probabilities(made([2], logits, tensor(0)), max_steps=2)
    assert forced[1].item() == 0.0
    (g,) = torch.autograd.grad(forced.sum(), logits)
    assert (g[1] == 0).all() and (g[0] != 0).all()
    chosen, _ = losses.log_probabilities(made([2], logits, tensor(0)), max_steps=3)
    assert chosen[1].item() == pytest.approx(math.log(0.5))


def test_policy_loss_of_two_steps_by_hand() -> None:
    # Sample 0 stops at once (0.2); sample 1 goes on (0.7), then stops (0.6); three are allowed.
    run = made([1, 2], logits_of([[0.2, 0.3], [0.5, 0.6]]), tensor([[0.1, -0.2], [0.0, 0.3]]))
    rewards = tensor([-1.0, -2.0])
    first = [math.log(0.2) * (-1.0 - 0.1), math.log(0.7) * (-2.0 + 0.2)]
    second = math.log(0.6) * (-2.0 - 0.3)
    plain = losses.policy_loss(PolicyGradient(), run, rewards, 3)
    assert plain.item() == pytest.approx(-(sum(first) / 2 + second / 2))
    masked = losses.policy_loss(PolicyGradient(masked_mean=True), run, rewards, 3)
    assert masked.item() == pytest.approx(-(sum(first) / 2 + second))
    coded = losses.policy_loss(PolicyGradient(score=StopWhileLive()), run, rewards, 3)
    first = [math.log(0.2) * (-1.0 - 0.1), math.log(0.3) * (-2.0 + 0.2)]
    assert coded.item() == pytest.approx(-(sum(first) / 2 + second / 2))
    at_stop = losses.policy_loss(PolicyGradient(value_at_stop=True), run, rewards, 3)
    scores = [math.log(0.2) * (-1.0 - 0.1), (math.log(0.7) + math.log(0.6)) * (-2.0 - 0.3)]
    assert at_stop.item() == pytest.approx(-sum(scores) / 2)


def test_rewards_and_values_are_constants_of_the_policy_loss() -> None:
    values = tensor([[0.1, -0.2], [0.0, 0.3]]).requires_grad_()
    rewards = tensor([-1.0, -2.0]).requires_grad_()
    run = made([1, 2], logits_of([[0.2, 0.3], [0.5, 0.6]]).requires_grad_(), values)
    losses.policy_loss(PolicyGradient(), run, rewards, 3).backward()
    assert values.grad is None and rewards.grad is None and run.logits.grad is not None


@pytest.mark.promise("gru", "normalised advantages", "PolicyGradient(normalise=True)")
def test_normalised_advantages_have_mean_zero_and_unit_deviation() -> None:
    run = made([1, 1, 1], logits_of([[0.2, 0.3, 0.4]]), tensor([[0.1, 0.0, -0.3]]))
    rewards = tensor([-1.0, -2.0, -4.0])
    a = np.array([-1.1, -2.0, -3.7])
    a = (a - a.mean()) / (a.std(ddof=1) + 1e-8)
    found = losses.policy_loss(PolicyGradient(normalise=True), run, rewards, 3)
    assert found.item() == pytest.approx(-(np.log([0.2, 0.3, 0.4]) * a).mean())
    scaled = losses.policy_loss(
        PolicyGradient(normalise=True),
        made([1, 1, 1], run.logits, 1e3 * run.values),
        1e3 * rewards,
        3,
    )
    assert scaled.item() == pytest.approx(found.item(), rel=1e-6)


def test_the_normalised_advantage_of_a_single_sample_is_zero() -> None:
    run = made([2], logits_of([[0.2], [0.3]]), tensor([[0.1], [0.2]]))
    objective = PolicyGradient(normalise=True)
    assert losses.policy_loss(objective, run, tensor([-1.0]), 3).item() == 0.0


def play(weights: Tensor, actions: list[list[bool]], lockstep: bool) -> tuple[Run, float]:
    """A batch of the actions [steps][rows]: its run, and the probability of them all."""
    rows, max_steps = weights.shape[1], len(weights)
    wish = torch.tensor(actions)
    live, steps = torch.ones(rows, dtype=torch.bool), [0] * rows
    log_pi = weights.log_softmax(-1)
    probability, taken = 1.0, 0
    for k in range(max_steps):
        steps = [s + int(alive) for s, alive in zip(steps, live.tolist(), strict=True)]
        taken += 1
        for i in range(rows):
            if k < max_steps - 1:
                probability *= log_pi[k, i, int(wish[k, i])].exp().item()
        live = live & ~wish[k] if not lockstep else live & ~wish[k].all()
        if not live.any():
            break
    # What follows the end isn't played: all its actions count as one.
    probability *= 0.5 ** (rows * max(0, max_steps - 1 - taken))
    margins = torch.where(wish[:taken], 1.0, -1.0).double()
    counts = torch.arange(taken)[:, None] < torch.tensor(steps)
    logits = torch.where(counts[..., None], weights[:taken], torch.zeros_like(weights[:taken]))
    margins = torch.where(counts, margins, torch.zeros_like(margins))
    return made(steps, logits, torch.zeros(taken, rows), margins), probability


@pytest.mark.parametrize("lockstep", [False, True])
def test_the_expected_score_of_the_actions_taken_is_zero(lockstep: bool) -> None:
    # E_π[∇ log π(a)] = 0 holds for the log-probabilities of actions truly drawn, and of no others.
    weights = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0)).double()
    weights.requires_grad_()
    expected, total = torch.zeros_like(weights), 0.0
    for flat in itertools.product([False, True], repeat=4):
        actions = [list(flat[:2]), list(flat[2:]), [False, False]]
        run, probability = play(weights, actions, lockstep)
        taken, _ = losses.log_probabilities(run, max_steps=3)
        (score,) = torch.autograd.grad(taken.sum(), weights, allow_unused=True)
        expected, total = expected + probability * score, total + probability
    assert total == pytest.approx(1.0)
    assert expected.abs().max().item() < 1e-12


# -- baseline and entropy -------------------------------------------------------------------------
def test_the_baselines_loss_is_the_squared_error_of_every_step() -> None:
    values = tensor([[0.1, -0.2], [0.0, 0.3]])
    run = made([1, 2], logits_of([[0.5, 0.5], [0.5, 0.5]]), values)
    found = losses.baseline_loss(PolicyGradient(), run, tensor([-1.0, -2.0]))
    assert found.item() == pytest.approx((1.1**2 + 1.8**2) / 2 + (0.0 + 2.3**2) / 2)


@pytest.mark.promise("gru", "a smooth L1 loss of the baseline", "PolicyGradient(baseline=True)")
def test_the_baselines_loss_at_the_stop_is_smooth_l1() -> None:
    values = tensor([[0.1, -0.2], [0.0, 0.3]])
    run = made([1, 2], logits_of([[0.5, 0.5], [0.5, 0.5]]), values)
    found = losses.baseline_loss(PolicyGradient(value_at_stop=True), run, tensor([-0.4, -2.0]))
    assert found.item() == pytest.approx((0.5**2 / 2 + (2.3 - 0.5)) / 2)


def test_the_baselines_loss_is_smooth_or_squared_wherever_it_is_read() -> None:
    values = tensor([[0.1, -0.2], [0.0, 0.3]])
    run = made([1, 2], logits_of([[0.5, 0.5], [0.5, 0.5]]), values)
    rewards = tensor([-0.4, -2.0])

    def found(*, at_stop: bool, smooth: bool) -> float:
        objective = PolicyGradient(value_at_stop=at_stop, smooth_value=smooth)
        return losses.baseline_loss(objective, run, rewards).item()

    assert found(at_stop=True, smooth=False) == pytest.approx((0.5**2 + 2.3**2) / 2)
    steps = [(0.5**2 / 2 + 1.8 - 0.5) / 2, (0.0 + 2.3 - 0.5) / 2]
    assert found(at_stop=False, smooth=True) == pytest.approx(sum(steps))


def test_without_a_baseline_advantages_are_rewards() -> None:
    run = made([1, 1], logits_of([[0.2, 0.3]]), tensor([[0.1, -0.7]]))
    rewards = tensor([-1.0, -2.0])
    found = losses.policy_loss(PolicyGradient(baseline=False), run, rewards, 3)
    assert found.item() == pytest.approx((math.log(0.2) + 2 * math.log(0.3)) / 2)


def test_a_shared_advantage_is_the_mean_over_samples_or_over_each_steps_live_ones() -> None:
    logits = logits_of([[0.2, 0.3, 0.4], [0.5, 0.6, 0.6]])
    run, rewards = made([1, 2, 2], logits, torch.zeros(2, 3)), tensor([-1.0, -2.0, -4.0])
    first, second = (sum(map(math.log, p)) / 3 for p in ((0.2, 0.7, 0.6), (0.6, 0.6)))
    steps = losses.policy_loss(PolicyGradient(shared_advantage=True), run, rewards, 3)
    assert steps.item() == pytest.approx(first * 7 / 3 + second * 3)
    at_stop = PolicyGradient(shared_advantage=True, value_at_stop=True)
    found = losses.policy_loss(at_stop, run, rewards, 3)
    assert found.item() == pytest.approx((first + second) * 7 / 3)


def test_a_shared_advantage_is_not_normalised() -> None:
    with pytest.raises(UserError, match="shared_advantage is True"):
        PolicyGradient(shared_advantage=True, normalise=True)


def test_the_baselines_loss_trains_the_value_and_not_the_reward() -> None:
    values, rewards = tensor([[0.1]]).requires_grad_(), tensor([-1.0]).requires_grad_()
    run = made([1], logits_of([[0.5]]), values)
    for stop in (True, False):
        losses.baseline_loss(PolicyGradient(value_at_stop=stop), run, rewards).backward()
    assert rewards.grad is None and values.grad is not None


def test_entropy_counts_every_live_step() -> None:
    def h(p: float) -> float:
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    run = made([1, 2], logits_of([[0.2, 0.3], [0.5, 0.6]]), tensor(0))
    assert losses.entropy(run).item() == pytest.approx((h(0.2) + h(0.3)) / 2 + h(0.6) / 2)


# -- the whole ------------------------------------------------------------------------------------
def test_the_total_of_a_policy_gradient_is_the_sum_of_its_parts() -> None:
    run = random_run([1, 3, 2])
    target = torch.tensor([[0, 1], [1, 1], [0, 0]])
    prediction = tensor([[0.1, 0.7], [0.9, 0.2], [0.3, 0.0]])
    objective = PolicyGradient(cost=0.2, entropy=0.05, step_penalty=0.03)
    found = losses.loss(objective, Output(prediction=prediction, run=run), target, max_steps=4)
    errors = ((prediction - target) ** 2).mean(1)
    assert found.task.item() == pytest.approx(errors.mean().item())
    rewards = -errors - 0.2 * tensor([1.0, 3.0, 2.0])
    assert torch.allclose(found.reward, rewards)
    policy = losses.policy_loss(objective, run, rewards, 4)
    baseline = losses.baseline_loss(objective, run, rewards)
    assert found.policy.item() == pytest.approx(policy.item(), abs=1e-12)
    assert found.baseline.item() == pytest.approx(baseline.item(), abs=1e-12)
    bonus = 0.05 * losses.entropy(run).item()
    whole = errors.mean() + policy + baseline - bonus + 0.03 * 2.0
    assert found.total.item() == pytest.approx(whole.item())


def output(drafts: Tensor | None, steps: list[int], prediction: Tensor) -> Output:
    return Output(prediction=prediction, run=replace(random_run(steps), drafts=drafts))


def test_supervision_of_the_last_segment_is_of_the_prediction() -> None:
    x, y = tensor([[0.3, -1.0], [2.0, 0.0]]), torch.tensor([[1, 0], [0, 1]])
    drafts = torch.zeros(1, 2, 2, 2, dtype=torch.float64)
    for every, held in ((False, drafts), (True, None)):
        found = losses.loss(Supervised(every_segment=every), output(held, [1, 1], x), y, 1)
        assert found.total.item() == pytest.approx(losses.cross_entropy(x, y).mean().item())
        assert found.policy.item() == found.baseline.item() == found.reward.item() == 0.0


@pytest.mark.promise("complete", "deep supervision", "Supervised(every_segment=True)")
def test_supervision_of_every_segment_is_the_mean_over_them() -> None:
    drafts = torch.randn(
        1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    y = torch.tensor([[1, 0], [0, 1]])
    found = losses.loss(Supervised(every_segment=True), output(drafts, [1, 1], drafts[0, -1]), y, 1)
    by_hand = [losses.cross_entropy(draft, y).mean().item() for draft in drafts[0]]
    assert found.total.item() == pytest.approx(sum(by_hand) / 3)


def test_weights_that_decay_over_segments_have_the_same_sum() -> None:
    drafts = torch.randn(
        1, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    y = torch.tensor([[1, 0], [0, 1]])
    part = Supervised(every_segment=True, decay=0.5)
    found = losses.loss(part, output(drafts, [1, 1], drafts[0, -1]), y, 1)
    first, second, third = (losses.cross_entropy(draft, y).mean().item() for draft in drafts[0])
    by_hand = (4 * first + 2 * second + third) / 7
    assert found.total.item() == pytest.approx(by_hand)
    with pytest.raises(UserError, match=r"decay is 0.5; allowed is above 0, up to 1; and 1 where"):
        Supervised(decay=0.5)


def test_segments_after_a_samples_stop_are_no_part_of_its_supervision() -> None:
    drafts = torch.randn(
        2, 2, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    drafts[1, :, 0] = 0.0  # the first sample has stopped
    y = torch.tensor([[1, 0], [0, 1]])
    found = losses.loss(Supervised(every_segment=True), output(drafts, [1, 2], drafts[1, -1]), y, 2)
    each = torch.stack([losses.cross_entropy(draft, y) for draft in drafts.flatten(0, 1)])
    by_hand = (each[:2, 0].mean() + each[:, 1].mean()) / 2
    assert found.total.item() == pytest.approx(by_hand.item())
