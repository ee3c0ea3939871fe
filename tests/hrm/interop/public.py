"""Weights as the public code would have them: names and shapes written down from that code.

Sources: github.com/sapientinc/HRM, models/hrm/hrm_act_v1.py, models/layers.py;
github.com/SamsungSAILMontreal/TinyRecursiveModels, models/recursive_reasoning/trm.py,
trm_singlez.py, trm_hier6.py and transformers_baseline.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

State = dict[str, Tensor]

PREFIXES = ("_orig_mod.model.inner.", "model.inner.", "inner.", "")


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of a public model; `table` is [identities, width], `learned` the rows of its positions."""

    tokens: int = 6
    width: int = 16
    high: int = 1  # 0 for one network
    low: int = 1  # 0 for the plain transformer
    inner: int = 256
    table: tuple[int, int] | None = None
    learned: int | None = None
    attention: int | None = None  # width of queries, where it isn't `width`
    mixing: int = 0  # inner width of the feed-forward over positions, in attention's place
    latents: int = 2
    half: bool = False  # whether initial states are bfloat16, as where activations are


# Of 16 cells, as a sudoku of size 4 in the files' tokens; rows of 40 fill two prefix tokens of 32.
# The tiny network has 16 prefix tokens, so 32 positions.
SIZES = {
    "small": Size(),
    "middle": Size(width=32, high=2, low=1, table=(3, 40), learned=2 + 16),
    "large": Size(width=64, high=3, low=2, table=(5, 64), half=True),
    "tiny network": Size(width=32, high=0, low=2, table=(2, 32)),
    "tiny network, mixing": Size(width=32, high=0, low=2, table=(2, 32), mixing=256),
    "tiny network, one latent": Size(width=32, high=0, low=2, table=(2, 32), latents=1),
    "tiny network, seven latents": Size(width=32, high=0, low=2, table=(2, 32), latents=7),
    "plain transformer": Size(width=32, high=3, low=0, table=(3, 40)),
    # Published so: 3 heads of 32 // 3, as 12 of 512 // 12.
    "plain transformer, narrow": Size(width=32, high=2, low=0, table=(3, 40), attention=30),
    "plain transformer, learned": Size(high=2, low=0, learned=16, half=True),
}


def state(size: Size, dtype: torch.dtype = torch.float32, prefix: str = "") -> State:
    """Random weights, none of them constant."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, shape in shapes(size).items():
        fan_in = shape[-1] if len(shape) > 1 else 1
        value = torch.randn(shape, generator=generator, dtype=torch.float64) / fan_in**0.5
        early = size.half and name in ("H_init", "L_init")
        found[prefix + name] = value.to(torch.bfloat16 if early else dtype)
    return found


def shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """In the order in which the public modules register them."""
    d = size.width
    low = ["L_init"] if size.latents <= 2 else [f"L{i}_init" for i in range(1, size.latents)]
    low = low if size.low else []
    found: dict[str, tuple[int, ...]] = {
        **({} if size.latents == 1 else {"H_init": (d,)}),
        **dict.fromkeys(low, (d,)),
        "embed_tokens.embedding_weight": (size.tokens, d),
        "lm_head.weight": (size.tokens, d),
        "q_head.weight": (2, d),
        "q_head.bias": (2,),
    }
    if size.table is not None:
        found["puzzle_emb.weights"] = size.table
    if size.learned is not None:
        found["embed_pos.embedding_weight"] = (size.learned, d)
    for level, layers in (("H_level", size.high), ("L_level", size.low)):
        for i in range(layers):
            if size.mixing:
                found[f"{level}.layers.{i}.mlp_t.gate_up_proj.weight"] = (2 * size.mixing, 32)
                found[f"{level}.layers.{i}.mlp_t.down_proj.weight"] = (32, size.mixing)
            else:
                a = size.attention or d
                found[f"{level}.layers.{i}.self_attn.qkv_proj.weight"] = (3 * a, d)
                found[f"{level}.layers.{i}.self_attn.o_proj.weight"] = (d, a)
            found[f"{level}.layers.{i}.mlp.gate_up_proj.weight"] = (2 * size.inner, d)
            found[f"{level}.layers.{i}.mlp.down_proj.weight"] = (d, size.inner)
    return found


def same(found: Mapping[str, Tensor], expected: State) -> None:
    """Assert that both are the same bit for bit, types too."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name], value), name


def without(size: Size, **changes: object) -> Size:
    """The same size but for some of it."""
    return replace(size, **changes)  # type: ignore[arg-type]
