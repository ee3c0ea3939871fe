"""The recipe v2 is its straight-line reference: with all flags off the original, and otherwise.

The reference has no dropout: in training it is compared with both at zero, in evaluation the recipe
is what it is. Neither the recipe nor the document cuts gradients between the levels.
"""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ablations.references import v2 as reference
from ablations.references.v2 import Flags
from hrm import recipes
from hrm.config import Alternating, Compacted, LastStep, Lockstep, Masked, Refilled
from hrm.config.learning import System, Training
from hrm.model import HRM, Output
from hrm.model.execution import Batch
from hrm.model.halting import ConcatenatedController, DirectController
from hrm.training import losses
from hrm.training.loop import Learner
from tests.hrm.equality import (
    all_close,
    close,
    exact,
    gradients_of,
    leaves_of,
    model_of,
    number,
)

# eight heads of two units
batch, inputs, outputs, low_width, high_width = 6, 5, 3, 16, 24
whole = {"hidden_low": 32, "hidden_high": 64}  # a vectorised loop leaves no rest
sizes = {"max_cycles": 4, "low_steps": 2}
uncut = {"detach_low_to_high": False, "detach_high_to_low": False}
rate, updates = 1e-3, 5

all_flags = [Flags(*on) for on in itertools.product([False, True], repeat=4)]
# what attends to the sequence has no original aggregation
ways = [
    (flags, aggregation)
    for flags in all_flags
    for aggregation in ("map", "single")
    if aggregation == "map" or not flags.use_sequence_attention
]


def named(value: Flags | str) -> str:
    if isinstance(value, str):
        return value
    on = [name.split("_")[1] for name, is_on in value._asdict().items() if is_on]
    return " ".join(on) or "off"


every_way = pytest.mark.parametrize(("flags", "aggregation"), ways, ids=named)
both_scores = pytest.mark.parametrize("score", ["action", "stop"])


def recipe(flags: Flags, aggregation: str = "map", score: str = "action", **widths) -> System:
    return recipes.v2(
        inputs=inputs,
        outputs=outputs,
        **({"hidden_low": low_width, "hidden_high": high_width} | widths),
        **sizes,
        **flags._asdict(),
        step_attention=aggregation == "single",
        as_coded=score == "stop",
    )


def changed(system: System, **changes) -> System:
    return replace(system, model=replace(system.model, **changes))


def undropped(system: System) -> System:
    """The system without dropout."""
    c = system.model
    controller = replace(c.halting.controller, dropout=0.0)
    summary = replace(c.summary, dropout=0.0) if isinstance(c.summary, LastStep) else c.summary
    return changed(system, halting=replace(c.halting, controller=controller), summary=summary)


def system_of(flags: Flags, aggregation: str = "map", score: str = "action", **widths) -> System:
    return undropped(recipe(flags, aggregation, score, **widths))


def built(system: System, dtype: torch.dtype = torch.float64) -> HRM:
    """The system's model with a policy that tells samples apart, and wants to stop with time."""
    model = model_of(system, dtype)
    last = model.halting.controller.policy[-1]
    with torch.no_grad():
        last.weight.mul_(20)
        first, *_, final = margins_of(model).mean(dim=1)
        if final < first:
            last.weight.neg_()
    lean(model, 0.3)
    return model.train()


def lean(model: HRM, share: float) -> None:
    """Shift the policy so that of the decisions on the first batch that many are to stop."""
    with torch.no_grad():
        bias = model.halting.controller.policy[-1].bias
        bias[1] -= margins_of(model).quantile(1 - share)


@torch.no_grad()
def margins_of(model: HRM) -> Tensor:
    ((x, _),) = batches_of(1, model.readout.weight.dtype)
    logits = model.eval()(x, steps=sizes["max_cycles"]).run.logits
    return logits[..., 1] - logits[..., 0]


maps = {
    "embed.map": "input",
    "low.control": "down",
    "low.cell": "low",
    "high.cell": "high",
    "readout": "output",
    "halting.baseline": "baseline",
    "halting.controller.policy.0": "policy.0",
    "halting.controller.policy.3": "policy.1",
    "halting.controller.policy.5": "policy.2",
    "summary.project": "summary",
    "summary.attention.from_query": "query",
    "summary.attention.query": "attention.query",
    "summary.attention.key": "attention.key",
    "summary.attention.value": "attention.value",
    "summary.attention.out": "attention.output",
}


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The reference's names; rows of cells and logits are in the same order."""
    found = {}
    for name, value in tensors.items():
        outer, _, kind = name.rpartition(".")
        found[f"{maps[outer]}.{kind}"] = value
    return found


