"""Halting: who wants to stop. What stopping costs is `execution`'s business.

A halting module maps the high state after a step to a `Decision` per row. Randomness is passed in
as uniform draws, `draws` numbers a sample and step: a sample's decisions don't depend on its mates.
Shapes: b rows, D width of the high state.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hrm import config


class Decision(NamedTuple):
    """Per row: the margin [b] (positive: it wants to stop), logits [b, 2] and value [b]."""

    margin: Tensor
    logits: Tensor
    value: Tensor


class Halting(nn.Module, ABC):
    """Decides after each step.

    Attributes:
        max_steps: Where every sample stops, whatever it wants.
        draws: How many uniform numbers a decision takes in training.
    """

    max_steps: int
    draws = 0

    @abstractmethod
    def forward(self, high: Tensor, step: int, noise: Tensor | None) -> Decision:
        """Decide for each row of `high` after step `step` (from 0), with noise [b, draws]."""


class Fixed(Halting):
    """Nobody wants to stop: all take `steps` steps."""

    def __init__(self, part: config.Fixed) -> None:
        super().__init__()
        self.max_steps = part.steps

    def forward(self, high: Tensor, step: int, noise: Tensor | None) -> Decision:
        zero = high.new_zeros(len(high))
        return Decision(zero - 1, high.new_zeros(len(high), 2), zero)


class LinearController(nn.Module):
    """Logits (continue, stop) = W_q z_H.

    Source: document gru, "Core Components" (QNetwork).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.policy = nn.Linear(width, 2)

    def forward(self, high: Tensor, progress: float) -> Tensor:
        logits: Tensor = self.policy(high)
        return logits


class ConcatenatedController(nn.Module):
    """Logits = policy([I | 1] [z_H ; c/C]), the d × (d+1) matrix built anew at each call.

    Source: document v2, "Optimized Controller Architecture", original.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.policy = policy_network(width, width, dropout)

    def forward(self, high: Tensor, progress: float) -> Tensor:
        d, device, dtype = high.shape[-1], high.device, high.dtype
        state = with_progress(high, progress)
        matrix = torch.cat(
            [
                torch.eye(d, device=device, dtype=dtype),
                torch.ones(d, 1, device=device, dtype=dtype),
            ],
            dim=1,
        )
        logits: Tensor = self.policy(nn.functional.linear(state, matrix))
        return logits


class DirectController(nn.Module):
    """Logits = policy([z_H ; c/C]), the first layer reading all d + 1 values itself.

    Source: document v2, "Optimized Controller Architecture", enhanced.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.policy = policy_network(width + 1, width, dropout)

    def forward(self, high: Tensor, progress: float) -> Tensor:
        logits: Tensor = self.policy(with_progress(high, progress))
        return logits

    @torch.no_grad()
    def load_concatenated(self, other: ConcatenatedController) -> None:
        """Take over the weights that compute the same: W [I | 1] = [W | W 1] in the first layer."""
        mine, theirs = self.state_dict(), other.state_dict()
        first = theirs["policy.0.weight"]
        theirs["policy.0.weight"] = torch.cat([first, first.sum(dim=1, keepdim=True)], dim=1)
        assert mine.keys() == theirs.keys()
        self.load_state_dict(theirs)


class Policy(Halting):
    """π(stop | z_H): sampled in training where the configuration says so, greedy otherwise.

    Logits are (continue, stop); `value` is the baseline V = W_b z_H.

    Source: documents gru, "ACT Policy Learning", and v2.
    """

    def __init__(self, part: config.Policy, width: int) -> None:
        super().__init__()
        self.max_steps = part.max_steps
        self.detach_state = part.detach_state
        self.detach_value = part.detach_at_stop
        self.draws = 1 if part.sample else 0
        self.controller = controller(part.controller, width)
        self.baseline = nn.Linear(width, 1)

    def forward(self, high: Tensor, step: int, noise: Tensor | None) -> Decision:
        if self.detach_state:
            high = high.detach()
        logits = self.controller(high, step / self.max_steps)
        if noise is None:
            margin = logits[:, 1] - logits[:, 0]
        else:
            margin = logits.softmax(-1)[:, 1] - noise[:, 0]
        value = self.baseline(high.detach() if self.detach_value else high).squeeze(-1)
        return Decision(margin.detach(), logits, value)


class QLearning(Halting):
    """Stops where Q(halt) > Q(continue); logits are (halt, continue), in float32 at least.

    In training, with the configured probability, a sample draws a minimum number of steps from
    2 ... max_steps and doesn't halt below it.

    Source: document act-v1, "Adaptive Computation Time"; HRM (arXiv 2506.21734), section 2.
    """

    def __init__(self, part: config.QLearning, width: int) -> None:
        super().__init__()
        self.max_steps = part.max_steps
        self.exploration = part.exploration
        self.draws = 2 if part.exploration > 0 else 0
        self.halt_in_evaluation = part.halt_in_evaluation
        self.batch_mean = part.batch_mean
        sizes = [2] if part.heads == 1 else [1, 1]
        self.heads = nn.ModuleList(nn.Linear(width, size) for size in sizes)
        with torch.no_grad():
            for i, head in enumerate(self.heads):
                assert isinstance(head, nn.Linear)
                if part.biases is not None:
                    own = part.biases if part.heads == 1 else part.biases[i : i + 1]
                    head.bias.copy_(torch.tensor(own))
                if part.zero_weight:
                    head.weight.zero_()

    def forward(self, high: Tensor, step: int, noise: Tensor | None) -> Decision:
        first = high if high.dim() == 2 else high[:, 0]
        q = torch.cat([head(first) for head in self.heads], dim=-1)
        q = q.to(torch.promote_types(q.dtype, torch.float32))
        margin = (q[:, 0] - q[:, 1]).detach()
        if self.batch_mean:
            margin = margin.mean().expand_as(margin)
        if not self.training and not self.halt_in_evaluation:
            margin = torch.full_like(margin, -torch.inf)
        if noise is not None:
            explores = noise[:, 0] < self.exploration
            minimum = 2 + torch.floor(noise[:, 1] * (self.max_steps - 1))
            margin = margin.masked_fill(explores & (step + 1 < minimum), -torch.inf)
        return Decision(margin, q, q.new_zeros(len(q)))


def policy_network(inputs: int, width: int, dropout: float) -> nn.Sequential:
    """Linear(inputs, d/2), ReLU, dropout, Linear(d/2, d/4), ReLU, Linear(d/4, 2)."""
    return nn.Sequential(
        nn.Linear(inputs, width // 2),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width // 2, width // 4),
        nn.ReLU(),
        nn.Linear(width // 4, 2),
    )


def with_progress(high: Tensor, progress: float) -> Tensor:
    """Return [z_H ; c/C], [b, d + 1]."""
    return torch.cat([high, high.new_full((len(high), 1), progress)], dim=1)


def controller(
    part: config.LinearController | config.ConcatenatedController | config.DirectController,
    width: int,
) -> LinearController | ConcatenatedController | DirectController:
    """Build a controller that reads a high state of this width."""
    match part:
        case config.LinearController():
            return LinearController(width)
        case config.ConcatenatedController(dropout=dropout):
            return ConcatenatedController(width, dropout)
        case config.DirectController(dropout=dropout):
            return DirectController(width, dropout)


def halting(c: config.HRMConfig) -> Halting:
    """Build the halting of a configuration."""
    match c.halting:
        case config.Fixed() as part:
            return Fixed(part)
        case config.Policy() as part:
            return Policy(part, c.high.width)
        case config.QLearning() as part:
            return QLearning(part, c.high.width)
