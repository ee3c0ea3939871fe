"""What every protocol is given and returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.specs.protocols import Protocol
from hrm.config.parts import Part

if TYPE_CHECKING:
    from torch import Tensor  # a protocol that needs no torch doesn't wait for it


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """One trial.

    Args:
        protocol: What is asked, with its settings.
        arms: Configurations: one, or all of a claim's for a joint protocol.
        seed: What everything random is drawn from; runs with equal seeds are pairs.
        device: "cpu" or "cuda".
        weights: The tensors that the protocol named by `after` left; None without one.
    """

    protocol: Protocol
    arms: Sequence[Part]
    seed: int
    device: str = "cpu"
    weights: Mapping[str, "Tensor"] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a trial found.

    Args:
        observations: One mapping an arm: numbers, text, lists, and NumPy arrays, which the store
            keeps in a sidecar.
        weights: Tensors that other trials may start from; None if the protocol leaves none.
    """

    observations: Sequence[Mapping[str, Any]]
    weights: Mapping[str, "Tensor"] | None = None
