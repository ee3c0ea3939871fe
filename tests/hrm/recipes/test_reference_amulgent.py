"""The recipe amulgent is its straight-line reference, before and after its enhancements."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ablations.references import amulgent as reference
from hrm import recipes
from hrm.config import Ahead, Learned
from hrm.config.learning import SquaredError, Supervised, System, Training
from hrm.documented.replay import Experience, Replay, adam, replay_update
from hrm.documented.replay import loss as loss_of_replay
from hrm.model import HRM
from hrm.model.embedding import InitialState
from hrm.model.execution import Batch
from hrm.training import q_losses
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

# eight heads of two units; an answer has the size of an input, so that it can be the next state
batch, size, width, max_steps = 6, 6, 16, 4
counts = {"high_layers": 1, "low_layers": 2, "high_cycles": 2, "low_cycles": 1}
more = {"high_layers": 2, "low_layers": 3, "low_cycles": 2}
rate, updates = 1e-4, 5

switches = {
    "use_rmsnorm": {"use_rmsnorm": True},
    "use_swiglu": {"use_swiglu": True},
    "use_iterative_refinement": {"segments": 2},
}
baseline = reference.System(weak_injections=True, two_heads=True, max_steps=max_steps, **counts)
arms: dict[str, reference.System] = {
    "original": baseline._replace(weak_injections=False, two_heads=False),
    "baseline": baseline,
    **{name: baseline._replace(**changes) for name, changes in switches.items()},
    "all": reference.ENHANCED._replace(max_steps=max_steps, **counts),
}
every_arm = pytest.mark.parametrize("arm", arms.values(), ids=arms)


def recipe(arm: reference.System, outer: int = size, exploration: float = 0.5) -> System:
    """The recipe; inputs and outputs of another width than the model's, or of the same."""
    return recipes.amulgent(
        inputs=outer,
        outputs=outer,
        width=width,
        h_layers=arm.high_layers,
        l_layers=arm.low_layers,
        h_cycles=arm.high_cycles,
        l_cycles=arm.low_cycles,
        max_steps=arm.max_steps,
        use_rmsnorm=arm.use_rmsnorm,
        use_swiglu=arm.use_swiglu,
        use_iterative_refinement=arm.segments > 1,
        refinement_segments=arm.segments,
        exploration=exploration,
        original=not arm.two_heads,
    )


def built(system: System, dtype: torch.dtype = torch.float64) -> HRM:
    """The system's model with Q values on both sides of each other, by what the batch is."""
    model = model_of(system, dtype)
    with torch.no_grad():
        for head in model.halting.heads:
            head.weight.mul_(4)
            head.bias.zero_()
    lean(model, 0.0)
    return model.train()


@torch.no_grad()
def lean(model: HRM, leaning: float) -> None:
    """Let Q(halt) exceed Q(continue) so far on the first batch, in the mean."""
    (x,) = batches_of(1, dtype=model.readout.weight.dtype, outer=model.config.embedding.size)
    halt, keep_on = model.eval()(x, steps=1).run.logits[0].mean(dim=0)
    model.halting.heads[0].bias[0] += leaning - (halt - keep_on)


outer_names = {
    "embed.map.weight": "input.weight",
    "embed.map.bias": "input.bias",
    "start_high.value": "initial_high",
    "start_low.value": "initial_low",
    "readout.weight": "output.weight",
    "readout.bias": "output.bias",
    "connect.weight": "connection.weight",
}
block_names = {
    "attention.qkv": "qkv",
    "attention.out": "attention_output",
    "feed_forward.gate_up": "gate_up",
    "feed_forward.gate": "gate",
    "feed_forward.up": "up",
    "feed_forward.down": "down",
    "norm_attention": "norm_attention",
    "norm_feed_forward": "norm_feed_forward",
}
norm_names = {"weight": "scale", "bias": "shift"}


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The reference's names; fused maps have their rows in the same order."""
    heads = {name.split(".")[2] for name in tensors if name.startswith("halting.heads.")}
    head_names = {"0": "q_halt", "1": "q_continue"} if len(heads) == 2 else {"0": "q"}
    found = {}
    for name, value in tensors.items():
        if name in outer_names:
            found[outer_names[name]] = value
            continue
        outer, _, kind = name.rpartition(".")
        if outer.startswith("halting.heads."):
            found[f"{head_names[outer[-1]]}.{kind}"] = value
            continue
        level, _, i, part = outer.split(".", 3)
        kind = norm_names[kind] if part.startswith("norm") else kind
        found[f"{level}.{i}.{block_names[part]}.{kind}"] = value
    return found


