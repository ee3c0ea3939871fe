"""The recursion: two levels, two timescales.

One *segment* is C cycles of T low updates and one high update. A halting *step* is `segments.count`
segments; after each step, `halting` says who wants to stop and `execution` what that costs.

    low:   z_L ← core_L(z_L, x, z_H)            T times
    high:  z_H ← core_H(z_H, summary(z_L ...))   once

Shapes: B batch, S positions, D width. Sources: HRM (arXiv 2506.21734), section 2; documents gru,
v2, amulgent, act-v1 and complete, whose recipes are in `hrm.recipes`.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hrm import config
from hrm.model import cores, embedding, execution, halting, layers, summary
from hrm.model.execution import Batch, Carry, Run
from hrm.model.halting import Decision
from hrm.model.state import State, pick, where
from hrm.system import distributed


@dataclass(frozen=True, kw_only=True)
class Output:
    """What the model answers, and how it got there.

    Args:
        prediction: [B, size] for vectors, [B, S, size] for inputs with positions: where each
            sample stopped, or the mean over its steps.
        drafts: [K, N, B, ...], the answers after each step's segments, where there are several
            segments or the readout keeps each step's; else None.
        run: Steps, decisions and rows computed.
    """

    prediction: Tensor
    drafts: Tensor | None
    run: Run


class Thought(NamedTuple):
    """The state in the middle of a segment, with the low states of the running cycle.

    `context` is what low updates read of the high state, mapped; None before the cycle's first.
    """

    high: Tensor
    low: Tensor
    memory: Tensor
    trace: tuple[Tensor, ...] = ()
    context: Tensor | None = None


Update = Callable[[Thought, Tensor | None], Thought]  # x as `injected` returns it


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
        low, high, s = c.low.width, c.high.width, c.positions
        self.embed = embedding.embedding(c)
        self.low = cores.core(c.low, s, input_width=low, context_width=high)
        if not c.one_network:
            self.high = cores.core(c.high, s, input_width=low, context_width=None)
        start = config.Zeros() if isinstance(c.initial, config.FromInput) else c.initial
        self.start_low = embedding.InitialState(start, low)
        self.start_high = embedding.InitialState(start, high)
        self.summary = summary.summary(c)
        self.halting = halting.halting(c)
        self.readout = layers.Linear(
            low if c.readout.low else high, c.readout.size, bias=c.readout.bias
        )
        self.connect = self._connection(c)
        self._initialise()

    def forward(
        self,
        inputs: Tensor,
        noise: Tensor | None = None,
        *,
        identities: Tensor | None = None,
        steps: int | None = None,
        drafts: bool = True,
    ) -> Output:
        """Think about a batch.

        Args:
            inputs: [B, size] floats, [B, S, size] floats or [B, S] tokens, as the embedding says.
            noise: Uniform draws from `draw`, [max_steps, B, draws]; needed in training where
                halting is random, ignored in evaluation.
            identities: [B], rows of the puzzle table; None for the blank one, 0.
            steps: So many halting steps for all samples, whatever halting says.
            drafts: Whether the output is to have drafts; in training they cost memory.

        Raises:
            ValueError: If noise is needed and missing.
        """
        noise = self._noise(noise) if steps is None else None
        x = self.perceive(inputs, identities)
        start = self.start(x)

        def advance(
            state: State, rows: Tensor | None, step: int | Tensor
        ) -> tuple[State, Decision, Tensor | None]:
            here = x if rows is None else x[rows]
            match self.config.carry:
                case config.Detached():
                    state = state.detach()
                case config.Restarted():
                    state = start if rows is None else start.at(rows)
            state, found = self.refine(state, here, drafts=drafts)
            drawn = None
            if noise is not None:
                drawn = noise[step] if rows is None else noise[step, rows]
            return state, self.halting(state, step, drawn), found

        if steps is not None:
            run = execution.lockstep(advance, start, steps, obeyed=False)
        else:
            part = self.config.execution
            if not self.training and self.config.evaluation is not None:
                part = self.config.evaluation
            everyone = distributed.everywhere if self.training else torch.all
            run = execution.execute(part, advance, start, self.halting.max_steps, everyone)
        return self._answer(run)

    def advance(
        self, carry: Carry, offered: Batch, noise: Tensor | None = None
    ) -> tuple[Carry, Tensor, Decision]:
        """One halting step of each place: halted ones start on fresh samples, live ones go on.

        Args:
            carry: From `begin`, or from the call before.
            offered: A batch of as many samples; those offered to live places are discarded.
            noise: Uniform draws, [B, draws], needed in training where halting is random.

        Returns:
            The carry after the step, with the samples that it was about; their predictions; the
            decisions, with logits [B, 2].

        Raises:
            ValueError: If noise is needed and missing.
        """
        batch = execution.refill(carry, offered)
        x = self.perceive(batch.inputs, batch.identities)
        state = where(carry.halted, self.start(x), carry.state).detach()
        state, _ = self.refine(state, x, drafts=False)
        steps = carry.steps.masked_fill(carry.halted, 0)
        decision = self.halting(state, steps, self._noise(noise))
        steps = steps + 1
        halted = (decision.margin > 0) | (steps >= self.halting.max_steps)
        return Carry(batch, state.detach(), steps, halted), self.read(state), decision

    def look_ahead(self, carry: Carry) -> Tensor:
        """Return the Q values one step further, [B, 2], for the samples that a carry is about."""
        x = self.perceive(carry.batch.inputs, carry.batch.identities)
        state, _ = self.refine(carry.state, x, drafts=False)
        decision: Decision = self.halting(state, carry.steps, None)
        return decision.logits

    def begin(self, batch: Batch) -> Carry:
        """Return a carry whose places have all halted: the next step takes what it is offered."""
        with torch.no_grad():
            state = self.start(self.perceive(batch.inputs, batch.identities))
        size, device = len(batch.inputs), batch.inputs.device
        zero = torch.zeros(size, dtype=torch.int64, device=device)
        return Carry(batch, state, zero, torch.ones(size, dtype=torch.bool, device=device))

    def perceive(self, inputs: Tensor, identities: Tensor | None = None) -> Tensor:
        """x: embedded inputs, [B, D] or [B, S, D], in the precision of the activations."""
        x: Tensor = self.embed(inputs, identities)
        return x.to(torch.bfloat16) if self.config.bfloat16 else x

    def start(self, x: Tensor) -> State:
        """The states that a sample starts from."""
        low = x if isinstance(self.config.initial, config.FromInput) else self.start_low(x)
        return State(self.start_high(x), low, self.halting.memory(x))

    def refine(
        self, state: State, x: Tensor, *, drafts: bool = True
    ) -> tuple[State, Tensor | None]:
        """One halting step: think once per segment, the previous answer entering the next one.

        The drafts, [N, B, ...], keep each segment's graph; they aren't there where nobody wants
        them, nor where there is nothing but the answer.
        """
        segments, readout = self.config.segments, self.config.readout
        several = segments.count > 1 or readout.each_step
        keep = (drafts and several) or readout.average
        kept: list[Tensor] = []
        draft: Tensor | None = None
        for i in range(segments.count):
            if i > 0 and segments.detached:
                state = state.detach()
            hint = x
            if draft is not None and self.connect is not None:
                assert segments.connection is not None
                hint = x + segments.connection * self.connect(draft).view_as(x)
            state = self.think(state, hint)
            if keep or (self.connect is not None and i < segments.count - 1):
                draft = self.read(state)
            if keep and draft is not None:
                kept.append(draft)
        return state, torch.stack(kept) if keep else None

    def think(self, state: State, x: Tensor) -> State:
        """One segment; only the `horizon` last updates keep the graph."""
        updates = self.schedule()
        cut = 0 if self.config.horizon is None else len(updates) - self.config.horizon
        thought, injected = Thought(*state), self.injected(x)
        for i, update in enumerate(updates):
            if i == cut:  # what was mapped before has no graph
                thought = thought._replace(context=None)
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= cut):
                if self.config.checkpointing and torch.is_grad_enabled():
                    thought = checkpoint(update, thought, injected, use_reentrant=False)
                else:
                    thought = update(thought, injected)
        return State(thought.high, thought.low, thought.memory)

    def schedule(self) -> list[Update]:
        """The updates of one segment, in order."""
        steps = self.config.low_steps
        cycle: list[Update]
        match self.config.coupling:
            case config.Alternating():
                cycle = [*([self.update_low] * steps), self.update_high]
            case config.Accumulating():
                cycle = [
                    self.update_high_alone,
                    *([self.update_low_weighted, self.add_low] * steps),
                ]
            case config.Crossing():
                cycle = [*([self.update_low_counting] * steps), self.update_crossed]
        return cycle * self.config.cycles

    def update_low(self, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, z_H)."""
        context = z.context
        if context is None:
            cut = getattr(self.config.coupling, "detach_high_to_low", False)
            context = self.low.from_context(z.high.detach() if cut else z.high)
        low = self.low(z.low, x, context)
        return z._replace(low=low, trace=(*z.trace, low)[-self.summary.window :], context=context)

    def update_high(self, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← core_H(z_H, summary of the cycle's low states); with a reset, z_L ← W z_H."""
        assert isinstance(self.config.coupling, config.Alternating)
        cut = self.config.coupling.detach_low_to_high
        trace = tuple(t.detach() for t in z.trace) if cut else z.trace
        high = self.core_high(z.high, self.summary(trace, z.high))
        low = z.low
        if self.config.coupling.reset:
            low = self.low.from_context(high)
        return Thought(high, low, z.memory)

    def update_high_alone(self, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← core_H(z_H)."""
        return z._replace(high=self.core_high(z.high, None))

    def update_low_weighted(self, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, down · z_H)."""
        assert isinstance(self.config.coupling, config.Accumulating)
        down = self.config.coupling.down
        context = self.low.from_context(down * z.high) if down else None
        return z._replace(low=self.low(z.low, x, context))

    def add_low(self, z: Thought, x: Tensor | None) -> Thought:
        """z_H ← z_H + up · z_L."""
        assert isinstance(self.config.coupling, config.Accumulating)
        return z._replace(high=z.high + self.config.coupling.up * z.low)

    def update_low_counting(self, z: Thought, x: Tensor | None) -> Thought:
        """z_L ← core_L(z_L, x, z_H); each position adds its halting probability to its sum."""
        assert isinstance(self.halting, halting.Accumulated)
        z = self.update_low(z, x)
        return z._replace(memory=self.halting.accumulate(z.low, z.memory))

    def update_crossed(self, z: Thought, x: Tensor | None) -> Thought:
        """Where a position's sum is at the threshold: z_H ← core_H(z_H, z_L), z_L ← W z_H, sum ← 0.

        One such position is enough to update z_H at all positions of its sample; in lockstep, of
        all samples (document complete, as coded).
        """
        assert isinstance(self.halting, halting.Accumulated)
        crossed = z.memory >= self.halting.threshold
        samples = crossed.any(-1)
        if self._in_lockstep():
            nobody = distributed.everywhere(~samples) if self.training else ~samples.any()
            samples = ~nobody.expand_as(samples)
        high = pick(samples, self.core_high(z.high, z.low), z.high)
        low = torch.where(crossed[..., None], self.low.from_context(high), z.low)
        return Thought(high, low, z.memory.masked_fill(crossed, 0))

    def injected(self, x: Tensor) -> Tensor | None:
        """Return the input as the low updates read it, mapped; None where they don't."""
        initial = self.config.initial
        if isinstance(initial, config.FromInput) and not initial.again:
            return None
        mapped: Tensor = self.low.from_inputs(x)
        return mapped

    def core_high(self, state: Tensor, inputs: Tensor | None) -> Tensor:
        """The high level's core, which is the low level's where one network serves as both."""
        core = self.low if self.config.one_network else self.high
        new: Tensor = core(state, None if inputs is None else core.from_inputs(inputs))
        return new

    def read(self, state: State) -> Tensor:
        """ŷ = W_o z_H, [B, size] for vectors, [B, S, size] for inputs with positions, no prefix."""
        part = self.config.readout
        source = state.low if part.low else state.high
        match self.config.embedding:
            case config.Vector() if source.dim() == 3:
                source = source.squeeze(1)
            case config.Tokens(positions=positions):
                source = source[:, -positions:]
        y: Tensor = self.readout(source)
        return y.softmax(-1) if part.softmax else y

    def draw(self, batch: int, generator: torch.Generator, steps: int | None = None) -> Tensor:
        """Draw the uniform numbers of a batch's halting, [steps or max_steps, B, draws]."""
        steps = steps or self.halting.max_steps
        return torch.rand(steps, batch, self.halting.draws, generator=generator)

    def example(self, batch: int) -> Tensor:
        """Return inputs of zeros, as the embedding takes them."""
        device = self.start_low.value.device
        match self.config.embedding:
            case config.Vector(size=size):
                return torch.zeros(batch, size, device=device)
            case config.Series(size=size, positions=positions):
                return torch.zeros(batch, positions, size, device=device)
            case config.Tokens(positions=positions):
                return torch.zeros(batch, positions, dtype=torch.int64, device=device)

    def _noise(self, noise: Tensor | None) -> Tensor | None:
        if not self.training or self.halting.draws == 0:
            return None
        if noise is None:
            raise ValueError(
                "halting is random in training: pass noise=model.draw(batch, generator)"
            )
        return noise

    def _answer(self, run: Run) -> Output:
        part = self.config.halting
        if isinstance(part, config.Policy) and part.detach_at_stop and part.obeyed:
            run = dataclasses.replace(run, state=run.state.detach(), logits=run.logits.detach())
        if not self.config.readout.average:
            return Output(prediction=self.read(run.state), drafts=run.drafts, run=run)
        assert run.drafts is not None
        answers = run.drafts[:, -1]  # zero where a sample had stopped
        count = run.steps.to(answers.dtype).view(-1, *[1] * (answers.dim() - 2))
        live = run.live.view(*run.live.shape, *[1] * (answers.dim() - 2))
        mean = torch.where(live, answers, 0).sum(0) / count
        return Output(prediction=mean, drafts=run.drafts, run=run)

    def _in_lockstep(self) -> bool:
        part = self.config.execution
        if not self.training and self.config.evaluation is not None:
            part = self.config.evaluation
        return isinstance(part, config.Lockstep)

    def _connection(self, c: config.HRMConfig) -> nn.Module | None:
        if c.segments.connection is None:
            return None
        same = c.readout.size == c.low.width
        return nn.Identity() if same else layers.Linear(c.readout.size, c.low.width, bias=False)

    def _initialise(self) -> None:
        """Draw every map's weights again as configured; Q heads stay what halting makes them."""
        part = self.config.initialisation
        if isinstance(part, config.TorchDefault):
            return
        for module in self.modules():
            if isinstance(module, nn.Linear):
                std = 1 / math.sqrt(module.in_features)
                if isinstance(part, config.TruncatedNormal):
                    layers.truncated_normal(module.weight, std)
                else:
                    nn.init.normal_(module.weight, std=std)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if isinstance(self.halting, halting.QLearning):
            self.halting.draw_weights()
