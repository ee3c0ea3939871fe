"""The recipe act_v1 is its straight-line reference, which shares no code with it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ablations.references import act_v1 as reference
from ablations.references.blocks import Weights, rotary_tables
from ablations.references.losses import sequence_right
from hrm import recipes
from hrm.config import Compacted, HRMConfig, Masked, Refilled, SwiGlu
from hrm.config.learning import (
    AdamAtan2,
    AdamW,
    CrossEntropy,
    QHalting,
    StablemaxCrossEntropy,
    System,
    Training,
)
from hrm.model import HRM
from hrm.model.layers import Rotary
from hrm.model.state import State
from hrm.training import q_losses
from hrm.training.loop import Learner
from tests.hrm.equality import (
    all_close,
    carried_alike,
    close,
    exact,
    executed,
    model_of,
    write_out_kernels,
)
from tests.hrm.recipes.tokens import (
    BLOCK,
    OUTER,
    batch,
    batch_of,
    batches_of,
    identities,
    length,
    noises_of,
    vocabulary,
)

# width 16 in heads of 8; a puzzle vector of 20 fills two prefix tokens, the second with padding
width, inner, puzzle = 16, 24, 20
sizes = reference.Sizes(
    heads=2, low_layers=2, high_layers=1, low_cycles=3, high_cycles=2, max_steps=4, exploration=0.5
)
losses = {"stablemax": StablemaxCrossEntropy(), "softmax": CrossEntropy()}


def small(config: HRMConfig) -> HRMConfig:
    """A feed-forward below its least width of 256, and Q values on both sides of each other."""
    feed_forward = SwiGlu(inner=inner, fused=True)
    return replace(
        config,
        low=replace(config.low, feed_forward=feed_forward),
        high=replace(config.high, feed_forward=feed_forward),
        halting=replace(config.halting, biases=(0.0, 0.0)),
    )


def system_of(
    s: reference.Sizes = sizes, kind: str = "stablemax", puzzle_size: int = puzzle
) -> System:
    made = recipes.act_v1(
        vocabulary=vocabulary,
        positions=length,
        width=width,
        heads=s.heads,
        h_layers=s.high_layers,
        l_layers=s.low_layers,
        h_cycles=s.high_cycles,
        l_cycles=s.low_cycles,
        puzzle_size=puzzle_size,
        identities=identities,
        learned_positions=not s.rotary,
        max_steps=s.max_steps,
        exploration=s.exploration,
    )
    return System(model=small(made.model), objective=replace(made.objective, answer=losses[kind]))


def renamed(tensors: dict[str, Tensor]) -> Weights:
    """The reference's names; both fuse the same maps in the same order."""
    found = {}
    for name, value in tensors.items():
        if name not in OUTER:
            level, _, i, rest = name.split(".", 3)
            name = f"{level}.{i}.{BLOCK[rest]}"
        found[OUTER.get(name, name)] = value
    return found


def weights_of(model: HRM) -> Weights:
    return renamed({name: value.clone() for name, value in model.state_dict().items()})


def at_stop(run_logits: Tensor, steps: Tensor) -> Tensor:
    """Q values [B, 2] of each sample's last step."""
    return run_logits[steps - 1, torch.arange(len(steps))]


@pytest.mark.parametrize("rotary", [True, False])
def test_both_have_the_same_weights(rotary):
    s = replace(sizes, rotary=rotary)
    expected = reference.weight_shapes(
        s,
        width=width,
        inner=inner,
        vocabulary=vocabulary,
        length=length,
        puzzles=identities,
        puzzle=puzzle,
    )
    found = weights_of(model_of(system_of(s)))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


@pytest.mark.parametrize(("expansion", "wide"), [(4.0, 512), (4.0, 128), (3.0, 128), (4.0, 96)])
def test_both_round_the_inner_width_alike(expansion, wide):
    assert recipes.swiglu_inner(wide, expansion) == reference.inner_width(wide, expansion)