def weights_of(model: HRM) -> dict[str, Tensor]:
    return renamed(leaves_of(model))


def batches_of(count: int, *, dtype: torch.dtype = torch.float64, outer: int = size) -> Tensor:
    g = torch.Generator().manual_seed(1)
    return torch.randn(count, batch, outer, generator=g).to(dtype)


def same_thought(found: HRM, expected: reference.Thought, x: Tensor, tolerance: float) -> None:
    output = found(x, steps=1)
    close(output.prediction, expected.output, tolerance)
    q = torch.stack([expected.q_halt, expected.q_continue], dim=-1)
    close(output.run.logits[0], q, tolerance)


@every_arm
@pytest.mark.parametrize("outer", [size, width], ids=["other width", "same width"])
def test_both_have_the_same_weights(arm, outer):
    expected = reference.shapes(arm, outer, width, outer)
    found = weights_of(HRM(recipe(arm, outer).model))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


@pytest.mark.promise("amulgent", "the two printed sizes", "hrm summary amulgent-enhanced")
@pytest.mark.parametrize(
    ("system", "options", "parameters"),
    [
        (reference.System(weak_injections=True, two_heads=True), {}, 844_610),
        (reference.ENHANCED, dict.fromkeys(switches, True), 1_011_522),
    ],
    ids=["baseline", "enhanced"],
)
def test_the_documented_sizes_are_the_recipes(system, options, parameters):
    expected = reference.shapes(system, inputs=64, width=128, outputs=64)
    found = weights_of(HRM(recipes.amulgent(**options).model))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected
    assert sum(math.prod(shape) for shape in expected.values()) == parameters
    assert recipes.amulgent().model.halting.max_steps == system.max_steps


# -- one step, and halting ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "arm",
    [*arms.values(), reference.ENHANCED._replace(segments=3)],
    ids=[*arms, "three segments"],
)
@pytest.mark.parametrize("outer", [size, width], ids=["other width", "same width"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)], ids=["f64", "f32"]
)
@torch.no_grad()
def test_one_step_is_the_same(arm, outer, dtype, tolerance):
    arm = arm._replace(**more)
    model = built(recipe(arm, outer), dtype)
    (x,) = batches_of(1, dtype=dtype, outer=outer)
    same_thought(model, reference.think(weights_of(model), arm, x), x, tolerance)


unweighted = {
    "original": arms["original"],
    "rms": arms["original"]._replace(use_rmsnorm=True),
    "swiglu": arms["original"]._replace(use_swiglu=True),
}


