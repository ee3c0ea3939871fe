"""The recipe complete as documented is its straight-line reference."""

from dataclasses import replace

import pytest
import torch

from ablations.references import complete
from ablations.references import complete_documented as reference
from hrm.config import Compacted, Masked, Refilled
from hrm.config.learning import AdamAtan2, QHalting, Training
from hrm.model.state import State
from hrm.training import q_losses
from hrm.training.loop import Learner
from tests.hrm.equality import all_close, carried_alike, close, exact, executed, model_of, number
from tests.hrm.recipes.complete import (
    batch,
    batch_of,
    batches_of,
    gradients_of,
    high_width,
    joined,
    length,
    low_width,
    noises_of,
    same_gradients,
    system_of,
    weights_of,
)
from tests.hrm.recipes.complete import documented as sizes


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_one_documented_segment_is_the_same(dtype, tolerance):
    model = model_of(system_of("documented"), dtype)
    weights = weights_of(model)
    (data,) = batches_of(1, dtype)
    g = torch.Generator().manual_seed(2)
    high = torch.randn(batch, length, high_width, generator=g).to(dtype)
    low = torch.randn(batch, length, low_width, generator=g).to(dtype)
    z_low, z_high, logits, q_halt, q_continue = reference.segment(
        weights, sizes, low, high, data["inputs"]
    )
    x = model.perceive(data["inputs"])
    state, _ = model.refine(State(high, low, low.new_zeros(batch, 0)), x)
    close(state.low, z_low, tolerance)
    close(state.high, z_high, tolerance)
    close(model.read(state), logits, tolerance)
    q = model.halting(state, 0, None).logits
    close(q, torch.stack([q_halt, q_continue], -1), tolerance)


def test_every_documented_step_of_a_carry_is_the_same():
    system = system_of("documented")
    assert isinstance(system.objective, QHalting)
    model = model_of(system).train()
    weights = weights_of(model)
    calls = 10
    noises = noises_of(torch.Generator().manual_seed(3), calls)
    carry, theirs = None, None
    seen = {"wanted": False, "held back": False, "last": False, "live": False}
    for data, noise in zip(batches_of(calls), noises, strict=True):
        carry = carry or model.begin(batch_of(data))
        theirs = theirs or reference.initial_carry(weights, data)
        theirs, outputs = reference.call(weights, sizes, theirs, data, noise)
        carry, prediction, decision = model.advance(
            carry, batch_of(data), torch.stack(noise, dim=-1)
        )
        target = q_losses.continue_target(model, carry)
        found = q_losses.segment_loss(
            system.objective, prediction, decision.logits, carry.batch.targets, target
        )

        carried_alike(carry, prediction, theirs, outputs)
        close(decision.logits, torch.stack([outputs["q_halt"], outputs["q_continue"]], -1))
        close(target, outputs["target"])
        close(found.total, outputs["losses"].mean())

        wants, last = outputs["q_halt"] > outputs["q_continue"], theirs.steps == sizes.max_steps
        seen["wanted"] |= bool((wants & theirs.halted & ~last).any())
        seen["held back"] |= bool((wants & ~theirs.halted).any())
        seen["last"] |= bool((last & ~wants).any())
        seen["live"] |= bool((~wants & ~last).any())
    assert all(seen.values()), seen


@pytest.mark.parametrize("clip", [None, 1.0], ids=["unclipped", "clipped"])
def test_five_documented_training_steps_are_the_same(clip):
    updates, rate = 5, 1e-3
    system = system_of("documented")
    model = model_of(system).train()
    batches = batches_of(updates)
    weights, carry, records = reference.train(
        weights_of(model),
        sizes,
        batches,
        noises_of(torch.Generator().manual_seed(4), updates),
        rates=[rate * min(1.0, t / 3) for t in range(1, updates + 1)],
        decay=0.1,
        limit=clip,
    )
    training = Training(
        updates=updates,
        optimiser=AdamAtan2(),
        learning_rate=rate,
        weight_decay=0.1,
        warmup=3,
        clip=clip,
    )
    learner = Learner(model, system, training, torch.Generator().manual_seed(4))
    for data, record in zip(batches, records, strict=True):
        loss, _ = learner.update(batch_of(data))
        close(number(loss), record["loss"])
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
        expected = record["gradients"]
        if clip is not None:
            expected = complete.clip(expected, clip)
            assert not torch.equal(expected["output.weight"], record["gradients"]["output.weight"])
        same_gradients(gradients_of(model), expected, unused="")
    all_close(weights_of(model), weights)
    close(learner.carry.state.low, carry.z_low)
    close(learner.carry.state.high, carry.z_high)
    exact(learner.carry.batch.inputs, carry.data["inputs"])
    exact(learner.carry.batch.targets, carry.data["labels"])
    early = [bool((r["halted"] & (r["steps"] < sizes.max_steps)).any()) for r in records]
    assert any(early), "some are refilled while others go on"


def test_documented_evaluation_of_all_steps_is_the_same():
    model = model_of(system_of("documented"))
    (data,) = batches_of(1)
    expected = reference.evaluate(weights_of(model), sizes, data["inputs"])
    halting = replace(model.config.halting, halt_in_evaluation=False)
    with torch.no_grad():
        found = executed(model, halting=halting)(data["inputs"])
    assert (found.run.steps == sizes.max_steps).all()
    close(found.prediction, expected["logits"])
    close(found.run.logits[-1], torch.stack([expected["q_halt"], expected["q_continue"]], -1))


@pytest.mark.parametrize(
    "execution",
    [Masked(), Compacted(), Refilled(places=1), Refilled(places=4)],
    ids=["masked", "compacted", "one place", "4 places"],
)
def test_documented_evaluation_halts_as_an_episode_without_exploration(execution):
    model = model_of(system_of("documented"))
    data = joined(batches_of(3))
    never = (torch.ones(3 * batch), torch.zeros(3 * batch))
    expected = reference.episode(weights_of(model), sizes, data, [never] * sizes.max_steps)
    assert len(expected["steps"].unique()) > 2, "samples halt at different steps"
    with torch.no_grad():
        found = executed(model, execution=execution)(data["inputs"])
    exact(found.run.steps, expected["steps"])
    close(found.prediction, expected["logits"].detach())
    q = found.run.logits[found.run.steps - 1, torch.arange(3 * batch)]
    close(q, torch.stack([expected["q_halt"], expected["q_continue"]], -1).detach())
