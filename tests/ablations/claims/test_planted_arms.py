"""A change that is planted in a claim's arm, or in its setting, moves the claim's verdict.

A verdict that doesn't depend on the configuration it is about would be worth nothing. So claims of
different protocols are run from their own specs at a tiny budget: planned, run, stored and judged
by the code, and held to the table, that the evidence is. Then one field of an arm or of its setting
is changed, and nothing of what is observed, read or decided. What a claim's verdict is at such a
budget doesn't matter, and isn't written here: it has to move.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ablations.claims import sets
from ablations.judging import controls
from ablations.judging.case import judged
from ablations.judging.cells import Reader
from ablations.judging.exact import checked
from ablations.metrics.costs import Rows
from ablations.protocols import ours
from ablations.rule import Group, Word, group_of
from ablations.runs.runner import run
from ablations.runs.store import Store
from ablations.runs.trials import plan, seeds
from ablations.runs.workers import Serial
from ablations.specs.arms import Arm, changed, differing
from ablations.specs.claim import Exact, Statistical, Tier
from ablations.specs.protocols import Boards, Sampled
from ablations.specs.tests import TimeToTarget
from hrm.config import ConcatenatedController, Lockstep, SwiGlu
from hrm.tasks.regression import Regression
from hrm.tasks.sudoku import Sudoku
from tests.ablations.claims.tiny_specs import tiny

OURS = sets.ours()
TABLE = OURS.family.table
PAIRS = TABLE.looks[0]  # the fewest that anything is said of
Changes = Mapping[str, Any]
DECIDED = {Group.HOLDS, Group.PARTLY, Group.FAILS}


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store, on a machine whose lock no other test knows."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Store.open(tmp_path / "store", create=True)


def chosen(name):
    (claim,) = OURS.choose([name])
    return claim


# -- what is decided exactly ----------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class ExactPlant:
    """A change of some of an exact claim's arms, by their places, or of the figures it is told."""

    id: str
    says: str
    arms: Mapping[int, Changes] = field(default_factory=dict)
    figures: Mapping[int, str] = field(default_factory=dict)

    def planted(self, claim: Exact) -> Exact:
        """Return the claim with the change."""
        arms = tuple(
            Arm(label=arm.label, part=changed(arm.part, self.arms.get(place, {})))
            for place, arm in enumerate(claim.arms)
        )
        figures = tuple(self.figures.get(i, f) for i, f in enumerate(claim.check.figures))
        return replace(claim, arms=arms, check=replace(claim.check, figures=figures))


EXACT = (
    ExactPlant(
        id="act-loop-ends",
        says="the arm that is to stop with its slowest sample runs until all want to stop",
        arms={0: {"model.execution": Lockstep()}},
    ),
    ExactPlant(
        id="rmsnorm-params",
        says="the arm with the other norm has another feed-forward, too",
        arms={
            1: {
                f"model.{level}.feed_forward": SwiGlu(inner=32, fused=True)
                for level in ("low", "high")
            }
        },
    ),
    ExactPlant(
        id="controller-memory",
        says="the direct controller is the original one",
        arms={1: {"model.halting.controller": ConcatenatedController()}},
    ),
    ExactPlant(
        id="amulgent-params-increase",
        says="one of the printed sizes has a digit exchanged",
        figures={1: "1,101,522"},
    ),
)


def word(claim: Exact, store: Store) -> Word:
    """Return the word that an exact claim has after it was run."""
    run(plan(claim, seeds(claim, 1)).trials, store, Serial())
    return checked(claim, Reader(store), seeds(claim, 1)).word


@pytest.mark.parametrize("plant", EXACT, ids=[plant.id for plant in EXACT])
def test_a_planted_change_of_an_exact_claims_arms_or_figures_flips_its_word(plant, store):
    claim = chosen(plant.id)
    planted = plant.planted(claim)
    assert planted != claim
    words = [word(each, store) for each in (claim, planted)]
    assert set(words) == {Word.EXACT, Word.MISMATCH}, words


# -- what is decided by pairs ---------------------------------------------------------------------
EASY = Boards(task=Sudoku(size=4, clues=13), train=512, validation=32, test=64)
BARELY = {"after.training.updates": 2, "after.training.evaluate_every": 2}


