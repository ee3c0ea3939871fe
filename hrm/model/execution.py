"""Execution: how a batch is executed once some of its samples have halted.

Every strategy calls the same `Step`, from the initial states until all samples have stopped:

- lockstep: the batch stops when all its rows want to stop in the same step.
- masked: each row stops on its own, but every row is computed until the last one has stopped.
- compacted: each row stops on its own, and only live rows are computed.
- refilled: each row stops on its own, and the next sample takes its place.
- unrolled: the results of masked or lockstep, with all steps computed, so that the graph is static.

Masked, compacted, refilled and unrolled execution agree to rounding. Lockstep differs, because rows
don't stop on their own there. In training over many batches, `Carry` and `refill` do what refilled
execution does within one batch. Shapes: B batch, b computed rows, K steps taken, D width; a state's
tensors are [B, ...].
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from hrm import config
from hrm.model.halting import Decision
from hrm.model.registry import builds
from hrm.model.state import State, gather, pick, where


class Step(Protocol):
    """One halting step: from the states of some rows (None for all) to new states and decisions.

    `step` counts from 0; it is one number, or one for each row [b]. The drafts are the predictions
    after each refinement segment, [N, b, ...], or None.
    """

    def __call__(
        self, state: State, rows: Tensor | None, step: int | Tensor
    ) -> tuple[State, Decision, Tensor | None]: ...


@dataclass(frozen=True, kw_only=True)
class Run:
    """The record of an execution.

    Args:
        state: State of each sample where it stopped.
        steps: Halting steps that each sample took, [B].
        rows: Number of rows computed in each call of the step, which is the cost.
        margins: Margins of the decisions, [K, B]; zero after a sample has stopped.
        logits: Logits of the decisions, [K, B, 2]; zero after a sample has stopped.
        values: Values of the baseline, [K, B]; zero after a sample has stopped.
        drafts: Predictions after each segment of each step, [K, N, B, ...], or None.
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
        """Whether sample b took step k, that is steps[b] > k, [K, B]."""
        return torch.arange(len(self.margins), device=self.steps.device)[:, None] < self.steps


class Strategy(Protocol):
    """Runs `step` from `start`, at most `max_steps` times for each sample.

    `everyone` returns whether all rows of a batch want to stop; this process may hold only part of
    them.
    """

    def __call__(
        self,
        step: Step,
        start: State,
        max_steps: int,
        everyone: Callable[[Tensor], Tensor] = torch.all,
    ) -> Run: ...


@builds(config.Lockstep)
def _lockstep(part: config.Lockstep) -> Strategy:
    return lambda step, start, most, everyone=torch.all: lockstep(
        step, start, most, everyone=everyone
    )


@builds(config.Masked)
def _masked(part: config.Masked) -> Strategy:
    return lambda step, start, most, everyone=torch.all: masked(step, start, most)


@builds(config.Compacted)
def _compacted(part: config.Compacted) -> Strategy:
    return lambda step, start, most, everyone=torch.all: compacted(step, start, most)


@builds(config.Refilled)
def _refilled(part: config.Refilled) -> Strategy:
    return lambda step, start, most, everyone=torch.all: refilled(step, start, most, part.places)


# -- carries between halting steps ----------------------------------------------------------------
class Handing(Protocol):
    """Returns the states from which some rows (None for all) start their next step.

    `start` has the initial states of all rows.
    """

    def __call__(self, state: State, start: State, rows: Tensor | None) -> State: ...


@builds(config.Kept)
def _kept(part: config.Kept) -> Handing:
    return lambda state, start, rows: state


@builds(config.Detached)
def _detached(part: config.Detached) -> Handing:
    return lambda state, start, rows: state.detach()


@builds(config.Restarted)
def _restarted(part: config.Restarted) -> Handing:
    return lambda state, start, rows: start if rows is None else start.at(rows)


# -- strategies -----------------------------------------------------------------------------------


def lockstep(
    step: Step,
    state: State,
    max_steps: int,
    *,
    obeyed: bool = True,
    everyone: Callable[[Tensor], Tensor] = torch.all,
) -> Run:
    """Run until all rows want to stop in one step, or for all steps if decisions aren't obeyed.

    Source: document v2, "Per-Sample Adaptive Computation Time", original ("all actions == 1").
    """
    batch = len(state.high)
    log = _Log(batch)
    for k in range(max_steps):
        state, decision, drafts = step(state, None, k)
        log.add(decision, drafts, None)
        if obeyed and everyone(decision.margin > 0):
            break
    taken = torch.full((batch,), len(log.rows), device=state.high.device)
    return log.finish(state, taken)


def masked(step: Step, state: State, max_steps: int) -> Run:
    """Compute every row at each step; rows that have stopped keep their state.

    Source: document gru, "Batch-wise ACT Processing" (`torch.where` on `alive`).
    """
    batch = len(state.high)
    log = _Log(batch)
    alive = torch.ones(batch, dtype=torch.bool, device=state.high.device)
    taken = torch.zeros(batch, dtype=torch.int64, device=state.high.device)
    for k in range(max_steps):
        new, decision, drafts = step(state, None, k)
        log.add(decision, drafts, alive)
        state = where(alive, new, state)
        taken = taken + alive
        alive = alive & ~(decision.margin > 0)
        if not alive.any():
            break
    return log.finish(state, taken)


