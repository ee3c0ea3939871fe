"""One function per documented system. Plain data without torch.

A claim's arms are one recipe and `dataclasses.replace` of one thing in it.
"""

from hrm.config import (
    Accumulating,
    Alternating,
    Compacted,
    ConcatenatedController,
    Detached,
    DirectController,
    Fixed,
    Frozen,
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
    Tokens,
    TraceAttention,
    Transformer,
    Vector,
)
from hrm.learning import PolicyGradient, Supervised, System


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

    The text samples its actions and lets gradients flow through the stop-time states; `as_coded`
    acts greedily and copies those states, and the logits, without gradient, so that its policy loss
    trains nothing. Scoring the stop alone isn't part of the recipe yet.
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
        )
        if use_act
        else Fixed(steps=max_cycles),
        execution=Masked(),
    )
    objective = PolicyGradient(cost=compute_cost_weight, normalise=True, value_at_stop=True)
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
        score_of_stop=as_coded,
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
    separate_q_heads: bool = False,
) -> System:
    """Document amulgent: transformer levels on a sequence of one position.

    Its exploration and replay learning aren't part of the recipe yet; its halting rule is.
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
        initial=Learned(clip=2.0),
        coupling=Accumulating(down=0.1, up=0.1),
        segments=Segments(count=refinement_segments, detached=True, connection=0.05)
        if use_iterative_refinement
        else Segments(),
        halting=QLearning(
            max_steps=max_steps,
            heads=2 if separate_q_heads else 1,
            biases=(-0.1, 0.1) if separate_q_heads else None,
            zero_weight=False,
            halt_in_evaluation=True,
            batch_mean=True,
        ),
        carry=Restarted(),
        execution=Lockstep(),
    )
    return System(model=model, objective=Supervised())


def amulgent_enhanced(**changes: int) -> System:
    """Document amulgent with all its enhancements on."""
    return amulgent(
        **changes,
        use_rmsnorm=True,
        use_swiglu=True,
        use_iterative_refinement=True,
        separate_q_heads=True,
    )


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
    max_steps: int = 16,
    exploration: float = 0.1,
    halt_in_evaluation: bool = False,
) -> System:
    """Document act-v1: transformer levels on tokens, one-step gradient, halting by Q-learning.

    As coded, evaluation takes all steps; `halt_in_evaluation` is what the text says.
    """

    def level(layers: int) -> Transformer:
        return Transformer(
            width=width,
            layers=layers,
            heads=heads,
            norm=RmsNorm(eps=1e-5, scale=False),
            feed_forward=SwiGlu(inner=swiglu_inner(width, expansion), fused=True),
            rotary=10_000.0,
        )

    model = HRMConfig(
        embedding=Tokens(vocabulary=vocabulary, positions=positions),
        low=level(l_layers),
        high=level(h_layers),
        readout=Readout(size=classes or vocabulary, bias=False),
        low_steps=l_cycles,
        cycles=h_cycles,
        horizon=2,
        initial=Frozen(),
        halting=QLearning(
            max_steps=max_steps, exploration=exploration, halt_in_evaluation=halt_in_evaluation
        ),
        carry=Detached(),
        execution=Masked(),
    )
    return System(model=model, objective=Supervised())


def swiglu_inner(width: int, expansion: float) -> int:
    """Return round(2/3 · expansion · width), rounded up to a multiple of 256 (act-v1)."""
    return -(-round(expansion * width * 2 / 3) // 256) * 256
