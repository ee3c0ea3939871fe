"""The losses of answers and policies. Those of Q values are in `hrm.training.q_losses`.

Shapes: B batch, K halting steps, S cells, C classes. Log-probabilities, advantages and masks of
steps are [K, B]; rewards and task losses [B].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hrm.config import learning
from hrm.config.axes import Objective
from hrm.model import Output
from hrm.model.execution import Run
from hrm.model.registry import builds, built
from hrm.training import stablemax
from hrm.training.stablemax import IGNORED


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A loss and its parts, by the names of document gru's `training_step`.

    Args:
        total: The sum of the parts.
        entropy: The entropy bonus, a number of at most 0.
        penalty: The penalty on the number of steps.
    """

    total: Tensor
    task: Tensor
    policy: Tensor
    baseline: Tensor
    entropy: Tensor
    penalty: Tensor
    reward: Tensor


def reward(task_loss: Tensor, steps: Tensor, cost: float) -> Tensor:
    """R = −task loss − λ · steps, [B].

    Source: document gru, "ACT Policy Learning".
    """
    return -task_loss - cost * steps.to(task_loss.dtype)


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of each sample, [B]; targets of three classes or more become one-hot."""
    return (prediction - _indicator(prediction, target)).square().mean(-1)


def cross_entropy(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy over the labelled cells of each sample, [B]; 0 if there are none.

    The prediction is [B, S, C] for tokens. For vectors it is [B, S], logits of two classes, or [B,
    S · C].
    """
    if prediction.shape == target.shape:
        return F.binary_cross_entropy_with_logits(
            prediction, target.to(prediction.dtype), reduction="none"
        ).mean(-1)
    return _per_sample(_softmax_cells, prediction, target)


