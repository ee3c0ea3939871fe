"""Execution: what stopping costs.

Every strategy drives the same `Step`, from the initial states until nobody goes on:

- lockstep: the batch is one; it stops when all its rows want to in the same step.
- masked: each row stops for itself, but every row is computed until the last has stopped.
- compacted: each row stops for itself, and only live rows are computed.

Masked and compacted agree to rounding; lockstep means something else. Shapes: B batch, b live rows,
K steps taken, D width; a state is a tuple of tensors [B, ...].
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from hrm import config
from hrm.halting import Decision


class State(NamedTuple):
    """High and low state, [B, D] or [B, S, D]."""

    high: Tensor
    low: Tensor

    def at(self, rows: Tensor) -> "State":
        """Return the state of some rows."""
        return State(self.high[rows], self.low[rows])

    def detach(self) -> "State":
        """Return the state without its graph."""
        return State(self.high.detach(), self.low.detach())


class Step(Protocol):
    """One halting step: from the states of some rows (None: all) to new ones and their decisions.

    The drafts are the predictions after each refinement segment, [N, b, ...], where there is more
    than one.
    """

    def __call__(
        self, state: State, rows: Tensor | None, step: int
    ) -> tuple[State, Decision, Tensor | None]: ...


@dataclass(frozen=True, kw_only=True)
class Run:
    """What an execution did.

    Args:
        state: Each sample's state where it stopped.
        steps: [B], steps that count for each sample.
        rows: How many rows were computed at each step: the cost.
        margins, values: [K, B]; logits: [K, B, 2]; zero where the sample had stopped before.
        drafts: [K, N, B, ...] or None.
    """

    state: State
    steps: Tensor
    rows: tuple[int, ...]
    margins: Tensor
    logits: Tensor
    values: Tensor
    drafts: Tensor | None

    @property
    def live(self) -> Tensor:
        """[K, B]: whether the step counts for the sample, 1[steps > k]."""
        return torch.arange(len(self.rows), device=self.steps.device)[:, None] < self.steps


def execute(
    part: config.Lockstep | config.Masked | config.Compacted,
    step: Step,
    start: State,
    max_steps: int,
) -> Run:
    """Run `step` from `start`, at most `max_steps` times."""
    match part:
        case config.Lockstep():
            return lockstep(step, start, max_steps)
        case config.Masked():
            return masked(step, start, max_steps)
        case config.Compacted():
            return compacted(step, start, max_steps)


def lockstep(step: Step, state: State, max_steps: int) -> Run:
    """Run the batch as one.

    Source: document v2, "Per-Sample Adaptive Computation Time", original ("all actions == 1").
    """
    batch = len(state.high)
    log = _Log(batch)
    for k in range(max_steps):
        state, decision, drafts = step(state, None, k)
        log.add(decision, drafts, None)
        if (decision.margin > 0).all():
            break
    taken = torch.full((batch,), len(log.rows), device=state.high.device)
    return log.finish(state, taken)


def masked(step: Step, state: State, max_steps: int) -> Run:
    """Compute every row; keep the state of those that have stopped.

    Source: document gru, "Batch-wise ACT Processing" (`torch.where` on `alive`).
    """
    batch = len(state.high)
    log = _Log(batch)
    alive = torch.ones(batch, dtype=torch.bool, device=state.high.device)
    taken = torch.zeros(batch, dtype=torch.int64, device=state.high.device)
    for k in range(max_steps):
        new, decision, drafts = step(state, None, k)
        log.add(decision, drafts, alive)
        state = _where(alive, new, state)
        taken = taken + alive
        alive = alive & ~(decision.margin > 0)
        if not alive.any():
            break
    return log.finish(state, taken)


def compacted(step: Step, state: State, max_steps: int) -> Run:
    """Gather the live rows, compute them alone, put each result back in its place.

    Source: document v2, "Per-Sample Adaptive Computation Time", enhanced (`alive_indices`).
    """
    batch, device = len(state.high), state.high.device
    log = _Log(batch)
    rows = torch.arange(batch, device=device)
    taken = torch.zeros(batch, dtype=torch.int64, device=device)
    finished: list[tuple[Tensor, State]] = []
    for k in range(max_steps):
        whole = len(rows) == batch
        state, decision, drafts = step(state, None if whole else rows, k)
        log.add(decision, drafts, None if whole else rows)
        taken[rows] += 1
        stops = decision.margin > 0
        if k == max_steps - 1 or stops.all():
            finished.append((rows, state))
            break
        if stops.any():
            finished.append((rows[stops], state.at(stops)))
            rows, state = rows[~stops], state.at(~stops)
    order = torch.cat([r for r, _ in finished]).argsort()
    high = torch.cat([s.high for _, s in finished])[order]
    low = torch.cat([s.low for _, s in finished])[order]
    return log.finish(State(high, low), taken)


class _Log:
    """Collects the decisions of a run as full-batch tensors."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.rows: list[int] = []
        self.decisions: list[Decision] = []
        self.drafts: list[Tensor] = []

    def add(self, decision: Decision, drafts: Tensor | None, which: Tensor | None) -> None:
        """Add a step. `which`: indices of the rows computed, a mask of those that count, or all."""
        self.rows.append(len(decision.margin))
        self.decisions.append(Decision(*(self._full(t, which) for t in decision)))
        if drafts is not None:
            rowwise = self._full(drafts.transpose(0, 1), which)
            self.drafts.append(rowwise.transpose(0, 1))

    def _full(self, t: Tensor, which: Tensor | None) -> Tensor:
        if which is None:
            return t
        if which.dtype == torch.bool:
            return torch.where(which.view(-1, *[1] * (t.dim() - 1)), t, torch.zeros_like(t))
        return t.new_zeros(self.batch, *t.shape[1:]).index_copy(0, which, t)

    def finish(self, state: State, taken: Tensor) -> Run:
        margins, logits, values = (torch.stack(ts) for ts in zip(*self.decisions, strict=True))
        return Run(
            state=state,
            steps=taken,
            rows=tuple(self.rows),
            margins=margins,
            logits=logits,
            values=values,
            drafts=torch.stack(self.drafts) if self.drafts else None,
        )


def _where(which: Tensor, new: State, old: State) -> State:
    def pick(a: Tensor, b: Tensor) -> Tensor:
        return torch.where(which.view(-1, *[1] * (a.dim() - 1)), a, b)

    return State(pick(new.high, old.high), pick(new.low, old.low))
