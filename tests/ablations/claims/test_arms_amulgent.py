"""Document amulgent, and segments: what trained arms share, and where they differ."""

import pytest
import torch

from ablations.claims import arms_amulgent, sets
from ablations.metrics.halting import AnswerRegret
from ablations.metrics.value import number
from ablations.specs.claim import Statistical, differences
from hrm.config import Transformer
from hrm.model import HRM, cost

CLAIMS = {
    claim.id: claim
    for claim in sets.specs()
    if isinstance(claim, Statistical)
    and claim.id.startswith(
        ("rmsnorm", "swiglu", "init", "qheads", "exploration-curr", "refinement", "outer", "segm")
    )
}


def model(arm):
    return HRM(arm.part.model)


def parameters(arm):
    return sum(p.numel() for p in model(arm).parameters())


def flops(arm):
    made, x = model(arm), torch.zeros(2, 80)
    return cost.operations(lambda: made(x, steps=1)).total


def test_all_fifteen_are_there():
    assert len(CLAIMS) == 15


# -- what arms share ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("rmsnorm-compute", {"model.low.norm", "model.high.norm"}),
        ("rmsnorm-stability", {"model.low.norm", "model.high.norm"}),
        ("rmsnorm-quality", {"model.low.norm", "model.high.norm"}),
        ("swiglu-quality", {"model.low.feed_forward", "model.high.feed_forward"}),
        ("init-truncated-stability", {"model.initialisation"}),
        ("qheads-split", {"model.halting.heads", "objective.separate"}),
        ("exploration-curriculum", {"model.halting.exploration", "protocol", "metric"}),
        ("refinement-detach", {"model.segments.detached"}),
        ("refinement-connection", {"model.segments.connection"}),
    ],
)
def test_arms_differ_in_what_is_claimed_alone(name, paths):
    found = set(differences(CLAIMS[name]))
    assert {p for p in paths if "." in p} <= found | {
        ".".join(path.split(".")[:3]) for path in found
    }
    assert all(any(path.startswith(p) for p in paths) for path in found), found


def test_losses_of_q_values_are_compared_on_one_arm():
    cells = CLAIMS["qheads-gradient-flow"].cells
    assert len({cell.arm for cell in cells}) == 1
    assert cells[0].protocol.after == cells[1].protocol.after
    assert [cell.protocol.separate for cell in cells] == [False, True, False, True]


def test_swiglu_of_equal_size_has_the_parameters_of_the_standard_mlp():
    standard, wide, equal = (
        parameters(arm) for arm in (arms_amulgent.V4, arms_amulgent.V3, arms_amulgent.V5)
    )
    assert abs(equal - standard) < 0.005 * standard
    assert wide == pytest.approx(1.4 * standard, rel=0.02)  # "two fifths larger"
    connected, alone = (parameters(arm) for arm in (arms_amulgent.L2, arms_amulgent.L2N))
    assert connected - alone == pytest.approx(connected / 20, rel=0.2)  # "a twentieth"


def test_halting_is_priced_alike_in_training_and_in_regret():
    for name in ("qheads-split", "qheads-exploration", "exploration-curriculum"):
        for cell in CLAIMS[name].cells:
            if isinstance(cell.metric, AnswerRegret):
                assert cell.metric.cost == cell.arm.part.objective.cost
                assert cell.protocol.mode.steps == cell.arm.part.model.halting.max_steps


def test_one_level_has_the_parameters_of_two_but_for_a_start():
    for two, one, thrice in (
        (arms_amulgent.L1, arms_amulgent.F1, arms_amulgent.E1),
        (arms_amulgent.L4, arms_amulgent.F4, arms_amulgent.E4),
    ):
        assert parameters(two) - parameters(one) == arms_amulgent.WIDTH
        assert parameters(one) == parameters(thrice)


def test_three_passes_of_one_level_cost_what_two_levels_do():
    for two, one, thrice in (
        (arms_amulgent.L1, arms_amulgent.F1, arms_amulgent.E1),
        (arms_amulgent.L4, arms_amulgent.F4, arms_amulgent.E4),
    ):
        assert flops(thrice) == flops(two) > 2 * flops(one)


def test_segments_of_one_level_differ_in_their_number_alone():
    paths = [path for path, _, _ in arms_amulgent.F2.part.differences(arms_amulgent.F4.part)]
    assert paths == ["model.segments.count"]
    assert isinstance(arms_amulgent.F2.part.model.low, Transformer)


def test_two_documents_claims_about_segments_are_one_measurement():
    first, second = (CLAIMS[n] for n in ("refinement-beats-architecture", "outer-loop-dominates"))
    assert first.cells == second.cells
    assert first.test == second.test
    assert first.test.places == 2


@pytest.mark.parametrize(
    ("segments", "architecture", "holds"),
    [(0.10, 0.02, True), (0.10, -0.02, True), (0.02, 0.10, False), (0.02, -0.10, False)],
)
def test_the_conjunction_compares_sizes_whichever_architecture_is_better(
    segments, architecture, holds
):
    claim = CLAIMS["outer-loop-dominates"]
    values = [
        number(0.5 + architecture * a + segments * s / 2) for a in (0, 1) for s in (0, 1, 2)
    ] + [number(0.5)] * 2
    found = [contrast.low for contrast in claim.test.contrasts(values)]
    assert sorted(found) == pytest.approx(
        sorted((segments - architecture, segments + architecture))
    )
    assert all(x > 0.01 for x in found) == holds
