"""The recipe tiny_network is its straight-line reference, which shares no code with it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ablations.references import tiny_network as reference
from ablations.references.blocks import Weights
from hrm import recipes
from hrm.config import Compacted, Masked, Puzzles, Refilled, SwiGlu
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
from hrm.model.state import State
from hrm.training import q_losses
from hrm.training.averages import Averaged
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

# width 16 in heads of 8; a puzzle vector of 20 is padded to four prefix tokens
width, inner, puzzle = 16, 24, 20
sizes = reference.Sizes(
    heads=2, layers=2, low_cycles=3, high_cycles=2, max_steps=4, prefix=4, exploration=0.5
)
losses = {"stablemax": StablemaxCrossEntropy(), "softmax": CrossEntropy()}


def system_of(s: reference.Sizes = sizes, kind: str = "stablemax") -> System:
    """The recipe with a feed-forward below 256, a narrow table, and Q(halt) around zero."""
    system = recipes.tiny_network(
        vocabulary=vocabulary,
        positions=length,
        width=width,
        heads=s.heads,
        layers=s.layers,
        h_cycles=s.high_cycles,
        l_cycles=s.low_cycles,
        prefix=s.prefix,
        identities=identities,
        max_steps=s.max_steps,
        exploration=s.exploration,
    )
    model = system.model
    core = replace(
        model.low,
        feed_forward=SwiGlu(inner=inner, fused=True),
        rotary=model.low.rotary if s.rotary else None,
    )
    model = replace(
        model,
        embedding=replace(
            model.embedding,
            puzzles=Puzzles(identities=identities, size=puzzle, prefix=s.prefix),
            learned_positions=not s.rotary,
        ),
        low=core,
        high=core,
        halting=replace(model.halting, biases=(-1.6 if s.rotary else -0.4, 0.0)),
    )
    return System(model=model, objective=replace(system.objective, answer=losses[kind]))


def renamed(tensors: dict[str, Tensor]) -> Weights:
    """The reference's names; both fuse the same maps in the same order."""
    found = {}
    for name, value in tensors.items():
        if name not in OUTER:
            level, _, i, rest = name.split(".", 3)
            assert level == "low", "there is one network"
            name = f"net.{i}.{BLOCK[rest]}"
        found[OUTER.get(name, name)] = value
    return found


def weights_of(model: HRM) -> Weights:
    """The Q head keeps its second row, Q(continue), which the reference may have and never uses."""
    return renamed({name: value.clone() for name, value in model.state_dict().items()})


def parameters_of(model: HRM) -> Weights:
    return renamed({name: value.detach().clone() for name, value in model.named_parameters()})


def test_both_have_the_same_weights_but_for_q_of_continuing():
    expected = reference.weight_shapes(
        sizes,
        width=width,
        inner=inner,
        vocabulary=vocabulary,
        length=length,
        puzzles=identities,
        puzzle=puzzle,
    )
    expected |= {"q_head.weight": (2, width), "q_head.bias": (2,)}
    found = weights_of(model_of(system_of()))
    assert {name: tuple(value.shape) for name, value in found.items()} == expected


def test_the_documented_cycles_prefix_and_steps_are_the_recipes():
    c, documented = recipes.tiny_network().model, reference.Sizes(heads=8)
    assert c.low_steps == documented.low_cycles
    assert c.cycles == documented.high_cycles
    assert c.low.layers == documented.layers
    assert c.halting.max_steps == documented.max_steps
    assert c.positions == documented.prefix + 81


@pytest.mark.parametrize("rotary", [True, False])
def test_the_embedding_is_the_same_and_in_float32_bit_for_bit(rotary):
    s = replace(sizes, rotary=rotary)
    (data,) = batches_of(1)
    for dtype in (torch.float64, torch.float32):
        model = model_of(system_of(s), dtype)
        weights = weights_of(model)
        rows = reference.puzzle_rows(weights, data["identities"])
        expected = reference.embed(weights, s, data["inputs"], rows)
        found = model.perceive(data["inputs"], data["identities"])
        close(found, expected, 1e-15 if dtype == torch.float64 else 2e-7)
        if rotary:  # learned positions: times √½ isn't divided by √2 in the last bit
            exact(found, expected)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