@pytest.mark.parametrize("head", [4, 8, 12, 16, 64])
def test_rotary_tables_agree_to_the_rounding_of_their_angles(head):
    # angles reach 80, and both round them to float32: 80 · 2⁻²³ is 1e-5
    rotary = Rotary(81, head, 10_000.0)
    cosine, sine = rotary_tables(81, head, torch.float32)
    signs = torch.tensor([-1.0, 1.0]).repeat_interleave(head // 2)  # the package's sine has them
    close(rotary.cos[:, 0, 0], cosine, 1e-5)
    close(rotary.sin[:, 0, 0] * signs, sine, 1e-5)


@pytest.mark.parametrize("puzzle_size", [0, puzzle, 2 * width])
@pytest.mark.parametrize("rotary", [True, False])
def test_the_embedding_is_the_same_and_in_float32_bit_for_bit(rotary, puzzle_size):
    s = replace(sizes, rotary=rotary)
    (data,) = batches_of(1)
    for dtype in (torch.float64, torch.float32):
        model = model_of(system_of(s, puzzle_size=puzzle_size), dtype)
        weights = weights_of(model)
        rows = reference.puzzle_rows(weights, data["identities"])
        expected = reference.embed(weights, s, data["inputs"], rows)
        found = model.perceive(data["inputs"], data["identities"])
        close(found, expected, 1e-15 if dtype == torch.float64 else 2e-7)
        if rotary:  # learned positions: times √½ isn't divided by √2 in the last bit
            exact(found, expected)


@pytest.mark.parametrize("rotary", [True, False])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_one_segment_is_the_same(rotary, dtype, tolerance):
    s = replace(sizes, rotary=rotary)
    model = model_of(system_of(s), dtype)
    weights = weights_of(model)
    (data,) = batches_of(1)
    g = torch.Generator().manual_seed(2)
    high, low = torch.randn(2, batch, 2 + length, width, generator=g).to(dtype)
    rows = reference.puzzle_rows(weights, data["identities"])
    z_low, z_high, logits, q_halt, q_continue = reference.segment(
        weights, s, low, high, data["inputs"], rows
    )
    x = model.perceive(data["inputs"], data["identities"])
    state, _ = model.refine(State(high, low, low.new_zeros(batch, 0)), x)
    close(state.low, z_low, tolerance)
    close(state.high, z_high, tolerance)
    close(model.read(state), logits, tolerance)
    q = model.halting(state, 0, None).logits
    close(q, torch.stack([q_halt, q_continue], -1), tolerance)


@pytest.mark.parametrize("rotary", [True, False])
def test_all_steps_are_the_same_bit_for_bit_in_float32_with_plain_kernels(monkeypatch, rotary):
    s = replace(sizes, rotary=rotary)
    system = system_of(s)
    readout = replace(system.model.readout, each_step=True)
    model = executed(model_of(system, torch.float32), readout=readout)
    weights = weights_of(model)
    (data,) = batches_of(1)
    if not rotary:  # the embedding differs in its last bits, and that is tested above
        rows = reference.puzzle_rows(weights, data["identities"])
        x = reference.embed(weights, s, data["inputs"], rows)
        monkeypatch.setattr(model, "perceive", lambda inputs, ids: x)
    write_out_kernels(monkeypatch)

    with torch.no_grad():
        found = model(data["inputs"], identities=data["identities"])
    carry = reference.initial_carry(weights, data)
    for k in range(s.max_steps):
        with torch.no_grad():
            carry, outputs = reference.call(weights, s, carry, data, None, training=False)
        exact(found.run.drafts[k, 0], outputs["logits"])
        exact(found.run.logits[k, :, 0], outputs["q_halt"])
        exact(found.run.logits[k, :, 1], outputs["q_continue"])
    exact(found.run.state.low, carry.z_low)
    exact(found.run.state.high, carry.z_high)
    exact(found.run.steps, carry.steps)


@pytest.mark.parametrize("kind", ["stablemax", "softmax"])
def test_every_step_of_a_carry_is_the_same(kind):
    system = system_of(kind=kind)
    model = model_of(system).train()
    weights = weights_of(model)
    assert isinstance(system.objective, QHalting)
    calls = 10
    noises = noises_of(torch.Generator().manual_seed(3), calls)
    carry, theirs = None, None
    seen = {"wanted": False, "held back": False, "last": False, "live": False, "right": False}
    for data, noise in zip(batches_of(calls), noises, strict=True):
        carry = carry or model.begin(batch_of(data))
        theirs = theirs or reference.initial_carry(weights, data)
        theirs, outputs = reference.call(weights, sizes, theirs, data, noise, training=True)
        losses = reference.loss(outputs, theirs.data["labels"], kind, 2 * batch)
        carry, prediction, decision = model.advance(
            carry, batch_of(data), torch.stack(noise, dim=-1)
        )
        target = q_losses.continue_target(model, carry)
        found = q_losses.segment_loss(
            system.objective,
            prediction,
            decision.logits,
            carry.batch.targets,
            target,
            global_batch=2 * batch,
        )

        carried_alike(carry, prediction, theirs, outputs)
        exact(carry.batch.identities, theirs.data["identities"])
        close(decision.logits, torch.stack([outputs["q_halt"], outputs["q_continue"]], -1))
        close(target, outputs["target"])
        close(found.total, losses["loss"])
        close(found.task * 2 * batch, losses["language"])
        close(found.halt * 2 * batch, losses["halt"])
        close(found.keep_on * 2 * batch, losses["continue"])

        wants, last = outputs["q_halt"] > outputs["q_continue"], theirs.steps == sizes.max_steps
        seen["wanted"] |= bool((wants & theirs.halted & ~last).any())
        seen["held back"] |= bool((wants & ~theirs.halted).any())
        seen["last"] |= bool((last & ~wants).any())
        seen["live"] |= bool((~wants & ~last).any())
        right = sequence_right(prediction, theirs.data["labels"])
        seen["right"] |= bool(right.any() and not right.all())
    assert all(seen.values()), seen


cases = {
    "rotary, puzzles, stablemax, AdamAtan2": (sizes, puzzle, "stablemax", AdamAtan2()),
    "rotary, puzzles, softmax, AdamW": (sizes, puzzle, "softmax", AdamW(betas=(0.9, 0.95))),
    "learned, puzzles, stablemax, AdamW": (
        replace(sizes, rotary=False),
        puzzle,
        "stablemax",
        AdamW(),
    ),
    "learned, no table, softmax, AdamAtan2": (
        replace(sizes, rotary=False, exploration=0.0),
        0,
        "softmax",
        AdamAtan2(betas=(0.8, 0.9)),
    ),
    "one step at most": (replace(sizes, max_steps=1), puzzle, "stablemax", AdamAtan2()),
}


@pytest.mark.parametrize(("s", "puzzle_size", "kind", "optimiser"), cases.values(), ids=cases)
def test_five_training_steps_are_the_same(s, puzzle_size, kind, optimiser):
    updates, rate, puzzle_rate, warmup = 5, 1e-3, 1e-2, 3
    system = system_of(s, kind, puzzle_size)
    model = model_of(system).train()
    batches = batches_of(updates)
    warm = [min(1.0, (t + 1) / warmup) for t in range(updates)]
    weights, carry, records = reference.train(
        weights_of(model),
        s,
        batches,
        noises_of(torch.Generator().manual_seed(4), updates),
        rates=[rate * w for w in warm],
        decay=0.1,
        puzzle_rates=[puzzle_rate * w for w in warm],
        puzzle_decay=0.2,
        kind=kind,
        optimiser="adamw" if isinstance(optimiser, AdamW) else "adam_atan2",
        betas=optimiser.betas,
    )

    training = Training(
        updates=updates,
        batch=batch,
        optimiser=optimiser,
        learning_rate=rate,
        weight_decay=0.1,
        puzzle_rate=puzzle_rate,
        puzzle_decay=0.2,
        warmup=warmup,
    )
    learner = Learner(model, system, training, torch.Generator().manual_seed(4))
    for data, record in zip(batches, records, strict=True):
        loss, steps = learner.update(batch_of(data))
        close(torch.tensor(loss, dtype=torch.float64), record["loss"])
        assert steps == record["steps"].float().mean()
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
        # every parameter has a gradient: none is None, as the reference's would be an error
        gradients = renamed({name: p.grad for name, p in model.named_parameters()})
        if model.embed.puzzles is not None:
            ids, gradients["rows"] = model.embed.puzzles.gradients()
            exact(ids, learner.carry.batch.identities)
        all_close(gradients, record["gradients"])
    all_close(weights_of(model), weights)
    close(learner.carry.state.low, carry.z_low)
    close(learner.carry.state.high, carry.z_high)
    exact(learner.carry.batch.inputs, carry.data["inputs"])
    early = [bool((r["halted"] & (r["steps"] < s.max_steps)).any()) for r in records]
    assert any(early) == (s.max_steps > 1), "some are refilled while others go on"


def test_in_float32_training_carries_and_touches_the_same_rows_bit_for_bit():
    updates = 5
    system = system_of()
    model = model_of(system, torch.float32).train()
    before = weights_of(model)
    batches = batches_of(updates)
    for data in batches:  # one row is never in use
        data["identities"].clamp_(max=identities - 2)
    weights, carry, records = reference.train(
        before,
        sizes,
        batches,
        noises_of(torch.Generator().manual_seed(5), updates),
        rates=[1e-3] * updates,
        decay=0.1,
        puzzle_rates=[1e-2] * updates,
        puzzle_decay=0.2,
    )
    training = Training(
        updates=updates,
        optimiser=AdamAtan2(),
        weight_decay=0.1,
        puzzle_rate=1e-2,
        puzzle_decay=0.2,
    )
    learner = Learner(model, system, training, torch.Generator().manual_seed(5))
    for data, record in zip(batches, records, strict=True):
        loss, _ = learner.update(batch_of(data))
        close(torch.tensor(loss, dtype=torch.float64), record["loss"], 1e-4)
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
    exact(learner.carry.batch.inputs, carry.data["inputs"])
    exact(learner.carry.batch.targets, carry.data["labels"])
    # a row moves by its gradient's sign alone, which attention's rounding doesn't reach
    exact(model.embed.puzzles.weights, weights["puzzles"])
    exact(weights["puzzles"][-1], before["puzzles"][-1])
    for name in ("low_init", "high_init"):
        exact(weights_of(model)[name], before[name])


def test_evaluation_takes_all_steps():
    model = model_of(system_of()).eval()
    weights = weights_of(model)
    (data,) = batches_of(1)
    expected = reference.evaluate(weights, sizes, data)
    with torch.no_grad():
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, expected["logits"])
    q = at_stop(found.run.logits, found.run.steps)
    close(q, torch.stack([expected["q_halt"], expected["q_continue"]], -1))
    exact(found.run.steps, expected["steps"])
    assert (found.run.steps == sizes.max_steps).all()


@pytest.mark.parametrize(
    "execution",
    [Masked(), Compacted(), Refilled(places=1), Refilled(places=4), Refilled(places=9)],
    ids=["masked", "compacted", "one place", "4 places", "9 places"],
)
@pytest.mark.parametrize("where", ["execution", "evaluation"])
def test_evaluation_with_halting_freezes_a_halted_row(execution, where):
    model = model_of(system_of())
    weights = weights_of(model)
    (data,) = batches_of(1)
    expected = reference.evaluate_halting(weights, sizes, data)
    assert len(expected["steps"].unique()) > 2, "samples halt at different steps"
    halting = replace(model.config.halting, halt_in_evaluation=True)
    model = executed(model, halting=halting, **{where: execution})
    with torch.no_grad():
        found = model(data["inputs"], identities=data["identities"])
    exact(found.run.steps, expected["steps"])
    close(found.prediction, expected["logits"])
    close(found.run.state.low, expected["z_low"])
    close(found.run.state.high, expected["z_high"])
    q = at_stop(found.run.logits, found.run.steps)
    close(q, torch.stack([expected["q_halt"], expected["q_continue"]], -1))
