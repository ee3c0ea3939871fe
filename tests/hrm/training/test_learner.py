"""One update: batches in pieces, rates, what it measures and what it costs."""

import math
from dataclasses import replace

import pytest
import torch

from hrm import recipes
from hrm.config import Segments
from hrm.config.learning import Constant, Cosine, QHalting, Supervised, System, Training
from hrm.errors import UserError
from hrm.model import cost
from hrm.training import loop
from hrm.training.learner import Learner, evaluating, share
from tests.hrm.training.small import act, amulgent, boards, gru, quick, seeds, systems, task, v2


@pytest.mark.parametrize("training", [True, False])
def test_evaluating_restores_the_mode_even_after_an_error(training: bool) -> None:
    model = loop.build(gru, seeds).train(training)
    with evaluating(model):
        assert not model.training and not torch.is_grad_enabled()
    assert model.training is training and torch.is_grad_enabled()
    with pytest.raises(KeyError), evaluating(model):
        raise KeyError
    assert model.training is training and torch.is_grad_enabled()


@pytest.mark.parametrize("name", ["act-v1", "supervised"])
def test_a_batch_in_pieces_is_the_step_of_the_whole_batch(name: str) -> None:
    system = act if name == "act-v1" else replace(act, objective=Supervised())
    data = loop.encode(system, task, boards.train)
    results = []
    for pieces in (1, 2, 4):
        model = loop.build(system, seeds).double().train()
        training = replace(quick, batch=8, pieces=pieces)
        learner = Learner(model, system, training, torch.Generator().manual_seed(0))
        found = [learner.update(data.batch(torch.arange(8))) for _ in range(3)]
        results.append((found, {n: t.clone() for n, t in model.state_dict().items()}))
    for found, weights in results[1:]:
        assert found == [pytest.approx(pair) for pair in results[0][0]]
        assert all(torch.allclose(weights[n], t, atol=1e-9) for n, t in results[0][1].items())


def test_pieces_are_refused_where_the_objective_couples_samples() -> None:
    training = replace(quick, pieces=2)
    complete = recipes.complete(positions=4, h_dim=8, l_dim=8, h_layers=1)
    for system, what in ((gru, "PolicyGradient"), (amulgent, "batch_mean"), (complete, "Lockstep")):
        with pytest.raises(UserError, match=f"pieces is 2; allowed is 1 with {what}, which"):
            Learner(loop.build(system, seeds), system, training, torch.Generator())
    with pytest.raises(UserError, match="pieces is 3; allowed is a divisor of the batch, 4"):
        replace(quick, pieces=3)


def test_a_cosine_falls_from_the_full_rate_to_its_floor_after_warm_up() -> None:
    training = Training(updates=12, warmup=2, schedule=Cosine(floor=0.2))
    shares = [share(training, update) for update in range(12)]
    assert shares[:2] == [0.5, 1.0] and shares[6] == pytest.approx(0.6)
    assert shares[11] == pytest.approx(0.2)
    assert shares[1:] == sorted(shares[1:], reverse=True)
    assert [share(replace(training, schedule=Constant()), u) for u in (5, 11)] == [1.0, 1.0]


def public_share(step: int, warmup: int, updates: int, floor: float) -> float:
    """As the public pretrain.py computes it, whose first step is 1."""
    if step < warmup:
        return step / max(1, warmup)
    progress = (step - warmup) / max(1, updates - warmup)
    return floor + max(0.0, (1 - floor) * 0.5 * (1.0 + math.cos(math.pi * 0.5 * 2.0 * progress)))


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_learning_rates_are_those_of_the_public_code_update_by_update(warmup: int) -> None:
    training = replace(quick, updates=12, warmup=warmup, schedule=Cosine(floor=0.1))
    system = systems["gru"]
    learner = Learner(
        loop.build(system, seeds).train(), system, training, torch.Generator().manual_seed(0)
    )
    data, found = loop.encode(system, task, boards.train), []
    for _ in range(12):
        found.append(learner.rates["learning_rate"] / training.learning_rate)
        learner.update(data.batch(torch.arange(training.batch)))
    expected = [public_share(t, warmup, 12, 0.1) for t in range(1, 13)]
    assert found == pytest.approx(expected)
    assert found[-1] == pytest.approx(0.1)


