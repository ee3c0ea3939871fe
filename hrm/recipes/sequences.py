"""Systems on sequences of tokens or numbers: act-v1, complete and one tiny network."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hrm.config import (
    Accumulated,
    Alternating,
    Compacted,
    Crossing,
    Detached,
    FromInput,
    Frozen,
    HRMConfig,
    Kept,
    Lockstep,
    Masked,
    Minimum,
    Mixer,
    OneLatent,
    Puzzles,
    QLearning,
    Readout,
    RmsNorm,
    RootNorm,
    ScaledNormal,
    SeparateLatents,
    Series,
    Single,
    SwiGlu,
    Tokens,
    Transformer,
    TruncatedNormal,
)
from hrm.config.learning import (
    QHalting,
    StablemaxCrossEntropy,
    Supervised,
    System,
)
from hrm.config.parts import require


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

    The document's code takes all steps in evaluation; its text describes `halt_in_evaluation`. With
    a `puzzle_size` of 0 the model has no puzzle table.
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
        evaluation=Compacted(),
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
    mixing: bool = False,
    latents: int = 2,
) -> System:
    """One tiny network in both roles (arXiv 2510.04871), with the parts of act-v1.

    Gradients flow through the whole last recursion; halting is trained without Q(continue).

    Args:
        mixing: Whether a feed-forward network over positions replaces attention.
        latents: Number of latent states: 2, one of the answer and one of the reasoning; 1; or
            `l_cycles` + 1, one of the answer and one of the reasoning for each low update.

    Raises:
        UserError: If `latents` is another number.
    """
    require(
        latents in (1, 2, l_cycles + 1),
        "latents",
        latents,
        f"1, 2 or {l_cycles + 1}, one more than the low updates of a cycle",
        "change latents or l_cycles",
    )
    several = Alternating() if latents == 2 else SeparateLatents()
    core: Transformer | Mixer = _level(width, heads, expansion, 10_000.0)(layers)
    if mixing:
        core = Mixer(
            width=width,
            layers=layers,
            norm=core.norm,
            feed_forward=core.feed_forward,
            mixing=SwiGlu(inner=swiglu_inner(prefix + positions, expansion), fused=True),
        )
    model = HRMConfig(
        embedding=Tokens(
            vocabulary=vocabulary,
            positions=positions,
            puzzles=Puzzles(identities=identities, size=width, prefix=prefix),
        ),
        low=core,
        high=core,
        one_network=latents > 1,
        readout=Readout(size=classes or vocabulary, bias=False),
        low_steps=l_cycles,
        cycles=h_cycles,
        horizon=l_cycles + 1,
        initialisation=TruncatedNormal(),
        initial=Frozen(),
        coupling=OneLatent() if latents == 1 else several,
        halting=QLearning(
            max_steps=max_steps,
            against_continue=False,
            exploration=Minimum(probability=exploration) if exploration else None,
            halt_in_evaluation=halt_in_evaluation,
        ),
        carry=Detached(),
        execution=Masked(),
        evaluation=Compacted(),
    )
    return System(model=model, objective=QHalting(continue_loss=False))


def plain_transformer(*, width: int, layers: int = 8, heads: int = 12, **sizes: Any) -> System:
    """The plain transformer beside the one tiny network in its public code: one level of act-v1.

    A halting step is one pass through all layers, z ← H(z + x), with gradient; the carried z is
    detached. Halting and losses are those of act-v1.

    Args:
        width: D, a multiple of the number of heads.
        layers: Number of layers.
        heads: Attention heads of each layer.
        sizes: Other arguments of `act_v1`, except those of its levels and cycles.
    """
    level: dict[str, Any] = {"width": width, "heads": heads, "h_layers": layers, "l_layers": layers}
    made = act_v1(**level, h_cycles=1, l_cycles=1, **sizes)
    return replace(made, model=replace(made.model, coupling=Single(), horizon=None))


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

    As coded: halting accumulates a probability per position, gradients flow through all steps, the
    output is a distribution that the loss treats as logits, and the answers of every second step
    enter the loss with a small weight. As the text says: one-step gradient, Q-learning for halting,
    supervision of every step, and stablemax. The text leaves open the number of cycles (here 2 x 2)
    and how input and high state reach the answer; here the input enters each low update, and the
    low state, from which the answer is read, is replaced by a map of the high state after each
    cycle.
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
        evaluation=None if as_coded else Compacted(),
    )
    objective = Supervised(between=0.1) if as_coded else QHalting(answer=StablemaxCrossEntropy())
    return System(model=model, objective=objective)


def swiglu_inner(width: int, expansion: float) -> int:
    """Return round(2/3 · expansion · width), rounded up to a multiple of 256 (act-v1)."""
    return -(-round(expansion * width * 2 / 3) // 256) * 256


def _level(
    width: int, heads: int, expansion: float, rotary: float | None
) -> Callable[[int], Transformer]:
    """Return the core of an act-v1 level with this number of layers."""

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
