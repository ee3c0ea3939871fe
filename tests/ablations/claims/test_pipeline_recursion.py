"""Trained claims of act-v1, complete and research run from their spec to a contrast, tiny."""

import dataclasses
import importlib
import json
import math
from dataclasses import replace

import pytest
import torch

from ablations.claims import arms_t3, sets
from ablations.protocols.base import Inputs
from ablations.specs.claim import Statistical, differences
from ablations.specs.protocols import Boards, Train
from hrm.config.learning import Training
from hrm.config.parts import Part
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


def tiny(part):
    """Return a part with small boards and budgets wherever they stand in it."""
    match part:
        case Boards():
            return replace(part, train=64, validation=12, test=24)
        case Training():
            return replace(part, updates=8, batch=8, warmup=1, evaluate_every=8)
    changes = {
        field.name: tiny(getattr(part, field.name))
        for field in dataclasses.fields(part)
        if isinstance(getattr(part, field.name), Part)
    }
    return replace(part, **changes)


class Runs:
    """Runs each protocol once an arm, after the one that it starts from."""

    def __init__(self):
        self.done = {}

    def outcome(self, protocol, arm):
        key = json.dumps([protocol.to_json(), arm.to_json()])
        if key not in self.done:
            before = None
            if protocol.parent is not None:
                before = self.outcome(protocol.parent, arm).weights
            sent = Part.from_json(json.loads(json.dumps(protocol.to_json())))
            given = Inputs(protocol=sent, arms=[arm], seed=1000, weights=before)
            self.done[key] = importlib.import_module(protocol.module).run(given)
        return self.done[key]

    def values(self, cells, metric=None):
        for cell in cells:
            (found,) = self.outcome(
                tiny(cell.protocol.trained(compiled=False)), cell.arm.part
            ).observations
            yield (metric or cell.metric).read(found)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def boards_of_our_own(monkeypatch, tmp_path_factory):
    """Keep boards away from the user's cache, in one folder for the whole session."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "boards"))


@pytest.fixture(scope="module")
def runs():
    return Runs()


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_runs_from_its_spec_to_contrasts(name, runs):
    (claim,) = sets.choose([name])
    assert isinstance(claim, Statistical)
    values = list(runs.values(claim.cells[: claim.test.cells]))
    assert all(value.known for value in values)
    assert not math.isnan(claim.test.contrast(values).low)
    for reading in claim.beside:
        test = reading.test or claim.test
        places = range(test.cells) if reading.cells is None else reading.cells
        found = list(runs.values([claim.cells[place] for place in places], reading.metric))
        contrast = test.contrast(found)
        assert contrast.low <= contrast.high, reading.label


# -- what arms share ------------------------------------------------------------------------------
def spec(name):
    (claim,) = sets.choose([name])
    return claim


def flops(system):
    model = HRM(system.model)
    state = model.start(model.perceive(model.example(2)))
    return cost.operations(lambda: model.think(state, model.perceive(model.example(2)))).total


def test_one_trained_arm_serves_fourteen_claims():
    shared = {
        name
        for name in CLAIMS
        for cell in spec(name).cells
        if cell.arm.part == arms_t3.LEVELS
        and arms_t3.HALTING in (cell.protocol, cell.protocol.parent)
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
    reach = [part.model.horizon * part.model.low.layers for part in (layered, fewer)]
    assert reach == [4, 4], "layers that the gradient passes"
    assert all(part.model.horizon == part.model.low_steps + 1 for part in (layered, fewer))
    assert flops(layered) == pytest.approx(flops(fewer), rel=0.01)
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
