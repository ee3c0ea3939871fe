"""Trackers: nothing that was logged is lost, and extras are imported when used."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.errors import UserError
from hrm.system import environment
from hrm.training import tracking
from hrm.training.tracking import JsonLines, Run


@pytest.fixture
def run():
    return Run(
        id="one",
        configuration={"recipe": "gru"},
        seeds={"data": 0, "weights": 1},
        environment={"threads": 1},
    )


def logged(folder, run, points, summary=None):
    tracker = JsonLines(folder)
    tracker.start(run)
    for step, metrics in points:
        tracker.log(step, metrics)
    if summary is not None:
        tracker.finish(summary)


# -- the folder -----------------------------------------------------------------------------------
def test_a_folder_has_the_run_its_points_and_its_end(tmp_path, run):
    logged(tmp_path / "new", run, [(2, {"loss": 0.5}), (4, {"loss": 0.25})], {"status": "finished"})
    assert tracking.points(tmp_path / "new") == [
        {"step": 2, "loss": 0.5},
        {"step": 4, "loss": 0.25},
    ]
    said = tracking.described(tmp_path / "new")
    assert (said["id"], said["seeds"]) == ("one", {"data": 0, "weights": 1})
    assert said["environments"] == [{"threads": 1}]
    assert json.loads((tmp_path / "new" / "summary.json").read_text()) == {"status": "finished"}


def test_a_point_is_on_disk_before_the_run_ends(tmp_path, run):
    logged(tmp_path, run, [(1, {"loss": 0.5})])
    assert tracking.points(tmp_path) == [{"step": 1, "loss": 0.5}]
    assert not (tmp_path / "summary.json").exists()


@settings(deadline=None, derandomize=True, max_examples=20)
@given(cut=st.integers(1, 30))
def test_a_torn_last_line_is_not_read_and_spoils_nothing_later(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("run")
    run = Run(id="one", configuration={}, seeds={}, environment={})
    logged(folder, run, [(1, {"loss": 0.5}), (2, {"loss": 0.25})])
    path = folder / "curve.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    left = 1 if cut < len(b'{"step": 2, "loss": 0.25}\n') + 1 else 0
    assert [point["step"] for point in tracking.points(folder)] == [1][:left]
    logged(folder, run, [(3, {"loss": 0.125})])
    assert [point["step"] for point in tracking.points(folder)] == [*[1][:left], 3]


def test_of_two_points_of_one_step_the_later_counts(tmp_path, run):
    logged(tmp_path, run, [(1, {"loss": 0.5}), (2, {"loss": 0.4})], {"status": "stopped"})
    logged(tmp_path, run, [(2, {"loss": 0.3}), (3, {"loss": 0.2})])
    assert [(p["step"], p["loss"]) for p in tracking.points(tmp_path)] == [
        (1, 0.5),
        (2, 0.3),
        (3, 0.2),
    ]
    assert len(tracking.described(tmp_path)["environments"]) == 2
    assert not (tmp_path / "summary.json").exists()  # it goes on


def test_what_is_no_number_in_json_is_null(tmp_path, run):
    logged(tmp_path, run, [(1, {"loss": float("nan"), "pace": float("inf"), "steps": 2.0})])
    assert tracking.points(tmp_path) == [{"step": 1, "loss": None, "pace": None, "steps": 2.0}]


def test_damage_is_named_on_one_line(tmp_path, run):
    logged(tmp_path, run, [(1, {"loss": 0.5})])
    for line, why in (("what", "Expecting"), ("", "it is blank"), ("{}", "no object with step")):
        (tmp_path / "curve.jsonl").write_text(f'{{"step": 1}}\r\n{line}\n')
        said = rf"curve.jsonl' can't be read \(line 2: .*{why}.*; allowed is"
        with pytest.raises(UserError, match=said):
            tracking.points(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(UserError, match=r"run.json' can't be read .*; allowed is"):
            tracking.described(tmp_path)
    with pytest.raises(UserError, match=r"curve\.jsonl"):
        tracking.points(tmp_path / "nothing")
    assert tracking.described(tmp_path / "nothing") is None


# -- extras ---------------------------------------------------------------------------------------
class Recorder:
    """Answers every call, and remembers it."""

    def __init__(self, calls, name=""):
        self._calls, self._name = calls, name

    def __getattr__(self, name):
        return Recorder(self._calls, f"{self._name}.{name}".lstrip("."))

    def __call__(self, *arguments, **named):
        self._calls.append((self._name, arguments, named))
        return self


def driven(name, folder, run):
    """Track a run; until it starts, its folder is untouched: it might be another's."""
    (tracker,) = tracking.extras(name, folder)
    assert list(folder.iterdir()) == []
    tracker.start(run)
    tracker.log(5, {"loss": 0.5, "exact": 0.25})
    tracker.finish({"status": "finished"})