def unrolled(
    step: Step,
    state: State,
    max_steps: int,
    *,
    as_one: bool,
    everyone: Callable[[Tensor], Tensor] = torch.all,
) -> Run:
    """Compute every row at every step, and select results by masks: control flow is static.

    Args:
        as_one: Whether the batch stops as one, as in `lockstep`; otherwise each row on its own.
    """
    batch = len(state.high)
    log = _Log(batch)
    alive = torch.ones(batch, dtype=torch.bool, device=state.high.device)
    taken = torch.zeros(batch, dtype=torch.int64, device=state.high.device)
    for k in range(max_steps):
        new, decision, drafts = step(state, None, k)
        log.add(decision, drafts, alive)
        state = where(alive, new, state)
        taken = taken + alive
        stops = decision.margin > 0
        alive = alive & ~(everyone(stops).expand_as(stops) if as_one else stops)
    return log.finish(state, taken)


def compacted(step: Step, state: State, max_steps: int) -> Run:
    """Gather the live rows, compute only these, and scatter the results back.

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
    return log.finish(_whole(finished), taken)


def refilled(step: Step, start: State, max_steps: int, places: int) -> Run:
    """Compute `places` rows at a time; where one stops, the next sample starts.

    Source: document act-v1, "Multi-Step Reasoning": a halted sequence makes room for a new one.
    """
    batch, device = len(start.high), start.high.device
    ran: list[tuple[Tensor, Tensor, Decision, Tensor | None]] = []
    taken = torch.zeros(batch, dtype=torch.int64, device=device)
    finished: list[tuple[Tensor, State]] = []
    rows = torch.arange(min(places, batch), device=device)
    state, following = start.at(rows), len(rows)
    while len(rows):
        k = taken[rows]
        state, decision, drafts = step(state, rows, k)
        ran.append((k, rows, decision, drafts))
        taken[rows] += 1
        stops = (decision.margin > 0) | (k + 1 == max_steps)
        if not stops.any():
            continue
        finished.append((rows[stops], state.at(stops)))
        fresh = torch.arange(following, min(following + int(stops.sum()), batch), device=device)
        following += len(fresh)
        rows = torch.cat([rows[~stops], fresh])
        state = State(
            *(torch.cat(ts) for ts in zip(state.at(~stops), start.at(fresh), strict=True))
        )
    return _in_order(ran, _whole(finished), taken)


class Batch(NamedTuple):
    """Samples: inputs [B, ...], identities [B] or None, targets [B, ...] or None."""

    inputs: Tensor
    identities: Tensor | None = None
    targets: Tensor | None = None


class Carry(NamedTuple):
    """B places between two steps: their samples, states and step counts, and which have halted."""

    batch: Batch
    state: State
    steps: Tensor
    halted: Tensor


def refill(carry: Carry, offered: Batch) -> Batch:
    """Put row i of the offered batch into place i wherever that place has halted.

    Rows offered to places that haven't halted are discarded.

    Source: document act-v1, "Multi-Step Reasoning"; its public code.
    """

    def taken(new: Tensor | None, old: Tensor | None) -> Tensor | None:
        return None if new is None or old is None else pick(carry.halted, new, old)

    return Batch(
        inputs=pick(carry.halted, offered.inputs, carry.batch.inputs),
        identities=taken(offered.identities, carry.batch.identities),
        targets=taken(offered.targets, carry.batch.targets),
    )


class _Log:
    """Collects the decisions of a run as full-batch tensors."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.rows: list[int] = []
        self.decisions: list[Decision] = []
        self.drafts: list[Tensor] = []

    def add(self, decision: Decision, drafts: Tensor | None, which: Tensor | None) -> None:
        """Add a step; `which` is the computed rows' indices, a mask of rows that count, or None."""
        self.rows.append(len(decision.margin))
        self.decisions.append(Decision(*(self._full(t, which) for t in decision)))
        if drafts is not None:
            rowwise = self._full(drafts.transpose(0, 1), which)
            self.drafts.append(rowwise.transpose(0, 1))

    def _full(self, t: Tensor, which: Tensor | None) -> Tensor:
        if which is None:
            return t
        if which.dtype == torch.bool:
            return pick(which, t, torch.zeros_like(t))
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


def _whole(finished: list[tuple[Tensor, State]]) -> State:
    return gather([s for _, s in finished], torch.cat([r for r, _ in finished]))


def _in_order(
    ran: list[tuple[Tensor, Tensor, Decision, Tensor | None]], state: State, taken: Tensor
) -> Run:
    """Sort what each call decided for its rows [b], at steps k [b], into [K, B]."""
    where_to = tuple(
        torch.cat(ts) for ts in zip(*((k, rows) for k, rows, _, _ in ran), strict=True)
    )

    def sorted_out(pieces: list[Tensor]) -> Tensor:
        flat = torch.cat(pieces)
        empty = flat.new_zeros(int(taken.max()), len(taken), *flat.shape[1:])
        return empty.index_put(where_to, flat)

    margins, logits, values = (
        sorted_out(list(ts)) for ts in zip(*(decision for _, _, decision, _ in ran), strict=True)
    )
    drafts = [d.transpose(0, 1) for _, _, _, d in ran if d is not None]
    return Run(
        state=state,
        steps=taken,
        rows=tuple(len(rows) for _, rows, _, _ in ran),
        margins=margins,
        logits=logits,
        values=values,
        drafts=sorted_out(drafts).transpose(1, 2) if drafts else None,
    )