def test_one_segment_is_the_same(dtype, tolerance):
    model = model_of(system_of(), dtype)
    weights = weights_of(model)
    (data,) = batches_of(1)
    g = torch.Generator().manual_seed(2)
    high, low = torch.randn(2, batch, sizes.prefix + length, width, generator=g).to(dtype)
    rows = reference.puzzle_rows(weights, data["identities"])
    z_low, z_high, logits, q_halt = reference.segment(
        weights, sizes, low, high, data["inputs"], rows
    )
    x = model.perceive(data["inputs"], data["identities"])
    state, _ = model.refine(State(high, low, low.new_zeros(batch, 0)), x)
    close(state.low, z_low, tolerance)
    close(state.high, z_high, tolerance)
    close(model.read(state), logits, tolerance)
    close(model.halting(state, 0, None).logits[:, 0], q_halt, tolerance)


def test_all_steps_are_the_same_bit_for_bit_in_float32_with_plain_kernels(monkeypatch):
    system = system_of()
    readout = replace(system.model.readout, each_step=True)
    model = executed(model_of(system, torch.float32), readout=readout)
    weights = weights_of(model)
    (data,) = batches_of(1)
    write_out_kernels(monkeypatch)
    with torch.no_grad():
        found = model(data["inputs"], identities=data["identities"])
    carry = reference.initial_carry(weights, sizes, data)
    for k in range(sizes.max_steps):
        with torch.no_grad():
            carry, outputs = reference.call(weights, sizes, carry, data, None, training=False)
        exact(found.run.drafts[k, 0], outputs["logits"])
        exact(found.run.logits[k, :, 0], outputs["q_halt"])
    exact(found.run.state.low, carry.z_low)
    exact(found.run.state.high, carry.z_high)
    exact(found.run.steps, carry.steps)


def test_every_step_of_a_carry_is_the_same():
    system = system_of()
    assert isinstance(system.objective, QHalting)
    model = model_of(system).train()
    weights = weights_of(model)
    calls = 10
    noises = noises_of(torch.Generator().manual_seed(3), calls)
    carry, theirs = None, None
    seen = {"wanted": False, "held back": False, "last": False, "live": False}
    for data, noise in zip(batches_of(calls), noises, strict=True):
        carry = carry or model.begin(batch_of(data))
        theirs = theirs or reference.initial_carry(weights, sizes, data)
        theirs, outputs = reference.call(weights, sizes, theirs, data, noise, training=True)
        losses = reference.loss(outputs, theirs.data["labels"], "stablemax", batch)
        carry, prediction, decision = model.advance(
            carry, batch_of(data), torch.stack(noise, dim=-1)
        )
        found = q_losses.segment_loss(
            system.objective, prediction, decision.logits, carry.batch.targets, None
        )

        carried_alike(carry, prediction, theirs, outputs)
        exact(carry.batch.identities, theirs.data["identities"])
        close(decision.logits[:, 0], outputs["q_halt"])
        close(found.total, losses["loss"])
        close(found.task * batch, losses["language"])
        close(found.halt * batch, losses["halt"])

        wants, last = outputs["q_halt"] > 0, theirs.steps == sizes.max_steps
        seen["wanted"] |= bool((wants & theirs.halted & ~last).any())
        seen["held back"] |= bool((wants & ~theirs.halted).any())
        seen["last"] |= bool((last & ~wants).any())
        seen["live"] |= bool((~wants & ~last).any())
    assert all(seen.values()), seen


cases = {
    "rotary, stablemax, AdamAtan2": (sizes, "stablemax", AdamAtan2()),
    "rotary, softmax, AdamW": (sizes, "softmax", AdamW(betas=(0.9, 0.95))),
    "learned, stablemax, AdamW": (replace(sizes, rotary=False), "stablemax", AdamW()),
    "one cycle, one step": (
        replace(sizes, high_cycles=1, max_steps=1),
        "softmax",
        AdamAtan2(betas=(0.8, 0.9)),
    ),
}


