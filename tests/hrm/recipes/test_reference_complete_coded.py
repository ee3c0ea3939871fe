"""The recipe complete as coded is its straight-line reference."""

from dataclasses import replace

import pytest
import torch

from ablations.references import complete
from ablations.references import complete_coded as reference
from hrm.config.learning import AdamAtan2AsCoded, Training
from hrm.training import losses
from hrm.training.loop import Learner
from tests.hrm.equality import all_close, close, exact, executed, model_of, number
from tests.hrm.recipes.complete import (
    batch_of,
    batches_of,
    gradients_of,
    same_gradients,
    system_of,
    weights_of,
)
from tests.hrm.recipes.complete import coded as sizes


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_every_coded_step_is_the_same(training, dtype, tolerance):
    model = model_of(system_of("coded"), dtype).train(training)
    (data,) = batches_of(1, dtype)
    expected = reference.forward(weights_of(model), sizes, data["inputs"])
    output = model(data["inputs"])
    assert len(output.run.drafts) == len(expected["outputs"]) == sizes.max_steps
    for k in range(sizes.max_steps):
        close(output.run.drafts[k, 0], expected["outputs"][k], tolerance)
        state = model(data["inputs"], steps=k + 1).run.state
        close(state.low, expected["z_low"][k], tolerance)
        close(state.high, expected["z_high"][k], tolerance)
        close(state.memory, expected["accumulators"][k], tolerance)
    exact(output.prediction, output.run.drafts[-1, 0])
    assert (output.run.steps == sizes.max_steps).all()
    mixed = [bool(c.any() and not c.all()) for c in expected["crossed"]]
    assert any(mixed), "some positions cross and some don't"


def test_a_coded_crossing_in_one_sample_updates_all():
    model = model_of(system_of("coded"))
    weights = weights_of(model)
    (data,) = batches_of(1)
    once = replace(sizes, max_steps=1)
    (p,) = reference.forward(weights, once, data["inputs"])["probabilities"]
    largest = p.amax(-1).sort().values
    threshold = float(largest[-2:].mean())  # one sample alone reaches it at the first step
    trace = reference.forward(weights, replace(once, threshold=threshold), data["inputs"])
    assert trace["crossed"][0].any(-1).sum() == 1
    halting = replace(model.config.halting, threshold=threshold)
    found = executed(model, halting=halting)(data["inputs"], steps=1).run.state
    close(found.high, trace["z_high"][0])
    close(found.low, trace["z_low"][0])
    assert (found.high != 0).all(), "the samples that didn't cross are updated too"


def test_coded_losses_and_gradients_are_the_same():
    system = system_of("coded")
    model = model_of(system).train()
    weights = {name: w.requires_grad_() for name, w in weights_of(model).items()}
    (data,) = batches_of(1)
    trace = reference.forward(weights, sizes, data["inputs"])
    expected = reference.loss(trace["outputs"], data["labels"], supervise_last=False)
    output = model(data["inputs"])
    found = losses.loss(system.objective, output, data["labels"], sizes.max_steps)
    close(found.total, expected["loss"])
    assert expected["supervision"] > 0
    found.total.backward()
    same_gradients(gradients_of(model), complete.gradients_of(expected["loss"], weights))


def test_without_a_coded_crossing_the_high_level_has_no_gradient_there_and_zero_here():
    # The package computes H in any case and takes it nowhere: a branch on data in the middle of a
    # segment would wait for a GPU. Its weights then have zeros where the reference has None.
    system = system_of("coded")
    model = model_of(system).train()
    with torch.no_grad():
        model.halting.network[2].bias.fill_(-20.0)
    weights = {name: w.requires_grad_() for name, w in weights_of(model).items()}
    (data,) = batches_of(1)
    trace = reference.forward(weights, sizes, data["inputs"])
    assert not torch.stack(trace["crossed"]).any()
    expected = reference.loss(trace["outputs"], data["labels"], supervise_last=False)
    theirs = complete.gradients_of(expected["loss"], weights)
    output = model(data["inputs"])
    losses.loss(system.objective, output, data["labels"], sizes.max_steps).total.backward()
    high = {name for name in weights if name.startswith(("high.", "low_to_high"))}
    for name, g in gradients_of(model).items():
        if name.startswith("halt"):
            assert g is None and theirs[name] is None
        elif name in high:
            assert theirs[name] is None
            assert not g.any()
        else:
            close(g, theirs[name])


@pytest.mark.parametrize("max_steps", [4, 5])
def test_five_coded_training_steps_are_the_same(max_steps):
    # As coded, a first update is 9.5 · rate / |g|, and some |g| are 1e-7: with the usual rates such
    # weights move by thousands, and rounding grows as much from step to step.
    updates, rate = 5, 1e-10
    s = replace(sizes, max_steps=max_steps)
    system = system_of("coded")
    halting = replace(system.model.halting, max_steps=max_steps)
    system = replace(system, model=replace(system.model, halting=halting))
    model = model_of(system).train()
    batches = batches_of(updates)
    before = weights_of(model)
    weights, records = reference.train(
        before, s, batches, rates=[rate] * updates, supervise_last=False
    )
    training = Training(
        updates=updates,
        optimiser=AdamAtan2AsCoded(),
        learning_rate=rate,
        halting_rate=1e-4,
        clip=1.0,
    )
    learner = Learner(model, system, training, torch.Generator())
    clipped = 0
    for data, record in zip(batches, records, strict=True):
        loss, steps = learner.update(batch_of(data))
        close(number(loss), record["loss"])
        assert steps == record["steps"] == max_steps
        expected = complete.clip(record["gradients"], 1.0)
        same_gradients(gradients_of(model), expected)
        clipped += any(
            g is not None and not torch.equal(g, record["gradients"][name])
            for name, g in expected.items()
        )
    all_close(weights_of(model), weights)
    assert clipped > 0
    for name, value in before.items():  # the halting MLP isn't trained, by either
        assert torch.equal(weights[name], value) == name.startswith("halt")
