"""The recipe gru is its straight-line reference, as documented and as coded.

What is computed by the same operations in the same order is the same bit for bit in float32 too, in
levels of 32 and 64 units: of those a vectorised loop leaves no rest, whose sigmoid and tanh torch
would compute by another routine.
"""

import itertools

import pytest
import torch
from torch import Tensor

from ablations.references import gru as reference
from hrm import recipes
from hrm.config.learning import System, Training
from hrm.model import HRM
from hrm.model.execution import Batch
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

Case = dict[str, bool]

batch, inputs, outputs, low_width, high_width = 6, 5, 3, 8, 12
whole = {"hidden_low": 32, "hidden_high": 64}  # whole vector registers
sizes = {"max_cycles": 4, "low_steps": 3}
rate, updates = 1e-3, 5
leans = [i / 5 for i in range(-10, 11)]
cases: list[Case] = [
    dict(zip(("documented", "act", "detach_low_to_high", "detach_high_to_low"), on, strict=True))
    for on in itertools.product([True, False], repeat=4)
]


def named(case: Case) -> str:
    cuts = [name for name in ("low_to_high", "high_to_low") if case[f"detach_{name}"]]
    words = ["documented" if case["documented"] else "coded", "act" if case["act"] else "no act"]
    return ", ".join([*words, f"cut {' and '.join(cuts)}" if cuts else "uncut"])


def system_of(case: Case, cost: float = 0.0, **options) -> System:
    widths = {"hidden_low": low_width, "hidden_high": high_width}
    switches = {name: on for name, on in case.items() if name.startswith("detach")}
    return recipes.gru(
        inputs=inputs,
        outputs=outputs,
        **(widths | options),
        **sizes,
        **switches,
        use_act=case["act"],
        compute_cost_weight=cost,
        as_coded=not case["documented"],
    )


def built(
    system: System, dtype: torch.dtype = torch.float64, leaning: float = 0.0, seed: int = 5
) -> HRM:
    """The system's model with a policy that tells samples apart."""
    model = model_of(system, dtype, seed)
    with torch.no_grad():
        model.halting.controller.policy.weight.mul_(8)
    lean(model, leaning)
    return model.train()


def lean(model: HRM, leaning: float) -> None:
    """Let the policy lean so far towards stopping."""
    with torch.no_grad():
        model.halting.controller.policy.bias.copy_(torch.tensor([-leaning / 2, leaning / 2]))


maps = {
    "embed.map": "input",
    "low.control": "down",
    "low.cell": "low",
    "high.cell": "high",
    "readout": "output",
    "halting.controller.policy": "policy",
    "halting.baseline": "baseline",
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
            torch.randn(size, inputs, generator=g).to(dtype),
            torch.randn(size, outputs, generator=g).to(dtype),
        )
        for _ in range(count)
    ]


def noises_of(generator: torch.Generator, count: int, size: int = batch) -> Tensor:
    """What a model draws from an equal generator for its updates, [updates, C, B]."""
    return torch.stack(
        [torch.rand(sizes["max_cycles"], size, generator=generator) for _ in range(count)]
    )


def reward_of(step: reference.Step, y: Tensor, cost: float) -> Tensor:
    return -((step.prediction - y) ** 2).mean(dim=1).detach() - cost * step.cycles.to(y.dtype)


def test_both_have_the_same_weights():
    expected = reference.shapes(inputs, low_width, high_width, outputs)
    found = weights_of(built(system_of(cases[0])))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


def test_the_documented_sizes_are_the_recipes():
    expected = reference.shapes(inputs=1024, low=256, high=512)
    found = weights_of(HRM(recipes.gru().model))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected
    assert recipes.gru().model.low_steps == 3
    assert recipes.gru().model.halting.max_steps == 5


# -- evaluation -----------------------------------------------------------------------------------
@pytest.mark.parametrize("documented", [True, False], ids=["documented", "coded"])
@pytest.mark.parametrize("act", [True, False], ids=["act", "no act"])
@torch.no_grad()
def test_evaluation_stops_the_batch_as_one(documented, act):
    case = cases[0] | {"documented": documented, "act": act}
    ((x, _),) = batches_of(1)
    model = built(system_of(case)).eval()
    seen = set()
    for leaning in leans:
        lean(model, leaning)
        prediction, cycles = reference.forward(weights_of(model), x, act=act, **sizes)
        output = model(x)
        close(output.prediction, prediction)
        exact(output.run.steps, cycles)
        seen |= set(cycles.tolist())
    assert seen == ({1, 2, 3, 4} if act else {4})


@pytest.mark.parametrize("act", [True, False], ids=["act", "no act"])
@pytest.mark.parametrize("count", [1, 3, 7])  # 7 are more than the most
def test_a_fixed_number_of_cycles_overrides_the_policy(act, count):
    model = built(system_of(cases[0] | {"act": act}), leaning=1.0).eval()
    ((x, _),) = batches_of(1)
    prediction, cycles = reference.forward(weights_of(model), x, act=act, num_cycles=count, **sizes)
    output = model(x, steps=count)
    close(output.prediction, prediction)
    exact(output.run.steps, cycles)
    assert (cycles == count).all()


@torch.no_grad()
def test_evaluation_is_the_same_bit_for_bit_in_float32():
    ((x, _),) = batches_of(1, torch.float32)
    model = built(system_of(cases[0], **whole), torch.float32).eval()
    seen = set()
    for leaning in leans:
        lean(model, leaning)
        prediction, cycles = reference.forward(weights_of(model), x, **sizes)
        output = model(x)
        exact(output.prediction, prediction)
        exact(output.run.steps, cycles)
        seen |= set(cycles.tolist())
        fixed, _ = reference.forward(weights_of(model), x, num_cycles=3, **sizes)
        exact(model(x, steps=3).prediction, fixed)
    assert {1, 4} <= seen


