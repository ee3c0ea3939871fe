"""Documents act-v1 and research: what their trained arms share, and where they differ."""

import itertools
import math
from dataclasses import replace

import pytest
import torch

from ablations.claims import arms_act_v1, sets
from ablations.metrics.budgets import ScoreAtCost
from ablations.specs.claim import differences
from ablations.specs.protocols import Train
from hrm.model import HRM, cost

EXPLORATION = tuple(f"exploration-{what}" for what in ("too-many", "too-few", "never", "immediate"))
CLAIMS = (
    *EXPLORATION,
    "cycles-quality",
    "size-quality",
    "puzzle-identity",
    "puzzle-signsgd",
    "positions-rope",
    "bf16-quality",
    "step-average",
    "one-step-quality",
    "gradient-one-network",
    "gradient-by-architecture",
    "train-many-infer-one",
    "act-training",
    "act-continue-loss",
    "act-evaluation",
    "one-step-premise",
    "participation-ratio",
    "less-layers",
    "ema-helps",
    "one-network",
    "puzzle-id-dependence",
    "noise-floor",
)


# -- what arms share ------------------------------------------------------------------------------
def spec(name):
    (claim,) = sets.choose([name])
    return claim


def flops(system):
    model = HRM(system.model)
    state = model.start(model.perceive(model.example(2)))
    return cost.operations(lambda: model.think(state, model.perceive(model.example(2)))).total


def test_the_budgets_of_equal_operations_are_those_of_the_narrower_widths():
    claim = spec("size-quality")
    sizes = [sum(p.numel() for p in HRM(cell.arm.part.model).parameters()) for cell in claim.cells]
    readings = [r for r in claim.beside if isinstance(r.metric, ScoreAtCost)]
    assert [(r.metric.parameters, r.cells) for r in readings] == [
        (size, (place, place + 1)) for place, size in enumerate(sizes[:-1])
    ]
    assert {r.metric.updates for r in readings} == {arms_act_v1.HALTING.training.updates}
    each = [flops(cell.arm.part) / n for cell, n in zip(claim.cells, sizes, strict=True)]
    for narrow, wide in itertools.pairwise(each):
        assert wide == pytest.approx(narrow, rel=0.1), "operations follow parameters"


def test_one_trained_arm_serves_fourteen_claims():
    shared = {
        name
        for name in CLAIMS
        for cell in spec(name).cells
        if cell.arm.part == arms_act_v1.LEVELS
        and arms_act_v1.HALTING in (cell.protocol, cell.protocol.parent)
    }
    assert len(shared) == 14


def test_the_four_rows_about_exploration_are_one_measurement():
    claims = [spec(name) for name in EXPLORATION]
    assert len({(claim.test, claim.cells) for claim in claims}) == 1
    assert len({claim.reading for claim in claims}) == 4
    kinds = differences(claims[0])
    assert set(kinds) == {"model.halting.exploration", "protocol", "metric"} or all(
        path.startswith(("model.halting.exploration", "protocol", "metric")) for path in kinds
    )


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("cycles-quality", {"model.cycles", "model.low_steps"}),
        ("puzzle-signsgd", {"protocol.training.puzzle_optimiser"}),
        ("bf16-quality", {"model.bfloat16"}),
        ("step-average", {"protocol.mode"}),
        ("one-step-quality", {"model.horizon"}),
        ("gradient-one-network", {"model.horizon"}),
        ("gradient-by-architecture", {"model.horizon", "model.one_network"}),
        ("act-training", {"objective.weight", "model.halting.biases"}),
        (
            "act-continue-loss",
            {"objective.continue_loss", "model.halting.against_continue"},
        ),
        (
            "less-layers",
            {"model.low_steps", "model.horizon", "model.low.layers", "model.high.layers"},
        ),
        ("one-network", {"model.one_network"}),
    ],
)
def test_arms_differ_in_what_is_claimed_alone(name, paths):
    found = differences(spec(name))
    assert all(any(path.startswith(p) for p in paths) for path in found), found
    assert all(any(path.startswith(p) for path in found) for p in paths), found


def test_puzzle_cells_share_an_arm_and_differ_in_what_they_are_told():
    for name in ("puzzle-identity", "puzzle-id-dependence"):
        claim = spec(name)
        assert len({cell.arm for cell in claim.cells}) == 1
        trains = [cell.protocol.parent or cell.protocol for cell in claim.cells]
        plain = {replace(t, identities="given", boards=trains[0].boards) for t in trains}
        assert len(plain) == 1


def test_arms_of_equal_depth_cost_the_same_and_have_the_parameters_that_are_said():
    layered, fewer = (arm.part for arm in spec("less-layers").arms)
    depth = [part.model.low_steps * part.model.low.layers for part in (layered, fewer)]
    assert depth == [2, 2], "layers that low updates of a recursion pass, as in the paper"
    assert all(part.model.horizon == part.model.low_steps + 1 for part in (layered, fewer))
    assert flops(fewer) == pytest.approx(0.75 * flops(layered), rel=0.01)
    sizes = [sum(p.numel() for p in HRM(part.model).low.parameters()) for part in (layered, fewer)]
    assert sizes[0] == pytest.approx(2 * sizes[1], rel=0.01)
    two, one = (HRM(arm.part.model) for arm in spec("one-network").arms)
    assert not hasattr(one, "high")
    assert sum(p.numel() for p in two.high.parameters()) == sum(
        p.numel() for p in one.low.parameters()
    )


def test_a_model_that_is_rigged_takes_all_steps_in_training():
    fixed = spec("act-training").arms[0].part
    model = HRM(fixed.model).train()
    decision = model.halting(
        model.start(model.perceive(model.example(4))), 0, torch.full((4, 2), 0.5)
    )
    assert (decision.margin < -9).all()


def test_replicas_of_the_noise_floor_vary_one_source_beside_the_verdict():
    claim = spec("noise-floor")
    trains = [cell.protocol for cell in claim.cells]
    assert all(isinstance(train, Train) for train in trains)
    assert len(set(trains)) == 9
    assert [train.varies for train in trains[3:]] == [
        (what,) for what in ("weights", "order", "boards") for _ in range(2)
    ]
    assert {train.varies for train in trains[:3]} == {("weights", "order")}
    assert [train.replica for train in trains] == [0, 1, 2, 1, 2, 1, 2, 1, 2]


def test_the_reported_participation_ratios_give_the_band():
    low, high = (math.exp(edge) for edge in spec("participation-ratio").test.zones.band)
    assert math.sqrt(low * high) == pytest.approx(90.0 / 30.2 * 42.1 / 40.8)