@pytest.mark.parametrize("arm", unweighted.values(), ids=unweighted)
def test_one_step_is_the_same_bit_for_bit_in_float32_with_plain_kernels(monkeypatch, arm):
    """Of one injection; two are added up before they meet the state, in the reference one by one.

    Fused norms, SiLU and attention round elsewhere: they are replaced by their formulas.
    """

    def layer_norm(x: Tensor, shape: Sequence[int], w: Tensor, b: Tensor, eps: float) -> Tensor:
        mean = x.mean(dim=-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
        return (x - mean) / torch.sqrt(variance + eps) * w + b

    def rms_norm(x: Tensor, shape: Sequence[int], w: Tensor, eps: float) -> Tensor:
        return x / torch.sqrt((x**2).mean(dim=-1, keepdim=True) + eps) * w

    def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1) @ v

    monkeypatch.setattr(F, "layer_norm", layer_norm)
    monkeypatch.setattr(F, "rms_norm", rms_norm)
    monkeypatch.setattr(F, "scaled_dot_product_attention", attention)
    monkeypatch.setattr(F, "silu", lambda x: x * torch.sigmoid(x))
    arm = arm._replace(**more)
    model = built(recipe(arm), torch.float32)
    (x,) = batches_of(1, dtype=torch.float32)
    expected = reference.think(weights_of(model), arm, x)
    output = model(x, steps=1)
    exact(output.prediction, expected.output)
    exact(output.run.logits[0], torch.stack([expected.q_halt, expected.q_continue], dim=-1))


@every_arm
@torch.no_grad()
def test_evaluation_halts_the_batch_where_its_mean_q_values_say(arm):
    model = built(recipe(arm)).eval()
    (x,) = batches_of(1)
    seen = set()
    for leaning in (-0.1, 0.1):
        lean(model, leaning)
        expected, steps = reference.forward(weights_of(model), arm, x)
        output = model(x)
        close(output.prediction, expected.output)
        q = torch.stack([expected.q_halt, expected.q_continue], dim=-1)
        for logits in output.run.logits:  # each step starts again on the same input
            close(logits, q)
        assert ((q[:, 0] > q[:, 1]) != (leaning > 0)).any(), "some samples would go the other way"
        assert output.run.steps.tolist() == [steps] * batch
        seen.add(steps)
    assert seen == {1, max_steps}


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("most", [1, 4], ids=["one step", "four steps"])
@torch.no_grad()
def test_training_explores_as_a_batch(probability, most):
    arm = arms["baseline"]._replace(max_steps=most)
    system = recipe(arm, exploration=probability)
    model = built(system)
    (x,) = batches_of(1)
    generator, same = (torch.Generator().manual_seed(2) for _ in range(2))
    seen = set()
    for leaning in (-0.1, 0.1):
        lean(model, leaning)
        model.train()
        for _ in range(6):
            drawn = model.draw(batch, generator)
            explore, extra = draws_of(same, arm)
            expected, steps = reference.forward(
                weights_of(model), arm, x, explore, extra, exploration=probability
            )
            output = model(x, drawn)
            close(output.prediction, expected.output)
            assert output.run.steps.tolist() == [steps] * batch
            seen.add(steps)
    assert most in seen
    if most > 1 and probability < 1:  # exploring alone never halts before the last step
        assert 1 in seen
        assert len(seen) > (2 if probability == 0.5 else 1)
    if most > 1 and probability in (0, 1):
        assert seen == ({1, most} if probability == 0 else {most})


def draws_of(generator: torch.Generator, arm: reference.System) -> tuple[Tensor, Tensor]:
    """What a model draws from an equal generator: the first sample's numbers are the batch's."""
    first, second = torch.rand(arm.max_steps, batch, 2, generator=generator)[:, 0].unbind(-1)
    return first, 1 + (3 * second).floor()


def test_the_documented_exploration_is_the_recipes():
    halting = recipes.amulgent().model.halting
    assert halting.exploration == Ahead(probability=0.1, most=3)


def test_an_exploring_step_halts_at_the_drawn_step_or_later():
    # As it stands the rule names a later step, so that exploring only ever goes on; the module
    # decides by any step that it is asked about.
    halting = built(recipe(baseline, exploration=1.0)).halting
    for step in range(1, max_steps + 1):
        for extra in (1, 2, 3):
            noise = torch.tensor([[0.0, (extra - 0.5) / 3]]).expand(batch, 2)
            margin = halting.explore(torch.zeros(batch), step, noise)
            minimum = max(2, min(max_steps, step + extra))
            assert ((margin > 0) == (step >= minimum)).all()