# -- training -------------------------------------------------------------------------------------
@pytest.mark.parametrize("cost", [0.0, 0.05], ids=["free", "at a cost"])
@pytest.mark.parametrize("case", cases, ids=named)
def test_predictions_losses_and_gradients_of_a_training_step_are_the_same(case, cost):
    system = system_of(case, cost)
    model = built(system, leaning=-2.5)
    weights = weights_of(model)
    ((x, y),) = batches_of(1)
    (noise,) = noises_of(torch.Generator().manual_seed(2), 1)
    expected = reference.training_step(weights, x, y, noise, cost=cost, **sizes, **case)
    if case["act"]:
        assert len(expected.cycles.unique()) > 2, "samples stop in different cycles"

    output = model(x, noise[..., None])
    found = losses.loss(system.objective, output, y, sizes["max_cycles"])
    close(output.prediction, expected.prediction)
    exact(output.run.steps, expected.cycles)
    close(found.total, expected.loss)
    close(found.task, expected.task_loss)
    close(found.policy, expected.policy_loss)
    close(found.baseline, expected.baseline_loss)
    close(found.reward, reward_of(expected, y, cost))

    found.total.backward()
    gradients = reference.gradients(expected.loss, weights)
    all_close(renamed(gradients_of(model)), gradients)
    reached = {name.split(".")[0] for name, g in gradients.items() if g.any()}
    assert reached == reached_maps(case)


def reached_maps(case: Case) -> set[str]:
    """The maps that learn, by what is cut."""
    if not case["documented"] and case["act"]:
        return {"output", "baseline"}  # all that lies behind is copied without gradient
    found = {"output", "baseline", "high"} | ({"policy"} if case["act"] else set())
    return found if case["detach_low_to_high"] else found | {"input", "down", "low"}


@pytest.mark.parametrize("case", cases, ids=named)
def test_five_training_steps_are_the_same(case):
    cost = 0.05
    system = system_of(case, cost)
    model = built(system, leaning=-2.5)
    before = weights_of(model)
    batches = batches_of(updates)
    noise = noises_of(torch.Generator().manual_seed(3), updates)
    history, weights = reference.train(
        before, batches, noise, updates, lr=rate, cost=cost, **sizes, **case
    )
    learner = learner_of(model, system)
    for (x, y), expected in zip(batches, history, strict=True):
        loss, _ = learner.update(Batch(x, None, y))
        close(number(loss), number(expected))
    all_close(weights_of(model), weights)
    moved = {name.split(".")[0] for name, w in weights.items() if not torch.equal(w, before[name])}
    assert moved == reached_maps(case)


def learner_of(model: HRM, system: System) -> Learner:
    """AdamW without weight decay is Adam."""
    training = Training(updates=updates, learning_rate=rate)
    return Learner(model, system, training, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("case", cases, ids=named)
def test_training_is_the_same_bit_for_bit_in_float32(case):
    """Predictions, losses, gradients and five steps, torch's Adam serving both.

    The model maps what stays the same over a cycle once, and so does the reference here: gradients
    are then summed over the updates first. At each update, as everywhere else in this file, it sums
    them in another order; `test_cores` bounds what that makes.

    With ACT on, two things are the same to rounding: the package's baseline reads the state after
    each cycle, the reference's the stop-time states alone, so that its gradient is another sum of
    the same terms; and as documented the policy's loss adds up samples or cycles first, after which
    all the gradients that meet its own differ in the last bit.
    """
    cost, size = 0.05, 8
    system = system_of(case, cost, **whole)
    model = built(system, torch.float32, leaning=0.5, seed=2)
    weights = weights_of(model)
    adam = torch.optim.Adam(weights.values(), lr=rate, fused=True)
    noise = noises_of(torch.Generator().manual_seed(3), updates, size)
    learner = learner_of(model, system)
    fixed = not case["act"]
    same = exact if fixed or not case["documented"] else rounded
    order = sizes | {"mapped_once": True}
    for t, (x, y) in enumerate(batches_of(updates, torch.float32, size)):
        expected = reference.training_step(weights, x, y, noise[t], cost=cost, **order, **case)
        assert fixed or len(expected.cycles.unique()) > 1
        with torch.no_grad():
            output = model(x, noise[t, :, :, None])
            found = losses.loss(system.objective, output, y, sizes["max_cycles"])
        exact(output.run.steps, expected.cycles)
        ahead = exact if t == 0 else same
        ahead(output.prediction, expected.prediction)
        ahead(found.task, expected.task_loss)
        ahead(found.reward, reward_of(expected, y, cost))
        (exact if t == 0 or fixed else rounded)(found.baseline, expected.baseline_loss)
        rounded(found.policy, expected.policy_loss)

        adam.zero_grad(set_to_none=True)
        expected.loss.backward()
        adam.step()
        loss, cycles_mean = learner.update(Batch(x, None, y))
        rounded(number(loss), number(expected.loss.item()))
        assert cycles_mean == expected.cycles_mean.item()
        for name, g in renamed(gradients_of(model)).items():
            theirs = weights[name].grad
            agree = rounded if name.startswith("baseline") and not fixed else same
            agree(g, torch.zeros_like(g) if theirs is None else theirs)
    for name, value in weights_of(model).items():
        (rounded if name.startswith("baseline") and not fixed else same)(value, weights[name])


def rounded(found: Tensor, expected: Tensor) -> None:
    close(found, expected, 1e-5)
