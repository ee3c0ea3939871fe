"""Executions are the same computation before their times are compared."""

from dataclasses import replace

import pytest
import torch

from bench import compaction
from hrm.config import Compacted, Lockstep, Masked, Refilled
from hrm.config.learning import Supervised
from hrm.model import HRM
from hrm.training import losses

size = 4
recipes = ("act-v1", "gru", "v2")


@pytest.fixture(autouse=True)
def forget():
    """Models keep their gradients: start each test without."""
    compaction.model.cache_clear()


def ran(recipe, mode, live, part, rows=size):
    output = compaction.arm(recipe, mode, live, part, rows)()
    model = compaction.model(recipe, live, rows)
    return output, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("live", [1.0, 0.5])
@pytest.mark.parametrize("mode", compaction.modes)
@pytest.mark.parametrize("recipe", recipes)
def test_compacted_and_masked_compute_the_same(recipe, mode, live):
    (a, grads), (b, other) = (ran(recipe, mode, live, part) for part in (Compacted(), Masked()))
    assert torch.equal(a.run.steps, b.run.steps)
    close(a.prediction, b.prediction)
    close(a.run.logits, b.run.logits)
    assert any(g.abs().max() > 0 for g in grads.values()) == (mode == "training")
    close(grads, other)


@pytest.mark.parametrize("mode", compaction.modes)
def test_with_nothing_halted_compacted_and_lockstep_compute_the_same(mode):
    (a, grads), (b, other) = (ran("act-v1", mode, 1.0, part) for part in (Compacted(), Lockstep()))
    assert a.run.rows == b.run.rows == (size,) * 4
    close(a.prediction, b.prediction)
    close(grads, other)


def test_while_a_sample_is_live_lockstep_answers_what_compacted_does():
    (a, _), (b, _) = (ran("act-v1", "evaluation", 0.5, p) for p in (Compacted(), Lockstep()))
    live = a.run.live
    assert 0 < live.sum() < live.numel()
    assert b.run.live.all()
    close(a.run.drafts[:, 0][live], b.run.drafts[:, 0][live])


@pytest.mark.parametrize("live", [1.0, 0.9, 0.7, 0.5, 0.3])
@pytest.mark.parametrize("recipe", recipes)
def test_stop_times_have_the_live_fraction_that_is_asked_for(recipe, live):
    steps = compaction.system(recipe).model.halting.max_steps
    stops = compaction.stop_times(64, steps, live)
    assert stops.shape == (64,)
    assert stops.min() >= 1
    assert stops.max() == steps
    assert stops.mean() / steps == pytest.approx(live, abs=0.005)
    assert live == 1.0 or stops.diff().lt(0).any(), "mixed, so that live rows lie apart"


def test_samples_stop_where_the_script_says():
    output = compaction.arm("act-v1", "evaluation", 0.5, Compacted(), 5)()
    stops = compaction.stop_times(5, 4, 0.5)
    assert output.run.steps.tolist() == stops.tolist()
    assert output.run.rows == tuple(int((stops > k).sum()) for k in range(4))
    lockstep = compaction.arm("act-v1", "evaluation", 0.5, Lockstep(), 5)()
    assert lockstep.run.rows == (5,) * 4, "lockstep takes all steps"
    refilled = compaction.arm("act-v1", "evaluation", 0.5, Refilled(places=2), 5)()
    assert refilled.run.steps.tolist() == stops.tolist()


def test_scripted_halting_computes_what_it_stands_in_for():
    model = compaction.model("gru", 0.5, 3)
    state = model.start(torch.ones(3, 256))
    inner = model.halting.inner(state, 1, None)
    decision = model.halting(state, 1, None)
    assert torch.equal(decision.logits, inner.logits)
    assert torch.equal(decision.value, inner.value)
    assert torch.equal(decision.margin > 0, model.halting.stops <= 2)


@pytest.mark.parametrize("recipe", recipes)
def test_what_is_timed_is_the_recipe_at_its_size_and_batch(recipe):
    assert compaction.batch == 64
    model = compaction.model(recipe, 0.5, 64)
    assert model.config == compaction.system(recipe).model
    assert isinstance(model, HRM)
    if recipe == "act-v1":
        assert (model.config.positions, model.config.low.width) == (81, 128)
    else:
        assert (model.config.low.width, model.config.high.width) == (256, 512)
    assert not any(getattr(m, "p", 0) for m in model.modules()), "no dropout"


def test_beside_lockstep_the_time_is_scaled_by_the_live_fraction():
    rows = 8
    stops = compaction.stop_times(rows, 4, 0.5)
    found = compaction.pair("act-v1", "evaluation", 0.5, Lockstep(), rows)
    assert found.scale == pytest.approx(float(stops.mean()) / 4)
    assert found.first().run.rows[-1] < rows
    assert found.second().run.rows == (rows,) * 4
    assert compaction.pair("gru", "evaluation", 0.5, Masked(), rows).scale == 1.0
    assert compaction.pair("act-v1", "training", 1.0, Lockstep(), rows).scale == 1.0


def test_a_training_arm_gives_each_live_step_a_backward_pass():
    """Where the last answer alone counted, lockstep's earlier steps would have none."""
    model = compaction.model("act-v1", 1.0, 2)
    compaction.arm("act-v1", "training", 1.0, Lockstep(), 2)()
    every = model.readout.weight.grad.clone()
    c = model.config
    model.config = replace(c, readout=replace(c.readout, each_step=False))
    model.zero_grad(set_to_none=True)
    x, target = compaction.inputs(c, 2)
    output = model.train()(x)
    losses.loss(Supervised(every_segment=True), output, target, 4).total.backward()
    assert not torch.allclose(every, model.readout.weight.grad, rtol=1e-2)