# -- supervised training --------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["original", "baseline", "all"])
def test_five_supervised_steps_are_the_same(name):
    """The answer's squared error; the reference has its forward pass, and Adam is torch's."""
    arm = arms[name]
    model = built(recipe(arm))
    system = System(model=model.config, objective=Supervised(answer=SquaredError()))
    weights = weights_of(model)
    optimiser = torch.optim.Adam(weights.values(), lr=rate)
    training = Training(updates=updates, learning_rate=rate)
    learner = Learner(model, system, training, torch.Generator().manual_seed(3))
    same = torch.Generator().manual_seed(3)
    taken = set()
    targets = batches_of(2 * updates)[updates:]
    for x, y in zip(batches_of(updates), targets, strict=True):
        thought, steps = reference.forward(weights, arm, x, *draws_of(same, arm), exploration=0.5)
        expected = ((thought.output - y) ** 2).mean()
        gradients = reference.gradients(expected, weights)
        for name, weight in weights.items():
            weight.grad = gradients[name]
        optimiser.step()
        loss, mean_steps = learner.update(Batch(x, None, y))
        close(number(loss), expected.detach())
        all_close(renamed(gradients_of(model)), gradients)
        assert mean_steps == steps
        taken.add(steps)
    all_close(weights_of(model), weights)
    assert len(taken) > 1
    learnt = {name for name, g in gradients.items() if g.any()}
    assert learnt == {name for name in weights if not name.startswith("q_") and name[:2] != "q."}


# -- learning from experiences --------------------------------------------------------------------
def experiences_of(
    model: HRM, arm: reference.System, count: int
) -> tuple[list[reference.Experience], list[Experience]]:
    """Halting steps from states of their own, of which some halted, as both record them."""
    g = torch.Generator().manual_seed(4)
    states = torch.randn(count, size, generator=g).double()
    halted = (torch.rand(count, generator=g) < 0.4).tolist()
    theirs = [
        reference.experience(weights_of(model), arm, state, halted=ended)
        for state, ended in zip(states, halted, strict=True)
    ]
    with torch.no_grad():
        answers = model(states, steps=1).prediction
    close(answers, torch.stack([entry.next_state for entry in theirs]))
    ours = [
        Experience(state=state, next_state=answer, reward=1.0 if ended else 0.1, terminal=ended)
        for state, answer, ended in zip(states, answers, halted, strict=True)
    ]
    return theirs, ours


def replay_of(experiences: list[Experience]) -> Replay:
    replay = Replay()
    for experience in experiences:
        replay.add(experience)
    return replay


@every_arm
@pytest.mark.parametrize("count", [5, 36], ids=["few", "more than 32"])
def test_replay_loss_and_gradients_are_the_same(arm, count):
    model = built(recipe(arm))
    weights = weights_of(model)
    theirs, ours = experiences_of(model, arm, count)
    assert len({entry.terminal for entry in theirs[-32:]}) == 2
    expected = reference.replay_loss(weights, arm, theirs)
    found = loss_of_replay(model, replay_of(ours).latest())
    close(found, expected)
    found.backward()
    gradients = reference.gradients(expected, weights)
    all_close(renamed(gradients_of(model)), gradients)
    answers = {"output.weight", "output.bias", "connection.weight"} & weights.keys()
    silent = {name for name, g in gradients.items() if not g.any()}
    assert silent == (set() if arm.segments > 1 else answers)


learners = {name: (arm, False) for name, arm in arms.items()} | {
    f"{name}, connection learnt": (arm, True) for name, arm in arms.items() if arm.segments > 1
}


