"""Learning to halt from replayed experiences, as in document amulgent.

An experience is one halting step from a state s: the model's answer s' is the next state, the
reward r is 1 where the step halted and 0.1 where it didn't, and halting is terminal. With Q(s) and
Q' = Q(s') of the same network, the latter without gradient, the loss is that of
`hrm.training.q_losses` for separate heads or for one map. Both Q values learn from every
experience.

Source: document amulgent, "Enhanced Adaptive Computation Time" and "Enhanced Learning &
Monitoring"; its public code. Shapes: B experiences, I the size of inputs and answers alike.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from hrm.model import HRM
from hrm.model.halting import QLearning
from hrm.training import q_losses

BATCH = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Experience:
    """One halting step: from a state [I] to the answer [I], its reward, and whether it halted."""

    state: Tensor
    next_state: Tensor
    reward: float
    terminal: bool


class Replay:
    """The latest experiences; beyond the capacity, each new one replaces the oldest."""

    def __init__(self, capacity: int = 1000) -> None:
        assert capacity >= 1
        self.capacity = capacity
        self._entries: deque[Experience] = deque(maxlen=capacity)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def utilisation(self) -> float:
        """The share of the buffer that is filled, 0 to 1."""
        return len(self) / self.capacity

    def add(self, experience: Experience) -> None:
        """Add an experience."""
        self._entries.append(experience)

    def latest(self, count: int = BATCH) -> list[Experience]:
        """Return the latest `count` experiences, oldest first; all if there are fewer."""
        return list(islice(self._entries, max(0, len(self) - count), None))


def q_values(model: HRM, states: Tensor) -> Tensor:
    """Return Q (halt, continue), [B, 2], after one step from states [B, I], not exploring."""
    logits: Tensor = model(states, steps=1).run.logits[0]
    return logits


def loss(model: HRM, experiences: Sequence[Experience]) -> Tensor:
    """The replay loss of a model with Q halting on experiences, a scalar."""
    assert isinstance(model.halting, QLearning)
    q = q_values(model, torch.stack([e.state for e in experiences]))
    with torch.no_grad():
        next_q = q_values(model, torch.stack([e.next_state for e in experiences]))
    rewards = q.new_tensor([e.reward for e in experiences])
    terminal = torch.tensor([e.terminal for e in experiences], device=q.device)
    if len(model.halting.heads) == 1:
        return q_losses.single_head_loss(q, rewards, next_q, terminal)
    return q_losses.replay_loss(q, q_losses.replay_targets(rewards, next_q, terminal))


def adam(
    model: HRM, learning_rate: float = 1e-4, *, learn_connection: bool = False
) -> torch.optim.Adam:
    """Return the optimiser of replay learning.

    As coded, it doesn't train the map that connects refinement segments, because that map is
    created after the optimiser; `learn_connection` trains it, too.
    """
    connection = [] if model.connect is None else list(model.connect.parameters())
    left_out = set() if learn_connection else {id(p) for p in connection}
    return torch.optim.Adam(
        [p for p in model.parameters() if id(p) not in left_out], lr=learning_rate
    )


def replay_update(model: HRM, replay: Replay, optimiser: torch.optim.Optimizer) -> float:
    """Take one optimiser step on the latest 32 experiences and return the loss before it.

    Raises:
        FloatingPointError: If the loss isn't finite; no step is taken then.
    """
    assert len(replay) > 0, "there is nothing to learn from"
    model.zero_grad(set_to_none=True)
    total = loss(model, replay.latest())
    value = total.item()
    if not total.isfinite():
        raise FloatingPointError(f"the loss is {value}")
    total.backward()
    optimiser.step()
    return value
