"""Claims: fixed from the documents' own words before anything is run."""

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ablations.metrics.base import Metric
from ablations.specs.arms import Arm, differing
from ablations.specs.protocols import Check, Protocol
from ablations.specs.tests import Test
from hrm.codec import Json

__all__ = [
    "CHEAP",
    "CONTROLS",
    "OFFSET",
    "PILOT_BLOCK",
    "TIMED",
    "TRAINED",
    "Arm",
    "Cell",
    "Claim",
    "Exact",
    "External",
    "Reading",
    "Schedule",
    "Statistical",
    "Tier",
    "differences",
    "exact",
    "product",
]


class Tier(StrEnum):
    """How much is run. A tier ends at a look, and the next tier continues from there."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


Schedule = Mapping[Tier, int]
# Pairs by tier. Every number but 1 is a look of the table (`ablations.rule.table`).
TRAINED: Schedule = {Tier.QUICK: 1, Tier.STANDARD: 26, Tier.FULL: 60}
FURTHER: Schedule = {**TRAINED, Tier.FULL: 120}  # if open at 60, and probably settled at 120
CHEAP: Schedule = {Tier.QUICK: 26, Tier.STANDARD: 60, Tier.FULL: 240}
TIMED: Schedule = {Tier.QUICK: 16, Tier.STANDARD: 26, Tier.FULL: 60}
CONTROLS: Schedule = dict.fromkeys(Tier, 26)

OFFSET = 1_000  # seeds in a block: more than a claim ever has pairs
PILOT_BLOCK = 1  # plans estimate spreads from its first seeds; no claim is judged by these


@dataclass(frozen=True)
class Cell:
    """A cell, the unit that a test reads: an arm, a protocol and a metric.

    Args:
        label: Name of the cell for the reader.
        arm: The configuration.
        protocol: The protocol that the arm is run with.
        metric: The metric that is read from the run.
    """

    label: str
    arm: Arm
    protocol: Protocol
    metric: Metric

    @functools.cached_property
    def data(self) -> Mapping[str, Json]:
        """The JSON of arm, protocol and metric; it is shared, so callers mustn't change it."""
        parts = {"arm": self.arm.part, "protocol": self.protocol, "metric": self.metric}
        return {name: part.to_json() for name, part in parts.items()}


def product(arms: Iterable[Arm], protocol: Protocol, metric: Metric) -> tuple[Cell, ...]:
    """Return one cell per arm, named like it."""
    return tuple(Cell(arm.label, arm, protocol, metric) for arm in arms)


@dataclass(frozen=True)
class Reading:
    """Another reading of the same runs, shown beside the primary one; it carries no verdict.

    Args:
        label: Name of the reading for the reader.
        metric: The metric to use instead of those of the cells; None for theirs.
        test: The test that forms contrasts; None for the claim's own.
        cells: Indices of its cells in the claim; None for the cells of the claim's test.
    """

    label: str
    metric: Metric | None = None
    test: Test | None = None
    cells: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Claim(ABC):
    """Base class of all claims.

    Args:
        id: Id in the ledger, which has the words of the claim, the section of the document that
            makes it, and the documented figure.
        reading: How the words of the document are interpreted and why; what they leave open, and
            the choice that was made.
        cost: Estimate of the CPU seconds of a run, used until pilots are committed or a run is
            stored.
    """

    id: str
    reading: str
    cost: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a claim that doesn't say how it is read."""
        assert self.id and self.id == self.id.strip(), self.id
        assert self.reading.strip() and self.cost >= 0, self.id

    @property
    @abstractmethod
    def form(self) -> str:
        """The form of the claim as the ledger names it, such as "exact"."""

    def trained(self, *, compiled: bool) -> "Claim":
        """Return the claim with training steps compiled, or not, where it trains at all."""
        return self


