"""Setups for controls, and the effects that can be planted in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablations.metrics.base import Metric
from ablations.specs.protocols import (
    Protocol,
)
from hrm.config.parts import Part


@dataclass(frozen=True, kw_only=True)
class Plant:
    """An effect that is planted in the configuration of the second cell.

    Args:
        words: Description of the change, for the reader.
        arm: New values in the arm, by dotted path.
        protocol: New values in the protocol, by dotted path.
        metrics: The metrics that change, one of each kind, as the controls read them.
        rises: Whether these metrics increase.
        null: The null zone: at most half of the planted effect, and larger than the scatter of
            runs; for differences as it is, for ratios as a share.
    """

    words: str
    metrics: tuple[Metric, ...]
    rises: bool
    null: float
    arm: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A protocol at a size at which 26 pairs cost little.

    Args:
        arm: The small arm.
        protocol: The protocol.
        apart: New values of the protocol that make a second measurement independent.
        apart_arm: New values of the arm that don't affect the measurement. They are needed if the
            protocol measures arms together, because equal arms would be taken for one. Then all
            controls of the setup share their runs, with the arms of all plants.
        plants: The effects that can be planted.
        cost: CPU seconds of a run.
    """

    arm: Part
    protocol: Protocol
    plants: tuple[Plant, ...]
    apart: Mapping[str, Any] = field(default_factory=dict)
    apart_arm: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0
