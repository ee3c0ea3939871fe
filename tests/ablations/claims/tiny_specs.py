"""Specs at a tiny budget: the claims' own arms, protocols, metrics and tests, run through."""

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ablations.metrics import Metric, Value
from ablations.protocols.base import Inputs, Outcome
from ablations.specs.claim import Cell, Statistical
from ablations.specs.protocols import Boards, Protocol, QGradients, Scatter, Trajectories
from ablations.specs.tests import Both
from hrm.config import Series
from hrm.config.learning import Training
from hrm.config.parts import Part
from hrm.tasks.maze import Maze

SIZES = {"rungs": 2, "rounds": 2, "resamples": 4, "batches": 2, "boards": 16}  # fields by name


class Pipeline:
    """Runs cells, each protocol once for its arms.

    Args:
        updates, warmup, evaluate_every: Of all training.
        sizes: Other whole numbers, by the names of their fields.
    """

    def __init__(
        self, updates: int = 4, warmup: int = 1, evaluate_every: int = 2, **sizes: int
    ) -> None:
        self.training = {
            "updates": updates,
            "batch": 8,
            "warmup": warmup,
            "evaluate_every": evaluate_every,
        }
        self.sizes = {**SIZES, **sizes}
        self.done: dict[str, Outcome] = {}

    def tiny(self, part: Any) -> Any:
        """Return a part with small boards and budgets wherever they stand in it."""
        match part:
            case Training():
                return replace(part, **self.training)
            case Maze(size=9):
                return replace(part, size=4)
            case Series(positions=81):
                return replace(part, positions=16)
            case Boards():
                part = replace(part, train=64, validation=12, test=24)
            case QGradients() | Scatter():
                part = replace(part, batch=4)
            case Trajectories():
                part = replace(part, count=2, scales=(0.1, 1.0))
        fields = {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
        return replace(part, **{name: self._smaller(name, v) for name, v in fields.items()})

    def _smaller(self, name: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self._smaller("", each) for each in value)
        if isinstance(value, Part):
            return self.tiny(value)
        return self.sizes[name] if name in self.sizes and type(value) is int else value

    def observed(self, claim: Statistical, cell: Cell) -> Mapping[str, Any]:
        """Return what a cell's metric reads."""
        together = [c.arm.part for c in claim.cells] if cell.protocol.joint else [cell.arm.part]
        parts = list(dict.fromkeys(together))
        outcome = self.run(self.tiny(cell.protocol), [self.tiny(part) for part in parts])
        return outcome.observations[parts.index(cell.arm.part)]

    def run(self, protocol: Protocol, arms: list[Part]) -> Outcome:
        """Run a protocol after those that it starts from, as it comes back from JSON."""
        key = json.dumps([protocol.to_json(), *(arm.to_json() for arm in arms)])
        if key not in self.done:
            weights = None
            if protocol.parent is not None:
                weights = self.run(protocol.parent, arms).weights
            sent = Part.from_json(json.loads(json.dumps(protocol.to_json())))
            given = Inputs(protocol=sent, arms=arms, seed=1000, weights=weights)
            self.done[key] = importlib.import_module(protocol.module).run(given)
        return self.done[key]

    def values(
        self, claim: Statistical, value: Callable[[Cell, Metric], Value] | None = None
    ) -> list[Value]:
        """Return what the test reads, whose contrasts, and those beside, are intervals.

        Args:
            claim: The claim.
            value: What is read of a cell, if not what its metric reads.
        """
        read = value or (lambda cell, metric: metric.read(self.observed(claim, cell)))
        test = claim.test
        found = [read(cell, cell.metric) for cell in claim.cells[: test.cells]]
        made = list(test.contrasts(found)) if isinstance(test, Both) else [test.contrast(found)]
        for reading in claim.beside:
            places = range(test.cells) if reading.cells is None else reading.cells
            cells = [claim.cells[place] for place in places]
            beside = [read(cell, reading.metric or cell.metric) for cell in cells]
            made.append((reading.test or test).contrast(beside))
        assert all(contrast.low <= contrast.high for contrast in made), claim.id
        return found
