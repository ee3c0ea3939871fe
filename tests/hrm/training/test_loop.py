"""Training: repeatable, seeds apart, and honest about divergence."""

import dataclasses
import itertools
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from hrm import recipes
from hrm.config import Fixed
from hrm.config.learning import (
    AdamAtan2,
    AdamAtan2AsCoded,
    Cosine,
    System,
    Training,
)
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training import checkpoint, loop, runs
from hrm.training.learner import Learner
from hrm.training.loop import Encoded, Seeds
from tests.hrm.training.small import (
    act,
    amulgent,
    boards,
    gru,
    identical,
    quick,
    quiet,
    seeds,
    systems,
    task,
    v2,
    vector_sizes,
)


def trained(
    system: System, seeds: Seeds, training: Training = quick, watch=None
) -> tuple[list[loop.Moment], dict[str, Tensor], dict[str, Tensor]]:
    """Curve, initial weights, final weights."""
    model = loop.build(system, seeds)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    data = loop.encode(system, task, boards.train)

    def score(model: HRM) -> float:
        return float(loop.evaluate(model, system, task, boards.test).unknown.mean())

    curve = loop.fit(model, system, training, data, seeds, watch or score)
    return curve, before, model.state_dict()


@pytest.mark.parametrize("name", systems)
def test_equal_seeds_give_bit_identical_curves_and_weights(name: str) -> None:
    curve, before, after = trained(systems[name], seeds)
    again, same_before, same_after = trained(systems[name], seeds)
    assert curve == again
    assert identical(before, same_before) and identical(after, same_after)
    assert not identical(before, after)


@pytest.mark.parametrize("name", systems)
def test_another_order_gives_another_curve_from_the_same_weights(name: str) -> None:
    curve, before, after = trained(systems[name], seeds)
    other, same_before, other_after = trained(systems[name], replace(seeds, order=3))
    assert identical(before, same_before)
    assert curve != other and not identical(after, other_after)


def test_another_weight_seed_gives_other_weights() -> None:
    assert not identical(
        loop.build(v2, seeds).state_dict(), loop.build(v2, replace(seeds, weights=2)).state_dict()
    )


def test_what_happens_between_building_and_training_changes_nothing() -> None:
    curve, _, after = trained(v2, seeds)  # with dropout
    model = loop.build(v2, seeds)
    torch.rand(7)
    data = loop.encode(v2, task, boards.train)

    def score(model: HRM) -> float:
        return float(loop.evaluate(model, v2, task, boards.test).unknown.mean())

    assert loop.fit(model, v2, quick, data, seeds, score) == curve
    assert identical(model.state_dict(), after)


def test_the_curve_has_a_point_at_each_evaluation_and_at_the_end() -> None:
    curve, _, _ = trained(gru, seeds, replace(quick, updates=5, evaluate_every=2))
    assert [m.update for m in curve] == [2, 4, 5]
    assert all(1 <= m.steps <= 2 for m in curve)
    every, _, _ = trained(gru, seeds, replace(quick, updates=5, evaluate_every=1))
    losses = [m.loss for m in every]
    by_hand = [(losses[0] + losses[1]) / 2, (losses[2] + losses[3]) / 2, losses[4]]
    assert [m.loss for m in curve] == pytest.approx(by_hand)


def test_every_update_is_handed_on_with_what_it_measured() -> None:
    model, seen = loop.build(gru, seeds), []
    data = loop.encode(gru, task, boards.train)
    curve = loop.fit(model, gru, quick, data, seeds, quiet, measured=seen.append)
    assert len(seen) == quick.updates
    assert all(found["gradient_norm"] > 0 for found in seen)
    assert [m.loss for m in curve] == [
        pytest.approx((a["loss"] + b["loss"]) / 2)
        for a, b in zip(seen[::2], seen[1::2], strict=True)
    ]


def test_training_lowers_the_loss() -> None:
    system = recipes.gru(**vector_sizes, hidden_low=4, hidden_high=8, use_act=False, max_cycles=1)
    training = Training(updates=60, batch=8, learning_rate=1e-2, evaluate_every=1)
    curve, _, _ = trained(system, seeds, training, quiet)
    assert sum(m.loss for m in curve[-10:]) / 10 < 0.8 * curve[0].loss


def test_watching_happens_in_evaluation_without_gradient_and_leaves_training_alone() -> None:
    modes = []

    def watch(model: HRM) -> float:
        modes.append((model.training, torch.is_grad_enabled()))
        return 0.5

    curve, _, after = trained(v2, seeds, watch=watch)
    assert modes == [(False, False)] * 3
    assert [m.score for m in curve] == [0.5] * 3
    _, _, unwatched = trained(v2, seeds, replace(quick, evaluate_every=100), watch=quiet)
    assert identical(after, unwatched)


