"""Coupling: the updates of both levels in one cycle, in order.

    low:   z_L ← core_L(z_L, x, z_H)            T times
    high:  z_H ← core_H(z_H, summary(z_L ...))   once

An update is called with the model (for its cores, summary and halting), the current `Thought`, and
the input as `HRM.injected` returns it. It returns the next thought.

Shapes: B batch, S positions, D width.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from hrm import config
from hrm.model.cores import Core
from hrm.model.embedding import Embedding
from hrm.model.halting import Accumulated, Halting
from hrm.model.registry import builds
from hrm.model.state import pick
from hrm.model.summary import Summary
from hrm.system import distributed


class Thought(NamedTuple):
    """The state in the middle of a segment, with the low states of the running cycle.

    `context` is the high state as low updates read it, mapped by the low core; None before the
    first low update of a cycle. `update` counts the low updates of the cycle.
    """

    high: Tensor
    low: Tensor
    memory: Tensor
    trace: tuple[Tensor, ...] = ()
    context: Tensor | None = None
    update: int = 0


class Levels(Protocol):
    """The part of a model's interface that updates use; `HRM` documents each member."""

    embed: Embedding
    low: Core
    summary: Summary
    halting: Halting
    training: bool

    @property
    def strategy(self) -> config.Execution: ...

    def core_high(self, state: Tensor, inputs: Tensor | None) -> Tensor: ...


Update = Callable[[Levels, Thought, Tensor | None], Thought]


class Coupling(ABC):
    """The order in which the levels of a model are updated.

    Args:
        part: The configuration of the coupling.
        c: The whole configuration.
    """

    def __init__(self, part: config.Coupling, c: config.HRMConfig) -> None:
        self.steps = c.low_steps

    @abstractmethod
    def cycle(self) -> list[Update]:
        """Return the updates of one cycle, in order."""


@builds(config.Alternating)
class Alternating(Coupling):
    """T low updates, then a high one; with `reset`, z_L is then replaced by a map of z_H."""

    def __init__(self, part: config.Alternating, c: config.HRMConfig) -> None:
        super().__init__(part, c)
        self.part = part

    def cycle(self) -> list[Update]:
        return [*([self.update_low] * self.steps), self.update_high]

    def update_low(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, z_H)."""
        return update_low(model, z, x, detach=self.part.detach_high_to_low)

    def update_high(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← core_H(z_H, summary of the cycle's low states); with a reset, z_L ← W z_H."""
        trace = tuple(t.detach() for t in z.trace) if self.part.detach_low_to_high else z.trace
        high = model.core_high(z.high, model.summary(trace, z.high))
        low = model.low.from_context(high) if self.part.reset else z.low
        return Thought(high, low, z.memory)


@builds(config.Accumulating)
class Accumulating(Coupling):
    """A high update without input, then T low updates, each of which is added to the high state."""

    def __init__(self, part: config.Accumulating, c: config.HRMConfig) -> None:
        super().__init__(part, c)
        self.part = part

    def cycle(self) -> list[Update]:
        return [self.update_high_alone, *([self.update_low_weighted, self.add_low] * self.steps)]

    def update_high_alone(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← core_H(z_H)."""
        return z._replace(high=model.core_high(z.high, None))

    def update_low_weighted(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, down · z_H)."""
        down = self.part.down
        context = model.low.from_context(down * z.high) if down else None
        return z._replace(low=model.low(z.low, x, context))

    def add_low(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← z_H + up · z_L."""
        return z._replace(high=z.high + self.part.up * z.low)


@builds(config.Crossing)
class Crossing(Coupling):
    """T low updates, then a high update where a position's halting sum crosses the threshold."""

    def cycle(self) -> list[Update]:
        return [*([self.update_low_counting] * self.steps), self.update_crossed]

    def update_low_counting(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, z_H); each position adds its halting probability to its sum."""
        assert isinstance(model.halting, Accumulated)
        z = update_low(model, z, x)
        return z._replace(memory=model.halting.accumulate(z.low, z.memory))

    def update_crossed(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """Where a sum has reached the threshold: z_H ← core_H(z_H, z_L), z_L ← W z_H, sum ← 0.

        A single such position is enough to update z_H at all positions of its sample; in lockstep
        execution, at all positions of all samples (document complete, as coded).
        """
        assert isinstance(model.halting, Accumulated)
        crossed = z.memory >= model.halting.threshold
        samples = crossed.any(-1)
        if model.strategy.as_one:
            nobody = distributed.everywhere(~samples) if model.training else ~samples.any()
            samples = ~nobody.expand_as(samples)
        high = pick(samples, model.core_high(z.high, z.low), z.high)
        low = torch.where(crossed[..., None], model.low.from_context(high), z.low)
        return Thought(high, low, z.memory.masked_fill(crossed, 0))


@builds(config.Single)
class Single(Coupling):
    """T updates of a single level: z ← core_L(z, x), where z is both z_L and z_H."""

    def cycle(self) -> list[Update]:
        return [self.update] * self.steps

    def update(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x), z_H ← z_L."""
        state = model.low(z.low, x)
        return z._replace(high=state, low=state)


@builds(config.OneLatent)
class OneLatent(Single):
    """T updates of a single level with the input, then one without it: z ← core_L(z).

    Source: arXiv 2510.04871, table 2 ("single z"); its public code, `trm_singlez`.
    """

    def cycle(self) -> list[Update]:
        return [*super().cycle(), self.update_alone]

    def update_alone(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L), z_H ← z_L."""
        return self.update(model, z, None)


@builds(config.SeparateLatents)
class SeparateLatents(Coupling):
    """T low updates, each of a low state of its own, then a high update; z_L is [B, T, S, D].

    Source: arXiv 2510.04871, table 2 ("multi-scale z"); its public code, `trm_hier6`.
    """

    def cycle(self) -> list[Update]:
        return [*(self._low(i) for i in range(self.steps)), self.update_high]

    def update_high(self, model: Levels, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← core_H(z_H, Σⱼ z_L[j])."""
        return Thought(model.core_high(z.high, z.low.sum(1)), z.low, z.memory)

    def _low(self, i: int) -> Update:
        def update_low(model: Levels, z: Thought, x: Tensor | None) -> Thought:
            """z_L[i] ← core_L(Σⱼ z_L[j], x, z_H)."""
            context = model.low.from_context(z.high) if z.context is None else z.context
            new = model.low(z.low.sum(1), x, context)
            low = torch.cat([z.low[:, :i], new.unsqueeze(1), z.low[:, i + 1 :]], dim=1)
            return z._replace(low=low, context=context)

        return update_low


def update_low(model: Levels, z: Thought, x: Tensor | None, *, detach: bool = False) -> Thought:
    """z_L ← core_L(z_L, x, z_H); z_H is mapped once per cycle, without gradient if detached.

    The new low state is appended to the cycle's trace.
    """
    context = z.context
    if context is None:
        context = model.low.from_context(z.high.detach() if detach else z.high)
    here = None if x is None else model.embed.at(x, z.update)
    low = model.low(z.low, here, context)
    trace = (*z.trace, low)[-model.summary.window :]
    return z._replace(low=low, trace=trace, context=context, update=z.update + 1)
