"""Sweeps: equal budgets, an honest choice, and nothing lost when they are interrupted."""

import io
import json
import sys
import threading
from dataclasses import replace

import pytest
import torch

from hrm.config.learning import Training
from hrm.errors import Lost, UserError
from hrm.recipes import sizing
from hrm.sweeps import search, study, trial
from hrm.sweeps.space import Choice, Range
from hrm.sweeps.sweep import Sweep
from hrm.tasks.maze import Maze
from hrm.training import runs, tracking

TASK = Maze(size=4, walls=0.2)
SPACE = {
    "learning_rate": Range(low=1e-3, high=1e-1, log=True),
    "batch": Choice(choices=(4,)),
    "warmup": Range(low=0, high=4, step=2),
}


class Stop(BaseException):
    """Ends a sweep where it stands."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def arm(recipe="gru", **changes):
    settings = {"hidden_low": 8, "hidden_high": 8, "max_cycles": 2}
    plan = runs.Plan(
        recipe=recipe,
        system=sizing.sized(recipe, settings, TASK, TASK.generate(0, 0, 0, 1).test),
        task=TASK,
        train=12,
        validation=4,
        test=6,
        training=Training(updates=4, batch=4, evaluate_every=2),
    )
    plan = replace(plan, **changes)
    return lambda fields: replace(plan, training=replace(plan.training, **fields))


def sweep(trials=3, space=SPACE, **arms):
    return Sweep(arms=arms or {"gru": arm()}, space=space, trials=trials)


def rows(found, name="gru"):
    return found["arms"][name]["trials"]


def pretend(monkeypatch, scores):
    """Let a trial of a number score this, at each of its two evaluations."""

    def trained(plan, folder, trackers=(), report=None, threads=1, device="cpu", *, test=True):
        if test:
            return {"checkpoints": {}, "baselines": {}}
        metrics = {"unknown": scores[int(folder.name)]}
        tracker = tracking.JsonLines(folder)
        tracker.start(tracking.Run(id="x", configuration={}, seeds={}, environment={}))
        for update in (2, 4):
            tracker.log(update, metrics)
            report(runs.Point(update=update, updates=4, metrics=metrics, seconds=0))
        return {"status": "finished"}

    monkeypatch.setattr(runs, "execute", trained)


# -- the choice ------------------------------------------------------------------------------------
def test_the_highest_validation_score_is_chosen_of_equals_the_first(tmp_path, monkeypatch):
    pretend(monkeypatch, [0.3, 0.7, 0.7, 0.5])
    found = search.execute(sweep(4), tmp_path / "sweep")["arms"]["gru"]
    assert [row["validation"] for row in found["trials"]] == [0.3, 0.7, 0.7, 0.5]
    assert found["chosen"]["number"] == 1


def test_the_best_on_validation_is_chosen_and_it_alone_sees_the_test_boards_once(
    tmp_path, monkeypatch
):
    scored, evaluated = [], runs.evaluated

    def counted(*arguments, **named):
        scored.append(arguments)
        return evaluated(*arguments, **named)

    monkeypatch.setattr(runs, "evaluated", counted)
    found = search.execute(sweep(), tmp_path / "sweep")
    table = rows(found)
    chosen = found["arms"]["gru"]["chosen"]
    assert chosen["validation"] == max(row["validation"] for row in table)
    for row in table:
        points = tracking.points(tmp_path / "sweep" / "gru" / f"{row['number']:04}")
        assert row["validation"] == max(point["unknown"] for point in points)
        assert 1e-3 <= row["fields"]["learning_rate"] <= 1e-1
        assert row["fields"]["warmup"] in (0, 2, 4)
    assert len(scored) == 1
    assert search.execute(sweep(), tmp_path / "sweep") == found
    assert len(scored) == 1, "a finished sweep is read"


def test_the_best_configuration_is_a_plan_that_gives_the_trials_curve(tmp_path):
    found = search.execute(sweep(), tmp_path / "sweep")
    plan = runs.plan_from(json.loads((tmp_path / "sweep" / "gru" / "best.json").read_text()))
    summary = runs.execute(plan, tmp_path / "again")
    one = found["arms"]["gru"]
    assert (
        max(p["unknown"] for p in tracking.points(tmp_path / "again"))
        == (one["chosen"]["validation"])
    )
    assert summary["checkpoints"] == one["test"]["checkpoints"]
    assert plan.training.learning_rate == one["chosen"]["fields"]["learning_rate"]


def test_divergence_is_a_failed_trial_with_its_reason_and_counts(tmp_path):
    space = {"learning_rate": Choice(choices=(1e-3, 1e38))}
    found = search.execute(sweep(4, space), tmp_path / "sweep")["arms"]["gru"]
    assert found["counts"].keys() == {"finished", "failed"}
    assert sum(found["counts"].values()) == 4
    for row in found["trials"]:
        assert (row["fields"]["learning_rate"] == 1e38) == (row["state"] == "failed")
        if row["state"] == "failed":
            assert row["reason"].startswith("diverged at update ") and row["validation"] is None
            assert 1 <= row["updates"] <= 4
    assert found["chosen"]["fields"] == {"learning_rate": 1e-3}


def test_where_nothing_finishes_nothing_is_chosen(tmp_path):
    space = {"learning_rate": Choice(choices=(1e37, 1e38))}
    found = search.execute(sweep(2, space), tmp_path / "sweep")["arms"]["gru"]
    assert (found["counts"], found["chosen"], found["test"]) == ({"failed": 2}, None, None)


def test_combinations_that_are_refused_are_failed_trials(tmp_path):
    whole = arm()

    def picky(fields):
        if len(fields) == 2:
            raise UserError("width is 3; allowed is 4")
        return whole(fields)

    space = {"warmup": Choice(choices=(0, 1)), "learning_rate": Range(low=0.1, high=0.2)}
    found = search.execute(sweep(2, space, gru=picky), tmp_path / "sweep")
    assert {row["reason"] for row in rows(found)} == {"refused: width is 3; allowed is 4"}


# -- interruption ----------------------------------------------------------------------------------
@pytest.mark.parametrize("after", [1, 5, 6])
def test_an_interrupted_sweep_goes_on_to_the_same_results(tmp_path, whole, after):
    told = []

    def impatient(progress):
        told.append(progress)
        if len(told) == after:
            raise Stop

    with pytest.raises(Stop):
        search.execute(sweep(), tmp_path / "cut", report=impatient)
    found = search.execute(sweep(), tmp_path / "cut", report=told.append)
    assert rows(found) == rows(whole)
    assert found["arms"]["gru"]["test"] == whole["arms"]["gru"]["test"]
    assert told[-1].share == 1
    assert len(told) <= 9 + 1, "what was done isn't done again"


def test_a_score_that_was_kept_before_its_checkpoint_may_come_again(tmp_path, whole, monkeypatch):
    kept = study.Trial.hopeless

    def killed(trial, update, score):
        kept(trial, update, score)
        raise Stop

    with monkeypatch.context() as patched:
        patched.setattr(study.Trial, "hopeless", killed)
        with pytest.raises(Stop):
            search.execute(sweep(), tmp_path / "sweep")
    assert rows(search.execute(sweep(), tmp_path / "sweep")) == rows(whole)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_torn_journal_loses_its_last_entry_alone(tmp_path, whole, cut):
    def killed(progress):
        if (progress.number, progress.update) == (1, 4):
            raise Stop

    with pytest.raises(Stop):
        search.execute(sweep(), tmp_path / "sweep", report=killed)
    path = tmp_path / "sweep" / "study.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    (tmp_path / "sweep" / "study.jsonl.lock").symlink_to(path)  # as Optuna's
    assert rows(search.execute(sweep(), tmp_path / "sweep")) == rows(whole)


@pytest.mark.parametrize(
    ("line", "why"),
    [("", "it is blank"), ('{"op_code": 0, "wor', "line 2: Unterminated"), ("[1]", "no object")],
)
def test_a_damaged_line_of_the_journal_is_named(tmp_path, line, why):
    def interrupted(_):
        raise Stop

    with pytest.raises(Stop):
        search.execute(sweep(), tmp_path / "sweep", report=interrupted)
    path = tmp_path / "sweep" / "study.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([first, line, *others]) + "\n")
    with pytest.raises(
        UserError, match=r"study\.jsonl' can't be read \(.*line 2: .*; take"
    ) as said:
        search.execute(sweep(), tmp_path / "sweep")
    assert why in str(said.value)


def test_a_line_of_the_journal_that_optuna_cant_follow_is_refused(tmp_path):
    def interrupted(_):
        raise Stop

    with pytest.raises(Stop):
        search.execute(sweep(), tmp_path / "sweep", report=interrupted)
    path = tmp_path / "sweep" / "study.jsonl"
    path.write_text(path.read_text() + '{"op_code": 0}\n')
    with pytest.raises(UserError, match=r"study\.jsonl' can't be read \(Optuna "):
        search.execute(sweep(), tmp_path / "sweep")


def test_damaged_results_are_named(tmp_path):
    search.execute(sweep(1), tmp_path / "sweep")
    (tmp_path / "sweep" / "results.json").write_text('{"arms"')
    with pytest.raises(
        UserError, match=r"results\.json' can't be read .*; allowed is what a sweep"
    ):
        search.execute(sweep(1), tmp_path / "sweep")


def test_a_journal_in_use_is_refused(tmp_path):
    with study.journal(tmp_path / "one.jsonl"), pytest.raises(UserError, match="another process"):
        search.execute(sweep(1), tmp_path / "sweep", storage=tmp_path / "one.jsonl")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return search.execute(sweep(), tmp_path_factory.mktemp("sweeps") / "whole")


def test_the_journal_is_plain_json_and_may_lie_elsewhere(tmp_path):
    path = tmp_path / "journals" / "one.jsonl"
    search.execute(sweep(1), tmp_path / "sweep", storage=path)
    assert not (tmp_path / "sweep" / "study.jsonl").exists()
    assert all(isinstance(json.loads(line), dict) for line in path.read_text().splitlines())
    with pytest.raises(UserError, match="holds another sweep's trials of 'gru'"):
        search.execute(replace(sweep(2), prune=True), tmp_path / "other", storage=path)


def test_another_sweeps_folder_is_refused_with_the_difference(tmp_path):
    search.execute(sweep(2), tmp_path / "sweep")
    with pytest.raises(UserError, match=r"has trials = 2, and the command asks for 1"):
        search.execute(sweep(1), tmp_path / "sweep")
    (tmp_path / "sweep" / "sweep.json").write_text("{")
    with pytest.raises(UserError, match=r"sweep\.json' can't be read"):
        search.execute(sweep(1), tmp_path / "sweep")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(UserError, match="allowed is a sweep's folder or a new one"):
        search.execute(sweep(1), tmp_path / "mine")


# -- several at once -------------------------------------------------------------------------------
@pytest.mark.slow
def test_trials_in_processes_are_those_of_one_process(tmp_path, whole):
    lock, told = threading.Lock(), []

    def impatient(progress):
        assert lock.acquire(blocking=False), "one thread at a time"
        told.append(progress)
        lock.release()
        if len(told) == 3:
            raise Stop

    with pytest.raises(Stop):
        search.execute(sweep(2), tmp_path / "sweep", jobs=2, report=impatient)
    found = search.execute(sweep(2), tmp_path / "sweep", jobs=2)
    # The first trials are drawn at random, whatever the others say.
    assert rows(found) == rows(whole)[:2]


@pytest.fixture
def dying(tmp_path, monkeypatch):
    """Let trials' processes die at once."""
    script = tmp_path / "dying"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_a_trial_whose_process_dies_is_tried_again_and_has_failed_the_third_time(tmp_path, dying):
    for _ in range(2):
        with pytest.raises(Lost, match="gru trial 1: its process ended with status 3"):
            search.execute(sweep(2), tmp_path / "sweep", jobs=2)
    found = search.execute(sweep(2), tmp_path / "sweep", jobs=2)
    assert {row["reason"] for row in rows(found)} == {"its process ended with status 3, 3 times"}


