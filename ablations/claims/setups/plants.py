"""What a set-up for controls is, and what can be planted in it."""

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
        words: What is changed, for the reader.
        arm, protocol: New values by dotted path, of the arm and of what is done with it.
        metrics: What is moved: one metric of each kind, as the controls read it.
        rises: Whether those metrics rise by it.
        null: Half of what it moves them by or less, and more than what runs scatter by: of
            differences, and as a share of ratios.
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
        arm: What is measured.
        protocol: How.
        apart: New values of the protocol with which a second measurement is independent.
        apart_arm: New values of the arm that change nothing that the protocol looks at, where it
            measures arms together and would take equal ones for one. Then all controls of the
            set-up share their runs, whose arms are those of all its plants.
        plants: What can be planted.
        cost: CPU seconds of a run.
    """

    arm: Part
    protocol: Protocol
    plants: tuple[Plant, ...]
    apart: Mapping[str, Any] = field(default_factory=dict)
    apart_arm: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0
