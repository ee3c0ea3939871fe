"""The recursion: two levels, two timescales.

One *segment* is C cycles of T low updates and one high update. A halting *step* is `segments.count`
segments; after each step, `halting` says who wants to stop and `execution` what that costs.

    low:   z_L ← core_L(z_L, x, z_H)            T times
    high:  z_H ← core_H(z_H, summary(z_L ...))   once

Shapes: B batch, S positions, D width. Sources: HRM (arXiv 2506.21734), section 2; documents gru,
v2, amulgent and act-v1, whose recipes are in `hrm.recipes`.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hrm import config, cores, embed, execution, halting, layers, summary
from hrm.execution import Run, State


@dataclass(frozen=True, kw_only=True)
class Output:
    """What the model answers, and how it got there.

    Args:
        prediction: [B, size] for vectors, [B, S, size] for tokens, where each sample stopped.
        drafts: [K, N, B, ...], the prediction after each step's segments, where there is more
            than one segment; else None.
        run: Steps, decisions and rows computed.
    """

    prediction: Tensor
    drafts: Tensor | None
    run: Run


class Thought(NamedTuple):
    """The state in the middle of a segment, with the low states of the running cycle."""

    high: Tensor
    low: Tensor
    trace: tuple[Tensor, ...] = ()


Update = Callable[[Thought, Tensor], Thought]


class HRM(nn.Module):
    """The hierarchical reasoning model of a configuration.

    Args:
        c: The configuration. Weights are drawn from torch's default generator.

    Example:
        >>> from hrm import recipes
        >>> system = recipes.gru(inputs=8, outputs=3, hidden_low=16, hidden_high=16)
        >>> model = HRM(system.model).eval()
        >>> model(torch.zeros(5, 8)).prediction.shape
        torch.Size([5, 3])
    """

    def __init__(self, c: config.HRMConfig) -> None:
        super().__init__()
        self.config = c
        self.embed = embed.embedding(c)
        self.low = cores.core(c.low, input_width=c.low.width, context_width=c.high.width)
        self.high = cores.core(c.high, input_width=c.low.width, context_width=None)
        self.start_low = embed.InitialState(c.initial, c.low.width)
        self.start_high = embed.InitialState(c.initial, c.high.width)
        self.summary = summary.summary(c)
        self.halting = halting.halting(c)
        self.readout = nn.Linear(c.high.width, c.readout.size, bias=c.readout.bias)
        self.connect = self._connection(c)
        if isinstance(c.embedding, config.Tokens):
            self._draw_truncated()

    def forward(self, inputs: Tensor, noise: Tensor | None = None) -> Output:
        """Think about a batch.

        Args:
            inputs: [B, size] floats or [B, S] tokens, as the embedding says.
            noise: Uniform draws from `draw`, [max_steps, B, draws]; needed in training where
                halting is random, ignored in evaluation.

        Raises:
            ValueError: If noise is needed and missing.
        """
        random = self.training and self.halting.draws > 0
        if random and noise is None:
            raise ValueError(
                "halting is random in training: pass noise=model.draw(batch, generator)"
            )
        x = self.embed(inputs)
        start = State(self.start_high(x), self.start_low(x))

        def advance(
            state: State, rows: Tensor | None, step: int
        ) -> tuple[State, halting.Decision, Tensor | None]:
            here = x if rows is None else x[rows]
            match self.config.carry:
                case config.Detached():
                    state = state.detach()
                case config.Restarted():
                    state = start if rows is None else start.at(rows)
            state, drafts = self.refine(state, here)
            drawn = noise[step] if noise is not None and random else None
            if drawn is not None and rows is not None:
                drawn = drawn[rows]
            return state, self.halting(state.high, step, drawn), drafts

        run = execution.execute(self.config.execution, advance, start, self.halting.max_steps)
        halting_part = self.config.halting
        if isinstance(halting_part, config.Policy) and halting_part.detach_at_stop:
            run = dataclasses.replace(run, state=run.state.detach(), logits=run.logits.detach())
        return Output(prediction=self.read(run.state), drafts=run.drafts, run=run)

    def refine(self, state: State, x: Tensor) -> tuple[State, Tensor | None]:
        """One halting step: think once per segment, the previous answer entering the next one."""
        segments = self.config.segments
        drafts: list[Tensor] = []
        for i in range(segments.count):
            if i > 0 and segments.detached:
                state = state.detach()
            hint = x
            if i > 0 and self.connect is not None:
                assert segments.connection is not None
                hint = x + segments.connection * self.connect(drafts[-1]).view_as(x)
            state = self.think(state, hint)
            if segments.count > 1:
                drafts.append(self.read(state))
        return state, torch.stack(drafts) if drafts else None

    def think(self, state: State, x: Tensor) -> State:
        """One segment; only the `horizon` last updates keep the graph."""
        updates = self.schedule()
        cut = 0 if self.config.horizon is None else len(updates) - self.config.horizon
        thought = Thought(*state)
        for i, update in enumerate(updates):
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= cut):
                thought = update(thought, x)
        return State(thought.high, thought.low)

    def schedule(self) -> list[Update]:
        """The updates of one segment, in order."""
        steps = self.config.low_steps
        cycle: list[Update]
        if isinstance(self.config.coupling, config.Alternating):
            cycle = [*([self.update_low] * steps), self.update_high]
        else:
            cycle = [self.update_high_alone, *([self.update_low_weighted, self.add_low] * steps)]
        return cycle * self.config.cycles

    def update_low(self, z: Thought, x: Tensor) -> Thought:
        """z_L ← core_L(z_L, x, z_H)."""
        assert isinstance(self.config.coupling, config.Alternating)
        high = z.high.detach() if self.config.coupling.detach_high_to_low else z.high
        low = self.low(z.low, x, high)
        return Thought(z.high, low, (*z.trace, low)[-self.summary.window :])

    def update_high(self, z: Thought, x: Tensor) -> Thought:
        """z_H ← core_H(z_H, summary of the cycle's low states)."""
        assert isinstance(self.config.coupling, config.Alternating)
        cut = self.config.coupling.detach_low_to_high
        trace = tuple(t.detach() for t in z.trace) if cut else z.trace
        return Thought(self.high(z.high, self.summary(trace, z.high)), z.low)

    def update_high_alone(self, z: Thought, x: Tensor) -> Thought:
        """z_H ← core_H(z_H)."""
        return Thought(self.high(z.high, None), z.low)

    def update_low_weighted(self, z: Thought, x: Tensor) -> Thought:
        """z_L ← core_L(z_L, x, down · z_H)."""
        assert isinstance(self.config.coupling, config.Accumulating)
        down = self.config.coupling.down
        return Thought(z.high, self.low(z.low, x, down * z.high if down else None))

    def add_low(self, z: Thought, x: Tensor) -> Thought:
        """z_H ← z_H + up · z_L."""
        assert isinstance(self.config.coupling, config.Accumulating)
        return Thought(z.high + self.config.coupling.up * z.low, z.low)

    def read(self, state: State) -> Tensor:
        """ŷ = W_o z_H, [B, size] for vectors, [B, S, size] for tokens."""
        y: Tensor = self.readout(state.high)
        return (
            y.squeeze(1) if isinstance(self.config.embedding, config.Vector) and y.dim() == 3 else y
        )

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Draw the uniform numbers that a batch's halting needs, [max_steps, B, draws]."""
        return torch.rand(self.halting.max_steps, batch, self.halting.draws, generator=generator)

    def _connection(self, c: config.HRMConfig) -> nn.Module | None:
        if c.segments.connection is None:
            return None
        same = c.readout.size == c.low.width
        return nn.Identity() if same else nn.Linear(c.readout.size, c.low.width, bias=False)

    def _draw_truncated(self) -> None:
        """Token models: every map truncated normal with std 1/sqrt(fan_in), biases zero."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear) and not name.startswith("halting"):
                layers.truncated_normal(module.weight, 1 / math.sqrt(module.in_features))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
