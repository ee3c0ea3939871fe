"""What every suite of benchmarks keeps to, as asv sees it: names, versions, what `setup` builds."""

import ast
import itertools
import re
from pathlib import Path

import pytest
import torch
from asv_runner.discovery import disc_benchmarks

import bench
from bench import commits, layers, steps, tasks, timed
from hrm.model import HRM

FOLDER = Path(bench.__file__).parent
CLAIMED = ("blocks", "controller")  # claims time their targets: an edit there makes runs stale
CACHED = ("planning",)  # built once for all, by asv's `setup_cache`
EVERY = {found.name: found for found in disc_benchmarks(str(FOLDER))}
OLD = (
    "blocks.Norms.time_norm", "blocks.Norms.time_training_pass",
    "compaction.ActV1.track_compacted", "compaction.Gru.track_compacted",
    "compiled.Segment.track_compiled", "controller.Controller.time_call",
    "controller.Controller.time_forward", "loop.Data.track_batch", "loop.Draws.track_noise",
    "loop.Loop.track_fit", "loop.Maps.track_once", "loop.Steps.track_adam_atan2",
    "loop.Steps.track_adamw", "loop.Steps.track_average", "loop.Steps.track_clip",
    "memory.Execution.track_peak", "memory.Horizon.track_peak", "memory.Segments.track_peak",
    "training.ActV1.track_step",
)  # fmt: skip


def test_benchmarks_that_there_were_keep_their_names():
    assert set(OLD) <= set(EVERY)


def test_what_a_step_consists_of_and_what_stands_beside_it_is_measured():
    assert {name.partition(".")[0] for name in EVERY} >= {
        *("blocks", "compaction", "compiled", "controller", "deciding", "executions", "horizons"),
        *("layers", "loop", "memory", "rendering", "steps", "stores", "tasks", "training"),
    }


@pytest.mark.parametrize("name", sorted(EVERY))
def test_versions_are_pinned_so_that_an_edit_ends_no_history(name):
    assert EVERY[name].version == "1"


@pytest.mark.parametrize("name", sorted(EVERY))
def test_every_benchmark_says_what_it_measures_in_units_where_less_is_better(name):
    found = EVERY[name]
    assert found.func.__doc__
    assert found.unit in (
        *("seconds", "s", "ms", "bytes", "ratio", "share", "operations", "parameters"),
    )


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_every_file_says_what_its_numbers_mean(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


TIMINGS = [
    pytest.param(found, id=name)
    for name, found in sorted(EVERY.items())
    if found.type == "time" and name.partition(".")[0] not in CLAIMED + CACHED
]


@pytest.mark.parametrize("found", TIMINGS)
def test_what_is_timed_is_built_in_setup(found):
    assert found._setups, "asv --quick would time the building"


def test_a_quick_run_leaves_out_what_would_be_built_while_it_is_timed():
    timings = {n: found for n, found in EVERY.items() if found.type == "time"}
    unbuilt = [n for n, found in timings.items() if not (found._setups or found._setup_cache)]
    assert {name.partition(".")[0] for name in unbuilt} == set(CLAIMED)
    assert not [name for name in unbuilt if re.search(commits.NOT_QUICK, name)]


@pytest.mark.parametrize("found", TIMINGS)
def test_a_timed_call_runs_and_builds_no_model(found, monkeypatch):
    """Once, at the first combination of parameters; those of tasks and steps are tested below."""
    if found.params:
        found.set_param_idx(0)
    found.set_cache(None)
    found.do_setup()
    monkeypatch.setattr(HRM, "__init__", lambda *_: pytest.fail("a model is built"))
    try:
        found.func(*found._build_params())
    finally:
        found.do_teardown()


def test_setup_builds_once_a_process_and_calls_what_it_built():
    called = []

    class Made(timed.Suite):
        params = ((1, 2),)
        param_names = ("n",)

        @classmethod
        def make(cls, n):
            called.append(f"make {n}")
            return lambda: called.append(f"call {n}")

        def time_it(self, n):
            self.call()

    first, second = Made(), Made()
    for suite in (first, second, first):
        suite.setup(1)
        suite.time_it(1)
    assert called == ["make 1"] + 4 * ["call 1"]
    first.setup(2)
    assert called[5:] == ["make 2", "call 2"]


def test_so_many_calls_are_one():
    called = []
    timed.times(3, lambda: called.append(None))()
    assert len(called) == 3


def test_a_quick_run_is_told_by_the_environment(monkeypatch):
    monkeypatch.delenv(timed.QUICK, raising=False)
    assert not timed.quick()
    monkeypatch.setenv(timed.QUICK, "1")
    assert timed.quick()


@pytest.mark.parametrize("recipe", list(steps.systems))
def test_every_recipe_has_a_forward_pass_and_an_update(recipe):
    output = steps.Forward.make(recipe)()
    assert len(output.prediction) == steps.batch
    model, update = steps.learner(recipe)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    loss, taken = update()
    assert loss == loss and taken >= 1
    after = dict(model.named_parameters())
    moved = [not torch.equal(value, after[name]) for name, value in before.items()]
    assert any(moved)
    assert all(torch.allclose(v, after[name], atol=1e-6) for name, v in before.items())


def test_tracked_quantities_are_numbers_that_repeat():
    tracked = steps.Tracked()
    for recipe in ("gru", "act-v1"):
        peak = tracked.track_peak(recipe)
        assert peak == tracked.track_peak(recipe) > 10**5
        assert tracked.track_operations(recipe) > 10**6
        count = sum(p.numel() for p in steps.learner(recipe)[0].parameters())
        assert tracked.track_parameters(recipe) == count


@pytest.mark.parametrize(
    "suite", [layers.Norm, layers.Control, layers.Loss, layers.Optimiser, layers.Beside]
)
def test_small_parts_run_at_all_their_parameters(suite, monkeypatch):
    monkeypatch.setattr(layers, "calls", 1)
    monkeypatch.setattr(layers, "updates", 1)
    for values in itertools.product(*suite.params):
        suite.make(*values)()


@pytest.mark.parametrize("name", tasks.Boards.params[0])
def test_tasks_make_the_boards_and_score_them(name):
    splits = tasks.Boards.make(name)()
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [16, 4, 4]
    tasks.Scoring.make(name)()