# -- divergence -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["gru", "act-v1"])
def test_a_huge_learning_rate_diverges_with_its_step(name: str) -> None:
    with pytest.raises(Diverged) as found:
        trained(systems[name], seeds, replace(quick, updates=20, learning_rate=1e38), quiet)
    assert 2 <= found.value.step <= 20
    assert str(found.value).startswith(f"diverged at step {found.value.step}: the loss is ")
    assert "\n" not in str(found.value)


def test_data_that_are_not_numbers_diverge_at_the_first_step() -> None:
    model = loop.build(gru, seeds)
    data = loop.encode(gru, task, boards.train)
    before = {name: t.clone() for name, t in model.state_dict().items()}
    spoilt = Encoded(inputs=torch.full_like(data.inputs, torch.nan), targets=data.targets)
    with pytest.raises(Diverged) as found:
        loop.fit(model, gru, quick, spoilt, seeds, quiet)
    assert found.value.step == 1
    assert identical(before, model.state_dict())


# -- optimiser ------------------------------------------------------------------------------------
def step_sizes(training: Training, watched: str = "readout.bias") -> list[float]:
    """Largest change of a parameter at each update, where gradients hardly change."""
    system = replace(gru, model=replace(gru.model, halting=Fixed(steps=1)))
    model = loop.build(system, seeds).double()
    parameter = dict(model.named_parameters())[watched]
    data = loop.encode(system, task, boards.train)
    data = Encoded(inputs=data.inputs.double(), targets=data.targets)
    states = [parameter.detach().clone()]

    def watch(model: HRM) -> float:
        states.append(parameter.detach().clone())
        return 0.0

    loop.fit(model, system, replace(training, batch=24, evaluate_every=1), data, seeds, watch)
    return [(b - a).abs().max().item() for a, b in itertools.pairwise(states)]


def test_the_learning_rate_warms_up_in_a_line_and_then_stays() -> None:
    # With a constant gradient, Adam's step is the learning rate.
    found = step_sizes(Training(updates=6, learning_rate=1e-6, warmup=4))
    assert found == pytest.approx([0.25e-6, 0.5e-6, 0.75e-6, 1e-6, 1e-6, 1e-6], rel=1e-2)
    assert step_sizes(Training(updates=2, learning_rate=1e-6)) == pytest.approx(
        [1e-6] * 2, rel=1e-2
    )


@pytest.mark.promise("complete", "gradient clipping", "--training-set clip=1.0")
def test_clipping_bounds_the_gradient() -> None:
    # Gradients far below Adam's epsilon, 1e-8, hardly move a weight.
    free, clipped = (
        step_sizes(Training(updates=1, learning_rate=1e-3, clip=clip)) for clip in (None, 1e-12)
    )
    assert clipped[0] < 1e-3 * free[0]
    assert step_sizes(Training(updates=1, learning_rate=1e-3, clip=1e6)) == free


def test_weight_decay_shrinks_weights_beside_the_gradient() -> None:
    training = Training(updates=1, batch=24, learning_rate=1e-3, clip=1e-30, weight_decay=0.5)
    system = replace(gru, model=replace(gru.model, halting=Fixed(steps=1)))
    _, before, after = trained(system, seeds, training, quiet)
    w = "readout.weight"
    assert torch.allclose(after[w], before[w] * (1 - 1e-3 * 0.5), rtol=1e-6, atol=1e-9)


# -- the parts around -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", systems)
def test_boards_are_encoded_as_the_embedding_takes_them(name: str) -> None:
    system = systems[name]
    data = loop.encode(system, task, boards.train)
    assert len(data) == 24
    assert torch.equal(data.targets, torch.from_numpy(boards.train.targets))
    if name == "act-v1":
        assert torch.equal(data.inputs, torch.from_numpy(boards.train.inputs))
    else:
        assert data.inputs.shape == (24, task.cells * task.vocabulary)
        assert (data.inputs.sum(1) == task.cells).all()


@pytest.mark.parametrize("name", systems)
def test_predictions_are_classes_that_dont_depend_on_the_batch(name: str) -> None:
    system = systems[name]
    model = loop.build(system, seeds).train()
    data = loop.encode(system, task, boards.train)
    found = loop.predict(model, system, data)
    assert found.shape == (24, task.cells) and str(found.dtype) == "int64"
    assert set(found.flatten().tolist()) <= set(range(task.classes))
    assert (found == loop.predict(model, system, data, batch=5)).all()
    assert model.training
    scores = loop.evaluate(model, system, task, boards.train)
    expected = task.score(boards.train, found)
    assert scores.unknown.tolist() == expected.unknown.tolist()


