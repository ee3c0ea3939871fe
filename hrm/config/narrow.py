"""Transformer layers whose attention has a width of its own, unequal to that of the state.

No documented system has such layers. They have a module of their own, which is imported only where
plans are stored and weights converted, so that edits here leave stored runs of claims valid.
"""

from dataclasses import dataclass

from hrm.config.blocks import Transformer
from hrm.config.parts import Part, require


@dataclass(frozen=True, kw_only=True)
class NarrowTransformer(Transformer):
    """Post-norm transformer layers whose heads needn't divide the width.

    Args:
        head_width: E, the width of a head; queries, keys and values have width heads · E.

    Source: github.com/SamsungSAILMontreal/TinyRecursiveModels,
    config/arch/transformers_baseline.yaml, whose 12 heads of 512 are 42 wide each.
    """

    head_width: int

    def __post_init__(self) -> None:
        Part.__post_init__(self)  # the heads needn't divide the width
        for name in ("layers", "heads", "head_width"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "raise it")
        require(
            self.rotary is None or self.head_width % 2 == 0,
            "head_width",
            self.head_width,
            "an even number with rotary positions",
            "change it, or set rotary=None",
        )
