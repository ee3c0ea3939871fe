"""The variants of the recipe tiny_network are their straight-line reference."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ablations.references import tiny_network, tiny_variants
from ablations.references.tiny_variants import Variant
from hrm import recipes
from hrm.config import Mixer, SwiGlu
from hrm.config.learning import System
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training import q_losses
from tests.hrm.equality import all_close, close, exact, model_of

batch, length, vocabulary, width, inner, identities = 6, 5, 7, 16, 24, 4
sizes = tiny_network.Sizes(
    heads=2, layers=2, low_cycles=3, high_cycles=2, max_steps=3, prefix=4, exploration=0.5
)
VARIANTS = {
    "two latents": Variant(),
    "mixing": Variant(mixing=True),
    "one latent": Variant(latents=1),
    "four latents": Variant(latents=4),
    "mixing, four latents": Variant(mixing=True, latents=4),
}
each = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
OUTER = {
    "embed.table.weight": "tokens",
    "embed.puzzles.weights": "puzzles",
    "start_low.value": "low_init",
    "start_high.value": "high_init",
    "readout.weight": "lm_head",
    "halting.heads.0.weight": "q_head.weight",
    "halting.heads.0.bias": "q_head.bias",
}
BLOCK = {
    "attention.qkv.weight": "qkv",
    "attention.out.weight": "out",
    "mixing.gate_up.weight": "mix_gate_up",
    "mixing.down.weight": "mix_down",
    "feed_forward.gate_up.weight": "gate_up",
    "feed_forward.down.weight": "down",
}


def system_of(variant: Variant) -> System:
    system = recipes.tiny_network(
        vocabulary=vocabulary,
        positions=length,
        width=width,
        heads=sizes.heads,
        h_cycles=sizes.high_cycles,
        l_cycles=sizes.low_cycles,
        prefix=sizes.prefix,
        identities=identities,
        max_steps=sizes.max_steps,
        exploration=sizes.exploration,
        mixing=variant.mixing,
        latents=variant.latents,
    )
    core = replace(system.model.low, feed_forward=SwiGlu(inner=inner, fused=True))
    if isinstance(core, Mixer):
        core = replace(core, mixing=SwiGlu(inner=10, fused=True))
    bias = 1.6 if variant.latents > 2 else -0.4  # Q(halt) around zero
    halting = replace(system.model.halting, biases=(bias, 0.0))
    return replace(system, model=replace(system.model, low=core, high=core, halting=halting))


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The reference's names, without a line of the package."""
    found = {}
    for name, value in tensors.items():
        if name in OUTER:
            found[OUTER[name]] = value
        elif name.startswith("start_low.each."):
            found[f"low_init.{name.split('.')[2]}"] = value
        else:
            level, _, i, rest = name.split(".", 3)
            assert level == "low", "there is one network"
            found[f"net.{i}.{BLOCK[rest]}"] = value
    return found


def weights_of(model: HRM) -> dict[str, Tensor]:
    return renamed({name: value.clone() for name, value in model.state_dict().items()})


def batches_of(count: int) -> list[tiny_network.Batch]:
    g = torch.Generator().manual_seed(1)
    found = []
    for _ in range(count):
        labels = torch.randint(vocabulary, (batch, length), generator=g)
        labels[torch.rand(batch, length, generator=g) < 0.3] = tiny_network.IGNORED
        inputs = torch.randint(vocabulary, (batch, length), generator=g)
        ids = torch.randint(identities, (batch,), generator=g)
        found.append({"inputs": inputs, "labels": labels, "identities": ids})
    return found


@each
def test_answers_losses_gradients_and_halting_are_the_references(variant):
    system = system_of(variant)
    model = model_of(system)
    weights = weights_of(model)
    trained = {
        name: value.requires_grad_()
        for name, value in weights.items()
        if name not in tiny_network.BUFFERS and not name.startswith("low_init")
    }
    assert trained.keys() == renamed(dict(model.named_parameters())).keys()
    data = batches_of(8)
    theirs = tiny_variants.initial_carry(weights, sizes, variant, data[0])
    ours = model.begin(Batch(data[0]["inputs"], data[0]["identities"], data[0]["labels"]))
    model.train()
    generator = torch.Generator().manual_seed(2)
    steps = set()
    for given in data:
        noise = torch.rand(batch, 2, generator=generator).double()
        offered = Batch(given["inputs"], given["identities"], given["labels"])
        ours, prediction, decision = model.advance(ours, offered, noise)
        found = q_losses.segment_loss(
            system.objective, prediction, decision.logits, ours.batch.targets, None
        )
        theirs, outputs = tiny_variants.call(
            weights, sizes, variant, theirs, given, noise.unbind(-1), training=True
        )
        expected = tiny_network.loss(outputs, theirs.data["labels"], "stablemax", batch)
        close(prediction, outputs["logits"])
        close(decision.logits[:, 0], outputs["q_halt"])
        close(found.total, expected["loss"])
        exact(ours.halted, theirs.halted)
        exact(ours.steps, theirs.steps)
        steps |= set(ours.steps[ours.halted].tolist())
        own = torch.autograd.grad(found.total, list(model.parameters()), retain_graph=True)
        gradients = torch.autograd.grad(expected["loss"], list(trained.values()))
        names = [name for name, _ in model.named_parameters()]
        all_close(
            renamed(dict(zip(names, own, strict=True))),
            dict(zip(trained, gradients, strict=True)),
        )
    assert len(steps) > 1, "samples stop in different steps"


@each
def test_evaluation_takes_all_steps_and_answers_as_the_reference(variant):
    model = model_of(system_of(variant)).eval()
    weights, (data,) = weights_of(model), batches_of(1)
    carry = tiny_variants.initial_carry(weights, sizes, variant, data)
    with torch.no_grad():
        for _ in range(sizes.max_steps):
            carry, outputs = tiny_variants.call(
                weights, sizes, variant, carry, data, None, training=False
            )
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"])
    close(found.run.logits[-1, :, 0], outputs["q_halt"])


def test_without_a_variant_the_reference_is_that_of_the_tiny_network():
    model = model_of(system_of(Variant()))
    weights, (data,) = weights_of(model), batches_of(1)
    carry = tiny_network.initial_carry(weights, sizes, data)
    _, expected = tiny_network.call(weights, sizes, carry, data, None, training=False)
    other = tiny_variants.initial_carry(weights, sizes, Variant(), data)
    _, found = tiny_variants.call(weights, sizes, Variant(), other, data, None, training=False)
    exact(found["logits"], expected["logits"])


def test_latents_are_as_many_as_low_updates_or_one_or_two():
    with pytest.raises(UserError, match=r"latents is 5; allowed is 1, 2 or 7"):
        recipes.tiny_network(latents=5)


@each
def test_the_published_size_costs_what_its_maps_have(variant):
    """Per block 4 D² of attention, or 3 S' J of mixing; start values are no parameters."""
    made = recipes.tiny_network(
        mixing=variant.mixing, latents=7 if variant.latents > 2 else variant.latents
    )
    with torch.device("meta"):
        found = sum(p.numel() for p in HRM(made.model).parameters())
    d, swiglu, positions = 512, 1536, 81 + 16
    mixed = 3 * positions * 512 if variant.mixing else 4 * d * d
    assert found == 2 * 11 * d + 2 * d + 2 + 2 * (mixed + 3 * d * swiglu)
