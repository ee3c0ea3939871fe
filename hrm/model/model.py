"""The recursion: two levels on two timescales.

One *segment* is C cycles of T low updates and one high update. A *halting step* is `segments.count`
segments. After each halting step, `halting` decides which samples stop, and `execution` how the
remaining ones are computed. The updates of a cycle are those of `coupling`.

Shapes: B batch, S positions, D width. Sources: HRM (arXiv 2506.21734), section 2; documents gru,
v2, amulgent, act-v1 and complete, whose recipes are in `hrm.recipes`.
"""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hrm import config
from hrm.config.learning import Depth
from hrm.model import cores, embedding, execution, layers, summary
from hrm.model.coupling import Coupling, Thought, Update
from hrm.model.execution import Batch, Carry, Run
from hrm.model.halting import Decision, Halting
from hrm.model.initialisation import draw_weights
from hrm.model.registry import built
from hrm.model.state import State, where
from hrm.system import distributed


@dataclass(frozen=True, kw_only=True)
class Output:
    """The prediction of a model, and the record of its computation.

    Args:
        prediction: [B, size] for vectors, [B, S, size] for inputs with positions: the answer where
            each sample stopped, or the mean over its steps.
        run: Steps, decisions and computed rows. Its drafts, [K, N, B, ...], are the answers after
            each segment of each step; they are kept if there are several segments per step or the
            readout asks for them.
    """

    prediction: Tensor
    run: Run


