"""Specs at a tiny budget: the claims' own arms, protocols, metrics and tests are executed."""

import dataclasses
import importlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablations.metrics.base import Metric
from ablations.metrics.value import Value
from ablations.protocols.base import Inputs, Outcome
from ablations.specs.claim import Cell, Statistical
from ablations.specs.protocols import (
    Boards,
    Climb,
    Gradients,
    Ladder,
    Protocol,
    QGradients,
    Resample,
    Scatter,
    Time,
    Trajectories,
)
from ablations.specs.tests import Both, Contrast
from hrm.config import Series
from hrm.config.learning import Training
from hrm.config.parts import Part
from hrm.errors import Diverged
from hrm.tasks.maze import Maze

SEED = 1_000
BUDGETS: Mapping[type[Part], Mapping[str, Any]] = {
    Boards: {"train": 64, "validation": 12, "test": 24},
    Training: {"updates": 8, "batch": 8, "warmup": 1, "evaluate_every": 2},
    Ladder: {"rungs": 2},
    Climb: {"rungs": 2},
    Gradients: {"boards": 4},
    QGradients: {"batches": 2, "batch": 4},
    Resample: {"resamples": 4},
    Scatter: {"resamples": 2, "batch": 4},
    Time: {"rounds": 2},
    Trajectories: {"count": 2, "scales": (0.1, 1.0)},
}


def tiny(part: Any) -> Any:
    """Return a part with tiny boards and budgets, wherever it has any."""
    if isinstance(part, tuple):
        return tuple(map(tiny, part))
    if not isinstance(part, Part):
        return part
    budget = dict(BUDGETS.get(type(part), {}))
    match part:
        case Maze(size=9):
            budget = {"size": 4}
        case Series(positions=81):
            budget = {"positions": 16}
    fields = {f.name: tiny(getattr(part, f.name)) for f in dataclasses.fields(part)}
    if "compiled" in fields:
        budget["compiled"] = False  # compiling takes longer than all of this
    return replace(part, **{**fields, **budget})


class Pipeline:
    """Runs cells; each protocol is run only once for the same arms."""

    def __init__(self) -> None:
        self.done: dict[str, Outcome | Diverged] = {}

    def values(self, claim: Statistical, metric: Metric | None = None) -> list[Value]:
        """Return the value of each cell's metric, or of the given metric."""
        return [self.value(claim, cell, metric) for cell in claim.cells]

    def value(self, claim: Statistical, cell: Cell, metric: Metric | None = None) -> Value:
        """Return the value of a cell's metric, or of the given metric."""
        chosen = metric or cell.metric
        try:
            return chosen.read(self.observed(claim, cell))
        except Diverged:
            return chosen.of_diverged()

    def contrasts(self, claim: Statistical) -> dict[str, Contrast]:
        """Return the contrasts of a claim and of its other readings, by the reading's label."""
        values = self.values(claim)[: claim.test.cells]
        test = claim.test
        made = test.contrasts(values) if isinstance(test, Both) else (test.contrast(values),)
        found = {f"part {i}": contrast for i, contrast in enumerate(made)}
        for reading in claim.beside:
            test = reading.test or claim.test
            places = range(test.cells) if reading.cells is None else reading.cells
            read = [self.value(claim, claim.cells[i], reading.metric) for i in places]
            found[reading.label] = test.contrast(read)
        return found

    def observed(self, claim: Statistical, cell: Cell) -> Mapping[str, Any]:
        """Return the observations of a cell's run.

        Raises:
            Diverged: If the run diverged.
        """
        joint = cell.protocol.joint
        cells = [c for c in claim.cells if c.protocol == cell.protocol] if joint else [cell]
        arms = tuple(dict.fromkeys(c.arm.part for c in cells))
        outcome = self._run(tiny(cell.protocol), tuple(map(tiny, arms)))
        return outcome.observations[arms.index(cell.arm.part)]

    def _run(self, protocol: Protocol, arms: tuple[Part, ...]) -> Outcome:
        key = json.dumps([protocol.to_json(), *(arm.to_json() for arm in arms)])
        if key not in self.done:
            parent = protocol.parent
            weights = None if parent is None else self._run(parent, arms).weights
            sent = Part.from_json(json.loads(json.dumps(protocol.to_json())))
            given = Inputs(protocol=sent, arms=arms, seed=SEED, weights=weights)
            try:
                self.done[key] = importlib.import_module(protocol.module).run(given)
            except Diverged as error:
                self.done[key] = error
        found = self.done[key]
        if isinstance(found, Diverged):
            raise found
        return found


PIPELINE = Pipeline()  # one for the whole session: claims share arms