def weights_of(model: HRM) -> dict[str, Tensor]:
    return renamed(leaves_of(model))


def batches_of(
    count: int, dtype: torch.dtype = torch.float64, size: int = batch
) -> list[tuple[Tensor, Tensor]]:
    g = torch.Generator().manual_seed(1)
    return [
        (
            3 * torch.randn(size, inputs, generator=g).to(dtype),
            torch.randn(size, outputs, generator=g).to(dtype),
        )
        for _ in range(count)
    ]


def noises_of(generator: torch.Generator, count: int, size: int = batch) -> Tensor:
    """What a model draws from an equal generator for its updates, [updates, C, B]."""
    return torch.stack(
        [torch.rand(sizes["max_cycles"], size, generator=generator) for _ in range(count)]
    )


def same_gradients(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """All gradients agree; those that are zero but for rounding are that on both sides.

    The softmax sees no constant of its scores, so that a key's bias doesn't matter, and over one
    key alone, neither do query and key.
    """
    alone = "attention.key.bias" in expected and "query.weight" not in expected
    idle = {
        name
        for name in expected
        if name == "attention.key.bias"
        or (alone and name.startswith(("attention.query", "attention.key")))
    }
    for name in idle:
        assert found[name].abs().max() < 1e-15
        assert expected[name].abs().max() < 1e-15
    all_close(
        {name: g for name, g in found.items() if name not in idle},
        {name: g for name, g in expected.items() if name not in idle},
    )
    silent = {name for name, g in expected.items() if name not in idle and not g.any()}
    assert not silent, "every other weight learns"


@every_way
def test_both_have_the_same_weights(flags, aggregation):
    expected = reference.shapes(inputs, low_width, high_width, outputs, flags, aggregation)
    found = weights_of(HRM(recipe(flags, aggregation).model))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


def test_the_documented_sizes_are_the_recipes():
    expected = reference.shapes(inputs=1024, low=256, high=512)
    found = weights_of(HRM(recipes.v2().model))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected
    assert recipes.v2().model.low_steps == 3
    assert recipes.v2().model.halting.max_steps == 8


# -- evaluation -----------------------------------------------------------------------------------
@every_way
@torch.no_grad()
def test_evaluation_is_the_same_as_the_recipe_is(flags, aggregation):
    ((x, _),) = batches_of(1)
    model = built(recipe(flags, aggregation)).eval()
    seen = set()
    for share in (0.01, 0.3, 0.5, 0.7, 0.99):
        lean(model, share)
        expected = reference.forward(
            weights_of(model), x, None, flags, original_aggregation=aggregation, **sizes
        )
        same_trace(model(x), expected)
        seen |= set(expected.cycles.tolist())
    assert len(seen) > (2 if flags.use_per_sample_act else 1)


def same_trace(output: Output, expected: reference.Trace) -> None:
    """Predictions, cycles, and the logits, values and actions of each cycle taken."""
    run = output.run
    close(output.prediction, expected.prediction)
    exact(run.steps, expected.cycles)
    live = torch.arange(len(expected.logits))[:, None] < expected.cycles
    exact(run.live, live)
    close(run.logits[live], torch.stack(expected.logits)[live])
    close(run.values[live], torch.stack(expected.values)[live])
    exact((run.margins > 0)[live], torch.stack(expected.actions)[live])


# -- training -------------------------------------------------------------------------------------
@both_scores
@every_way
def test_predictions_losses_and_gradients_of_a_training_step_are_the_same(
    flags, aggregation, score
):
    same_step(system_of(flags, aggregation, score), flags, aggregation, score)


@pytest.mark.parametrize("execution", [Masked(), Refilled(places=4)], ids=["masked", "refilled"])
@pytest.mark.parametrize("flags", [f for f in all_flags if f.use_per_sample_act], ids=named)
def test_how_each_sample_is_stopped_for_itself_makes_no_difference(flags, execution):
    system = system_of(flags)
    assert system.model.execution == Compacted()
    same_step(changed(system, execution=execution), flags, "map", "action")


@pytest.mark.parametrize(("up", "down"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("flags", [Flags(), Flags(True, True, True, True)], ids=named)
def test_the_cores_keep_the_cuts_of_gru_where_they_are_asked_for(flags, up, down):
    cuts = {"detach_low_to_high": up, "detach_high_to_low": down}
    system = changed(system_of(flags), coupling=Alternating(**cuts))
    same_step(system, flags, "map", "action", learn_all=False, **cuts)


def same_step(
    system: System,
    flags: Flags,
    aggregation: str,
    score: str,
    *,
    learn_all: bool = True,
    **cuts: bool,
) -> None:
    model = built(system)
    weights = weights_of(model)
    ((x, y),) = batches_of(1)
    (noise,) = noises_of(torch.Generator().manual_seed(2), 1)
    options = {"original_aggregation": aggregation} | sizes | uncut | cuts
    expected = reference.training_step(weights, x, y, noise, flags, score=score, **options)
    different = len(expected.cycles.unique())
    assert different > 2 if flags.use_per_sample_act else different == 1
    output = model(x, noise[..., None])
    with torch.no_grad():
        same_trace(output, reference.forward(weights, x, noise, flags, **options))
    found = losses.loss(system.objective, output, y, sizes["max_cycles"])
    close(found.total, expected.loss)
    close(found.task, expected.task_loss)
    close(found.policy, expected.policy_loss)
    close(found.baseline, expected.baseline_loss)
    close(-system.objective.entropy * losses.entropy(output.run), expected.entropy_loss)
    error = ((expected.prediction - y) ** 2).mean(dim=1)
    close(found.reward, -error.detach() - 0.01 * expected.cycles.to(y.dtype))

    found.total.backward()
    gradients = reference.gradients(expected.loss, weights)
    if learn_all:
        same_gradients(renamed(gradients_of(model)), gradients)
    else:
        gradients.pop("attention.key.bias", None)
        all_close(
            {n: g for n, g in renamed(gradients_of(model)).items() if n in gradients}, gradients
        )


scored_ways = [
    (flags, aggregation, score)
    for flags, aggregation in ways
    for score in ("action", "stop")
    if score == "action" or aggregation == "map"
]


@pytest.mark.parametrize(("flags", "aggregation", "score"), scored_ways, ids=named)
def test_five_training_steps_are_the_same(flags, aggregation, score):
    system = system_of(flags, aggregation, score)
    model = built(system)
    batches = batches_of(updates)
    noise = noises_of(torch.Generator().manual_seed(3), updates)
    options = {"score": score, "original_aggregation": aggregation} | sizes | uncut
    history, weights = reference.train(
        weights_of(model), batches, noise, updates, flags, lr=rate, **options
    )
    learner = learner_of(model, system)
    for (x, y), expected in zip(batches, history, strict=True):
        loss, _ = learner.update(Batch(x, None, y))
        close(number(loss), number(expected))
    all_close(weights_of(model), weights)


def learner_of(model: HRM, system: System) -> Learner:
    """AdamW without weight decay is Adam."""
    training = Training(updates=updates, learning_rate=rate)
    return Learner(model, system, training, torch.Generator().manual_seed(3))


# -- bit for bit ----------------------------------------------------------------------------------
bit_equal = [
    (flags, aggregation)
    for flags, aggregation in ways
    if not flags.use_sequence_attention and not flags.use_corrected_meta_rl
]


@pytest.mark.parametrize(("flags", "aggregation"), bit_equal, ids=named)
def test_a_forward_pass_is_the_same_bit_for_bit_in_float32(flags, aggregation):
    """With the flags that it depends on; the attention to a sequence is a fused kernel."""
    execution = Masked() if flags.use_per_sample_act else Lockstep()
    system = changed(system_of(flags, aggregation, **whole), execution=execution)
    model = built(system, torch.float32)
    size = 8
    ((x, _),) = batches_of(1, torch.float32, size)
    (noise,) = noises_of(torch.Generator().manual_seed(2), 1, size)
    expected = reference.forward(
        weights_of(model), x, noise, flags, original_aggregation=aggregation, **sizes
    )
    output = model(x, noise[..., None])
    exact(output.prediction, expected.prediction)
    exact(output.run.steps, expected.cycles)
    live = output.run.live
    exact(output.run.logits[live], torch.stack(expected.logits)[live])
    exact(output.run.values[live], torch.stack(expected.values)[live])


@both_scores
def test_with_all_flags_off_training_is_the_originals_bit_for_bit_in_float32(score):
    """Predictions, losses, gradients and five steps, torch's Adam serving both.

    Both map what stays the same over a cycle once, as in `test_reference_gru`.

    To rounding alone: the sums over cycles, which both take in another order, and the controller's
    gradients, which meet at its logits there, and at their log-probabilities here.
    """
    size = 8
    system = system_of(Flags(), score=score, **whole)
    model = built(system, torch.float32)
    weights = weights_of(model)
    before = weights_of(model)
    adam = torch.optim.Adam(weights.values(), lr=rate, fused=True)
    noise = noises_of(torch.Generator().manual_seed(3), updates, size)
    learner = learner_of(model, system)
    for t, (x, y) in enumerate(batches_of(updates, torch.float32, size)):
        options = sizes | uncut | {"mapped_once": True}
        trace = reference.forward(weights, x, noise[t], **options)
        expected = reference.training_step(weights, x, y, noise[t], score=score, **options)
        with torch.no_grad():
            output = model(x, noise[t, :, :, None])
            found = losses.loss(system.objective, output, y, sizes["max_cycles"])
        exact(output.prediction, expected.prediction)
        exact(output.run.steps, expected.cycles)
        exact(output.run.values, torch.stack(trace.values))
        exact(found.task, expected.task_loss)
        rounded(output.run.logits, torch.stack(trace.logits))
        rounded(found.policy, expected.policy_loss)
        rounded(found.baseline, expected.baseline_loss)

        adam.zero_grad(set_to_none=True)
        expected.loss.backward()
        adam.step()
        loss, _ = learner.update(Batch(x, None, y))
        rounded(number(loss), number(expected.loss.item()))
        for name, g in renamed(gradients_of(model)).items():
            (rounded if name.startswith("policy") else exact)(g, weights[name].grad)
    for name, value in weights_of(model).items():
        (rounded if name.startswith("policy") else exact)(value, weights[name])
        assert not torch.equal(value, before[name])


def rounded(found: Tensor, expected: Tensor) -> None:
    close(found, expected, 1e-5)


# -- the controllers ------------------------------------------------------------------------------
@pytest.mark.parametrize("per_sample", [False, True], ids=["lockstep", "per sample"])
def test_the_direct_controller_computes_the_same_with_the_concatenated_ones_weights(per_sample):
    flags = Flags(use_per_sample_act=per_sample)
    direct_flags = flags._replace(use_optimized_controller=True)
    original, direct = (built(system_of(f)) for f in (flags, direct_flags))
    shared = original.state_dict()
    first = "halting.controller.policy.0.weight"
    direct.load_state_dict(shared | {first: direct.state_dict()[first]})
    assert isinstance(original.halting.controller, ConcatenatedController)
    assert isinstance(direct.halting.controller, DirectController)
    direct.halting.controller.load_concatenated(original.halting.controller)

    ((x, y),) = batches_of(1)
    (noise,) = noises_of(torch.Generator().manual_seed(2), 1)
    options = sizes | uncut
    for model in (original, direct):
        for f, weights in ((flags, weights_of(original)), (direct_flags, weights_of(direct))):
            trace = reference.forward(weights, x, noise, f, **options)
            same_trace(model(x, noise[..., None]), trace)
    gradients = []
    for model, f in ((original, flags), (direct, direct_flags)):
        weights = weights_of(model)
        loss = reference.training_step(weights, x, y, noise, f, score="action", **options).loss
        expected = reference.gradients(loss, weights)
        objective = system_of(f).objective
        output = model(x, noise[..., None])
        losses.loss(objective, output, y, sizes["max_cycles"]).total.backward()
        found = renamed(gradients_of(model))
        same_gradients(found, expected)
        gradients.append(found)
    first = "policy.0.weight"  # the map that reads the cycle: W [I | 1] there, all its own here
    own = gradients[1].pop(first)
    close(own[:, :-1], gradients[0].pop(first) - own[:, -1:])
    all_close(gradients[1], gradients[0])