@dataclass(frozen=True, kw_only=True)
class Plant:
    """A change of one cell of a claim.

    Args:
        id: The claim.
        says: What the change makes of it.
        cells: The claim's cells that are compared, None for those of its test.
        place: Whose is changed, of those.
        arm, setting: New values by dotted path, of the arm and of the protocol.
        budget: New values of the protocols of all cells, beyond what makes every claim tiny.
        model: New values of all cells' arms.
    """

    id: str
    says: str
    cells: tuple[int, ...] | None = None
    place: int = 1
    arm: Changes = field(default_factory=dict)
    setting: Changes = field(default_factory=dict)
    budget: Changes = field(default_factory=dict)
    model: Changes = field(default_factory=dict)

    def documented(self) -> Statistical:
        """Return the claim at a tiny budget; its metric, its test and its zones stay."""
        claim = chosen(self.id)
        places = range(claim.test.cells) if self.cells is None else self.cells
        cells = tuple(
            replace(
                cell,
                arm=replace(cell.arm, part=changed(tiny(cell.arm.part), self.model)),
                protocol=changed(tiny(cell.protocol), self.budget),
            )
            for cell in (claim.cells[i] for i in places)
        )
        # so few updates teach no skill; what counts is that the verdict moves
        unskilled = tuple(cell.label for cell in cells)
        return replace(claim, cells=cells, arms=(), beside=(), unskilled=unskilled)

    def planted(self) -> Statistical:
        """Return the same with the change."""
        claim = self.documented()
        cells = list(claim.cells)
        cell = cells[self.place]
        cells[self.place] = replace(
            cell,
            arm=replace(cell.arm, part=changed(cell.arm.part, self.arm)),
            protocol=changed(cell.protocol, self.setting),
        )
        return replace(claim, cells=tuple(cells))


QUICK = (
    Plant(  # Execute, a ratio of counts
        id="act-savings-mixed",
        says="samples that may stop for themselves never stop",
        cells=(2, 3),  # decisions are sampled: a policy that learned nothing is greedy all alike
        arm={"model.halting.obeyed": False},
        budget=BARELY,
    ),
    Plant(  # Resample, a ratio of variances
        id="metarl-gradient-variance",
        says="the masked mean has no mask",
        setting={"objective.masked_mean": False},
        budget=BARELY,
    ),
    Plant(  # Gradients, a ratio of norms
        id="refinement-detach",
        says="the detached arm isn't detached",
        arm={"model.segments.detached": False},
        budget={**BARELY, "depths": (1, 3)},
    ),
    Plant(  # Evaluate, a slope over levels
        id="metarl-cost-weight",
        says="the model without a price is the one that never stops",
        place=0,
        arm={"model.halting.obeyed": False},
        budget={**BARELY, "mode": Sampled()},  # greedy, all that learned nothing stop alike
    ),
    Plant(  # QGradients, a ratio of norms by their terms
        id="qheads-gradient-flow",
        says="the loss of both heads is that of the larger value",
        setting={"separate": False},
        budget=BARELY,
    ),
    Plant(  # Scatter, a ratio of relative variances
        id="supervision-decay-variance",
        says="the batches of the losses that decay have an eighth of the boards",
        setting={"batch": 2},
        budget={**BARELY, "resamples": 8, "batch": 16},
    ),
    Plant(  # Probe, one cell against a constant
        id="one-step-premise",
        says="the low level takes twelve times as many updates a cycle",
        place=0,
        arm={"model.low_steps": 24},
        budget={**BARELY, "steps": 4, "count": 8},
    ),
)
SLOW = (
    Plant(  # Train, a difference of accuracies
        id="refinement-connection",
        says="the arm with the connection is trained for one update",
        setting={"training.updates": 1, "training.evaluate_every": 1, "training.warmup": 0},
        budget={
            "boards": EASY,
            "training.updates": 40,
            "training.batch": 16,
            "training.learning_rate": 1e-2,
            "training.warmup": 5,
            "training.evaluate_every": 40,
        },
    ),
    Plant(  # Train, updates to a target
        id="metarl-convergence",
        says="the arm with the masked mean learns at a fiftieth of the rate",
        setting={"training.learning_rate": 2e-4},
        budget={
            "boards": Boards(task=Regression(size=16, depth=1), train=512, validation=64, test=64),
            "training.updates": 100,
            "training.batch": 32,
            "training.learning_rate": 1e-2,
            "training.evaluate_every": 5,
        },
        model={"model.low_steps": 1, "model.halting.max_steps": 2},
    ),
    Plant(  # Ladder, a ratio of rates
        id="rmsnorm-stability",
        says="the arm with the other norm has its weights decay to nothing",
        setting={"training.weight_decay": 100.0},
        budget={
            "boards": EASY,
            "rungs": 3,
            "step": 4.0,
            "training.learning_rate": 2e-3,
            "training.updates": 20,
            "training.batch": 16,
        },
    ),
)
PLANTS = (*QUICK, *SLOW)
each = pytest.mark.parametrize(
    "plant",
    [*QUICK, *(pytest.param(plant, marks=pytest.mark.slow) for plant in SLOW)],
    ids=[plant.id for plant in PLANTS],
)


