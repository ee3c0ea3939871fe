"""Halting policies: after which step a sample stops.

A halting module maps the state after a step to a `Decision` per row. Randomness is passed in as
uniform draws, `draws` numbers for each sample and step, so that the decisions for a sample don't
depend on the other samples of its batch. Where states have positions, halting reads the first one.
Shapes: b rows, S positions, D width.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from hrm import config
from hrm.model import layers
from hrm.model.registry import builds, built
from hrm.model.state import State
from hrm.system import distributed


class Decision(NamedTuple):
    """The decision for each row: margin [b], logits [b, 2] and value [b].

    A row wants to stop where its margin is positive. A margin of −∞ means that there was no choice.
    """

    margin: Tensor
    logits: Tensor
    value: Tensor


class Halting(nn.Module, ABC):
    """Decides after each step.

    Attributes:
        max_steps: The largest number of steps; every sample stops there at the latest.
        draws: Number of uniform draws that a decision takes in training.
        shared: Whether all samples of a batch share their draws.
        copied: Whether states and logits at the stop are copied without gradient.
    """

    max_steps: int
    draws = 0
    shared = False
    copied = False

    @abstractmethod
    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        """Decide for each row after step `step` (from 0; one number or [b]), noise [b, draws]."""

    def memory(self, x: Tensor) -> Tensor:
        """Return the initial memory of halting, [b, M], for embedded inputs x."""
        return x.new_zeros(len(x), 0)


class Fixed(Halting):
    """No sample stops early: all take `steps` steps."""

    def __init__(self, part: config.Fixed) -> None:
        super().__init__()
        self.max_steps = part.steps

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        return undecided(state.high)


class LinearController(nn.Module):
    """Logits (continue, stop) = W_q z_H.

    Source: document gru, "Core Components" (QNetwork).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.policy = layers.Linear(width, 2)

    def forward(self, high: Tensor, progress: float | Tensor) -> Tensor:
        logits: Tensor = self.policy(high)
        return logits


class ConcatenatedController(nn.Module):
    """Logits = policy(``[I | 1] [z_H ; c/C]``); the d × (d + 1) matrix is rebuilt at each call.

    Source: document v2, "Optimized Controller Architecture", original.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.policy = policy_network(width, width, dropout)

    def forward(self, high: Tensor, progress: float | Tensor) -> Tensor:
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
    """Logits = policy(``[z_H ; c/C]``), whose first layer reads all d + 1 values.

    Source: document v2, "Optimized Controller Architecture", enhanced.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.policy = policy_network(width + 1, width, dropout)

    def forward(self, high: Tensor, progress: float | Tensor) -> Tensor:
        logits: Tensor = self.policy(with_progress(high, progress))
        return logits

    @torch.no_grad()
    def load_concatenated(self, other: ConcatenatedController) -> None:
        """Load weights that compute the same: the first layer becomes ``W [I | 1] = [W | W 1]``."""
        mine, theirs = self.state_dict(), other.state_dict()
        first = theirs["policy.0.weight"]
        theirs["policy.0.weight"] = torch.cat([first, first.sum(dim=1, keepdim=True)], dim=1)
        assert mine.keys() == theirs.keys()
        self.load_state_dict(theirs)


class Policy(Halting):
    """π(stop | z_H): sampled in training if so configured, greedy otherwise.

    Logits are (continue, stop); `value` is the baseline V = W_b z_H.

    Source: documents gru, "ACT Policy Learning", and v2.
    """

    def __init__(self, part: config.Policy, width: int) -> None:
        super().__init__()
        self.max_steps = part.max_steps
        self.detach_state = part.detach_state
        self.copied = part.detach_at_stop and part.obeyed
        self.obeyed = part.obeyed
        self.draws = 1 if part.sample and part.obeyed else 0
        self.controller = built(part.controller, width)
        self.baseline = layers.Linear(width, 1)

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        high = first(state.high)
        if self.detach_state:
            high = high.detach()
        logits = self.controller(high, step / self.max_steps)
        if not self.obeyed:
            margin = torch.full_like(logits[:, 0], -torch.inf)
        elif noise is None:
            margin = logits[:, 1] - logits[:, 0]
        else:
            margin = logits.softmax(-1)[:, 1] - noise[:, 0]
        value = self.baseline(high.detach() if self.copied else high).squeeze(-1)
        return Decision(margin.detach(), logits, value)