def stablemax_cross_entropy(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy of the stablemax, computed in float64, [B]; as `cross_entropy`."""
    return _per_sample(stablemax.stablemax_cross_entropy, prediction, target)


AnswerLoss = Callable[[Tensor, Tensor], Tensor]  # function of (prediction, target), [B]

builds(learning.SquaredError)(lambda _: squared_error)
builds(learning.CrossEntropy)(lambda _: cross_entropy)
builds(learning.StablemaxCrossEntropy)(lambda _: stablemax_cross_entropy)


def log_probabilities(run: Run, max_steps: int) -> tuple[Tensor, Tensor]:
    """Return log π of the action taken and log π(stop), each [K, B]; zero where nothing was chosen.

    A sample chose to stop where its margin is positive (in lockstep it may continue nevertheless).
    The stop at the last possible step is forced: it isn't a choice and has no part in the policy
    gradient. If a policy isn't obeyed, there are no choices at all.
    """
    log_pi = run.logits.log_softmax(-1)
    k = torch.arange(len(run.margins), device=run.steps.device)[:, None]
    taken = torch.where(run.margins > 0, log_pi[..., 1], log_pi[..., 0])
    zero = torch.zeros_like(taken)
    obeyed = run.live & (run.margins > -torch.inf)
    chosen = obeyed & (k < max_steps - 1)
    return torch.where(chosen, taken, zero), torch.where(obeyed, log_pi[..., 1], zero)


def mean_over_batch(terms: Tensor, live: Tensor) -> Tensor:  # noqa: ARG001 (as its twin)
    """Σ_k mean_B terms: samples that have stopped count as zeros.

    Source: document v2, "Corrected Meta-RL Loss Calculations", original.
    """
    return terms.mean(-1).sum()


def mean_over_live(terms: Tensor, live: Tensor, eps: float = 1e-8) -> Tensor:
    """Σ_k Σ_B terms · live / (Σ_B live + ε): the mean over the samples still running.

    Source: document v2, "Corrected Meta-RL Loss Calculations", enhanced.
    """
    mask = live.to(terms.dtype)
    return ((terms * mask).sum(-1) / (mask.sum(-1) + eps)).sum()


def policy_loss(
    objective: learning.PolicyGradient, run: Run, rewards: Tensor, max_steps: int
) -> Tensor:
    """−Σ_k mean[log π_k · (R − V_k) · live_k]; the mean is over the batch or over live samples.

    Args:
        objective: Which log-probabilities, advantages and means are used.
        run: The execution of the batch.
        rewards: R, [B]. No gradient flows through R and V.
        max_steps: The step at which stopping is forced.

    Source: documents v2, "Meta-RL Gradient Correction", and gru, "Meta-Learning Objective".
    """
    taken, stop = log_probabilities(run, max_steps)
    scores = taken if isinstance(objective.score, learning.ActionsTaken) else stop
    if isinstance(objective.score, learning.StopOnly):
        k = torch.arange(len(stop), device=stop.device)[:, None]
        scores = torch.where(k == run.steps - 1, stop, 0)
    advantages = rewards.detach()
    if objective.baseline:
        values = _value_at_stop(run) if objective.value_at_stop else run.values
        advantages = advantages - values.detach()
    if objective.shared_advantage:
        advantages = mean_advantage(advantages, run.live)
    advantages = advantages.expand_as(scores)
    if objective.normalise:
        deviation = advantages.std(-1, keepdim=True) if advantages.shape[-1] > 1 else 0.0
        advantages = (advantages - advantages.mean(-1, keepdim=True)) / (deviation + 1e-8)
    mean = mean_over_live if objective.masked_mean else mean_over_batch
    return -mean(scores * advantages * run.live, run.live)


def mean_advantage(advantages: Tensor, live: Tensor) -> Tensor:
    """Return the mean advantage over all samples, [B], or over each step's live ones, [K, B]."""
    if advantages.dim() == 1:
        return advantages.mean().expand_as(advantages)
    mask = live.to(advantages.dtype)
    mean = (advantages * mask).sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    return mean.expand_as(advantages)


def baseline_loss(objective: learning.PolicyGradient, run: Run, rewards: Tensor) -> Tensor:
    """Mean_B ρ(V at the stop − R), or Σ_k mean_B ρ(V_k − R · live_k).

    ρ is the squared error, ρ(d) = d², or smooth L1: ρ(d) = d²/2 where |d| < 1, and |d| − ½
    elsewhere.
    """
    smooth = objective.value_at_stop if objective.smooth_value is None else objective.smooth_value
    each = F.smooth_l1_loss if smooth else F.mse_loss
    if objective.value_at_stop:
        return each(_value_at_stop(run), rewards.detach())
    targets = rewards.detach() * run.live
    return each(run.values, targets, reduction="none").mean(-1).sum()


def entropy(run: Run) -> Tensor:
    """Σ_k mean_B of the policy's entropy at each live step, including the last one."""
    log_pi = run.logits.log_softmax(-1)
    per_step = -(log_pi.exp() * log_pi).sum(-1)
    return (per_step * run.live).mean(-1).sum()


def loss(
    objective: learning.Supervised | learning.PolicyGradient,
    output: Output,
    target: Tensor,
    max_steps: int,
) -> Loss:
    """The training loss of a system on a batch.

    Args:
        objective: The objective of the system.
        output: The model's output on the batch.
        target: Class indices or real numbers, [B, S].
        max_steps: The step at which halting is forced.
    """
    match objective:
        case learning.Supervised():
            task = supervised_loss(objective, output, target)
            zero = task.new_zeros(())
            others = dict.fromkeys(("policy", "baseline", "entropy", "penalty", "reward"), zero)
            return Loss(total=task, task=task, **others)
        case learning.PolicyGradient():
            return policy_gradient_loss(objective, output, target, max_steps)


def supervised_loss(objective: learning.Supervised, output: Output, target: Tensor) -> Tensor:
    """The mean loss of the last answers, or of those of all segments, plus that between steps.

    Source: documents amulgent, "Iterative Refinement", and complete, "Advanced Training".
    """
    each: AnswerLoss = built(objective.answer)
    if objective.every_segment and output.run.drafts is not None:
        segments = output.run.drafts.transpose(0, 1)  # [N, K, B, ...]
        found = torch.stack([torch.stack([each(d, target) for d in n]) for n in segments])
        if objective.decay < 1:
            weights = objective.decay ** torch.arange(len(found), device=found.device)
            found = found * (weights / weights.mean()).view(-1, 1, 1)
        per_step = found.mean(0) * output.run.live  # [K, B]
        task = (per_step.sum(0) / output.run.steps).mean()
    else:
        task = each(output.prediction, target).mean()
    if objective.between > 0:
        assert output.run.drafts is not None
        for k in range(1, len(output.run.drafts) - 1, 2):  # steps 2, 4, ..., counted from 1
            task = task + objective.between * each(output.run.drafts[k, -1], target).mean()
    return task


def policy_gradient_loss(
    objective: learning.PolicyGradient,
    output: Output,
    target: Tensor,
    max_steps: int,
    each: AnswerLoss = squared_error,
) -> Loss:
    """Task, policy and baseline loss, entropy bonus and step penalty.

    Args:
        objective: The weights of the parts.
        output: The model's output on the batch.
        target: Class indices or real numbers, [B, S].
        max_steps: The step at which halting is forced.
        each: The loss of an answer, which also determines the rewards.

    Source: documents v2, "Corrected Meta-RL Loss Calculations", and gru, "Meta-Learning Objective".
    """
    run = output.run
    per_sample = each(output.prediction, target)
    rewards = reward(per_sample.detach(), run.steps, objective.cost)
    task = per_sample.mean()
    policy = policy_loss(objective, run, rewards, max_steps)
    baseline = baseline_loss(objective, run, rewards)
    bonus = objective.entropy * entropy(run)
    penalty = objective.step_penalty * run.steps.to(task.dtype).mean()
    return Loss(
        total=task + policy + baseline - bonus + penalty,
        task=task,
        policy=policy,
        baseline=baseline,
        entropy=-bonus,
        penalty=penalty,
        reward=rewards,
    )


def answer(objective: Objective, prediction: Tensor, cells: int) -> Tensor:
    """Return the predicted classes, [B, cells]."""
    if prediction.dim() == 2 and prediction.shape[1] == cells:
        return (prediction > objective.threshold).long()
    return prediction.reshape(len(prediction), cells, -1).argmax(-1)


def _value_at_stop(run: Run) -> Tensor:
    return run.values.gather(0, (run.steps - 1)[None]).squeeze(0)


def _softmax_cells(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits.transpose(1, 2), target, reduction="none")


def _per_sample(
    cells: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor
) -> Tensor:
    """Average the losses of the labelled cells of each sample, [B]."""
    logits = prediction.view(*target.shape, -1)
    labelled = target != IGNORED
    found = cells(logits, torch.where(labelled, target, 0)) * labelled
    return found.sum(-1) / labelled.sum(-1).clamp(min=1)


def _indicator(prediction: Tensor, target: Tensor) -> Tensor:
    if prediction.shape == target.shape:
        return target.to(prediction.dtype)
    classes = prediction[0].numel() // target[0].numel()
    return F.one_hot(target, classes).flatten(1).to(prediction.dtype)