class HRM(nn.Module):
    """The hierarchical reasoning model of a configuration.

    Args:
        c: The configuration. One number is drawn from torch's default generator; it and a
            parameter's name determine the initial value of that parameter.

    Attributes:
        depth: Depth of the recursion in training; None for the configured one.
        obeys: Whether halting decisions are followed in training: True, False, or a tensor [].
        unrolled: Whether training computes every sample at every step, see `execution.unrolled`.

    Example:
        >>> from hrm import recipes
        >>> system = recipes.gru(inputs=8, outputs=3, hidden_low=16, hidden_high=16)
        >>> model = HRM(system.model).eval()
        >>> model(torch.zeros(5, 8)).prediction.shape
        torch.Size([5, 3])
    """

    def __init__(self, c: config.HRMConfig) -> None:
        super().__init__()
        root = int(torch.randint(2**62, (), device="cpu"))  # before parts draw as they are built
        self.config = c
        low, high, s = c.low.width, c.high.width, c.positions
        alone = c.coupling.one_level
        self.embed: embedding.Embedding = built(c.embedding, c)
        self.low: cores.Core = built(c.low, s, low, None if alone else high)
        if not (c.one_network or alone):
            self.high: cores.Core = built(c.high, s, low, None)
        self.start_low: embedding.Start = embedding.start_low(c)
        if not alone:
            self.start_high: embedding.InitialState = built(c.initial, high, low=False)
        self.summary: summary.Summary = built(c.summary, c)
        self.halting: Halting = built(c.halting, c)
        self.coupling: Coupling = built(c.coupling, c)
        self.readout = layers.Linear(
            low if c.readout.low else high, c.readout.size, bias=c.readout.bias
        )
        self.connect = self._connection(c)
        self.depth: Depth | None = None
        self.obeys: bool | Tensor = True
        self.unrolled = False
        draw_weights(self, built(c.initialisation), root)

    def forward(
        self,
        inputs: Tensor,
        noise: Tensor | None = None,
        *,
        identities: Tensor | None = None,
        steps: int | None = None,
        drafts: bool = True,
    ) -> Output:
        """Run the recursion on a batch and return its predictions.

        Args:
            inputs: [B, size] floats, [B, S, size] floats or [B, S] tokens, depending on the
                embedding.
            noise: Uniform draws from `draw`, [max_steps, B, draws]; needed in training where
                halting is random, ignored in evaluation.
            identities: Rows of the puzzle table, [B]; None for row 0, the blank identity.
            steps: Number of halting steps that all samples take; None to let halting decide.
            drafts: Whether drafts are recorded; in training they cost memory.

        Raises:
            ValueError: If noise is needed and missing.
        """
        noise = self._noise(noise) if steps is None else None
        x = self.perceive(inputs, identities)
        start = self.start(x)
        handed: execution.Handing = built(self.config.carry)

        def advance(
            state: State, rows: Tensor | None, step: int | Tensor
        ) -> tuple[State, Decision, Tensor | None]:
            here = x if rows is None else x[rows]
            state = handed(state, start, rows)
            state, found = self.refine(state, here, drafts=drafts)
            drawn = None
            if noise is not None:
                drawn = noise[step] if rows is None else noise[step, rows]
            return state, self._decide(state, step, drawn), found

        if steps is not None:
            run = execution.lockstep(advance, start, steps, obeyed=False)
        else:
            everyone = distributed.everywhere if self.training else torch.all
            most = self.halting.max_steps
            if self.unrolled and self.training:
                as_one = self.strategy.as_one
                run = execution.unrolled(advance, start, most, as_one=as_one, everyone=everyone)
            else:
                strategy: execution.Strategy = built(self.strategy)
                run = strategy(advance, start, most, everyone)
        return self._answer(run)

    def advance(
        self, carry: Carry, offered: Batch, noise: Tensor | None = None
    ) -> tuple[Carry, Tensor, Decision]:
        """Take one halting step in each place; halted places start on fresh samples first.

        Args:
            carry: From `begin`, or from the previous call.
            offered: A batch of B samples; those offered to places that haven't halted are
                discarded.
            noise: Uniform draws, [B, draws], needed in training where halting is random.

        Returns:
            The carry after the step, with the samples that were computed; their predictions; the
            decisions, with logits [B, 2].

        Raises:
            ValueError: If noise is needed and missing.
        """
        batch = execution.refill(carry, offered)
        x = self.perceive(batch.inputs, batch.identities)
        state = where(carry.halted, self.start(x), carry.state).detach()
        state, _ = self.refine(state, x, drafts=False)
        steps = carry.steps.masked_fill(carry.halted, 0)
        decision = self._decide(state, steps, self._noise(noise))
        steps = steps + 1
        halted = (decision.margin > 0) | (steps >= self.halting.max_steps)
        return Carry(batch, state.detach(), steps, halted), self.read(state), decision

    def look_ahead(self, carry: Carry) -> Tensor:
        """Return the Q values after one further step, [B, 2], for the samples of a carry."""
        x = self.perceive(carry.batch.inputs, carry.batch.identities)
        state, _ = self.refine(carry.state, x, drafts=False)
        decision: Decision = self.halting(state, carry.steps, None)
        return decision.logits

    def begin(self, batch: Batch) -> Carry:
        """Return a carry in which all places have halted, so that the next step starts afresh."""
        with torch.no_grad():
            state = self.start(self.perceive(batch.inputs, batch.identities))
        size, device = len(batch.inputs), batch.inputs.device
        zero = torch.zeros(size, dtype=torch.int64, device=device)
        return Carry(batch, state, zero, torch.ones(size, dtype=torch.bool, device=device))

    def perceive(self, inputs: Tensor, identities: Tensor | None = None) -> Tensor:
        """Return the embedded inputs, [B, D] or [B, S, D], in the activations' precision."""
        x: Tensor = self.embed(inputs, identities)
        return x.to(torch.bfloat16) if self.config.bfloat16 else x

    def start(self, x: Tensor) -> State:
        """Return the initial states for embedded inputs."""
        x = self.embed.at(x, 0)
        low = self.start_low(x)
        high = low if self.config.coupling.one_level else self.start_high(x)
        return State(high, low, self.halting.memory(x))

    def refine(
        self, state: State, x: Tensor, *, drafts: bool = True
    ) -> tuple[State, Tensor | None]:
        """Take one halting step: run all its segments; each one reads the previous answer.

        The drafts, [N, B, ...], keep the graph of each segment. They are None if `drafts` is false,
        or if they would hold nothing but the answer.
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
        """Run one segment; only the last `horizon` updates keep their graph."""
        updates = self.schedule()
        cut = 0 if self.config.horizon is None else len(updates) - self.config.horizon
        thought, injected = Thought(*state), self.injected(x)
        for i, update in enumerate(updates):
            if i == cut:  # inputs that were mapped before have no graph
                thought = thought._replace(context=None)
            with torch.set_grad_enabled(torch.is_grad_enabled() and i >= cut):
                if self.config.checkpointing and torch.is_grad_enabled():
                    thought = checkpoint(update, self, thought, injected, use_reentrant=False)
                else:
                    thought = update(self, thought, injected)
        return State(thought.high, thought.low, thought.memory)

    def schedule(self) -> list[Update]:
        """Return the updates of one segment, in order; in training, as many as `depth` says."""
        at = self.depth if self.training and self.depth is not None else self.config
        self.coupling.steps = at.low_steps
        return self.coupling.cycle() * at.cycles

    @property
    def strategy(self) -> config.Execution:
        """Return the execution strategy for the current mode, training or evaluation."""
        c = self.config
        return c.execution if self.training or c.evaluation is None else c.evaluation

    def injected(self, x: Tensor) -> Tensor | None:
        """Return the input as low updates read it, mapped; None if they don't read it."""
        if not self.start_low.input_enters:
            return None
        mapped: Tensor = self.low.from_inputs(x)
        return mapped

    def core_high(self, state: Tensor, inputs: Tensor | None) -> Tensor:
        """Apply the core of the high level, or that of the low level if they share one."""
        core = self.low if self.config.one_network else self.high
        new: Tensor = core(state, None if inputs is None else core.from_inputs(inputs))
        return new

    def read(self, state: State) -> Tensor:
        """Return ŷ = W_o z_H, [B, size], or [B, S, size] for inputs with positions (no prefix)."""
        part = self.config.readout
        source = state.low if part.low else state.high
        positions = self.config.embedding.answered
        if positions is None:
            source = source.squeeze(1) if source.dim() == 3 else source
        elif source.shape[1] > positions:
            source = source[:, -positions:]
        y: Tensor = self.readout(source)
        return y.softmax(-1) if part.softmax else y

    def draw(self, batch: int, generator: torch.Generator, steps: int | None = None) -> Tensor:
        """Draw uniform numbers for the halting of a batch, [steps or max_steps, B, draws]."""
        steps = steps or self.halting.max_steps
        return torch.rand(steps, batch, self.halting.draws, generator=generator)

    def example(self, batch: int) -> Tensor:
        """Return inputs of zeros for a batch, in shape and type as `forward` takes them."""
        return self.embed.example(batch).to(self.start_low.value.device)

    def _decide(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        decision: Decision = self.halting(state, step, noise)
        if not self.training or self.obeys is True:
            return decision
        margin = torch.full_like(decision.margin, -torch.inf)
        if isinstance(self.obeys, Tensor):
            margin = torch.where(self.obeys, decision.margin, margin)
        return decision._replace(margin=margin)

    def _noise(self, noise: Tensor | None) -> Tensor | None:
        if not self.training or self.halting.draws == 0:
            return None
        if noise is None:
            raise ValueError(
                "halting is random in training: pass noise=model.draw(batch, generator)"
            )
        return noise

    def _answer(self, run: Run) -> Output:
        if self.halting.copied:
            run = dataclasses.replace(run, state=run.state.detach(), logits=run.logits.detach())
        if not self.config.readout.average:
            return Output(prediction=self.read(run.state), run=run)
        assert run.drafts is not None
        answers = run.drafts[:, -1]  # zero for samples that had stopped
        count = run.steps.to(answers.dtype).view(-1, *[1] * (answers.dim() - 2))
        live = run.live.view(*run.live.shape, *[1] * (answers.dim() - 2))
        mean = torch.where(live, answers, 0).sum(0) / count
        return Output(prediction=mean, run=run)

    def _connection(self, c: config.HRMConfig) -> nn.Module | None:
        if c.segments.connection is None:
            return None
        same = c.readout.size == c.low.width
        return nn.Identity() if same else layers.Linear(c.readout.size, c.low.width, bias=False)
