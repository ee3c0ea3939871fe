"""Names: the public code's name and ours for each weight.

Both fuse the same maps in the same order (queries, keys, values; gate, up), so that a conversion
only renames tensors. The public trainer wraps its model twice; therefore its files have names such
as ``_orig_mod.model.inner.H_init``, with the prefixes of the compiler, the loss head and the model.

Sources: github.com/sapientinc/HRM, models/hrm/hrm_act_v1.py, models/layers.py and
models/sparse_embedding.py; github.com/SamsungSAILMontreal/TinyRecursiveModels,
models/recursive_reasoning/trm.py, trm_singlez.py, trm_hier6.py and transformers_baseline.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from hrm.errors import UserError

PREFIX = "_orig_mod.model.inner."  # of the names that the public trainers write
WRAPPERS = ("_orig_mod", "module", "model", "inner")

# Ours to the public names, in the order of the public modules; low and high level are alike.
OUTER = {
    "start_high.value": "H_init",
    "start_low.value": "L_init",
    **{f"start_low.each.{i}.value": f"L{i + 1}_init" for i in range(6)},  # six latents
    "embed.table.weight": "embed_tokens.embedding_weight",
    "readout.weight": "lm_head.weight",
    "halting.heads.0.weight": "q_head.weight",
    "halting.heads.0.bias": "q_head.bias",
    "embed.puzzles.weights": "puzzle_emb.weights",
    "embed.positions.weight": "embed_pos.embedding_weight",
}
LEVELS = {"high": "H_level", "low": "L_level"}
# The plain transformer's only level is the low one in our model, and H in the public code.
ONE_LEVEL = ({"start_low.value": "H_init"}, {"low": "H_level"})
BLOCK = {
    "attention.qkv.weight": "self_attn.qkv_proj.weight",
    "attention.out.weight": "self_attn.o_proj.weight",
    "mixing.gate_up.weight": "mlp_t.gate_up_proj.weight",
    "mixing.down.weight": "mlp_t.down_proj.weight",
    "feed_forward.gate_up.weight": "mlp.gate_up_proj.weight",
    "feed_forward.down.weight": "mlp.down_proj.weight",
}
_tokens = OUTER["embed.table.weight"]


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A public state dictionary without its prefix.

    Args:
        source: Its origin, for error messages.
        prefix: The prefix that all names had.
        tensors: The tensors, by public names without that prefix.
    """

    source: str
    prefix: str
    tensors: Mapping[str, Tensor]

    def shapes(self) -> dict[str, list[int]]:
        """Return each tensor's shape."""
        return {name: list(tensor.shape) for name, tensor in self.tensors.items()}

    def ours(self) -> dict[str, Tensor]:
        """Return the same tensors by our names; unknown names are kept."""
        alone = self.one_level
        return {
            _other(name, from_public=True, one_level=alone): tensor
            for name, tensor in self.tensors.items()
        }

    @property
    def one_level(self) -> bool:
        """Whether the weights are those of the plain transformer: layers of H, and none of L."""
        low = any(
            name.startswith(("L_", *(f"L{i}_" for i in range(1, 7)))) for name in self.tensors
        )
        return layers(self.tensors, LEVELS["high"]) > 0 and not low


def unwrapped(state: Mapping[str, Tensor], source: str = "the state dictionary") -> Weights:
    """Return a public state dictionary without the prefix that all its names share.

    Raises:
        UserError: If it isn't a public state dictionary.
    """
    prefixes = [name.removesuffix(_tokens) for name in state if name.endswith(_tokens)]
    if len(prefixes) != 1 or not _wraps(prefixes[0]):
        first = ", ".join(repr(name) for name in list(state)[:3]) or "nothing"
        raise UserError(
            f"{source} holds {first}; allowed are the weights of a public HRM or one-tiny-network "
            f"model, with {PREFIX + _tokens!r} or that name under a shorter prefix; name another "
            f"file"
        )
    prefix = prefixes[0]
    for name in state:
        if not name.startswith(prefix):
            raise UserError(
                f"{source} holds {name!r}; allowed are names that begin with {prefix!r}, as all "
                f"others in it do; remove that entry"
            )
    bare = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return Weights(source=source, prefix=prefix, tensors=bare)


def renamed(
    state: Mapping[str, Tensor], source: str = "the model", *, one_level: bool = False
) -> Weights:
    """Return our state dictionary by the public names, in the order of the public modules.

    Args:
        one_level: Whether it is a plain transformer's: its names are those of one latent, too.
    """
    found = {
        _other(name, from_public=False, one_level=one_level): tensor
        for name, tensor in state.items()
    }
    order = [name for name in OUTER.values() if name in found]
    order += [n for level in LEVELS.values() for n in found if n.startswith(f"{level}.")]
    order += [name for name in found if name not in set(order)]
    return Weights(source=source, prefix=PREFIX, tensors={name: found[name] for name in order})


def wrapped(weights: Weights, prefix: str | None = None) -> dict[str, Tensor]:
    """Return the state dictionary with a prefix before each name, by default that of `weights`.

    Raises:
        UserError: If the prefix doesn't consist of the public code's own prefixes.
    """
    prefix = weights.prefix if prefix is None else prefix
    if not _wraps(prefix):
        raise UserError(
            f"prefix is {prefix!r}; allowed is nothing, or any of {', '.join(WRAPPERS)}, each with "
            f"a dot after it; use {PREFIX!r}, as the public trainers do"
        )
    return {prefix + name: tensor for name, tensor in weights.tensors.items()}


def layers(names: Iterable[str], level: str) -> int:
    """Return the number of different layers of a public level among names."""
    parts = [name.split(".") for name in names]
    return len({part[2] for part in parts if part[:2] == [level, "layers"] and len(part) > 2})


def _wraps(prefix: str) -> bool:
    """Whether a prefix is empty, or of wrappers with a dot behind each."""
    *parts, last = prefix.split(".")
    return last == "" and all(part in WRAPPERS for part in parts)


def _other(name: str, *, from_public: bool, one_level: bool) -> str:
    """Return the counterpart of a name in the other code, or the name itself if it has none."""
    tables: tuple[Mapping[str, str], ...] = (OUTER, LEVELS, BLOCK)
    if one_level:
        outside = {name: public for name, public in OUTER.items() if not name.startswith("start_")}
        tables = ({**outside, **ONE_LEVEL[0]}, ONE_LEVEL[1], BLOCK)
    outer, levels, block = (
        {public: ours for ours, public in table.items()} if from_public else table
        for table in tables
    )
    if name in outer:
        return outer[name]
    level, _, rest = name.partition(".layers.")
    number, _, weight = rest.partition(".")
    if level in levels and weight in block:
        return f"{levels[level]}.layers.{number}.{block[weight]}"
    return name