@pytest.mark.parametrize(("s", "kind", "optimiser"), cases.values(), ids=cases)
def test_five_training_steps_are_the_same_and_so_is_their_average(s, kind, optimiser):
    updates, rate, puzzle_rate, warmup, decay = 5, 1e-3, 1e-2, 3, 0.9
    system = system_of(s, kind)
    model = model_of(system).train()
    batches = batches_of(updates)
    warm = [min(1.0, (t + 1) / warmup) for t in range(updates)]
    weights, averages, carry, records = reference.train(
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
        average=decay,
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
        ema=decay,
    )
    learner = Learner(model, system, training, torch.Generator().manual_seed(4))
    average = Averaged(model, decay)
    for data, record in zip(batches, records, strict=True):
        loss, _ = learner.update(batch_of(data))
        average.update_parameters(model)
        close(torch.tensor(loss, dtype=torch.float64), record["loss"])
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
        # none is None: Q(continue), which learns nothing, has zeros in its row of the head
        gradients = renamed({name: p.grad for name, p in model.named_parameters()})
        ids, gradients["rows"] = model.embed.puzzles.gradients()
        exact(ids, learner.carry.batch.identities)
        all_close(gradients, record["gradients"])
        assert not gradients["q_head.weight"][1].any()
        assert not gradients["q_head.bias"][1]
    all_close(weights_of(model), weights)
    close(learner.carry.state.low, carry.z_low)
    close(learner.carry.state.high, carry.z_high)
    exact(learner.carry.batch.inputs, carry.data["inputs"])
    early = [bool((r["halted"] & (r["steps"] < s.max_steps)).any()) for r in records]
    assert any(early) == (s.max_steps > 1), "some are refilled while others go on"

    # Evaluation: averaged parameters, and the puzzle table and initial states as they are.
    mean = average.module
    all_close(parameters_of(mean), averages)
    exact(mean.embed.puzzles.weights, model.embed.puzzles.weights)
    assert not torch.equal(mean.readout.weight, model.readout.weight)
    expected = reference.evaluate(weights, averages, s, batches[0])
    with torch.no_grad():
        found = mean.eval()(batches[0]["inputs"], identities=batches[0]["identities"])
    close(found.prediction, expected["logits"])
    close(found.run.logits[-1, :, 0], expected["q_halt"])
    exact(found.run.steps, expected["steps"])


def test_in_float32_training_carries_and_touches_the_same_rows_bit_for_bit():
    updates = 5
    system = system_of()
    model = model_of(system, torch.float32).train()
    before = weights_of(model)
    batches = batches_of(updates)
    for data in batches:  # one row is never in use
        data["identities"].clamp_(max=identities - 2)
    weights, _, carry, records = reference.train(
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
        close(torch.tensor(loss), record["loss"], 1e-4)
        exact(learner.carry.steps, record["steps"])
        exact(learner.carry.halted, record["halted"])
    exact(learner.carry.batch.inputs, carry.data["inputs"])
    exact(learner.carry.batch.targets, carry.data["labels"])
    # a row moves by its gradient's sign alone, which attention's rounding doesn't reach
    exact(model.embed.puzzles.weights, weights["puzzles"])
    exact(weights["puzzles"][-1], before["puzzles"][-1])


@pytest.mark.parametrize(
    "execution",
    [Masked(), Compacted(), Refilled(places=1), Refilled(places=4)],
    ids=["masked", "compacted", "one place", "4 places"],
)
def test_evaluation_with_halting_freezes_a_halted_row(execution):
    # The reference evaluates all steps; here its segments are taken until Q_halt > 0.
    model = model_of(system_of())
    weights = weights_of(model)
    parts, samples = batches_of(3), 3 * batch
    data = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    rows = reference.puzzle_rows(weights, data["identities"])
    shape = (samples, sizes.prefix + length, width)
    z = (weights["low_init"].expand(shape), weights["high_init"].expand(shape))
    logits = torch.zeros(samples, length, vocabulary, dtype=torch.float64)
    steps, live = torch.zeros(samples, dtype=torch.long), torch.ones(samples, dtype=torch.bool)
    for _ in range(sizes.max_steps):
        *z, new, q = reference.segment(weights, sizes, *z, data["inputs"], rows)
        logits = torch.where(live[:, None, None], new, logits)
        steps = steps + live
        live = live & ~(q > 0)
    assert len(steps.unique()) > 2, "samples halt at different steps"
    halting = replace(model.config.halting, halt_in_evaluation=True)
    with torch.no_grad():
        found = executed(model, halting=halting, execution=execution)(
            data["inputs"], identities=data["identities"]
        )
    exact(found.run.steps, steps)
    close(found.prediction, logits)
