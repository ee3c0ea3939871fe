"""Losses of Q-learning for halting: per segment (act-v1) and from experiences (amulgent).

Shapes: B batch, S cells, C classes; Q values [B, 2] are (halt, continue).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from hrm.config import learning
from hrm.model import HRM
from hrm.model.execution import Carry
from hrm.model.registry import built
from hrm.training.losses import AnswerLoss
from hrm.training.stablemax import IGNORED

CONTINUE_WEIGHT = 1.1  # of Q(continue)'s squared error beside Q(halt)'s, in document amulgent


@dataclass(frozen=True, kw_only=True)
class SegmentLoss:
    """The loss of one halting step and its parts, each averaged over the global batch."""

    total: Tensor
    task: Tensor
    halt: Tensor
    keep_on: Tensor


@torch.no_grad()
def continue_target(model: HRM, carry: Carry) -> Tensor:
    """Target of Q(continue), [B], from one more pass without gradient.

    With Q' the values after one further step, it is σ(Q'(halt)) if that step is the last one, and
    σ(max(Q'(halt), Q'(continue))) otherwise.

    Source: document act-v1; HRM (arXiv 2506.21734), section 2, "Adaptive computational time".
    """
    q = model.look_ahead(carry)
    last = carry.steps >= model.halting.max_steps
    return torch.where(last, q[:, 0], q.amax(-1)).sigmoid()


def whole_right(prediction: Tensor, target: Tensor) -> Tensor:
    """Return whether every labelled cell is right, [B]; true for a sequence without labels."""
    found = prediction.view(*target.shape, -1).argmax(-1)
    return ((found == target) | (target == IGNORED)).all(-1)


def segment_loss(
    objective: learning.QHalting,
    prediction: Tensor,
    q: Tensor,
    target: Tensor,
    next_q: Tensor | None,
    global_batch: int | None = None,
) -> SegmentLoss:
    """ℓ = Σ_b [task_b + w · (BCE(Q_halt, right_b) + BCE(Q_continue, target_b))] / global batch.

    Args:
        objective: The loss of the answer, and the weight w.
        prediction: [B, S, C] or [B, S · C].
        q: Logits of the Q values, [B, 2].
        target: [B, S]; −100 where a cell is unlabelled.
        next_q: The target of Q(continue), [B], from `continue_target`; None if it isn't trained.
        global_batch: Number of samples over all processes; None for B.

    Source: document act-v1, "Training"; its public code.
    """
    size = global_batch or len(target)
    answer: AnswerLoss = built(objective.answer)
    task = answer(prediction, target).sum() / size
    right = whole_right(prediction, target).to(q.dtype)
    halt = F.binary_cross_entropy_with_logits(q[:, 0], right, reduction="sum") / size
    keep_on = q.new_zeros(())
    if next_q is not None:
        keep_on = F.binary_cross_entropy_with_logits(q[:, 1], next_q, reduction="sum") / size
    total = task + objective.weight * (halt + keep_on)
    return SegmentLoss(total=total, task=task, halt=halt, keep_on=keep_on)


def replayed(
    objective: learning.ReplayHalting,
    prediction: Tensor,
    q: Tensor,
    target: Tensor,
    next_q: Tensor,
    halted: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return the loss of the answer and that of the Q values, before weighting, both scalars.

    Args:
        objective: The loss of the answer, and how Q values learn.
        prediction: [B, S, C] or [B, S · C].
        q: Q values after this step, [B, 2].
        target: [B, S]; −100 where a cell is unlabelled.
        next_q: Q values after one further step, [B, 2], without gradient.
        halted: Which samples end with this step, [B].

    Source: document amulgent, "Enhanced Adaptive Computation Time". There the act of halting is
    rewarded, here a right answer.
    """
    answer: AnswerLoss = built(objective.answer)
    right = whole_right(prediction, target).to(q.dtype)
    rewards = torch.where(halted, right, 0) - objective.cost
    if objective.separate:
        found = replay_loss(q, replay_targets(rewards, next_q, halted))
    else:
        found = single_head_loss(q, rewards, next_q, halted)
    return answer(prediction, target).mean(), found


def replay_targets(
    rewards: Tensor,
    next_q: Tensor,
    terminal: Tensor,
    discount: float = 0.99,
    halt_share: float = 0.8,
) -> Tensor:
    """Targets of separate heads, [B, 2].

    (r, 0) if terminal, otherwise (r + γ c max Q', r + γ max Q').

    Args:
        rewards: r [B].
        next_q: Q' [B, 2], of the same network.
        terminal: Whether the episode ends with the experience, booleans [B].
        discount: γ, the discount factor.
        halt_share: c, the share of the discounted value that counts for halting.

    Source: document amulgent, "Enhanced Q-Learning".
    """
    ahead = discount * next_q.amax(-1)
    ongoing = torch.stack([rewards + halt_share * ahead, rewards + ahead], dim=-1)
    ended = torch.stack([rewards, torch.zeros_like(rewards)], dim=-1)
    return torch.where(terminal[:, None], ended, ongoing)


def replay_loss(q: Tensor, targets: Tensor, continue_weight: float = CONTINUE_WEIGHT) -> Tensor:
    """MSE(Q_halt, target) + 1.1 · MSE(Q_continue, target), means over the batch.

    Source: document amulgent, "Enhanced Q-Learning".
    """
    halt, keep_on = (q - targets).square().mean(0).unbind()
    return halt + continue_weight * keep_on


def single_head_loss(
    q: Tensor, rewards: Tensor, next_q: Tensor, terminal: Tensor, discount: float = 0.99
) -> Tensor:
    """MSE(max Q, r + γ max Q'), with target r if terminal: before the enhancements.

    Source: document amulgent, what "Separate Halt/Continue Q-Values" replaced.
    """
    ahead = torch.where(terminal, 0, discount * next_q.amax(-1))
    return F.mse_loss(q.amax(-1), rewards + ahead)