def test_tensorboard_gets_every_metric_as_a_scalar(tmp_path, run, monkeypatch):
    calls = []

    def writer(folder):
        Path(folder).mkdir(parents=True)  # as the real one does
        return Recorder(calls, folder)

    fake = SimpleNamespace(SummaryWriter=writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    driven("tensorboard", tmp_path, run)
    called = [(name.removeprefix(f"{tmp_path}/"), arguments) for name, arguments, _ in calls]
    assert [c for c in called if "scalar" in c[0]] == [
        ("tensorboard.add_scalar", ("loss", 0.5, 5)),
        ("tensorboard.add_scalar", ("exact", 0.25, 5)),
    ]
    assert "gru" in called[0][1][1]  # the configuration
    assert [name for name, _ in called][-3:] == [
        "tensorboard.flush",
        "tensorboard.add_text",
        "tensorboard.close",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own
def test_tensorboards_own_reader_finds_every_metric(tmp_path, run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    driven("tensorboard", tmp_path, run)
    found = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    scalars = {name: found.Scalars(name) for name in found.Tags()["scalars"]}
    assert {name: [(e.step, e.value) for e in each] for name, each in scalars.items()} == {
        "loss": [(5, 0.5)],
        "exact": [(5, 0.25)],
    }


@pytest.mark.promise("complete", "Weights & Biases", "hrm train ... --tracker wandb --project NAME")
@pytest.mark.parametrize("mode", [None, "online"])
def test_weights_and_biases_works_offline_unless_told_otherwise(tmp_path, run, monkeypatch, mode):
    calls = []
    monkeypatch.setitem(sys.modules, "wandb", Recorder(calls))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    driven("wandb", tmp_path, run)
    (name, _, named), *later = calls
    assert named["project"] == "hrm"
    assert (name, named["mode"], named["id"]) == ("init", mode or "offline", "one")
    assert named["config"]["configuration"] == {"recipe": "gru"}
    assert named["dir"] == str(tmp_path)
    assert later == [
        ("init.log", ({"loss": 0.5, "exact": 0.25},), {"step": 5}),
        ("init.summary.update", ({"status": "finished"},), {}),
        ("init.finish", (), {}),
    ]


class OfflineRun:
    """What `wandb.init` returns offline: a folder, to which records are appended."""

    def __init__(self, **said):
        name = said["id"]
        folder = Path(said["dir"]) / "wandb" / f"offline-run-20260101_000000-{name}"
        folder.mkdir(parents=True)
        self.file, self.summary = folder / f"run-{name}.wandb", {}
        self.file.write_text(json.dumps(said) + "\n")

    def log(self, metrics, step):
        with self.file.open("a") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")

    def finish(self):
        with self.file.open("a") as file:
            file.write(json.dumps(self.summary) + "\n")


def test_an_offline_run_of_weights_and_biases_is_a_folder_with_the_metrics(
    tmp_path, run, monkeypatch
):
    """With the package itself where it is installed, else with a stand-in of the same calls."""
    if importlib.util.find_spec("wandb") is None:
        monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=OfflineRun))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "run"
    (tracker,) = tracking.extras("wandb", folder, "mine")
    tracker.start(run)
    tracker.log(5, {"loss": 0.5, "exact": 0.25})
    tracker.finish({"status": "finished"})
    (file,) = folder.glob("wandb/offline-run-*-one/run-one.wandb")
    kept = file.read_bytes()
    for said in (b"mine", b"loss", b"exact", b"0.25", b"finished"):
        assert said in kept


@pytest.mark.parametrize(
    ("name", "module"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")]
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    tmp_path, monkeypatch, name, module
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"-c constraints.txt -e '.\[{name}\]'") as said:
        tracking.extras(name, tmp_path)
    assert "\n" not in str(said.value)


def test_weights_and_biases_project_is_the_users(tmp_path, run, monkeypatch):
    calls = []
    monkeypatch.setitem(sys.modules, "wandb", Recorder(calls))
    (tracker,) = tracking.extras("wandb", tmp_path, "mine")
    tracker.start(run)
    assert calls[0][2]["project"] == "mine"


def test_without_an_extra_nothing_is_imported(tmp_path):
    assert tracking.extras("jsonl", tmp_path) == []


# -- the environment ------------------------------------------------------------------------------
def test_the_environment_has_versions_machine_and_the_commit(monkeypatch):
    monkeypatch.setattr(environment, "commit", lambda: ("abc", True))
    found = tracking.environment(3)
    assert (found["threads"], found["commit"], found["dirty"]) == (3, "abc", True)
    assert found["versions"]["torch"].startswith("2.")
    assert found["versions"]["python"].startswith("3.")
    assert found["cpu"] and found["accelerator"] is None
