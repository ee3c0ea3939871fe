"""The recipe complete, as coded and as documented, is its straight-line reference.

The documented arm's open readings are those of the recipe: two cycles of two low updates, the input
enters each low update, the low state starts again from the high one after each high update.
"""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ablations.references import complete as reference
from hrm import recipes
from hrm.config import Compacted, Masked, Minimum, QLearning, Refilled
from hrm.config.learning import AdamAtan2, AdamAtan2AsCoded, QHalting, System, Training
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.model.state import State
from hrm.training import losses, q_losses
from hrm.training.loop import Learner
from tests.hrm.equality import all_close, close, exact, model_of, write_out_kernels

# heads of width 8 at both levels
batch, length, inputs, classes, high_width, low_width = 6, 5, 3, 4, 32, 16
sizes = reference.Sizes(
    low_layers=2,
    high_layers=1,
    low_heads=2,
    high_heads=4,
    max_steps=4,
    exploration=0.5,
    inject=True,
    reset=True,
    rotary_dtype=torch.float32,
)


def system_of(arm: str) -> System:
    """The recipe; as documented with Q values on both sides of each other, and more exploration."""
    system = recipes.complete(
        inputs=inputs,
        outputs=classes,
        positions=length,
        h_dim=high_width,
        l_dim=low_width,
        h_layers=sizes.high_layers,
        l_layers=sizes.low_layers,
        h_heads=sizes.high_heads,
        l_heads=sizes.low_heads,
        max_steps=sizes.max_steps,
        as_coded=arm == "coded",
    )
    if arm == "coded":
        return system
    assert isinstance(system.model.halting, QLearning)
    exploration = Minimum(probability=sizes.exploration)
    halting = replace(system.model.halting, biases=(0.0, 0.0), exploration=exploration)
    return replace(system, model=replace(system.model, halting=halting))


maps = {
    "embed.map": "input",
    "low.from_context": "high_to_low",
    "high.from_inputs": "low_to_high",
    "readout": "output",
    "halting.network.0": "halt1",
    "halting.network.2": "halt2",
    "halting.heads.0": "q_head",
}
block_names = {
    "attention.out.weight": "o",
    "feed_forward.gate.weight": "gate",
    "feed_forward.up.weight": "up",
    "feed_forward.down.weight": "down",
    "norm_attention.weight": "norm1",
    "norm_feed_forward.weight": "norm2",
}


def renamed(tensors: dict[str, Tensor | None]) -> dict[str, Tensor | None]:
    """The reference's names; it has queries, keys and values apart."""
    found = {}
    for name, value in tensors.items():
        outer, _, kind = name.rpartition(".")
        if outer in maps:
            found[f"{maps[outer]}.{kind}"] = value
            continue
        level, _, i, rest = name.split(".", 3)
        if rest == "attention.qkv.weight":
            parts = (None, None, None) if value is None else value.chunk(3)
            found |= {f"{level}.{i}.{letter}": p for letter, p in zip("qkv", parts, strict=True)}
        else:
            found[f"{level}.{i}.{block_names[rest]}"] = value
    return found


def weights_of(model: HRM) -> reference.Weights:
    return renamed({name: value.clone() for name, value in model.state_dict().items()})


def gradients_of(model: HRM) -> dict[str, Tensor | None]:
    return renamed({name: p.grad for name, p in model.named_parameters()})


def batches_of(count: int, dtype: torch.dtype = torch.float64) -> list[reference.Batch]:
    """Batches in which one position of each sequence isn't labelled.

    The coded reference averages over the labelled positions of the batch, the package over those of
    each sample first; they mean the same where all samples have as many labels.
    """
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        labels = torch.randint(classes, (batch, length), generator=g)
        unlabelled = torch.randint(length, (batch, 1), generator=g)
        labels.scatter_(1, unlabelled, reference.IGNORED)
        series = torch.randn(batch, length, inputs, generator=g).to(dtype)
        found.append({"inputs": series, "labels": labels})
    return found


def batch_of(data: reference.Batch) -> Batch:
    return Batch(data["inputs"], None, data["labels"])


def joined(parts: list[reference.Batch]) -> reference.Batch:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def noises_of(generator: torch.Generator, count: int) -> list[reference.Noise]:
    """What a model draws from an equal generator, step by step."""
    return [torch.rand(batch, 2, generator=generator).unbind(-1) for _ in range(count)]


def executed(model: HRM, **changes) -> HRM:
    """The same model, in evaluation mode, with another configuration of how it is run."""
    other = HRM(replace(model.config, **changes)).to(model.start_low.value.dtype)
    other.load_state_dict(model.state_dict())
    return other.eval()


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("arm", ["coded", "documented"])
def test_both_have_the_same_weights(arm):
    expected = reference.weight_shapes(
        sizes, arm, low=low_width, high=high_width, inputs=inputs, outputs=classes
    )
    found = weights_of(model_of(system_of(arm)))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


