"""Document complete: what its arms share, and where they differ."""

from dataclasses import replace

import pytest

from ablations import rule
from ablations.claims import sets
from ablations.claims.complete.arms import JOINT, SHORT_BOTH, SHORT_MAZE
from ablations.claims.ledger import figure
from ablations.metrics.costs import Allocation
from ablations.metrics.scores import Accuracy
from ablations.metrics.value import number
from ablations.protocols import ours
from ablations.rule import Pairs, Word, table_for
from ablations.specs.claim import Statistical, Tier, differences
from hrm.config.learning import AdamAtan2, AdamAtan2AsCoded
from tests.ablations.claims.tiny_specs import PIPELINE

CLAIMS = (
    "deep-supervision",
    "adam-atan2-small",
    "clipping-stability",
    "training-reliability",
    "latency",
    "adaptive-steps",
    "local-convergence",
    "maze-accuracy",
    "pattern-accuracy",
    "multitask",
    "few-shot",
)


def spec(name):
    (claim,) = sets.choose([name])
    assert isinstance(claim, Statistical)
    return claim


# -- what arms share, and where they differ -------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("adam-atan2-small", "protocol.training.optimiser"),
        ("clipping-stability", "protocol.training.clip"),
        ("local-convergence", "protocol.after"),
    ],
)
def test_cells_differ_in_what_is_claimed_alone(name, path):
    assert set(differences(spec(name))) == {path}


def test_both_ladders_have_one_baseline():
    first, second = spec("adam-atan2-small"), spec("clipping-stability")
    assert first.cells[0].arm.part == second.cells[0].arm.part
    assert first.cells[0].protocol == second.cells[0].protocol
    assert first.cells[0].protocol.boards.train == 100


def test_the_joint_arm_is_trained_once_for_all_that_read_it():
    trained = {
        (cell.arm.part, cell.protocol.parent or cell.protocol)
        for name in (
            "maze-accuracy",
            "pattern-accuracy",
            "adaptive-steps",
            "local-convergence",
        )
        for cell in spec(name).cells
        if cell.protocol.weights or cell.protocol.parent is not None
    }
    assert len(trained) == 2, "as coded, as documented"
    assert {protocol.boards for _, protocol in trained} == {JOINT}


def test_a_joint_model_sees_as_many_boards_of_each_task_and_the_same_ones_are_scored():
    maze, pattern, both = spec("multitask").cells
    for alone in (maze, pattern):
        assert both.protocol.training.updates == 2 * alone.protocol.training.updates
        assert both.protocol.boards.test == 2 * alone.protocol.boards.test
        assert both.protocol.boards.train == 2 * alone.protocol.boards.train
    joint = SHORT_BOTH.task.generate(0, 0, 0, 16).test
    for place, alone in enumerate((maze, pattern)):
        task = alone.protocol.boards.task
        own = task.generate(0, 0, 0, 8).test
        mine = joint.inputs[place::2, : task.cells]
        assert (mine - mine.min() == own.inputs - own.inputs.min()).all()
    assert spec("multitask").test.weights == (-0.5, -0.5, 1.0)


def test_few_samples_are_learned_by_models_of_one_size():
    first, second, *_ = (cell.arm.part for cell in spec("few-shot").cells)
    counts = [
        sum(p.numel() for p in ours.initial(part, 0).parameters()) for part in (first, second)
    ]
    assert counts[0] == pytest.approx(counts[1], rel=0.005)
    (boards,) = {cell.protocol.boards for cell in spec("few-shot").cells}
    assert (boards.task, boards.train) == (SHORT_MAZE, 1_000), "mazes, as in the usage example"
    assert figure("few-shot").numbers("samples") == (1_000,)
    assert spec("few-shot").unskilled == ("feed-forward, 1,000 samples",)


# -- what is read ---------------------------------------------------------------------------------
def test_as_coded_all_boards_take_all_steps_which_is_no_allocation():
    claim = spec("adaptive-steps")
    found = PIPELINE.observed(claim, claim.cells[0])
    assert set(found["steps"].tolist()) == {claim.cells[0].arm.part.model.halting.max_steps}
    assert Allocation().read(found).low == 0
    assert Allocation().extreme(found) == "", "a result, and no fault"
    assert claim.cells[0].protocol.batch == 1
    mean = claim.beside[1].test.zones
    assert mean.band == figure("adaptive-steps").numbers("steps")


@pytest.mark.parametrize("name", ["maze-accuracy", "pattern-accuracy"])
def test_reported_accuracies_are_of_all_cells_of_training_boards(name):
    claim = spec(name)
    (cell, _), printed = claim.cells, figure(name).numbers("value")[0] / 100
    assert cell.protocol.split == "train"
    assert cell.metric == Accuracy(cells="all", task=int(name == "pattern-accuracy"))
    assert claim.test.zones.band == pytest.approx((printed / 1.25, printed * 1.25))


def test_the_latency_is_held_to_the_printed_range():
    claim = spec("latency")
    low, high = figure("latency").range()

    def word(milliseconds: float) -> Word:
        found = claim.test.contrast([number(milliseconds)]).low * claim.test.zones.sign
        return rule.judge(Pairs.exact([found] * 16), claim.test.zones, table_for(89)).word

    assert word(low * 1.1) is word(high * 0.9) is Word.CONFIRMED
    assert word(low * 0.9) is Word.EXCEEDED, "faster than printed is more than is claimed"
    assert word(high * 1.1) is Word.CONTRADICTED, "slower than printed doesn't hold"
    (positions,) = {cell.arm.part.model.embedding.positions for cell in claim.cells}
    assert positions == 81
    assert claim.cells[0].metric.batch == 1


def test_dependable_training_is_judged_of_nearly_all_runs():
    claim = spec("training-reliability")
    assert claim.test.zones.nearly_all == 0.01
    assert set(claim.unskilled) == {cell.label for cell in claim.cells}
    assert claim.schedule[Tier.FULL] == 60


def test_dependable_training_climbs_one_ladder_with_what_was_coded_as_coded():
    ladders = [cell.protocol for cell in spec("training-reliability").cells]
    assert len({(each.rates, each.boards) for each in ladders}) == 1
    assert ladders[0].rates == pytest.approx([10 ** (k / 2 - 7) for k in range(11)])
    coded, adam, documented = (each.training for each in ladders)
    assert coded.optimiser == AdamAtan2AsCoded()
    assert replace(coded, optimiser=adam.optimiser) == adam
    assert (coded.updates * coded.batch, coded.halting_rate, coded.clip) == (10 * 100, 1e-4, 1.0)
    assert documented == replace(coded, optimiser=AdamAtan2(), halting_rate=None)
