"""The recipe plain_transformer is its straight-line reference."""

from dataclasses import replace

import torch
from torch import Tensor

from ablations.references import act_v1, plain_transformer
from hrm import recipes
from hrm.config import SwiGlu
from hrm.model.execution import Batch
from hrm.training import q_losses
from tests.hrm.equality import all_close, close, exact, model_of

batch, length, vocabulary, width, puzzle, identities = 6, 5, 7, 16, 20, 4
sizes = act_v1.Sizes(
    heads=2,
    low_layers=0,
    high_layers=2,
    low_cycles=1,
    high_cycles=1,
    max_steps=3,
    exploration=0.5,
)
NAMES = {
    "embed.table.weight": "tokens",
    "embed.puzzles.weights": "puzzles",
    "start_low.value": "high_init",
    "readout.weight": "lm_head",
    "halting.heads.0.weight": "q_head.weight",
    "halting.heads.0.bias": "q_head.bias",
}
BLOCK = {
    "attention.qkv.weight": "qkv",
    "attention.out.weight": "out",
    "feed_forward.gate_up.weight": "gate_up",
    "feed_forward.down.weight": "down",
}


def system_of():
    system = recipes.plain_transformer(
        layers=2,
        heads=2,
        vocabulary=vocabulary,
        positions=length,
        width=width,
        puzzle_size=puzzle,
        identities=identities,
        max_steps=3,
        exploration=0.5,
    )
    core = replace(system.model.low, feed_forward=SwiGlu(inner=24, fused=True))
    halting = replace(system.model.halting, biases=(0.0, 0.0))
    return replace(system, model=replace(system.model, low=core, high=core, halting=halting))


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for name, value in tensors.items():
        if name not in NAMES:
            level, _, i, rest = name.split(".", 3)
            assert level == "low", "there is one level"
            name = f"high.{i}.{BLOCK[rest]}"
        found[NAMES.get(name, name)] = value
    return found


def batches_of(count):
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        labels = torch.randint(vocabulary, (batch, length), generator=g)
        labels[torch.rand(batch, length, generator=g) < 0.3] = act_v1.IGNORED
        inputs = torch.randint(vocabulary, (batch, length), generator=g)
        ids = torch.randint(identities, (batch,), generator=g)
        found.append({"inputs": inputs, "labels": labels, "identities": ids})
    return found


def test_answers_losses_gradients_and_halting_are_the_references():
    system = system_of()
    model = model_of(system).train()
    weights = renamed({name: value.clone() for name, value in model.state_dict().items()})
    names = [name for name, _ in model.named_parameters()]
    trained = {name: weights[name].requires_grad_() for name in renamed(dict.fromkeys(names))}
    data = batches_of(8)
    theirs = plain_transformer.initial_carry(weights, data[0])
    ours = model.begin(Batch(data[0]["inputs"], data[0]["identities"], data[0]["labels"]))
    generator, steps = torch.Generator().manual_seed(2), set()
    for given in data:
        noise = torch.rand(batch, 2, generator=generator).double()
        offered = Batch(given["inputs"], given["identities"], given["labels"])
        ours, prediction, decision = model.advance(ours, offered, noise)
        next_q = q_losses.continue_target(model, ours)
        found = q_losses.segment_loss(
            system.objective, prediction, decision.logits, ours.batch.targets, next_q
        )
        theirs, outputs = plain_transformer.call(
            weights, sizes, theirs, given, noise.unbind(-1), training=True
        )
        expected = act_v1.loss(outputs, theirs.data["labels"], "stablemax", batch)
        close(prediction, outputs["logits"])
        close(decision.logits[:, 1], outputs["q_continue"])
        close(next_q, outputs["target"])
        close(found.total, expected["loss"])
        exact(ours.halted, theirs.halted)
        exact(ours.steps, theirs.steps)
        steps |= set(ours.steps[ours.halted].tolist())
        own = torch.autograd.grad(found.total, list(model.parameters()), retain_graph=True)
        gradients = torch.autograd.grad(expected["loss"], list(trained.values()))
        all_close(
            renamed(dict(zip(names, own, strict=True))),
            dict(zip(trained, gradients, strict=True)),
        )
    assert len(steps) > 1, "samples stop in different steps"


def test_evaluation_takes_all_steps_and_answers_as_the_reference():
    model = model_of(system_of()).eval()
    weights = renamed({name: value.clone() for name, value in model.state_dict().items()})
    (data,) = batches_of(1)
    carry = plain_transformer.initial_carry(weights, data)
    with torch.no_grad():
        for _ in range(3):
            carry, outputs = plain_transformer.call(weights, sizes, carry, data, None, False)
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"])
    close(found.run.logits[-1, :, 0], outputs["q_halt"])