# -- as coded -------------------------------------------------------------------------------------
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_every_coded_step_is_the_same(training, dtype, tolerance):
    model = model_of(system_of("coded"), dtype).train(training)
    (data,) = batches_of(1, dtype)
    expected = reference.coded_forward(weights_of(model), sizes, data["inputs"])
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
    (p,) = reference.coded_forward(weights, once, data["inputs"])["probabilities"]
    largest = p.amax(-1).sort().values
    threshold = float(largest[-2:].mean())  # one sample alone reaches it at the first step
    trace = reference.coded_forward(weights, replace(once, threshold=threshold), data["inputs"])
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
    trace = reference.coded_forward(weights, sizes, data["inputs"])
    expected = reference.coded_loss(trace["outputs"], data["labels"], supervise_last=False)
    output = model(data["inputs"])
    found = losses.loss(system.objective, output, data["labels"], sizes.max_steps)
    close(found.total, expected["loss"])
    assert expected["supervision"] > 0
    found.total.backward()
    same_gradients(gradients_of(model), reference.gradients_of(expected["loss"], weights))


def same_gradients(
    found: dict[str, Tensor | None], expected: dict[str, Tensor | None], unused: str = "halt"
) -> None:
    """All gradients agree, those that are None too: of the maps of this name, and no others."""
    nothing = {name for name, g in expected.items() if g is None}
    assert nothing == {name for name in expected if unused and name.startswith(unused)}
    assert nothing == {name for name, g in found.items() if g is None}
    all_close(
        {name: g for name, g in found.items() if g is not None},
        {name: g for name, g in expected.items() if g is not None},
    )


def test_without_a_coded_crossing_the_high_level_has_no_gradient_there_and_zero_here():
    # The package computes H in any case and takes it nowhere: a branch on data in the middle of a
    # segment would wait for a GPU. Its weights then have zeros where the reference has None.
    system = system_of("coded")
    model = model_of(system).train()
    with torch.no_grad():
        model.halting.network[2].bias.fill_(-20.0)
    weights = {name: w.requires_grad_() for name, w in weights_of(model).items()}
    (data,) = batches_of(1)
    trace = reference.coded_forward(weights, sizes, data["inputs"])
    assert not torch.stack(trace["crossed"]).any()
    expected = reference.coded_loss(trace["outputs"], data["labels"], supervise_last=False)
    theirs = reference.gradients_of(expected["loss"], weights)
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
    weights, records = reference.coded_train(
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
        expected = reference.clip(record["gradients"], 1.0)
        same_gradients(gradients_of(model), expected)
        clipped += any(
            g is not None and not torch.equal(g, record["gradients"][name])
            for name, g in expected.items()
        )
    all_close(weights_of(model), weights)
    assert clipped > 0
    for name, value in before.items():  # the halting MLP isn't trained, by either
        assert torch.equal(weights[name], value) == name.startswith("halt")


# -- as documented --------------------------------------------------------------------------------
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
    z_low, z_high, logits, q_halt, q_continue = reference.documented_segment(
        weights, sizes, low, high, data["inputs"]
    )
    x = model.perceive(data["inputs"])
    state, _ = model.refine(State(high, low, low.new_zeros(batch, 0)), x)
    close(state.low, z_low, tolerance)
    close(state.high, z_high, tolerance)
    close(model.read(state), logits, tolerance)
    q = model.halting(state, 0, None).logits
    close(q, torch.stack([q_halt, q_continue], -1), tolerance)


@pytest.mark.parametrize("arm", ["coded", "documented"])
def test_fresh_states_are_the_same_bit_for_bit_in_float32_with_plain_kernels(monkeypatch, arm):
    # From the first norm on, the order of operations isn't the same: w · (x / r) and (w · x) / r.
    model = model_of(system_of(arm), torch.float32)
    (data,) = batches_of(1, torch.float32)
    z_low, z_high = reference.fresh_states(weights_of(model), data["inputs"])
    write_out_kernels(monkeypatch)
    state = model.start(model.perceive(data["inputs"]))
    exact(state.low, z_low)
    exact(state.high, z_high)


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
        theirs = theirs or reference.documented_carry(weights, data)
        theirs, outputs = reference.documented_call(weights, sizes, theirs, data, noise)
        carry, prediction, decision = model.advance(
            carry, batch_of(data), torch.stack(noise, dim=-1)
        )
        target = q_losses.continue_target(model, carry)
        found = q_losses.segment_loss(
            system.objective, prediction, decision.logits, carry.batch.targets, target
        )

        exact(carry.batch.inputs, theirs.data["inputs"])
        exact(carry.batch.targets, theirs.data["labels"])
        exact(carry.steps, theirs.steps)
        exact(carry.halted, theirs.halted)
        close(carry.state.low, theirs.z_low)
        close(carry.state.high, theirs.z_high)
        close(prediction, outputs["logits"])
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
    weights, carry, records = reference.documented_train(
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
            expected = reference.clip(expected, clip)
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
    expected = reference.documented_evaluate(weights_of(model), sizes, data["inputs"])
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
    expected = reference.documented_episode(
        weights_of(model), sizes, data, [never] * sizes.max_steps
    )
    assert len(expected["steps"].unique()) > 2, "samples halt at different steps"
    with torch.no_grad():
        found = executed(model, execution=execution)(data["inputs"])
    exact(found.run.steps, expected["steps"])
    close(found.prediction, expected["logits"].detach())
    q = found.run.logits[found.run.steps - 1, torch.arange(3 * batch)]
    close(q, torch.stack([expected["q_halt"], expected["q_continue"]], -1).detach())