@pytest.mark.parametrize(("arm", "learn_connection"), learners.values(), ids=learners)
def test_five_replay_updates_are_the_same(arm, learn_connection):
    model = built(recipe(arm))
    before = weights_of(model)
    theirs, ours = experiences_of(model, arm, 5)
    history, weights = reference.train(
        before, arm, theirs, updates, lr=rate, learn_connection=learn_connection
    )
    replay, optimiser = replay_of(ours), adam(model, learn_connection=learn_connection)
    for expected in history:
        close(number(replay_update(model, replay, optimiser)), number(expected))
    all_close(weights_of(model), weights)
    if "connection.weight" in weights:
        kept = torch.equal(weights["connection.weight"], before["connection.weight"])
        assert kept != learn_connection
    assert history[-1] < history[0]


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-15), (torch.float32, 1e-6)], ids=["f64", "f32"]
)
def test_the_losses_of_q_values_are_the_same(dtype, tolerance):
    g = torch.Generator().manual_seed(5)
    many = 64
    q, next_q = torch.randn(2, many, 2, generator=g).to(dtype)
    rewards = torch.rand(many, generator=g).to(dtype)
    terminal = torch.rand(many, generator=g) < 0.4
    columns = (*q.unbind(-1), *next_q.unbind(-1), rewards, terminal)
    found = q_losses.replay_loss(q, q_losses.replay_targets(rewards, next_q, terminal))
    close(found, reference.two_head_loss(*columns), tolerance)
    found = q_losses.single_head_loss(q, rewards, next_q, terminal)
    close(found, reference.one_map_loss(*columns), tolerance)


# -- what the default configuration keeps of the original -----------------------------------------
def test_the_default_configuration_is_not_the_original():
    """The switches are off in both; these came with the enhancements all the same."""
    original, default = recipes.amulgent(original=True), recipes.amulgent()
    assert original.differences(default) == [
        ("model.initial.clip", None, 2.0),  # initial states: standard normal, or small and clipped
        ("model.coupling.down", 0.0, 0.1),  # z_H doesn't enter z_L, or with weight 0.1
        ("model.coupling.up", 1.0, 0.1),  # z_L enters z_H with weight 1, or 0.1
        ("model.halting.heads", 1, 2),  # one map to both Q values, or a head for each
        ("model.halting.biases", None, [-0.1, 0.1]),
    ]


def test_with_equal_weights_the_default_configuration_answers_otherwise_than_the_original():
    original = built(recipe(arms["original"]))
    model = HRM(recipe(arms["baseline"]).model).double()
    shared = original.state_dict()
    for kind in ("weight", "bias"):
        both = shared.pop(f"halting.heads.0.{kind}")
        for i, row in enumerate(both.chunk(2)):
            shared[f"halting.heads.{i}.{kind}"] = row
    model.load_state_dict(shared)
    (x,) = batches_of(1)
    here, there = (m(x, steps=1) for m in (model, original))
    assert (here.prediction - there.prediction).abs().max() > 0.1
    assert (here.run.logits - there.run.logits).abs().max() > 0.1
    kept = original.config.coupling  # with the couplings alike too, nothing is left but the draws
    alike = HRM(replace(model.config, coupling=kept)).double()
    alike.load_state_dict(shared)
    close(alike(x, steps=1).prediction, there.prediction)
    close(alike(x, steps=1).run.logits, there.run.logits)


@pytest.mark.parametrize("clip", [None, 2.0], ids=["original", "enhanced"])
def test_initial_states_are_drawn_alike(clip):
    many = 128
    torch.manual_seed(6)
    found = InitialState(Learned(clip=clip), many).value.detach()
    torch.manual_seed(6)
    expected = reference.initial_state(torch.empty(many).normal_(), enhanced=clip is not None)
    close(found, expected, 1e-6)
    if clip is not None:
        assert (found.abs() == found.abs().max()).sum() > 1, "some are clipped"


def test_the_enhanced_heads_start_at_their_biases():
    halt, keep_on = HRM(recipe(arms["all"]).model).halting.heads
    assert (halt.bias.item(), keep_on.bias.item()) == pytest.approx((-0.1, 0.1))
