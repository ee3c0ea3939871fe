"""Runs: at home in one folder, repeatable, scored honestly."""

import json
from dataclasses import replace

import filelock
import pytest
import torch

from hrm import recipes
from hrm.config import Compacted
from hrm.config.learning import System, Training
from hrm.errors import UserError
from hrm.model import HRM
from hrm.recipes import sizing
from hrm.system.files import alone
from hrm.tasks.maze import Maze
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku
from hrm.training import checkpoint, loop, runs, scoring, tracking

task = Maze(size=4, walls=0.2)
boards = task.generate(0, 12, 4, 6)
small = {"hidden_low": 8, "hidden_high": 8}
act = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1, "max_steps": 3}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def plan(recipe="gru", settings=small, task=task, **changes):
    training = Training(updates=6, batch=4, evaluate_every=2, learning_rate=1e-2)
    made = runs.Plan(
        recipe=recipe,
        system=sizing.sized(recipe, settings, task, task.generate(0, 0, 0, 1).test),
        task=task,
        train=12,
        validation=4,
        test=6,
        training=training,
    )
    return replace(made, **changes)


def test_the_order_has_a_seed_of_its_own_or_that_of_the_weights(tmp_path):
    def curve(**seeds):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        runs.execute(plan(**seeds), folder, test=False)
        return [p["loss"] for p in tracking.points(folder)], tracking.described(folder)["seeds"]

    (same, said), (apart, others) = curve(seed=1), curve(seed=1, order_seed=2)
    assert (same, said) == curve(seed=1, order_seed=1)
    assert same != apart
    assert said == {"data": 0, "weights": 1, "order": 1}
    assert others == {"data": 0, "weights": 1, "order": 2}


class Stop(BaseException):
    """Ends a run where it stands."""


# -- a run ----------------------------------------------------------------------------------------
@pytest.mark.promise(
    "complete", "logs in JSON, and the best model saved", "hrm train ... --output DIR"
)
def test_a_run_leaves_its_configuration_curve_checkpoints_and_scores(tmp_path):
    asked, seen = plan(), []
    summary = runs.execute(asked, tmp_path / "run", report=seen.append)
    assert summary["status"] == "finished"
    said = tracking.described(tmp_path / "run")
    assert said["configuration"] == asked.to_json()
    assert said["seeds"] == {"data": 0, "weights": 0, "order": 0}
    points = tracking.points(tmp_path / "run")
    assert [p["step"] for p in points] == [2, 4, 6]
    assert {"loss", "steps", "tokens", "unknown", "exact", "samples_per_second"} <= points[0].keys()
    assert [(p.update, p.updates) for p in seen] == [(2, 6), (4, 6), (6, 6)]
    assert seen[-1].seconds == 0 < seen[0].seconds
    assert json.loads((tmp_path / "run" / "summary.json").read_text()) == summary


def test_the_curve_is_that_of_fit_and_the_scores_are_those_of_evaluate(tmp_path):
    asked = plan()
    summary = runs.execute(asked, tmp_path / "run")
    seeds = loop.Seeds(weights=0, order=0)
    model = loop.build(asked.system, seeds)
    data = loop.encode(asked.system, task, boards.train)

    def watch(model):
        return float(loop.evaluate(model, asked.system, task, boards.validation).unknown.mean())

    curve = loop.fit(model, asked.system, asked.training, data, seeds, watch)
    points = tracking.points(tmp_path / "run")
    assert [(m.loss, m.steps, m.score) for m in curve] == [
        (p["loss"], p["steps"], p["unknown"]) for p in points
    ]
    scores = loop.evaluate(model, asked.system, task, boards.test)
    last = summary["checkpoints"]["last"]
    assert last["update"] == 6
    assert (last["unknown"], last["exact"]) == (scores.unknown.mean(), scores.exact.mean())
    frequent = task.baselines(boards.train, boards.test)["frequent"]
    expected = task.score(boards.test, frequent).tokens.mean()
    assert summary["baselines"]["frequent"]["tokens"] == expected


@pytest.mark.promise("complete", "recovery from failure", "the same command again")
def test_an_interrupted_run_goes_on_to_the_identical_curve(tmp_path):
    def stop(point):
        if point.update == 4:
            raise Stop

    asked = plan()
    runs.execute(asked, tmp_path / "whole")
    with pytest.raises(Stop):
        runs.execute(asked, tmp_path / "cut", report=stop)
    assert json.loads((tmp_path / "cut" / "summary.json").read_text()) == {"status": "stopped"}
    identity = tracking.described(tmp_path / "cut")["id"]
    runs.execute(asked, tmp_path / "cut")

    def curve(name):
        timed = ("samples_per_second",)
        points = tracking.points(tmp_path / name)
        return [{k: v for k, v in point.items() if k not in timed} for point in points]

    assert curve("cut") == curve("whole") and len(curve("cut")) == 3
    again = tracking.described(tmp_path / "cut")
    assert again["id"] == identity and len(again["environments"]) == 2


