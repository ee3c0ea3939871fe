"""A claim is a test over cells; mistakes in a spec are refused where it is written."""

from dataclasses import replace

import pytest

from ablations.metrics.scores import Accuracy
from ablations.rule import LADDER
from ablations.specs.arms import vary
from ablations.specs.claim import (
    CHEAP,
    CONTROLS,
    TIMED,
    TRAINED,
    Cell,
    Exact,
    External,
    Reading,
    Statistical,
    Tier,
    differences,
    exact,
)
from ablations.specs.protocols import Boards, Evaluate, Train
from ablations.specs.tests import Difference, OneSample, Trend
from hrm import recipes
from hrm.config import Compacted
from hrm.config.learning import Training
from hrm.tasks.sudoku import Sudoku

ARMS = vary(recipes.gru(), {"masked": {}, "compacted": {"model.execution": Compacted()}})
TRAIN = Train(boards=Boards(task=Sudoku(size=4, clues=8), train=8), training=Training(updates=1))
TEST = Difference(null=0.1, because="a test")
WORDS = {"id": "mine", "reading": "As it is written."}
CLAIM = Statistical(**WORDS, arms=ARMS, protocol=TRAIN, metric=Accuracy(), test=TEST)


def test_cells_are_arms_times_protocol_times_metric():
    assert [cell.label for cell in CLAIM.cells] == ["masked", "compacted"]
    assert {cell.protocol for cell in CLAIM.cells} == {TRAIN}
    assert [cell.arm for cell in CLAIM.cells] == list(ARMS)
    assert CLAIM.form == "quality"


def test_a_claim_whose_cells_mix_eager_and_compiled_training_is_refused():
    other = replace(TRAIN, compiled=True)
    cells = tuple(
        Cell(label=label, arm=ARMS[0], protocol=protocol, metric=Accuracy())
        for label, protocol in (("eager", TRAIN), ("compiled", Evaluate(after=other)))
    )
    with pytest.raises(AssertionError, match="mix eager and compiled"):
        Statistical(**WORDS, cells=cells, test=TEST)


def test_all_training_that_a_claim_rests_on_is_compiled_or_none():
    learned = Evaluate(after=TRAIN)
    claim = Statistical(**WORDS, arms=ARMS, protocol=learned, metric=Accuracy(), test=TEST)
    compiled = claim.trained(compiled=True)
    assert {cell.protocol.after.compiled for cell in compiled.cells} == {True}
    assert compiled.protocol == Evaluate(after=replace(TRAIN, compiled=True))
    assert compiled.trained(compiled=False) == claim
    other = exact("mine", "bench.x:y", reading="As it is.")
    assert other.trained(compiled=True) is other


def test_equal_claims_are_one_in_a_set():
    assert len({CLAIM, replace(CLAIM)}) == 1


def test_cells_may_contrast_what_is_done_with_one_arm():
    before, after = TRAIN, Evaluate(after=TRAIN, execution=Compacted())
    cells = tuple(
        Cell(label=label, arm=ARMS[0], protocol=protocol, metric=Accuracy())
        for label, protocol in (("as trained", before), ("compacted", after))
    )
    claim = Statistical(**WORDS, cells=cells, test=TEST)
    assert set(differences(claim)) == {"protocol"}
    assert Evaluate(after=TRAIN).parent == TRAIN
    assert TRAIN.parent is None


def test_cells_beyond_the_tests_are_for_other_readings():
    cells = (*CLAIM.cells, replace(CLAIM.cells[1], label="third"))
    reading = Reading(label="third less first", cells=(0, 2))
    claim = Statistical(**WORDS, cells=cells, test=TEST, beside=(reading,))
    assert claim.test.cells == 2
    with pytest.raises(AssertionError):
        Statistical(**WORDS, cells=cells, test=TEST)  # nothing reads the third


@pytest.mark.parametrize(
    "change",
    [
        {"reading": ""},
        {"cost": -1.0},
        {"unskilled": ("nobody",)},
        {"schedule": {Tier.QUICK: 1}},
        {"test": OneSample(null=0.1, because="a test")},
        {"test": Trend(levels=(0.0, 1.0, 2.0), null=0.1, because="a test")},
        {"beside": (Reading(label="alone", cells=(0,)),)},
        {"beside": (Reading(label="beyond", cells=(0, 2)),)},
    ],
)
def test_a_mistake_in_a_spec_is_refused(change):
    with pytest.raises(AssertionError):
        replace(CLAIM, **change)


def test_two_cells_of_one_name_are_refused():
    arms = (ARMS[0], replace(ARMS[1], label="masked"))
    with pytest.raises(AssertionError):
        Statistical(**WORDS, arms=arms, protocol=TRAIN, metric=Accuracy(), test=TEST)


def test_an_exact_claim_names_its_function_its_arms_and_the_printed_figures():
    found = exact("mine", "my_module:check", reading="So.", arms=ARMS, figures=("5x",))
    assert isinstance(found, Exact)
    assert (found.check.function, found.check.figures) == ("my_module:check", ("5x",))
    assert found.form == "exact"
    assert exact("mine", "m:f", reading="So.", consistency=True).form == "consistency"
    assert list(differences(found)) == ["model.execution"]


def test_an_external_claim_says_what_it_needs():
    claim = External(**WORDS, needs="10 GPU hours", command="hrm train ...")
    assert claim.form == "external"
    assert differences(claim) == {}


@pytest.mark.parametrize("schedule", [TRAINED, CHEAP, TIMED, CONTROLS])
def test_every_tier_ends_at_a_look_or_after_one_run(schedule):
    assert set(schedule) == set(Tier)
    assert set(schedule.values()) <= {1, *LADDER}
    assert list(schedule.values()) == sorted(schedule.values())