# -- going on -------------------------------------------------------------------------------------
tiny = recipes.tiny_network(
    vocabulary=task.vocabulary,
    positions=task.cells,
    classes=task.classes,
    width=8,
    heads=2,
    layers=1,
    h_cycles=1,
    l_cycles=1,
    prefix=1,
    max_steps=3,
    exploration=0.5,
)
long = replace(quick, updates=8, schedule=Cosine(floor=0.1), warmup=3, clip=1.0)
interrupted = {
    "v2, with dropout": (v2, long),
    "gru": (gru, replace(long, halting_rate=1e-3)),
    "act-v1": (act, replace(long, optimiser=AdamAtan2(), pieces=2)),
    "tiny-network": (tiny, replace(long, ema=0.9, puzzle_rate=0.1)),
    "amulgent": (amulgent, replace(long, optimiser=AdamAtan2AsCoded(), learning_rate=1e-6)),
}


class PowerCut(BaseException):
    """Ends a run where it stands."""


@pytest.mark.parametrize("name", interrupted)
def test_an_interrupted_run_goes_on_to_the_identical_curve_and_weights(
    name: str, tmp_path: Path
) -> None:
    system, training = interrupted[name]
    data = loop.encode(system, task, boards.train)

    def run(folder: Path | None, cut: int = 0) -> tuple[list[loop.Moment], dict[str, Tensor]]:
        model, evaluations = loop.build(system, seeds), itertools.count(1)

        def score(model: HRM) -> float:
            if next(evaluations) == cut:
                raise PowerCut
            return float(model(data.inputs[:4]).prediction.float().mean())

        curve = loop.fit(model, system, training, data, seeds, score, folder)
        return curve, model.state_dict()

    expected, weights = run(None)
    with pytest.raises(PowerCut):
        run(tmp_path, cut=3)
    torch.manual_seed(99)  # whatever else happens in between
    curve, found = run(tmp_path)
    assert curve == expected and len(curve) == 4
    assert identical(found, weights)
    again, found = run(tmp_path)  # finished: nothing is left to do
    assert again == expected and identical(found, weights)
    best = checkpoint.load(tmp_path / "best.safetensors")
    top = max(expected, key=lambda moment: (moment.score, moment.update))
    assert best["moment"] == dataclasses.asdict(top)
    if top == expected[-1]:
        assert identical(best["model"], weights)


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
@pytest.mark.parametrize("name", ["v2, with dropout", "tiny-network"])
def test_all_updates_up_to_an_interruption_are_kept(
    name: str, number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, training = interrupted[name]
    training = replace(training, evaluate_every=training.updates)  # no checkpoint by itself
    data = loop.encode(system, task, boards.train)
    made = []

    def run(folder: Path | None, cut: int = 0) -> tuple[list[loop.Moment], dict[str, Tensor]]:
        step = Learner.training_step

        def counted(learner: Learner, batch: Batch) -> dict[str, float]:
            made.append(len(made) + 1)
            if len(made) == cut:
                signal.raise_signal(number)
            return step(learner, batch)

        with monkeypatch.context() as patched:
            patched.setattr(Learner, "training_step", counted)
            model = loop.build(system, seeds)
            curve = loop.fit(model, system, training, data, seeds, quiet, folder)
        return curve, model.state_dict()

    def end(*_: object) -> None:
        raise PowerCut

    expected, weights = run(None)
    made.clear()
    before = signal.signal(number, end)
    try:
        with pytest.raises(PowerCut):
            run(tmp_path, cut=3)
    finally:
        signal.signal(number, before)
    assert len(made) == 3 and runs.reached(tmp_path) == 3
    torch.manual_seed(99)  # whatever else happens in between
    curve, found = run(tmp_path)
    assert len(made) == training.updates  # none of them twice
    assert curve == expected and identical(found, weights)


def test_a_checkpoint_of_another_run_is_refused_with_the_difference(tmp_path: Path) -> None:
    data = loop.encode(gru, task, boards.train)
    loop.fit(loop.build(gru, seeds), gru, quick, data, seeds, quiet, tmp_path)
    for system, training, other, said in (
        (gru, replace(quick, batch=8), seeds, r"training\.batch = 4; allowed is 8"),
        (v2, quick, seeds, r"system\.model"),
        (gru, quick, Seeds(weights=1, order=3), r"order = 2; allowed is 3"),
    ):
        with pytest.raises(UserError, match=said):
            loop.fit(loop.build(system, other), system, training, data, other, quiet, tmp_path)