@pytest.mark.promise("complete", "training that ends and says so", "hrm train ...")
def test_divergence_is_a_result_with_its_step(tmp_path):
    asked = plan()
    spoilt = replace(asked, training=replace(asked.training, learning_rate=1e38))
    summary = runs.execute(spoilt, tmp_path / "run")
    assert summary["status"] == "diverged"
    assert 1 <= summary["step"] <= 6 and summary["reason"]


def test_every_tracker_hears_of_a_run_from_start_to_finish(tmp_path):
    heard = []

    class Ear:
        def start(self, run):
            heard.append(run.id)

        def log(self, step, metrics):
            heard.append((step, metrics["loss"]))

        def finish(self, summary):
            heard.append(summary["status"])

    runs.execute(plan(), tmp_path / "run", [Ear()])
    points = [(p["step"], p["loss"]) for p in tracking.points(tmp_path / "run")]
    assert heard == [tracking.described(tmp_path / "run")["id"], *points, "finished"]


# -- what a folder refuses ------------------------------------------------------------------------
def test_another_run_is_refused_with_the_difference(tmp_path):
    runs.execute(plan(), tmp_path / "run")
    with pytest.raises(UserError, match=r"has data_seed = 0; allowed is 1"):
        runs.execute(plan(data_seed=1), tmp_path / "run")


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(UserError, match="allowed is a run's folder or a new one"):
        runs.execute(plan(), tmp_path)
    with pytest.raises(UserError, match="a file; allowed is a folder"):
        runs.execute(plan(), tmp_path / "mine")


def test_a_folder_in_use_is_refused(tmp_path):
    refused = pytest.raises(UserError, match="another process is training")
    with filelock.FileLock(tmp_path / ".lock"), refused:
        runs.execute(plan(), tmp_path)


def test_what_a_killed_writer_left_in_a_folder_goes_with_its_next_use(tmp_path):
    (tmp_path / ".last.safetensors.0f.tmp").write_bytes(b"half")
    with alone(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("threads", [0, runs.most_threads + 1])
def test_threads_that_torch_cannot_have_are_refused(threads, tmp_path):
    with pytest.raises(UserError, match=r"threads is .*; allowed is 1 to 1024"):
        runs.execute(plan(), tmp_path / "run", threads=threads)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "changes", [{"train": 3}, {"validation": 0}, {"test": 0}, {"seed": -1}, {"order_seed": -1}]
)
def test_impossible_plans_are_refused(changes):
    with pytest.raises(UserError, match="; allowed is "):
        plan(**changes)


def test_a_series_of_numbers_is_read(tmp_path):
    summary = runs.execute(plan("complete-tiny", {"max_steps": 2}, Pattern()), tmp_path / "run")
    assert summary["status"] == "finished"


# -- checkpoints ----------------------------------------------------------------------------------
def test_the_last_checkpoint_is_of_the_averaged_weights_where_there_are_some(tmp_path):
    asked = plan()
    asked = replace(asked, training=replace(asked.training, ema=0.9))
    runs.execute(asked, tmp_path / "run")
    model = HRM(asked.system.model)
    assert runs.restored(tmp_path / "run" / "last.safetensors", model) == {"update": 6}
    average = checkpoint.load(tmp_path / "run" / "last.safetensors")["average"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, average[f"module.{name}"])


def test_a_stored_run_is_scored_again_to_the_same(tmp_path):
    summary = runs.execute(plan("act-v1", act), tmp_path / "run")
    found = runs.stored(tmp_path / "run")
    again = runs.evaluated(found, task, found.plan.splits())
    assert {"status": "finished", **again} == summary
    one = runs.stored(tmp_path / "run" / "best.safetensors")
    assert list(one.checkpoints) == ["best"]


def test_halting_in_evaluation_stops_earlier(tmp_path):
    runs.execute(plan("act-v1", act), tmp_path / "run")
    found = runs.stored(tmp_path / "run")
    path = tmp_path / "run" / "last.safetensors"
    tree = checkpoint.load(path)  # Q(halt) above Q(continue), whatever the state
    weights = tree["learner"]["model"]
    name = next(n for n in weights if n.startswith("halting.") and n.endswith("bias"))
    weights[name] = torch.tensor([5.0, -5.0])
    checkpoint.save(path, tree)
    whole, halted = (
        runs.evaluated(found, task, boards, halt=halt)["checkpoints"]["last"]["steps"]
        for halt in (False, True)
    )
    assert (whole, halted) == (3.0, 1.0)


