"""The benchmark compares two forms of the same thing, and is read from processes that are known."""

import itertools
import json
import os
import subprocess
import sys

import pytest
import torch

from ablations import claims
from bench import controller, process


def _setting(name):
    """One sample, at once: what is measured here is the shape of the answer."""
    return {"repeat": 1, "number": 1, "rounds": 1, "warmup_time": 0.0}[name]


@pytest.fixture
def quick(monkeypatch):
    for name in ("repeat", "number", "rounds", "warmup_time"):
        for suite in (controller.Controller, controller.Known):
            monkeypatch.setattr(suite, name, _setting(name), raising=False)


def test_both_forms_compute_the_same_before_they_are_timed():
    for batch in controller.batches:
        with torch.inference_mode():
            first, second = (controller.call(form, batch) for form in controller.forms)
            assert torch.equal(first[1], second[1]), "equal inputs"
            logits = [module(states, 0.5) for module, states in (first, second)]
            assert logits[0].shape == (batch, 2)
            torch.testing.assert_close(*logits, rtol=1e-5, atol=1e-4)
            answers = [
                model(inputs).prediction
                for model, inputs in (controller.forward(form, batch) for form in controller.forms)
            ]
            torch.testing.assert_close(*answers, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", controller.forms)
@pytest.mark.parametrize("batch", controller.batches)
def test_nobody_wants_to_stop_so_a_forward_pass_takes_all_its_cycles(form, batch):
    model, inputs = controller.forward(form, batch)
    with torch.inference_mode():
        run = model(inputs).run
    assert run.steps.tolist() == [8] * batch
    assert run.rows == (batch,) * 8
    assert (run.margins < 0).all()


@pytest.mark.parametrize(
    "name", ["controller-speed", "controller-forward-share", "controller-consistency"]
)
def test_the_benchmarks_systems_are_the_arms_of_the_claims(name):
    (claim,) = claims.choose([name])
    assert tuple(claim.settings["first"]) == controller.forms
    assert [arm.label for arm in claim.arms] == list(controller.forms)
    assert [arm.part for arm in claim.arms] == [controller.system(f) for f in controller.forms]
    assert claim.settings["suite"] == f"controller.{controller.Controller.__name__}"


@pytest.mark.parametrize("form", controller.forms)
def test_the_timed_models_are_those_of_the_claims_systems(form):
    assert controller.models()[form].config == controller.system(form).model
    assert not controller.models()[form].training


def test_what_is_timed_is_built_once():
    assert controller.call("direct", 4) is controller.call("direct", 4)
    assert controller.forward("direct", 4) is controller.forward("direct", 4)


def test_the_claims_read_batches_that_the_benchmark_has():
    measured = {f"{m}_{b}" for m in ("call", "forward") for b in controller.batches}
    for claim in claims.choose(["controller-speed", "controller-forward-share"]):
        assert {claim.form.metric, *(r.metric for r in claim.beside)} <= measured


def test_a_process_says_who_it_is_and_the_median_of_each_method_and_batch(quick):
    found = process.measure("controller.Controller", "direct")
    assert set(found) == {
        *("pid", "suite", "first", "core", "load", "others"),
        *(f"{m}_{b}" for m, b in itertools.product(("call", "forward"), (1, 4, 32, 128))),
    }
    assert (found["pid"], found["suite"], found["first"]) == (
        os.getpid(),
        "controller.Controller",
        "direct",
    )
    assert found["load"] >= 0
    seconds = [value for key, value in found.items() if "_" in key]
    assert all(0 < value < 10 for value in seconds)
    assert found["call_32"] < found["forward_32"]


def test_what_other_processes_take_is_the_machines_time_less_our_own():
    assert process._others((0.0, 0.0, 100.0), (10.0, 9.0, 124.0)) == 1.5
    assert process._others((0.0, 0.0, 100.0), (10.0, 9.0, 108.9)) == 0.0, "clocks are coarse"
    assert process._others((0.0, 0.0, None), (1.0, 1.0, None)) is None


def test_the_form_that_is_asked_for_is_the_one_that_is_timed(quick, monkeypatch):
    called = set()

    def noted(self, form, batch):
        called.add((form, batch))

    monkeypatch.setattr(controller.Controller, "time_call", noted)
    monkeypatch.setattr(controller.Controller, "time_forward", noted)
    process.measure("controller.Controller", "concatenated")
    assert called == {("concatenated", batch) for batch in controller.batches}


@pytest.mark.parametrize(("arm", "calls"), [("once", 1), ("twice", 2)])
def test_the_suites_control_makes_the_same_call_as_often_as_it_says(arm, calls, monkeypatch):
    made = []
    for name in ("time_call", "time_forward"):
        monkeypatch.setattr(
            controller.Controller, name, lambda _, *asked, name=name: made.append((name, *asked))
        )
    suite = controller.Known()
    for kind in ("call", "forward"):
        for prefix, times in (("time_", 1), ("time_planted_", calls)):
            made.clear()
            getattr(suite, prefix + kind)(arm, 32)
            assert made == [(f"time_{kind}", "concatenated", 32)] * times


def test_the_suites_control_is_measured_as_the_suite_is(quick):
    found = process.measure("controller.Known", "twice")
    kinds = ("call", "forward", "planted_call", "planted_forward")
    assert {key for key in found if "_" in key} == {f"{kind}_32" for kind in kinds}
    for control in claims.controls():
        if control.spec.workload == "timing:block":
            assert control.spec.form.metric in found
            assert control.spec.settings["suite"] == f"controller.{controller.Known.__name__}"
            assert tuple(control.spec.settings["first"]) == tuple(controller.times)


def test_a_process_prints_one_json_object(quick, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench.process", "controller.Controller", "direct"])
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None, raising=False)
    process.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["first"] == "direct"
    assert "forward_128" in printed


@pytest.mark.parametrize(("said", "status"), [("begin\n", 0), ("", 1)])
def test_a_process_that_waits_measures_when_it_is_told_to(said, status):
    command = [sys.executable, "-m", "bench.process", "controller.Known", "once", "--wait"]
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
    ready, *measured = done.stdout.splitlines()
    assert (done.returncode, ready, len(measured)) == (status, "ready", 1 - status)
    for found in map(json.loads, measured):
        assert found["load"] >= 0
        if hasattr(os, "sched_setaffinity"):
            assert found["core"] in os.sched_getaffinity(0), "a process keeps to one core"


def test_an_unknown_form_is_not_timed(quick):
    with pytest.raises(ValueError, match="nothing"):
        process.measure("controller.Controller", "nothing")


def test_a_measuring_process_ends_when_its_parent_closes_the_pipe():
    end, ours = os.pipe()
    command = [sys.executable, "-m", "bench.process", "controller.Controller", "direct"]
    with subprocess.Popen(
        [*command, "--parent", str(end)], pass_fds=(end,), stdout=subprocess.PIPE
    ) as process:
        os.close(end)
        os.close(ours)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
