"""The arms of a target compute the same before their times are compared."""

import itertools
from pathlib import Path

import pytest
import torch
from asv_runner.discovery import get_benchmark_from_name

import bench
from bench import controller, turns
from hrm import recipes

SYSTEMS = [controller.system(form) for form in controller.forms]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0)])
def test_both_forms_compute_the_same_before_they_are_timed(order):
    parts = [SYSTEMS[i] for i in order]
    for batch in (1, 32):
        first, *others = (call() for call in controller.controller_call(parts, batch))
        assert first.shape == (batch, 2)
        answer, *answers = (call().prediction for call in controller.forward(parts, batch))
        for logits, prediction in zip(others, answers, strict=True):
            torch.testing.assert_close(logits, first, rtol=1e-5, atol=1e-4)
            torch.testing.assert_close(prediction, answer, rtol=1e-5, atol=1e-5)


def test_what_is_timed_are_the_controllers_and_models_that_the_systems_name():
    for part, model in zip(SYSTEMS, controller.models(SYSTEMS), strict=True):
        assert model.config == part.model
        assert not model.training
    kinds = [type(controller.controller(m)).__name__ for m in controller.models(SYSTEMS)]
    assert kinds == ["ConcatenatedController", "DirectController"]


def test_every_callable_has_a_model_of_its_own(monkeypatch):
    made, models = [], controller.models
    monkeypatch.setattr(controller, "models", lambda parts: made.extend(models(parts)) or made)
    controller.controller_call([SYSTEMS[0]] * 2, 1)
    first, twin = made
    assert first is not twin
    for a, b in zip(first.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.data_ptr() != b.data_ptr()


@pytest.mark.parametrize("part", [*SYSTEMS, recipes.v2(max_cycles=3)])
def test_a_forward_pass_takes_all_its_cycles_without_gradient(part):
    (call,) = controller.forward([part], 4)
    output = call()
    assert output.run.steps.tolist() == [part.model.halting.max_steps] * 4
    assert not output.prediction.requires_grad


@pytest.mark.parametrize(
    "part",
    [
        recipes.act_v1(width=16, heads=2, h_layers=1, l_layers=1, positions=4, vocabulary=5),
        recipes.gru(inputs=8, outputs=2, hidden_low=8, hidden_high=8),
    ],
)
def test_any_system_has_a_forward_pass(part):
    (call,) = controller.forward([part], 3)
    assert len(call().prediction) == 3
    assert torch.equal(call().prediction, call().prediction)


def test_the_suite_times_what_the_claims_time(monkeypatch):
    called = []

    def target(parts, batch):
        return [lambda part=part: called.append((part, batch)) for part in parts]

    suite = controller.Controller()
    monkeypatch.setattr(controller, "timed", controller.timed.__wrapped__)
    for name in ("controller_call", "forward"):
        monkeypatch.setattr(controller, name, target)
        getattr(suite, "time_" + name.removeprefix("controller_"))("direct", 4)
    assert called == [(SYSTEMS[1], 4)] * 2


def test_the_suite_builds_what_it_times_once():
    assert controller.timed(controller.forward, 4) is controller.timed(controller.forward, 4)


@pytest.mark.parametrize("name", ["time_call", "time_forward"])
def test_asv_finds_the_suite_under_its_old_names_with_its_version_pinned(name):
    folder = Path(bench.__file__).parent
    found = get_benchmark_from_name(folder, f"controller.Controller.{name}")
    assert found.version == "1"
    assert not hasattr(controller.Controller, "setup"), "asv would time single calls"
    combinations = itertools.product(map(repr, controller.forms), map(repr, controller.batches))
    assert list(itertools.product(*found.params)) == list(combinations)


def test_the_targets_are_found_by_the_names_that_claims_use():
    for name in ("controller_call", "forward"):
        found = turns.pkgutil.resolve_name(f"bench.controller:{name}")
        assert found is getattr(controller, name)