def test_halting_in_evaluation_is_each_samples_own_whatever_the_system():
    assert scoring.halting(plan().system).model.evaluation == Compacted()
    amulgent = scoring.halting(recipes.amulgent()).model.halting
    assert not amulgent.batch_mean and amulgent.exploration is None
    assert scoring.halting(recipes.act_v1()).model.halting.halt_in_evaluation
    with pytest.raises(UserError, match="halting is Policy, whose steps are always 5"):
        scoring.halting(recipes.gru(use_act=False))
    with pytest.raises(UserError, match="halting is Fixed, whose steps are always 1"):
        scoring.halting(recipes.act_v1_vector(inputs=4, outputs=2))


def test_another_tasks_shapes_are_refused(tmp_path):
    runs.execute(plan(), tmp_path / "run")
    other = Sudoku(size=4)
    with pytest.raises(UserError, match=r"Sudoku's inputs is \d+; allowed is \d+, what the check"):
        runs.evaluated(runs.stored(tmp_path / "run"), other, other.generate(0, 6, 0, 2))


def test_what_is_no_run_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "best.safetensors"):
        with pytest.raises(UserError, match="allowed is a run's folder"):
            runs.stored(path)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    runs.execute(plan(), tmp_path / "run")
    other: System = plan("v2").system
    with pytest.raises(UserError, match="its weights are of another model"):
        runs.restored(tmp_path / "run" / "best.safetensors", HRM(other.model))


def changed(path, change):
    """Change the readout's weights in a run's best checkpoint."""
    tree = checkpoint.load(path)
    change(tree["model"]["readout.weight"])
    checkpoint.save(path, tree)


def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path):
    runs.execute(plan(), tmp_path, test=False)
    path = tmp_path / "best.safetensors"
    changed(path, lambda weight: weight[0].fill_(float("nan")))
    with pytest.raises(UserError, match=r"best\.safetensors', whose readout\.weight has numbers"):
        runs.weights(path)


def test_answers_that_are_no_numbers_are_refused(tmp_path):
    asked = plan("act-v1", act)
    runs.execute(asked, tmp_path, test=False)
    path = tmp_path / "best.safetensors"
    changed(path, lambda weight: weight.fill_(3e38))
    with pytest.raises(UserError, match=r"best\.safetensors', and its answers are NaN or infinite"):
        runs.evaluated(runs.stored(path), task, asked.splits())


def test_answers_that_are_no_numbers_are_divergence(tmp_path, monkeypatch):
    def strange(*_):
        raise FloatingPointError("its answers are NaN or infinite")

    monkeypatch.setattr(runs, "score", strange)
    summary = runs.execute(plan(), tmp_path / "run")
    assert (summary["status"], summary["step"]) == ("diverged", 2)
    assert summary["reason"] == "its answers are NaN or infinite"


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_checkpoint_that_is_empty_doesnt_cost_the_others_scores(tmp_path, name, caplog):
    summary = runs.execute(plan(), tmp_path / "run")
    (tmp_path / "run" / f"{name}.safetensors").write_bytes(b"")
    found = runs.evaluated(runs.stored(tmp_path / "run"), task, plan().splits())
    (other,) = {"best", "last"} - {name}
    assert found["checkpoints"] == {other: summary["checkpoints"][other]}
    assert f"{name}.safetensors'; allowed is a file that a training run wrote" in caplog.text
    (tmp_path / "run" / f"{other}.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="allowed is a file that a training run wrote"):
        runs.evaluated(runs.stored(tmp_path / "run"), task, plan().splits())


@pytest.mark.parametrize(("version", "said"), [("99.1", "a newer"), ("0.0.1", "an older")])
def test_a_run_of_another_version_is_called_that_and_not_damaged(tmp_path, version, said):
    runs.execute(plan(), tmp_path, test=False)
    stored = json.loads((tmp_path / "run.json").read_text())
    stored["configuration"]["colour"] = "red"
    stored["environments"][-1]["versions"]["hrm-ablations"] = version
    (tmp_path / "run.json").write_text(json.dumps(stored))
    with pytest.raises(UserError, match=f"is a run of {said} version .*, {version}, .*colour"):
        runs.planned(tmp_path)
    with pytest.raises(UserError, match=f"is a run of {said} version"):
        runs.execute(plan(), tmp_path)