class QLearning(Halting):
    """Stops where Q(halt) > Q(continue), or where Q(halt) > 0; logits are (halt, continue).

    Values are computed in the precision of the state, then converted to float32 at least. In
    training, exploration overrides some decisions: see `hrm.config.Minimum` and `hrm.config.Ahead`.

    Sources: documents act-v1, "Adaptive Computation Time", and amulgent, "Enhanced Adaptive
    Computation Time"; HRM (arXiv 2506.21734), section 2; arXiv 2510.04871 (Q(halt) > 0).
    """

    def __init__(self, part: config.QLearning, width: int) -> None:
        super().__init__()
        self.part = part
        self.max_steps = part.max_steps
        self.draws = 0 if part.exploration is None else 2
        self.shared = part.exploration is not None and part.exploration.of_batch
        sizes = [2] if part.heads == 1 else [1, 1]
        self.heads = nn.ModuleList(layers.Linear(width, size) for size in sizes)
        self.draw_weights()

    @torch.no_grad()
    def draw_weights(self, stream: Callable[[str], torch.Generator] | None = None) -> None:
        """Set biases and weights as configured; leave the others as they are."""
        biases = None if self.part.biases is None else torch.tensor(self.part.biases)
        for i, head in enumerate(self.heads):
            assert isinstance(head, nn.Linear)
            if biases is not None:
                head.bias.copy_(biases if len(self.heads) == 1 else biases[i : i + 1])
            if self.part.zero_weight:
                head.weight.zero_()

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        high = first(state.high)
        q = torch.cat([head(high) for head in self.heads], dim=-1)
        q = q.to(torch.promote_types(q.dtype, torch.float32))
        margin = (q[:, 0] - q[:, 1] if self.part.against_continue else q[:, 0]).detach()
        if self.part.batch_mean:
            mean = distributed.mean(margin) if self.training else margin.mean()
            margin = mean.expand_as(margin)
        if not self.training and not self.part.halt_in_evaluation:
            margin = torch.full_like(margin, -torch.inf)
        if noise is not None:
            margin = self.explore(margin, step + 1, noise)
        return Decision(margin, q, q.new_zeros(len(q)))

    def explore(self, margin: Tensor, steps: int | Tensor, noise: Tensor) -> Tensor:
        """Return margins after `steps` steps, changed where exploration overrides a decision."""
        if self.part.exploration is None:
            return margin
        instead: Explore = built(self.part.exploration, self.max_steps)
        return instead(margin, steps, noise)


class Explore(Protocol):
    """Returns margins [b] after `steps` steps, changed where exploration overrides a decision."""

    def __call__(self, margin: Tensor, steps: int | Tensor, noise: Tensor) -> Tensor: ...


@builds(config.Minimum)
def minimum(part: config.Minimum, max_steps: int) -> Explore:
    """Prevent exploring samples from halting before their minimum number of steps.

    The minimum is floor(2 + U · (max_steps − 1)) with U uniform on [0, 1), or the configured
    number.
    """

    def explore(margin: Tensor, steps: int | Tensor, noise: Tensor) -> Tensor:
        explores = noise[:, 0] < part.probability
        drawn = 2 + torch.floor(noise[:, 1] * (max_steps - 1))
        least = drawn if part.least is None else part.least
        return margin.masked_fill(explores & (steps < least), -torch.inf)

    return explore