@dataclass(frozen=True, kw_only=True)
class Statistical(Claim):
    """A test over cells, which are arms × protocol × metric unless they are given one by one.

    Args:
        test: How contrasts are formed, and the zones with which they are compared.
        arms: Configurations, the baseline first.
        protocol: The protocol of all arms.
        metric: The metric of all arms.
        cells: The cells, if they aren't that product. Those of the test come first; others may
            follow for other readings.
        schedule: Number of pairs by tier.
        beside: Other readings of the same runs.
        unskilled: Labels of cells that needn't beat the best trivial method, by the logic of the
            claim. All other trained cells must beat it, or the claim is INVALID.
        block: Block of seeds: pair i has seed block · `OFFSET` + i. A spec that is corrected after
            its runs were seen gets a block that it never used (and a new place in the family).
            Claims begin with block 2, since their authors had seen estimates of discarded runs on
            seed 0.
    """

    test: Test
    arms: tuple[Arm, ...] = ()
    protocol: Protocol | None = None
    metric: Metric | None = None
    cells: tuple[Cell, ...] = ()
    schedule: Schedule = field(default_factory=lambda: TRAINED, hash=False)
    beside: tuple[Reading, ...] = ()
    unskilled: tuple[str, ...] = ()
    block: int = 2

    def __post_init__(self) -> None:
        """Make the cells if they aren't given, and check that all other fields fit them."""
        super().__post_init__()
        if not self.cells:
            assert self.arms and self.protocol is not None and self.metric is not None, self.id
            object.__setattr__(self, "cells", product(self.arms, self.protocol, self.metric))
        labels = [cell.label for cell in self.cells]
        assert len(set(labels)) == len(labels), (self.id, labels)
        assert set(self.unskilled) <= set(labels), (self.id, self.unskilled)
        assert set(self.schedule) == set(Tier), (self.id, self.schedule)
        assert max(self.schedule.values()) <= OFFSET, (self.id, self.schedule)
        assert self.block >= 0 and self.block != PILOT_BLOCK, (self.id, self.block)
        readings = [reading.cells for reading in self.beside if reading.cells is not None]
        read = {*range(self.test.cells), *(place for places in readings for place in places)}
        assert read == set(range(len(labels))), (self.id, labels)
        for reading in self.beside:
            places = range(self.test.cells) if reading.cells is None else reading.cells
            assert (reading.test or self.test).cells == len(places), (self.id, reading.label)
        modes = frozenset[bool]().union(*(cell.protocol.modes for cell in self.cells))
        assert len(modes) <= 1, f"{self.id}: its cells mix eager and compiled training"

    @property
    def form(self) -> str:
        return self.test.form

    @property
    def compared(self) -> tuple[Cell, ...]:
        """The cells that the test reads; further cells are for other readings."""
        return self.cells[: self.test.cells]

    def trained(self, *, compiled: bool) -> "Statistical":
        """Return the claim with training steps compiled, or not."""
        cells = tuple(
            replace(cell, protocol=cell.protocol.trained(compiled=compiled)) for cell in self.cells
        )
        whole = None if self.protocol is None else self.protocol.trained(compiled=compiled)
        return replace(self, cells=cells, protocol=whole)


@dataclass(frozen=True, kw_only=True)
class Exact(Claim):
    """Equalities, yielded as checks by a function (see `exact`); no p-value.

    Args:
        check: The protocol that calls the function.
        arms: Configurations that are passed to the function.
        consistency: Whether the claim is about a document's own numbers, which are recomputed.
    """

    check: Check
    arms: tuple[Arm, ...] = ()
    consistency: bool = False

    @property
    def form(self) -> str:
        return "consistency" if self.consistency else "exact"


def exact(
    id: str,  # noqa: A002 (the field's name)
    function: str,
    *,
    reading: str,
    arms: tuple[Arm, ...] = (),
    figures: tuple[str, ...] = (),
    consistency: bool = False,
    cost: float = 1.0,
) -> Exact:
    """Return a claim that a function decides by equalities.

    Args:
        id: Id in the ledger.
        function: "module:function". It is called with the configurations of the arms and the seed
            (and with the figures, if there are any) and yields checks. It is loaded when it is run,
            so that listing claims doesn't load torch.
        reading: How the words of the document are interpreted.
        arms: Configurations that are passed to the function.
        figures: The printed figures, from the ledger.
        consistency: Whether the claim is about a document's own numbers.
        cost: Estimate of the CPU seconds of a run.
    """
    return Exact(
        id=id,
        reading=reading,
        arms=arms,
        check=Check(function=function, figures=figures),
        consistency=consistency,
        cost=cost,
    )


@dataclass(frozen=True, kw_only=True)
class External(Claim):
    """A claim that needs compute or data beyond one machine: NOT RUN until records are imported.

    Args:
        needs: Accelerator hours with their derivation, and data.
        command: The command that would run it.
    """

    needs: str
    command: str

    @property
    def form(self) -> str:
        return "external"


def differences(claim: Claim) -> Mapping[str, tuple[str, ...]]:
    """Return the values at every path where a claim's cells, or its arms, aren't configured alike.

    Paths within an arm stand as they are; those of what is done and read begin with "protocol" and
    "metric". Cells that check something exactly beside the comparison are left out.
    """
    if isinstance(claim, Statistical):
        return differing(
            [
                {**cell.data["arm"], **{key: cell.data[key] for key in ("protocol", "metric")}}
                for cell in claim.cells
                if not isinstance(cell.protocol, Check)
            ]
        )
    arms = claim.arms if isinstance(claim, Exact) else ()
    return differing([arm.part.to_json() for arm in arms]) if arms else {}
