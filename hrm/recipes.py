"""One function per documented system. Plain data without torch.

A claim's arms are one recipe and `dataclasses.replace` of one thing in it. `named` has them by the
names of the command line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hrm.config import (
    Accumulated,
    Accumulating,
    Ahead,
    Alternating,
    Compacted,
    ConcatenatedController,
    Crossing,
    Detached,
    DirectController,
    FromInput,
    Frozen,
    GatedMlp,
    Gru,
    HRMConfig,
    Kept,
    LastStep,
    LayerNorm,
    Learned,
    LinearController,
    Lockstep,
    Masked,
    Minimum,
    Policy,
    Puzzles,
    QLearning,
    Readout,
    Restarted,
    RmsNorm,
    RootNorm,
    ScaledNormal,
    Segments,
    Series,
    StepAttention,
    SwiGlu,
    Tokens,
    TraceAttention,
    Transformer,
    TruncatedNormal,
    Vector,
)
from hrm.learning import (
    ActionsTaken,
    PolicyGradient,
    QHalting,
    StablemaxCrossEntropy,
    StopOnly,
    StopWhileLive,
    Supervised,
    System,
)


def gru(
    *,
    inputs: int = 1024,
    outputs: int = 1,
    hidden_low: int = 256,
    hidden_high: int = 512,
    low_steps: int = 3,
    max_cycles: int = 5,
    use_act: bool = True,
    detach_low_to_high: bool = True,
    detach_high_to_low: bool = False,
    compute_cost_weight: float = 0.0,
    as_coded: bool = False,
) -> System:
    """Document gru: two GRU levels, a linear policy, masked per-sample training.

    The text samples its actions, scores all of them, and lets gradients flow through the stop-time
    states; `as_coded` acts greedily, scores the stop alone, and copies those states, and the
    logits, without gradient, so that its policy loss trains nothing. In evaluation the batch is
    one. Without ACT all cycles are taken.
    """
    model = HRMConfig(
        embedding=Vector(size=inputs),
        low=Gru(width=hidden_low),
        high=Gru(width=hidden_high),
        readout=Readout(size=outputs),
        low_steps=low_steps,
        coupling=Alternating(
            detach_low_to_high=detach_low_to_high, detach_high_to_low=detach_high_to_low
        ),
        halting=Policy(
            max_steps=max_cycles,
            controller=LinearController(),
            sample=not as_coded,
            detach_at_stop=as_coded,
            obeyed=use_act,
        ),
        execution=Masked(),
        evaluation=Lockstep(),
    )
    objective = PolicyGradient(
        cost=compute_cost_weight,
        normalise=True,
        score=StopOnly() if as_coded else ActionsTaken(),
        value_at_stop=True,
    )
    return System(model=model, objective=objective)


def v2(
    *,
    inputs: int = 1024,
    outputs: int = 1,
    hidden_low: int = 256,
    hidden_high: int = 512,
    low_steps: int = 3,
    max_cycles: int = 8,
    use_per_sample_act: bool = False,
    use_corrected_meta_rl: bool = False,
    use_sequence_attention: bool = False,
    use_optimized_controller: bool = False,
    step_attention: bool = False,
    as_coded: bool = False,
) -> System:
    """Document v2: four opt-in enhancements; all off, its original.

    The text scores the actions taken; `as_coded` scores log π(stop) at each live step.
    `step_attention` takes the document's "original" attention over one step instead of the
    original's default aggregation.
    """
    model = HRMConfig(
        embedding=Vector(size=inputs),
        low=Gru(width=hidden_low),
        high=Gru(width=hidden_high),
        readout=Readout(size=outputs),
        low_steps=low_steps,
        summary=TraceAttention(heads=8)
        if use_sequence_attention
        else StepAttention(heads=8)
        if step_attention
        else LastStep(project=True, dropout=0.1),
        halting=Policy(
            max_steps=max_cycles,
            controller=DirectController() if use_optimized_controller else ConcatenatedController(),
            detach_state=True,
        ),
        execution=Compacted() if use_per_sample_act else Lockstep(),
    )
    objective = PolicyGradient(
        cost=0.01,
        masked_mean=use_corrected_meta_rl,
        score=StopWhileLive() if as_coded else ActionsTaken(),
        entropy=0.01,
        step_penalty=0.01,
    )
    return System(model=model, objective=objective)


def amulgent(
    *,
    inputs: int = 64,
    outputs: int = 64,
    width: int = 128,
    h_layers: int = 2,
    l_layers: int = 3,
    h_cycles: int = 2,
    l_cycles: int = 2,
    max_steps: int = 10,
    use_rmsnorm: bool = False,
    use_swiglu: bool = False,
    use_iterative_refinement: bool = False,
    refinement_segments: int = 2,
    exploration: float = 0.1,
    original: bool = False,
) -> System:
    """Document amulgent: transformer levels on a sequence of one position.

    `original` is the system before the enhancements: unscaled connections, unclipped initial
    states, one map to both Q values. Its three switches belong to the enhanced one. Its learning
    from replayed experiences is `hrm.agent`'s.
    """

    def level(layers: int) -> Transformer:
        return Transformer(
            width=width,
            layers=layers,
            heads=8,
            norm=RmsNorm(eps=1e-6) if use_rmsnorm else LayerNorm(eps=1e-5),
            feed_forward=SwiGlu(inner=int(8 * width / 3))
            if use_swiglu
            else GatedMlp(inner=2 * width),
            bias=True,
            inject_every_layer=True,
        )

    model = HRMConfig(
        embedding=Vector(size=inputs, identity_if_equal=True),
        low=level(l_layers),
        high=level(h_layers),
        readout=Readout(size=outputs),
        low_steps=l_cycles,
        cycles=h_cycles,
        initial=Learned(clip=None) if original else Learned(clip=2.0),
        coupling=Accumulating(down=0.0, up=1.0) if original else Accumulating(down=0.1, up=0.1),
        segments=Segments(count=refinement_segments, detached=True, connection=0.05)
        if use_iterative_refinement and refinement_segments > 1
        else Segments(),
        halting=QLearning(
            max_steps=max_steps,
            heads=1 if original else 2,
            biases=None if original else (-0.1, 0.1),
            zero_weight=False,
            halt_in_evaluation=True,
            exploration=Ahead(probability=exploration) if exploration else None,
            batch_mean=True,
        ),
        carry=Restarted(),
        execution=Lockstep(),
    )
    return System(model=model, objective=Supervised())


def amulgent_enhanced(**changes: Any) -> System:
    """Document amulgent with all its switches on."""
    switches = ("use_rmsnorm", "use_swiglu", "use_iterative_refinement")
    return amulgent(**dict.fromkeys(switches, True), **changes)


def act_v1(
    *,
    vocabulary: int = 11,
    positions: int = 81,
    classes: int | None = None,
    width: int = 512,
    heads: int = 8,
    h_layers: int = 4,
    l_layers: int = 4,
    h_cycles: int = 2,
    l_cycles: int = 2,
    expansion: float = 4.0,
    puzzle_size: int = 0,
    identities: int = 1,
    learned_positions: bool = False,
    max_steps: int = 16,
    exploration: float = 0.1,
    halt_in_evaluation: bool = False,
) -> System:
    """Document act-v1: transformer levels on tokens, one-step gradient, halting by Q-learning.

    As coded, evaluation takes all steps; `halt_in_evaluation` is what the text says. `puzzle_size`
    0 is a model without a puzzle table.
    """
    level = _level(width, heads, expansion, None if learned_positions else 10_000.0)
    model = HRMConfig(
        embedding=Tokens(
            vocabulary=vocabulary,
            positions=positions,
            learned_positions=learned_positions,
            puzzles=Puzzles(identities=identities, size=puzzle_size) if puzzle_size else None,
        ),
        low=level(l_layers),
        high=level(h_layers),
        readout=Readout(size=classes or vocabulary, bias=False),
        low_steps=l_cycles,
        cycles=h_cycles,
        horizon=2,
        initialisation=TruncatedNormal(),
        initial=Frozen(),
        halting=QLearning(
            max_steps=max_steps,
            exploration=Minimum(probability=exploration) if exploration else None,
            halt_in_evaluation=halt_in_evaluation,
        ),
        carry=Detached(),
        execution=Masked(),
    )
    return System(model=model, objective=QHalting())


def tiny_network(
    *,
    vocabulary: int = 11,
    positions: int = 81,
    classes: int | None = None,
    width: int = 512,
    heads: int = 8,
    layers: int = 2,
    h_cycles: int = 3,
    l_cycles: int = 6,
    expansion: float = 4.0,
    prefix: int = 16,
    identities: int = 1,
    max_steps: int = 16,
    exploration: float = 0.1,
    halt_in_evaluation: bool = False,
) -> System:
    """One tiny network in both roles (arXiv 2510.04871), with the parts of act-v1.

    Gradients reach back through the last recursion; halting learns without Q(continue).
    """
    core = _level(width, heads, expansion, 10_000.0)(layers)
    model = HRMConfig(
        embedding=Tokens(
            vocabulary=vocabulary,
            positions=positions,
            puzzles=Puzzles(identities=identities, size=width, prefix=prefix),
        ),
        low=core,
        high=core,
        one_network=True,
        readout=Readout(size=classes or vocabulary, bias=False),
        low_steps=l_cycles,
        cycles=h_cycles,
        horizon=l_cycles + 1,
        initialisation=TruncatedNormal(),
        initial=Frozen(),
        halting=QLearning(
            max_steps=max_steps,
            against_continue=False,
            exploration=Minimum(probability=exploration) if exploration else None,
            halt_in_evaluation=halt_in_evaluation,
        ),
        carry=Detached(),
        execution=Masked(),
    )
    return System(model=model, objective=QHalting(continue_loss=False))


def complete(
    *,
    inputs: int = 1,
    outputs: int = 10,
    positions: int = 81,
    h_dim: int = 64,
    l_dim: int = 32,
    h_layers: int = 2,
    l_layers: int = 1,
    h_heads: int = 2,
    l_heads: int = 2,
    max_steps: int = 10,
    as_coded: bool = True,
) -> System:
    """Document complete: transformer levels of unequal widths on a series of numbers.

    As coded, halting accumulates per position and all steps keep their graph, the output is a
    distribution that the loss takes for logits, and every second step is supervised a little. The
    text says one-step gradient, Q-learning for halting, supervision of every step, and stablemax;
    it leaves the cycles open (here 2 x 2), and how input and high state reach the answer then: the
    input enters each low update, and the low state, which is read, starts again from the high one.
    """

    def level(width: int, layers: int, heads: int) -> Transformer:
        return Transformer(
            width=width,
            layers=layers,
            heads=heads,
            norm=RootNorm(eps=1e-8),
            feed_forward=SwiGlu(inner=int(2.67 * width)),
            rotary=10_000.0,
        )

    model = HRMConfig(
        embedding=Series(size=inputs, positions=positions),
        low=level(l_dim, l_layers, l_heads),
        high=level(h_dim, h_layers, h_heads),
        readout=Readout(size=outputs, low=True, softmax=as_coded, each_step=as_coded),
        low_steps=1 if as_coded else 2,
        cycles=1 if as_coded else 2,
        horizon=None if as_coded else 2,
        initialisation=ScaledNormal(),
        initial=FromInput(again=not as_coded),
        coupling=Crossing() if as_coded else Alternating(reset=True),
        carry=Kept() if as_coded else Detached(),
        halting=Accumulated(max_steps=max_steps, threshold=0.5)
        if as_coded
        else QLearning(
            max_steps=max_steps, exploration=Minimum(probability=0.1), halt_in_evaluation=True
        ),
        execution=Lockstep() if as_coded else Masked(),
    )
    objective = Supervised(between=0.1) if as_coded else QHalting(answer=StablemaxCrossEntropy())
    return System(model=model, objective=objective)


def swiglu_inner(width: int, expansion: float) -> int:
    """Return round(2/3 · expansion · width), rounded up to a multiple of 256 (act-v1)."""
    return -(-round(expansion * width * 2 / 3) // 256) * 256


def _level(
    width: int, heads: int, expansion: float, rotary: float | None
) -> Callable[[int], Transformer]:
    """Return act-v1's level of so many layers."""

    def level(layers: int) -> Transformer:
        return Transformer(
            width=width,
            layers=layers,
            heads=heads,
            norm=RmsNorm(eps=1e-5, scale=False),
            feed_forward=SwiGlu(inner=swiglu_inner(width, expansion), fused=True),
            rotary=rotary,
        )

    return level


