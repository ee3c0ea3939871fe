"""Later papers, and the tiny network's variants: what arms share, and where they differ."""

import pytest

from ablations.claims import arms_act_v1, arms_research, sets
from ablations.metrics.ensembles import EasyFailure, FirstStepShare
from ablations.specs.claim import Arm, Statistical, differences
from hrm.config import Mixer, OneLatent, SeparateLatents
from hrm.model import HRM

IDS = (
    "mlp-instead-of-attention",
    "latent-count",
    "depth-curriculum-quality",
    "supervision-decay-variance",
    "supervision-decay-speed",
    "noise-recursion",
    "easy-puzzle-failure",
    "easy-mix",
    "vote-permutations",
    "first-step-share",
)
CLAIMS = {claim.id: claim for claim in sets.specs() if claim.id in IDS}


def test_all_ten_are_there():
    assert set(CLAIMS) == set(IDS)
    assert all(isinstance(claim, Statistical) for claim in CLAIMS.values())


# -- what arms share ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("mlp-instead-of-attention", {"model.low", "model.high"}),
        ("latent-count", {"model.coupling", "model.one_network"}),
        ("depth-curriculum-quality", {"protocol.training.depths"}),
        ("supervision-decay-variance", {"protocol.objective"}),
        ("supervision-decay-speed", {"objective.decay"}),
        ("easy-mix", {"protocol.after.boards.task.clues", "protocol.boards"}),
        ("vote-permutations", {"protocol", "metric"}),
        ("noise-recursion", {"protocol", "metric"}),
    ],
)
def test_cells_differ_in_what_is_claimed_alone(name, paths):
    assert set(differences(CLAIMS[name])) == paths


def parameters(arm: Arm) -> int:
    return sum(p.numel() for p in HRM(arm.part.model).parameters())


def test_mixing_positions_has_the_parameters_of_attention():
    assert isinstance(arms_research.MIXING.part.model.low, Mixer)
    attention, mixing = parameters(arms_research.ATTENTION), parameters(arms_research.MIXING)
    assert abs(mixing - attention) < 0.01 * attention


def test_latents_change_no_parameters_and_no_updates():
    arms = arms_research.ONE, arms_research.TWO, arms_research.SEVEN
    assert len({parameters(arm) for arm in arms}) == 1
    assert {len(HRM(arm.part.model).schedule()) for arm in arms} == {14}
    assert {arm.part.model.horizon for arm in arms} == {7}
    kinds = [type(arm.part.model.coupling) for arm in (arms_research.ONE, arms_research.SEVEN)]
    assert kinds == [OneLatent, SeparateLatents]
    assert len(HRM(arms_research.SEVEN.part.model).start_low.each) == 6


def test_gradients_of_both_losses_are_taken_at_one_models_weights():
    first, second = CLAIMS["supervision-decay-variance"].cells
    assert first.arm == second.arm and first.protocol.after == second.protocol.after
    assert first.protocol.after.training.updates == 100
    own = first.arm.part.objective
    assert [path for path, _, _ in own.differences(second.protocol.objective)] == ["decay"]


def test_answers_are_of_the_arm_that_others_train_anyway():
    for name in ("noise-recursion", "easy-puzzle-failure", "vote-permutations", "first-step-share"):
        for cell in CLAIMS[name].cells:
            assert cell.arm.part == arms_act_v1.LEVELS
            assert (cell.protocol.parent or cell.protocol) == arms_act_v1.HALTING


@pytest.mark.parametrize(
    ("name", "value", "holds"),
    [
        ("easy-puzzle-failure", 0.05, True),
        ("easy-puzzle-failure", 0.005, False),
        ("first-step-share", 0.7, True),
        ("first-step-share", 0.4, False),
    ],
)
def test_one_sample_claims_hold_above_their_constants(name, value, holds):
    claim = CLAIMS[name]
    kind = {"easy-puzzle-failure": EasyFailure, "first-step-share": FirstStepShare}[name]
    assert isinstance(claim.cells[0].metric, kind)
    if name == "first-step-share":
        seen = {"right_by_step": [[value], [1.0]], "unknown": [1], "trivial_right": [0]}
    else:
        seen = {"easy_right": [1 - value]}
    contrast = claim.test.contrast([claim.cells[0].metric.read(seen)])
    assert (contrast.low * claim.test.zones.sign > claim.test.zones.null) == holds
