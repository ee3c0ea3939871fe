"""The inputs and outcomes of protocols."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablations.specs.protocols import Protocol
from hrm.config.parts import Part

if TYPE_CHECKING:
    from torch import Tensor  # a protocol that needs no torch doesn't wait for it


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The inputs of a trial.

    Args:
        protocol: The protocol with its settings.
        arms: Configurations: a single one, or all of a claim for a joint protocol.
        seed: Seed of all random draws; runs with equal seeds form pairs.
        device: "cpu" or "cuda".
        weights: Weights of the parent trial, whose protocol is `after`; None without a parent.
    """

    protocol: Protocol
    arms: Sequence[Part]
    seed: int
    device: str = "cpu"
    weights: Mapping[str, "Tensor"] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of a trial.

    Args:
        observations: One mapping per arm, with numbers, text, lists, and NumPy arrays, which the
            store keeps in a sidecar.
        weights: Tensors that other trials may start from; None if the protocol leaves none.
    """

    observations: Sequence[Mapping[str, Any]]
    weights: Mapping[str, "Tensor"] | None = None