@builds(config.Ahead)
def ahead(part: config.Ahead, max_steps: int) -> Explore:
    """Move the halting step to a later one, for single samples or for the whole batch."""

    def explore(margin: Tensor, steps: int | Tensor, noise: Tensor) -> Tensor:
        u = noise if part.per_sample else noise[:1]
        later = steps + 1 + torch.floor(u[:, 1] * part.most)
        halts = steps >= later.clamp(max=max_steps).clamp(min=2)
        instead = torch.where(halts, torch.inf, -torch.inf).to(margin.dtype)
        return torch.where(u[:, 0] < part.probability, instead, margin)

    return explore


class Accumulated(Halting):
    """Each position sums p = σ(MLP z_L), with MLP = Linear(D, D/2), ReLU, Linear(D/2, 1).

    The memory [b, S] holds the sums. A row wants to stop when the sums of all its positions have
    reached the threshold. `coupling.Crossing.update_crossed` resets sums that cross it, as in the
    document's code.

    Source: document complete.
    """

    def __init__(self, part: config.Accumulated, width: int) -> None:
        super().__init__()
        self.max_steps = part.max_steps
        self.threshold = part.threshold
        self.network = nn.Sequential(
            layers.Linear(width, width // 2), nn.ReLU(), layers.Linear(width // 2, 1)
        )

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        complete = (state.memory >= self.threshold).all(-1)
        return undecided(state.high)._replace(margin=torch.where(complete, 1.0, -1.0))

    def memory(self, x: Tensor) -> Tensor:
        return x.new_zeros(x.shape[:2])

    def accumulate(self, low: Tensor, memory: Tensor) -> Tensor:
        """Return the sums with this update's probabilities added, [b, S]."""
        added: Tensor = memory + torch.sigmoid(self.network(low)).squeeze(-1)
        return added


def first(high: Tensor) -> Tensor:
    """Return the high state that halting reads, [b, D]; for sequences, the first position's."""
    return high if high.dim() == 2 else high[:, 0]


def undecided(high: Tensor) -> Decision:
    """Return the decision to continue for all rows; logits and values are zero."""
    zero = high.new_zeros(len(high))
    return Decision(zero - 1, high.new_zeros(len(high), 2), zero)


def policy_network(inputs: int, width: int, dropout: float) -> nn.Sequential:
    """Linear(inputs, d/2), ReLU, dropout, Linear(d/2, d/4), ReLU, Linear(d/4, 2)."""
    return nn.Sequential(
        layers.Linear(inputs, width // 2),
        nn.ReLU(),
        layers.Dropout(dropout),
        layers.Linear(width // 2, width // 4),
        nn.ReLU(),
        layers.Linear(width // 4, 2),
    )


def with_progress(high: Tensor, progress: float | Tensor) -> Tensor:
    """Return ``[z_H ; c/C]``, [b, d + 1]; the progress c/C is one number or [b]."""
    if isinstance(progress, Tensor):
        column = progress.to(high.dtype)[:, None]
    else:
        column = high.new_full((len(high), 1), progress)
    return torch.cat([high, column], dim=1)


# -- builders -------------------------------------------------------------------------------------
@builds(config.LinearController)
def _linear(part: config.LinearController, width: int) -> LinearController:
    return LinearController(width)


@builds(config.ConcatenatedController)
def _concatenated(part: config.ConcatenatedController, width: int) -> ConcatenatedController:
    return ConcatenatedController(width, part.dropout)


@builds(config.DirectController)
def _direct(part: config.DirectController, width: int) -> DirectController:
    return DirectController(width, part.dropout)


@builds(config.Fixed)
def _fixed(part: config.Fixed, c: config.HRMConfig) -> Fixed:
    return Fixed(part)


@builds(config.Policy)
def _policy(part: config.Policy, c: config.HRMConfig) -> Policy:
    return Policy(part, c.high.width)


@builds(config.QLearning)
def _q_learning(part: config.QLearning, c: config.HRMConfig) -> QLearning:
    return QLearning(part, c.high.width)


@builds(config.Accumulated)
def _accumulated(part: config.Accumulated, c: config.HRMConfig) -> Accumulated:
    return Accumulated(part, c.low.width)
