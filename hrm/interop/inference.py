"""Infer the configuration of a public checkpoint from its shapes and from other sources.

    H_layers, L_layers, hidden_size, vocab_size, puzzle_emb_ndim, num_puzzle_identifiers, the
        inner width of the feed-forward, learned positions and the precision    the tensors say
    num_heads, H_cycles, L_cycles, halt_max_steps, halt_exploration_prob, loss_type, and with
        rotary positions seq_len          they don't: a configuration says it, or a recipe of ours

Sources: as of `hrm.interop.names`.
"""

import dataclasses
import logging
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from hrm import recipes
from hrm.config.learning import System
from hrm.config.parts import require
from hrm.errors import UserError
from hrm.interop import names
from hrm.interop.arch import (
    HIERARCHICAL,
    NOT_PLAIN,
    ONE_NETWORK_ALONE,
    PLAIN,
    TINIES,
    TINY,
    Arch,
)
from hrm.interop.names import Weights
from hrm.model import HRM
from hrm.model import narrow as narrow  # a part that an `Arch` may need

_log = logging.getLogger(__name__)

PLAIN_RECIPE = "plain-transformer"  # `recipes.plain_transformer`
CELLS = {11: 81, 6: 900, 12: 900}  # of the public data, by its tokens


@dataclass(frozen=True, kw_only=True)
class Inferred:
    """A configuration, and the source of each key: the weights, given keys, or the recipe."""

    arch: Arch
    recipe: str
    origin: Mapping[str, str]


