"""How far gradients reach back, by depth: against autograd written out, and what cuts them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ablations.metrics.gradients import DepthGradient, GradientGrowth
from ablations.protocols import boards, gradients, ours
from ablations.specs.protocols import Gradients
from hrm import recipes
from hrm.config import Segments
from hrm.errors import UserError
from tests.ablations.protocols.tiny import BOARDS, TRAIN, observed, outcome


def gru(**changes):
    return recipes.gru(
        inputs=80, outputs=80, hidden_low=8, hidden_high=16, use_act=False, **changes
    )


def refined(*, detached, connection=0.05):
    system = recipes.amulgent(inputs=80, outputs=80, width=16, h_layers=1, l_layers=1, max_steps=1)
    segments = Segments(count=3, detached=detached, connection=connection)
    return replace(system, model=replace(system.model, segments=segments))


def test_the_gradient_by_the_first_states_is_that_of_a_loop_written_out():
    arm = ours.own(gru(detach_low_to_high=False))
    dealt = boards.table(BOARDS, 0)
    arm.build(dealt.task, 0, "cpu")
    batch = arm.encoded(dealt.splits.test).batch(torch.arange(3))
    found, trunk = gradients.norms(arm, batch, steps=2)
    model = arm.model
    x = model.perceive(batch.inputs)
    high, low = (torch.zeros(3, n, requires_grad=True) for n in (16, 8))
    h, z = high, low
    for _ in range(2):
        for _ in range(3):
            z = model.low(z, model.low.from_inputs(x), model.low.from_context(h))
        h = model.high(h, model.high.from_inputs(z))
    targets = torch.nn.functional.one_hot(batch.targets, 5).flatten(1).float()
    loss = (model.readout(h) - targets).square().mean(1)
    cores = [*model.low.parameters(), *model.high.parameters()]
    expected = torch.autograd.grad(loss.sum(), [high, low, *cores])
    by_start = torch.cat(expected[:2], 1).norm(dim=1)
    assert torch.allclose(found.float(), by_start, rtol=1e-5)
    by_cores = torch.cat([g.flatten() for g in expected[2:]]).norm() / 3
    assert trunk == pytest.approx(float(by_cores), rel=1e-5)


def test_each_depth_has_a_norm_for_each_board():
    found = observed(Gradients(after=TRAIN, depths=(1, 2, 4), boards=8), gru())
    assert found["depths"].tolist() == [1, 2, 4]
    assert found["start_norms"].shape == (3, 8)
    assert (found["start_norms"] > 0).all()
    assert (found["trunk_norms"] > 0).all()
    medians = np.median(found["start_norms"].astype(float), axis=1)
    assert DepthGradient(depth=4).read(found).low == pytest.approx(medians[2])
    assert GradientGrowth().read(found).low == pytest.approx(medians[2] / medians[0])
    assert GradientGrowth(of="trunk").read(found).known


def test_cutting_the_way_from_the_low_level_changes_the_gradient_alone():
    kept = gru(detach_low_to_high=False)
    cut = gru(detach_low_to_high=True, detach_high_to_low=True)
    weights = outcome(TRAIN, kept).weights
    protocol = Gradients(after=TRAIN, depths=(2, 8), boards=8)
    first, second = (observed(protocol, arm, weights=weights) for arm in (kept, cut))
    assert not np.allclose(first["start_norms"], second["start_norms"], rtol=1e-3)


def test_detached_segments_lead_back_through_the_connection_alone():
    attached, detached, apart = (
        refined(detached=False), refined(detached=True), refined(detached=True, connection=None)
    )  # fmt: skip
    protocol = Gradients(after=TRAIN, depths=(1, 3), over="segments", boards=8)
    weights = outcome(TRAIN, attached).weights
    first, second = (observed(protocol, arm, weights=weights) for arm in (attached, detached))
    third = observed(protocol, apart)
    deep = DepthGradient(depth=3)
    assert np.allclose(first["start_norms"][0], second["start_norms"][0]), "one has nothing to cut"
    assert first["start_norms"].shape == (2, 8)
    assert deep.read(second).low > 0
    assert deep.read(first).low != deep.read(second).low
    assert (third["start_norms"][1] == 0).all()


def test_a_model_is_left_as_it_was():
    arm = ours.own(gru())
    dealt = boards.table(BOARDS, 0)
    arm.build(dealt.task, 0, "cpu")
    batch = arm.encoded(dealt.splits.test).batch(torch.arange(2))
    gradients.norms(arm, batch, steps=1)
    assert "refine" not in vars(arm.model)
    assert all(p.grad is None for p in arm.model.parameters())


@pytest.mark.parametrize("change", [{"depths": ()}, {"depths": (4, 2)}, {"over": "cycles"}])
def test_impossible_depths_are_refused(change):
    with pytest.raises(UserError):
        replace(Gradients(after=TRAIN, depths=(1,)), **change)
