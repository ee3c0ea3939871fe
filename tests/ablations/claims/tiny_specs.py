"""Specs at a tiny budget: the claims' own arms, protocols, metrics and tests, run through."""

import importlib
from collections.abc import Mapping
from dataclasses import replace

from ablations.protocols.base import Inputs, Outcome
from ablations.specs.claim import Arm, Cell, Statistical
from ablations.specs.protocols import (
    Boards,
    Evaluate,
    Gradients,
    Ladder,
    Protocol,
    QGradients,
    Time,
    Train,
)
from hrm.config.learning import Training


def boards(given: Boards) -> Boards:
    return replace(given, train=64, validation=8, test=16, seed=1)


def training(given: Training) -> Training:
    return replace(given, updates=4, batch=8, warmup=1, evaluate_every=2)


def tiny(protocol: Protocol) -> Protocol:
    """Return a protocol that costs next to nothing, in all else as it is."""
    match protocol:
        case Train() | Ladder():
            small = replace(
                protocol,
                boards=boards(protocol.boards),
                training=training(protocol.training),
                compiled=False,
            )
            return replace(small, rungs=2) if isinstance(small, Ladder) else small
        case Evaluate():
            return replace(protocol, after=tiny(protocol.after))
        case Gradients():
            return replace(protocol, after=tiny(protocol.after), boards=4)
        case QGradients():
            return replace(protocol, after=tiny(protocol.after), batches=2, batch=4)
        case Time():
            return replace(protocol, rounds=2)
    raise AssertionError(protocol)


class Pipeline:
    """Runs cells, each arm once for all that read it."""

    def __init__(self) -> None:
        self.done: dict[tuple[str, str], Outcome] = {}

    def observed(self, claim: Statistical, cell: Cell) -> Mapping[str, object]:
        """Return what a cell's metric reads."""
        protocol = tiny(cell.protocol)
        if not protocol.joint:
            return self.run(protocol, (cell.arm,)).observations[0]
        arms = tuple(dict.fromkeys(c.arm for c in claim.cells))
        return self.run(protocol, arms).observations[arms.index(cell.arm)]

    def run(self, protocol: Protocol, arms: tuple[Arm, ...]) -> Outcome:
        """Run a protocol after those that it starts from."""
        key = repr(protocol), repr([arm.part for arm in arms])
        if key not in self.done:
            parent = protocol.parent
            given = Inputs(
                protocol=protocol,
                arms=[arm.part for arm in arms],
                seed=0,
                weights=None if parent is None else self.run(parent, arms).weights,
            )
            self.done[key] = importlib.import_module(protocol.module).run(given)
        return self.done[key]