@pytest.mark.slow
def test_a_sweep_goes_on_where_processes_have_died(tmp_path, whole):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        with pytest.raises(Lost):
            search.execute(sweep(2), tmp_path / "sweep", jobs=2)
    assert rows(search.execute(sweep(2), tmp_path / "sweep", jobs=2)) == rows(whole)[:2]


@pytest.mark.slow
def test_a_trials_process_imports_nothing_from_the_working_folder(tmp_path, monkeypatch, whole):
    for name in ("random.py", "hrm/__init__.py", "bench/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise ImportError('from the working folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "")
    assert rows(search.execute(sweep(2), tmp_path / "sweep", jobs=2)) == rows(whole)[:2]


def test_a_childs_complaint_is_the_parents(tmp_path):
    (tmp_path / "run").touch()
    plan = arm()({})
    with pytest.raises(UserError, match="a file; allowed is a folder"):
        trial.Children().execute(plan, tmp_path / "run", lambda _: None)


def test_trials_and_the_choice_are_computed_where_one_asks(tmp_path, monkeypatch):
    pretend(monkeypatch, [0.5])
    pretended, seen = runs.execute, []

    def noted(plan, folder, trackers=(), report=None, threads=1, device="cpu", **named):
        seen.append((threads, device))
        return pretended(plan, folder, trackers, report, **named)

    monkeypatch.setattr(runs, "execute", noted)
    search.execute(sweep(1), tmp_path / "sweep", threads=3, device="cuda:1")
    assert seen == [(3, "cuda:1")] * 2


def test_a_child_computes_where_its_parent_asks(tmp_path, monkeypatch):
    child = tmp_path / "child"
    child.write_text(f"#!/bin/sh\ncat > {tmp_path}/asked\nexit 3\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    device = torch.device("cuda:1")
    with pytest.raises(trial.Died):
        trial.Children().execute(arm()({}), tmp_path / "run", lambda _: None, 3, device)
    seen = {}
    monkeypatch.setattr(runs, "execute", lambda *_, **named: seen.update(named) or {})
    monkeypatch.setattr(sys, "stdin", io.StringIO((tmp_path / "asked").read_text()))
    trial.main()
    assert (seen["threads"], seen["device"], seen["test"]) == (3, "cuda:1", False)


# -- pruning ---------------------------------------------------------------------------------------
def test_a_trial_below_the_median_ends_early(tmp_path, monkeypatch):
    pretend(monkeypatch, [0.5] * 5 + [0.1] * 2)
    pruned = replace(sweep(7), prune=True)
    found = search.execute(pruned, tmp_path / "sweep")
    states = [row["state"] for row in rows(found)]
    assert states == ["finished"] * 5 + ["pruned"] * 2
    assert [row["updates"] for row in rows(found)] == [4] * 5 + [2] * 2
    assert found["arms"]["gru"]["spent_updates"] == 24
    unpruned = search.execute(sweep(7), tmp_path / "unpruned")
    assert unpruned["arms"]["gru"]["counts"] == {"finished": 7}


# -- equal budgets ---------------------------------------------------------------------------------
def test_arms_have_equal_budgets_and_the_same_first_draws(tmp_path):
    both = sweep(2, gru=arm(), v2=arm("v2"))
    assert both.budget() == {
        "arms": 2,
        "trials": 2,
        "updates": 4,
        "batch": 4,
        "total_updates": 16,
        "total_boards": 64,
    }
    told = []
    found = search.execute(both, tmp_path / "sweep", report=told.append)
    first, second = ([row["fields"] for row in rows(found, name)] for name in ("gru", "v2"))
    assert first == second and first[0] != first[1]
    assert [found["arms"][name]["spent_updates"] for name in both.arms] == [8, 8]
    order = [(t.arm, t.number) for t in told if t.ended]
    assert order == [("gru", 0), ("v2", 0), ("gru", 1), ("v2", 1)]


@pytest.mark.parametrize(("name", "allowed"), [("jobs", "1 or more"), ("threads", "1 to 1024")])
def test_at_least_one_job_and_thread_are_needed(tmp_path, name, allowed):
    with pytest.raises(UserError, match=f"{name} is 0; allowed is {allowed}"):
        search.execute(sweep(), tmp_path / "sweep", **{name: 0})


def test_without_optuna_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install -c constraints.txt -e '.\[sweeps\]'"):
        search.execute(sweep(), tmp_path / "sweep")