def counted(claim, store, at):
    """Return what the rule says of a claim, by its counts, after it was run at these seeds."""
    run(plan(claim, at).trials, store, Serial())
    case = judged(claim, Reader(store), at, TABLE)
    assert case.n == PAIRS and not case.gathered.faults, case.gathered.faults
    (verdict,) = case.verdicts
    return verdict


def moved(first, second):
    """Return whether two verdicts are of other groups, or their intervals share no value."""
    apart = first.high < second.low or second.high < first.low
    flipped = group_of(first.word) is not group_of(second.word)
    return apart or (flipped and group_of(second.word) in DECIDED)


@each
def test_a_planted_change_of_an_arm_moves_the_verdict(plant, store):
    claim, planted = plant.documented(), plant.planted()
    here = seeds(claim, PAIRS)
    elsewhere = range(here.stop, here.stop + PAIRS)
    documented = counted(claim, store, here)
    again = counted(claim, store, elsewhere)
    assert again.low <= documented.high and documented.low <= again.high
    assert moved(documented, counted(planted, store, here)), plant.says


@pytest.mark.parametrize("plant", PLANTS, ids=[plant.id for plant in PLANTS])
def test_only_the_named_fields_of_one_cell_are_planted(plant):
    before, after = plant.documented(), plant.planted()
    assert replace(after, cells=before.cells) == before
    for place, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)):
        assert (old.label, old.metric) == (new.label, new.metric)
        paths = {
            *differing([old.arm.part.to_json(), new.arm.part.to_json()]),
            *differing([old.protocol.to_json(), new.protocol.to_json()]),
        }
        named = {*plant.arm, *plant.setting} if place == plant.place else set()
        assert paths == named


def test_the_plants_are_of_eight_protocols_and_their_kinds_of_tests_and_of_checks():
    claims = [plant.documented() for plant in PLANTS]
    kinds = {(type(c.cells[0].protocol), type(c.test)) for c in claims}
    assert len(kinds) == len(PLANTS)
    assert len({protocol for protocol, _ in kinds}) >= 8
    assert any(issubclass(test, TimeToTarget) for _, test in kinds)
    functions = {chosen(plant.id).check.function for plant in EXACT}
    assert len(functions) == len(EXACT)
    assert len(QUICK) + len(EXACT) >= 8


# -- a setting that the pipeline ignores ----------------------------------------------------------
def test_a_setting_that_is_ignored_is_noticed_by_the_derived_positive_control(
    tmp_path, store, monkeypatch
):
    """An arm's label says that it waits for its slowest sample, and nobody hands that on."""
    claim = chosen("act-savings-mixed")
    (control,) = (c for c in OURS.controls([claim]) if c.planted and c.of.metric is Rows)
    assert control.guards(claim)
    at = seeds(control.claim, Tier.QUICK)

    def passes(store):
        run(plan(control.claim, at).trials, store, Serial())
        case = judged(control.claim, Reader(store), at, TABLE)
        return controls.passed(control.expected, case.word, case.faults)

    assert passes(store)
    own = ours.own
    monkeypatch.setattr(ours, "own", lambda arm, _=None, **more: own(arm, **more))
    assert passes(Store.open(tmp_path / "ignored", create=True)) is False