def evident(weights: Weights) -> dict[str, Any]:
    """Return the keys of `Arch` that follow from shapes and types, by a vote among tensors."""
    every = weights.shapes()
    shapes = {name: shape for name, shape in every.items() if ".mlp_t." not in name}

    def sizes(dimension: int, *which: str) -> list[int]:
        found = [s for n, s in shapes.items() if n.endswith(which) and len(s) > dimension]
        return [shape[dimension] for shape in found]

    tables = ("embed_tokens.embedding_weight", "lm_head.weight")
    inputs = (*tables, "q_head.weight", "qkv_proj.weight", "o_proj.weight", "gate_up_proj.weight")
    wide = sizes(1, *inputs) + sizes(0, "_init", "down_proj.weight")
    one = names.layers(shapes, "H_level") == 0
    low = max(1, names.layers(shapes, "H_level" if weights.one_level else "L_level"))
    gates = [rows // 2 for rows in sizes(0, "gate_up_proj.weight")]
    found: dict[str, Any] = {
        "one_network": one,
        "vocab_size": statistics.mode(sizes(0, *tables) or [0]),
        "hidden_size": statistics.mode(wide or [0]),
        "L_layers": low,
        "H_layers": low if one else names.layers(shapes, "H_level"),
        "inner": statistics.mode(gates + sizes(1, "down_proj.weight") or [0]),
        "puzzle_emb_ndim": 0,
        "num_puzzle_identifiers": 1,
    }
    if len(table := shapes.get("puzzle_emb.weights", [])) == 2:
        found["num_puzzle_identifiers"], found["puzzle_emb_ndim"] = table
    if "embed_pos.embedding_weight" in shapes:
        found["pos_encodings"] = "learned"
    states = [name for name in every if name.endswith("_init")]
    if states:
        half = weights.tensors[states[0]].dtype == torch.bfloat16
        found["forward_dtype"] = "bfloat16" if half else "float32"
    alone = one and "H_init" not in every
    found["latents"] = 7 if "L1_init" in every or "L2_init" in every else 1 if alone else 2
    found["mlp_t"] = len(every) > len(shapes)
    found["one_level"] = weights.one_level
    return found


def inferred(
    weights: Weights, given: Mapping[str, Any] | None = None, recipe: str | None = None
) -> Inferred:
    """Return the configuration of a public checkpoint.

    Args:
        weights: The weights.
        given: Public keys, those of `Arch` and `expansion`; they override what the weights imply.
        recipe: Name of the recipe for keys that neither of these determines; None for the recipe
            that fits best.

    Raises:
        UserError: If the weights aren't of such a model; if they contradict the given keys (the
            error has the first tensor, both shapes, and the configuration that the shapes suggest);
            or if a key is determined by nothing.
    """
    said = evident(weights)
    given = dict(given or {})
    if "one_network" in given:  # a configuration names the code
        given.setdefault("one_level", False)
    given = _effective(given, said, weights.source)
    recipe = recipe or _recipe(said)
    assumed = Arch.of(_made(recipe)).to_json()
    del assumed["kind"]
    _of_one_code(weights.source, said, given, (recipe, assumed))
    if assumed["vocab_size"] != said["vocab_size"]:
        del assumed["seq_len"]  # another task's
        if said["vocab_size"] in CELLS:
            assumed["seq_len"] = CELLS[said["vocab_size"]]
    values = assumed | said | given
    if (wide := values.pop("expansion", None)) is not None:
        require(type(wide) in (int, float), "expansion", wide, "a number", "use the usual 4")
        values["inner"] = recipes.swiglu_inner(values["hidden_size"], wide)
    if values["one_network"]:
        values["H_layers"] = values["L_layers"]  # that code ignores H_layers
    if values["mlp_t"] and "pos_encodings" not in said | given:
        values["pos_encodings"] = "none"  # a feed-forward over positions uses no rotary angles
    if (rows := _rows(weights)) and "seq_len" not in given:
        room = values["puzzle_emb_len"] or -(-values["puzzle_emb_ndim"] // values["hidden_size"])
        values["seq_len"] = rows - (room if values["puzzle_emb_ndim"] else 0)
        said["seq_len"] = values["seq_len"]
    if "seq_len" not in values:
        raise UserError(
            f"seq_len of {weights.source} is missing: with rotary positions, weights don't "
            f"determine it; allowed is the number of tokens of a board; name the task, or give "
            f"seq_len=81"
        )
    arch = Arch(**values)
    fitting(weights, arch)
    keys = [field.name for field in dataclasses.fields(Arch)]
    origin = {
        key: "given" if key in given else "weights" if key in said else "recipe" for key in keys
    }
    if wide is not None:
        origin["inner"] = "given"
    return Inferred(arch=arch, recipe=recipe, origin=origin)


def _of_one_code(
    source: str,
    said: Mapping[str, Any],
    given: Mapping[str, Any],
    recipe: tuple[str, Mapping[str, Any]],
) -> None:
    """Check that configuration and recipe belong to the same code as the weights.

    Raises:
        UserError: If one of them belongs to another code.
    """
    kind = {key: said[key] for key in ("one_network", "one_level")}
    if any(given.get(key, value) != value for key, value in kind.items()):
        raise UserError(
            f"configuration is for {_code({**said, **given})}; allowed is one for {_code(said)}, "
            f"to which the weights of {source} belong; name that with --config"
        )
    name, assumed = recipe
    if any(assumed[key] != value for key, value in kind.items()):
        raise UserError(
            f"recipe is {name!r}; allowed is a recipe for {_code(said).partition('@')[2]}, the "
            f"code that wrote {source}; leave --recipe out"
        )


def _rows(weights: Weights) -> int:
    """Return the number of positions that the weights imply, prefix included; 0 for none."""
    tables = ("embed_pos.embedding_weight", "mlp_t.down_proj.weight")
    found = [len(tensor) for name, tensor in weights.tensors.items() if name.endswith(tables)]
    return statistics.mode(found or [0])


def fitting(weights: Weights, arch: Arch) -> None:
    """Check the name and shape of every tensor against a configuration.

    Raises:
        UserError: If a tensor is missing, superfluous or of another shape; the error has the
            configuration that the weights suggest.
    """
    with torch.device("meta"):
        state = HRM(arch.system().model).state_dict()
    expected = names.renamed(state, one_level=arch.one_level).shapes()
    found = weights.shapes()
    for name in [*expected, *found]:
        here, wanted = found.get(name), expected.get(name)
        if here == wanted:
            continue
        what = "is missing" if here is None else f"has shape {here}"
        allowed = "none of that name" if wanted is None else f"shape {wanted}"
        raise UserError(
            f"{weights.source}: {weights.prefix + name} {what}; allowed is {allowed}; the weights "
            f"look like {_likely(evident(weights))}: give the configuration that they belong to, "
            f"or whole weights"
        )


def _effective(given: dict[str, Any], said: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the given keys without those that the public code ignores, with a warning."""
    if given.get("one_network", said["one_network"]):
        return given
    alone = given.get("one_level", said["one_level"])
    code = "the plain transformer's" if alone else "the hierarchical"
    for name, nothing in (NOT_PLAIN if alone else ONE_NETWORK_ALONE).items():
        if given.pop(name, nothing) != nothing:
            _log.warning("%s: %s has no effect: %s code doesn't read it", source, name, code)
    return given


def _made(recipe: str) -> System:
    """Return the system of a recipe; the plain transformer gets the public size, with 12 heads.

    Source: the public code's config/arch/transformers_baseline.yaml.
    """
    if recipe == PLAIN_RECIPE:
        return recipes.plain_transformer(width=768, heads=12, puzzle_size=768)
    return recipes.named[recipe].make()


def _recipe(said: Mapping[str, Any]) -> str:
    """Return the recipe for the data set with this number of tokens; sudoku's if there is none."""
    if said["one_level"]:
        return PLAIN_RECIPE
    if said["one_network"]:
        return "tiny-network"
    data = {6: "act-v1-maze", 12: "act-v1-arc"}
    return data.get(said["vocab_size"], "act-v1-sudoku")


def _code(said: Mapping[str, Any]) -> str:
    """Return the public name of a model's code."""
    if said["one_level"]:
        return PLAIN
    return TINIES.get(said["latents"], TINY) if said["one_network"] else HIERARCHICAL


def _likely(said: Mapping[str, Any]) -> str:
    shown: Iterable[str] = (f"{k}={v}" for k, v in said.items() if not k.startswith("one_"))
    return f"{_code(said).partition('@')[2]} with {', '.join(shown)}"
