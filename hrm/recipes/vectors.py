"""Systems on vectors: documents gru, v2 and amulgent."""

from dataclasses import replace
from typing import Any

from hrm.config import (
    Accumulating,
    Ahead,
    Alternating,
    Compacted,
    ConcatenatedController,
    DirectController,
    Fixed,
    GatedMlp,
    Gru,
    HRMConfig,
    LastStep,
    LayerNorm,
    Learned,
    LinearController,
    Lockstep,
    Masked,
    Policy,
    QLearning,
    Readout,
    Restarted,
    RmsNorm,
    Segments,
    StepAttention,
    SwiGlu,
    TraceAttention,
    Transformer,
    Vector,
)
from hrm.config.learning import (
    ActionsTaken,
    PolicyGradient,
    StopOnly,
    StopWhileLive,
    Supervised,
    System,
)
from hrm.recipes.sequences import act_v1


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

    As the text says, actions are sampled, all of them enter the policy loss, and gradients flow
    through the states at the stop. With `as_coded`, actions are greedy, only the stop enters the
    policy loss, and states and logits at the stop are copied without gradient, so that the policy
    loss trains nothing. In evaluation the batch stops as one. Without `use_act`, all cycles are
    taken.
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
    """Document v2: four optional enhancements; without any of them, the document's original.

    As the text says, the policy loss uses log π of the actions taken; with `as_coded`, log π(stop)
    at each live step. `step_attention` selects the document's "original" attention over one step
    instead of the default aggregation of the original.
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
    states, one map to both Q values. The three switches require the enhanced system. Learning from
    replayed experiences is in `hrm.documented.agent`.
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


def act_v1_vector(
    *,
    inputs: int,
    outputs: int,
    width: int = 128,
    heads: int = 8,
    h_layers: int = 1,
    l_layers: int = 1,
    segments: int = 1,
    every_segment: bool = False,
) -> System:
    """The levels of document act-v1 on a board given as one vector, without halting.

    A small system that is fast on CPUs. It keeps the document's levels, initialisation and one-step
    gradient; the board is a single position, so there are no rotary position embeddings. `segments`
    are detached from one another; the loss is that of the last one or, with `every_segment`, the
    mean of all.
    """
    model = act_v1(width=width, heads=heads, h_layers=h_layers, l_layers=l_layers).model
    assert isinstance(model.low, Transformer) and isinstance(model.high, Transformer)
    return System(
        model=replace(
            model,
            embedding=Vector(size=inputs),
            readout=Readout(size=outputs, bias=False),
            low=replace(model.low, rotary=None),
            high=replace(model.high, rotary=None),
            halting=Fixed(),
            segments=Segments(count=segments, detached=True),
        ),
        objective=Supervised(every_segment=every_segment),
    )


def amulgent_enhanced(**changes: Any) -> System:
    """Document amulgent with all its enhancements."""
    switches = ("use_rmsnorm", "use_swiglu", "use_iterative_refinement")
    return amulgent(**dict.fromkeys(switches, True), **changes)