@dataclass(frozen=True, kw_only=True)
class Named:
    """A recipe at a documented size.

    Args:
        make: Builds the system.
        source: Where the document describes it.
        parameters: The size as printed there, None where it prints none.
    """

    make: Callable[[], System]
    source: str
    parameters: str | None = None


_complete = "document complete, Model Configurations"
_act = "document act-v1; HRM (arXiv 2506.21734), section 3"
named: Mapping[str, Named] = {
    "gru": Named(make=gru, source="document gru, Basic Usage"),
    "v2": Named(make=v2, source="document v2, Configuration Management"),
    "amulgent-original": Named(
        make=lambda: amulgent(original=True), source="document amulgent, before its enhancements"
    ),
    "amulgent-baseline": Named(
        make=amulgent, source="document amulgent, Performance Improvements", parameters="844,610"
    ),
    "amulgent-enhanced": Named(
        make=amulgent_enhanced,
        source="document amulgent, Performance Improvements",
        parameters="1,011,522",
    ),
    "act-v1": Named(
        make=lambda: act_v1(
            vocabulary=10_000,
            positions=128,
            h_cycles=3,
            max_steps=5,
        ),
        source="document act-v1, Basic Usage",
    ),
    "act-v1-sudoku": Named(make=lambda: act_v1(puzzle_size=512), source=_act, parameters="27M"),
    "act-v1-maze": Named(
        make=lambda: act_v1(vocabulary=6, positions=900, puzzle_size=512),
        source=_act,
        parameters="27M",
    ),
    "act-v1-arc": Named(
        make=lambda: act_v1(vocabulary=12, positions=900, puzzle_size=512, identities=1_000),
        source=_act,
        parameters="27M",
    ),
    "complete-tiny": Named(
        make=lambda: complete(h_dim=32, l_dim=16, h_layers=1, l_layers=1, l_heads=1),
        source=_complete,
        parameters="16K",
    ),
    "complete-small": Named(make=complete, source=_complete, parameters="115K"),
    "complete-medium": Named(
        make=lambda: complete(h_dim=128, l_dim=64, h_layers=3, l_layers=2, h_heads=4),
        source=_complete,
        parameters="500K+",
    ),
    "complete-paper": Named(
        make=lambda: complete(h_dim=512, l_dim=256, h_layers=6, l_layers=3, h_heads=8, l_heads=4),
        source=_complete,
        parameters="27M",
    ),
    "tiny-network": Named(
        make=tiny_network, source="Less is More (arXiv 2510.04871), table 1", parameters="7M"
    ),
}
