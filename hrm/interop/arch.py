"""The configuration of the public code: its keys, and the equivalent system of ours.

Sources: those of `hrm.interop.names`; config/arch/hrm_v1.yaml and config/arch/trm.yaml there.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from hrm import recipes
from hrm.config import (
    HRMConfig,
    Masked,
    Minimum,
    Mixer,
    OneLatent,
    Puzzles,
    QLearning,
    RmsNorm,
    SeparateLatents,
    Single,
    SwiGlu,
    Tokens,
    Transformer,
)
from hrm.config.learning import CrossEntropy, QHalting, StablemaxCrossEntropy, System
from hrm.config.narrow import NarrowTransformer
from hrm.config.parts import Part, require
from hrm.errors import UserError

HIERARCHICAL = "hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1"
HIERARCHICAL_TOO = "recursive_reasoning.hrm@HierarchicalReasoningModel_ACTV1"  # in the tiny code
TINY = "recursive_reasoning.trm@TinyRecursiveReasoningModel_ACTV1"
# The tiny network's code by the number of its latents.
TINIES = {2: TINY, 1: TINY.replace("trm@", "trm_singlez@"), 7: TINY.replace("trm@", "trm_hier6@")}
PLAIN = "recursive_reasoning.transformers_baseline@Model_ACTV2"  # of one level
# Keys that the hierarchical code doesn't have and ignores, with the values that have no effect.
ONE_NETWORK_ALONE = {"puzzle_emb_len": 0, "no_ACT_continue": False, "mlp_t": False}
# Keys that the plain transformer ignores too; it passes once through its one level, H.
NOT_PLAIN = {**ONE_NETWORK_ALONE, "H_cycles": 1, "L_cycles": 1, "L_layers": 0}
PLAIN_ALONE = ("act_enabled", "act_inference")
POSITIONS = ("rope", "learned", "none")
PRECISIONS = ("bfloat16", "float32")
LOSSES: Mapping[str, CrossEntropy | StablemaxCrossEntropy] = {
    "stablemax_cross_entropy": StablemaxCrossEntropy(),
    "softmax_cross_entropy": CrossEntropy(),
}


@dataclass(frozen=True, kw_only=True)
class Arch(Part):
    """The keys of `arch` and of the data's `dataset.json` in the public code, under their names.

    Args:
        one_network: Whether the model is of the one-tiny-network code; otherwise of the
            hierarchical one.
        inner: Inner width of the feed-forward network, which the public code derives from
            `expansion`.
        puzzle_emb_len: Number of prefix tokens; 0 for as many as a row of the puzzle table needs.
        no_ACT_continue: Whether samples halt where Q(halt) > 0, and Q(continue) isn't trained.
        mlp_t: Whether a feed-forward network over positions replaces attention.
        latents: Number of latent states: 2, or 1 or 7 in the variants of the one tiny network. With
            7, L_cycles is 6.
        one_level: Whether the model is the plain transformer, `transformers_baseline`, with
            H_layers layers.
        act_enabled: Whether the plain transformer may halt early in training; otherwise it takes
            all steps without exploration, and Q(continue) isn't trained.
        act_inference: Whether the plain transformer halts in evaluation.

    Raises:
        UserError: If a value has another type, or isn't allowed by the public code.
    """

    one_network: bool
    vocab_size: int
    seq_len: int
    hidden_size: int
    num_heads: int
    H_layers: int
    L_layers: int
    inner: int
    H_cycles: int
    L_cycles: int
    halt_max_steps: int
    halt_exploration_prob: float
    puzzle_emb_ndim: int
    num_puzzle_identifiers: int
    puzzle_emb_len: int
    pos_encodings: str
    rms_norm_eps: float
    rope_theta: float
    forward_dtype: str
    loss_type: str
    no_ACT_continue: bool  # noqa: N815 (that is its name)
    mlp_t: bool = False
    latents: int = 2
    one_level: bool = False
    act_enabled: bool = True
    act_inference: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, allowed in (
            ("pos_encodings", POSITIONS),
            ("forward_dtype", PRECISIONS),
            ("loss_type", tuple(LOSSES)),
        ):
            value = getattr(self, name)
            require(value in allowed, name, value, ", ".join(allowed), "use one of these")
        for name in ("vocab_size", "seq_len", "hidden_size", "num_heads", "inner"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        for name in ("H_layers", "L_layers"):  # a file may name any number, and all would be built
            value = getattr(self, name)
            require(1 <= value <= 1000, name, value, "1 to 1,000", "give the number in the weights")
        least = (1, 2, 7) if self.one_network else (2,)
        require(self.latents in least, "latents", self.latents, f"one of {least}", "use 2")
        require(
            self.latents != 7 or self.L_cycles == 6,
            "L_cycles",
            self.L_cycles,
            "6 with seven latents, six of which each have a low update",
            "use 6",
        )
        for name, usual in zip(PLAIN_ALONE, (True, False), strict=True):
            require(
                self.one_level or getattr(self, name) == usual,
                name,
                getattr(self, name),
                f"{usual} but in the plain transformer, whose code alone has that key",
                "leave it out",
            )

    @property
    def code(self) -> str:
        """The name of the model in the public code."""
        if self.one_level:
            return PLAIN
        return TINIES[self.latents] if self.one_network else HIERARCHICAL

    @property
    def narrow(self) -> bool:
        """Whether the plain transformer's heads don't divide the width, as in its published form.

        Each is then ⌊D / H⌋ wide, and the attention H · ⌊D / H⌋.
        """
        return self.one_level and self.hidden_size % self.num_heads > 0

    @property
    def prefix(self) -> int:
        """Number of tokens before those of a board."""
        fewest = -(-self.puzzle_emb_ndim // self.hidden_size)
        return (self.puzzle_emb_len or fewest) if self.puzzle_emb_ndim else 0

    @property
    def expansion(self) -> float:
        """An `expansion` that gives the inner width, the usual 4 if possible.

        Raises:
            UserError: If there is none, because the public code rounds up to a multiple of 256.
        """
        for guess in (4.0, 1.5 * self.inner / self.hidden_size):
            if recipes.swiglu_inner(self.hidden_size, guess) == self.inner:
                return guess
        raise UserError(
            f"inner width of the feed-forward is {self.inner}; allowed is a multiple of 256, to "
            f"which the public code rounds; train with such a width"
        )

    def system(self) -> System:
        """Return our system for this configuration.

        Raises:
            UserError: If the configuration is impossible.
        """
        shared: dict[str, Any] = {
            "vocabulary": self.vocab_size,
            "positions": self.seq_len,
            "width": self.hidden_size,
            "heads": 1 if self.narrow else self.num_heads,
            "max_steps": self.halt_max_steps,
            "exploration": self.halt_exploration_prob if self.act_enabled else 0.0,
        }
        cycles: dict[str, Any] = {"h_cycles": self.H_cycles, "l_cycles": self.L_cycles}
        if self.one_level:
            made = recipes.plain_transformer(**shared, layers=self.H_layers)
        elif self.one_network:
            made = recipes.tiny_network(**shared, **cycles, latents=self.latents)
        else:
            made = recipes.act_v1(**shared, **cycles)
        assert isinstance(made.model.low, Transformer)
        assert isinstance(made.model.halting, QLearning)
        assert isinstance(made.objective, QHalting)
        core: Transformer | Mixer = replace(
            made.model.low,
            layers=self.H_layers if self.one_level else self.L_layers,
            norm=RmsNorm(eps=self.rms_norm_eps, scale=False),
            feed_forward=SwiGlu(inner=self.inner, fused=True),
            rotary=self.rope_theta if self.pos_encodings == "rope" else None,
        )
        if self.mlp_t:
            inner = recipes.swiglu_inner(self.seq_len + self.prefix, self.expansion)
            core = Mixer(
                width=core.width,
                layers=core.layers,
                norm=core.norm,
                feed_forward=core.feed_forward,
                mixing=SwiGlu(inner=inner, fused=True),
            )
        if self.narrow:
            core = NarrowTransformer(
                **{f.name: getattr(core, f.name) for f in dataclasses.fields(core)}
                | {"heads": self.num_heads, "head_width": self.hidden_size // self.num_heads}
            )
        table = Puzzles(
            identities=max(1, self.num_puzzle_identifiers),
            size=max(1, self.puzzle_emb_ndim),
            prefix=self.puzzle_emb_len or None,
        )
        model = replace(
            made.model,
            embedding=Tokens(
                vocabulary=self.vocab_size,
                positions=self.seq_len,
                learned_positions=self.pos_encodings == "learned",
                puzzles=table if self.puzzle_emb_ndim else None,
            ),
            low=core,
            high=core if self.one_network else replace(core, layers=self.H_layers),
            halting=self._halting(made.model.halting),
            bfloat16=self.forward_dtype == "bfloat16",
        )
        objective = replace(
            made.objective,
            answer=LOSSES[self.loss_type],
            continue_loss=self.act_enabled and not self.no_ACT_continue,
        )
        return System(model=model, objective=objective)

    def _halting(self, usual: QLearning) -> QLearning:
        """Return the halting rule; without ACT, samples stop at the last step only."""
        explored = usual.exploration
        if not self.act_enabled and self.halt_max_steps > 1:
            explored = Minimum(probability=1.0, least=self.halt_max_steps)
        return replace(
            usual,
            against_continue=not self.no_ACT_continue,
            exploration=explored,
            halt_in_evaluation=self.act_inference,
        )

    @classmethod
    def of(cls, system: System) -> Self:
        """Return the public configuration of a system.

        Raises:
            UserError: If the public code has no such model; the error names the first difference.
        """
        match system:
            case System(
                objective=QHalting() as objective,
                model=HRMConfig(
                    embedding=Tokens() as tokens,
                    low=Transformer(feed_forward=SwiGlu() as feed_forward)
                    | Mixer(feed_forward=SwiGlu() as feed_forward) as low,
                    high=Transformer() | Mixer() as high,
                    halting=QLearning() as halting,
                ) as model,
            ) if isinstance(low.norm, RmsNorm):
                pass
            case _:
                raise UserError(
                    "system isn't one of act-v1 or tiny-network; allowed are these and the plain "
                    "transformer, for which there is public code; convert another run"
                )
        explores = halting.exploration
        mixes = isinstance(low, Mixer)
        rotary = None if isinstance(low, Mixer) else low.rotary
        kind = "rope" if rotary is not None else "none"
        latents = {OneLatent: 1, SeparateLatents: 7}.get(type(model.coupling), 2)
        one_network = model.one_network or latents == 1
        one_level = type(model.coupling) is Single
        enabled = objective.continue_loss or not one_level
        arch = cls(
            one_network=one_network,
            vocab_size=tokens.vocabulary,
            seq_len=tokens.positions,
            hidden_size=low.width,
            num_heads=1 if isinstance(low, Mixer) else low.heads,
            H_layers=high.layers,
            L_layers=low.layers,
            inner=feed_forward.inner,
            H_cycles=model.cycles,
            L_cycles=model.low_steps,
            halt_max_steps=halting.max_steps,
            halt_exploration_prob=(
                explores.probability if enabled and isinstance(explores, Minimum) else 0.0
            ),
            puzzle_emb_ndim=0 if tokens.puzzles is None else tokens.puzzles.size,
            num_puzzle_identifiers=1 if tokens.puzzles is None else tokens.puzzles.identities,
            puzzle_emb_len=tokens.puzzles.prefix or 0
            if tokens.puzzles is not None and one_network
            else 0,
            pos_encodings="learned" if tokens.learned_positions else kind,
            rms_norm_eps=low.norm.eps,
            rope_theta=rotary or 10_000.0,
            forward_dtype="bfloat16" if model.bfloat16 else "float32",
            loss_type=next(name for name, part in LOSSES.items() if part == objective.answer),
            no_ACT_continue=one_network and not objective.continue_loss,
            mlp_t=mixes,
            latents=latents,
            one_level=one_level,
            act_enabled=enabled,
            act_inference=one_level and halting.halt_in_evaluation,
        )
        differences = _plain(arch.system()).differences(_plain(system))
        if differences:
            where, there, here = differences[0]
            raise UserError(
                f"{where} is {here!r}; allowed is {there!r}, the only value that the public code "
                f"supports; convert a run without that change"
            )
        return arch


def _plain(system: System) -> System:
    """Return a system with defaults for everything that affects neither weights nor answers."""
    assert isinstance(system.model.halting, QLearning)
    model = replace(
        system.model,
        execution=Masked(),
        evaluation=None,
        checkpointing=False,
        halting=replace(system.model.halting, halt_in_evaluation=False),
    )
    return replace(system, model=model)
