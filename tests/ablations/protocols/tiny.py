"""Tiny systems, boards and budgets for tests of the protocols."""

import importlib
from dataclasses import replace

from ablations.protocols.base import Inputs, Outcome
from ablations.specs.protocols import Boards, Train
from hrm import recipes
from hrm.config import ConcatenatedController, LastStep
from hrm.config.learning import System, Training
from hrm.tasks.sudoku import Sudoku

BOARDS = Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=64, validation=8, test=16, seed=1)
SHORT = Training(updates=2, batch=8, evaluate_every=1)
TRAIN = Train(boards=BOARDS, training=SHORT, rate_factors=None)


def board(cycles=3, **flags):
    """Return a small system of document v2 for the boards."""
    flags = {"use_per_sample_act": True, **flags}
    return recipes.v2(
        inputs=80, outputs=80, hidden_low=8, hidden_high=16, max_cycles=cycles, **flags
    )


def tiny(**flags):
    return recipes.v2(inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4, **flags)


def executed(system, part):
    return replace(system, model=replace(system.model, execution=part))


def plain_parts() -> System:
    """Per-sample v2 without dropout, whose draws depend on the batch."""
    return without_dropout(
        recipes.v2(inputs=8, hidden_low=8, hidden_high=16, use_per_sample_act=True)
    )


def without_dropout(system):
    halting = replace(system.model.halting, controller=ConcatenatedController(dropout=0.0))
    summary = LastStep(project=True)
    return replace(system, model=replace(system.model, summary=summary, halting=halting))


def tokens(**changes):
    """Return a small system of document act-v1 for random tokens."""
    return recipes.act_v1(
        vocabulary=4, positions=16, width=32, heads=4, h_layers=1, l_layers=1, **changes
    )


def outcome(protocol, *arms, seed=0, weights=None) -> Outcome:
    """Run a protocol, after its parent."""
    if protocol.parent is not None and weights is None:
        weights = outcome(protocol.parent, *arms, seed=seed).weights
    given = Inputs(protocol=protocol, arms=arms, seed=seed, weights=weights)
    found: Outcome = importlib.import_module(protocol.module).run(given)
    return found


def observed(protocol, *arms, seed=0, weights=None):
    """Return the first arm's observations."""
    return outcome(protocol, *arms, seed=seed, weights=weights).observations[0]