# -- what a step measures -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("system", "parts"),
    [
        (gru, {"policy_loss", "baseline_loss"}),
        (v2, {"policy_loss", "baseline_loss", "entropy_loss", "penalty_loss"}),
        (act, {"halt_loss", "continue_loss"}),
        (replace(act, objective=Supervised()), set()),
    ],
)
def test_a_training_step_returns_its_losses_by_their_names(system: System, parts: set[str]) -> None:
    data = loop.encode(system, task, boards.train)
    model = loop.build(system, seeds).train()
    before = model.readout.weight.detach().clone()
    learner = Learner(model, system, quick, torch.Generator().manual_seed(0))
    found = learner.training_step(data.batch(torch.arange(8)))
    completed = {"halted", "halted_steps"} if "halt_loss" in parts else set()
    measured = {"loss", "task_loss", "cycles_mean", "gradient_norm"} | completed
    assert set(found) == measured | parts
    assert all(type(value) is float for value in found.values())
    shares = {"halt_loss": 0.5, "continue_loss": 0.5}
    whole = found["task_loss"] + sum(shares.get(name, 1.0) * found[name] for name in parts)
    assert found["loss"] == pytest.approx(whole)
    assert 1 <= found["cycles_mean"] <= model.halting.max_steps
    assert not torch.equal(model.readout.weight, before)


@pytest.mark.promise("act-v1", "average steps, watched during training", "hrm train act-v1 ...")
def test_a_training_step_says_after_how_many_steps_its_places_halt() -> None:
    data = loop.encode(act, task, boards.train)
    model = loop.build(act, seeds).train()
    learner = Learner(model, act, quick, torch.Generator().manual_seed(0))
    last = model.halting.max_steps
    for _ in range(2 * last):
        found = learner.training_step(data.batch(torch.arange(8)))
        assert learner.carry is not None
        halted = learner.carry.halted
        steps = learner.carry.steps[halted].tolist()
        assert found["halted"] == pytest.approx(float(halted.float().mean()))
        assert found["halted_steps"] == pytest.approx(sum(steps) / 8)
        assert all(1 <= step <= last for step in steps)
    moments = loop.fit(
        loop.build(act, seeds), act, replace(quick, updates=2), data, seeds, lambda _: 0.0
    )
    assert not {"halted", "halted_steps"} & set(moments[-1].parts), "they are no losses"


@pytest.mark.parametrize("clip", [None, 1e-3])
def test_the_gradient_norm_is_that_before_clipping(clip: float | None) -> None:
    data = loop.encode(v2, task, boards.train)
    model = loop.build(v2, seeds).train()
    learner = Learner(model, v2, replace(quick, clip=clip), torch.Generator().manual_seed(0))
    found = learner.training_step(data.batch(torch.arange(4)))["gradient_norm"]
    kept = math.hypot(*(float(p.grad.norm()) for p in model.parameters() if p.grad is not None))
    assert kept == pytest.approx(found if clip is None else clip, rel=1e-3)
    assert found > 1e-2


@pytest.mark.parametrize("objective", [QHalting(), Supervised()])
def test_detached_segments_cost_the_memory_of_one(objective: QHalting | Supervised) -> None:
    data = loop.encode(act, task, boards.train)

    def peak(count: int, detached: bool) -> int:
        segments = Segments(count=count, detached=detached)
        halting = replace(act.model.halting, exploration=None)
        model = replace(act.model, segments=segments, halting=halting, horizon=None)
        system = System(model=model, objective=objective)
        learner = Learner(loop.build(system, seeds).train(), system, quick, torch.Generator())
        learner.training_step(data.batch(torch.arange(8)))  # moments, and what torch keeps
        return cost.peak_memory(lambda: learner.training_step(data.batch(torch.arange(8, 16))))

    assert peak(4, detached=True) == pytest.approx(peak(2, detached=True), rel=0.02)
    assert peak(4, detached=False) > 1.5 * peak(2, detached=False)
