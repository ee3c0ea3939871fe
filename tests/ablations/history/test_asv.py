"""asv's folder of results, written as asv writes it; and the steps that it finds."""

import json

import pytest

from ablations.history import asv
from ablations.records.history import Measured, every_series
from hrm.errors import UserError
from tests.ablations.history.conftest import record

COLUMNS = ["result", "params", "version", "started_at", "duration"]
PARAMS = [["'gru'", "'v2'"], ["1", "None"]]
BENCHMARKS = {
    "version": 2,
    "steps.time_x": {"name": "steps.time_x", "params": PARAMS, "param_names": ["a", "b"],
                     "unit": "seconds", "version": "1", "type": "time"},
    "size.track_y": {"name": "size.track_y", "params": [], "param_names": [],
                     "unit": "bytes", "version": "2", "type": "track"},
}  # fmt: skip
MACHINE = {"machine": "here", "cpu": "c", "num_cpu": "2", "ram": "8GB", "os": "Linux", "version": 1}


@pytest.fixture
def results(tmp_path):
    """Write results of commits, and return asv's settings."""
    folder = tmp_path / ".asv/results"

    def write(machine="here", **rows):
        (folder / machine).mkdir(parents=True, exist_ok=True)
        (folder / "benchmarks.json").write_text(json.dumps(BENCHMARKS))
        (folder / machine / "machine.json").write_text(json.dumps(MACHINE | {"machine": machine}))
        for commit, found in rows.items():
            data = {
                "commit_hash": commit * 40,
                "env_name": "env",
                "date": 0,
                "params": {k: v for k, v in MACHINE.items() if k != "version"}
                | {"machine": machine, "python": "3.11"},
                "python": "3.11",
                "requirements": {},
                "env_vars": {},
                "result_columns": COLUMNS,
                "results": found,
                "durations": {},
                "version": 2,
            }
            (folder / machine / f"{commit * 8}-env.json").write_text(json.dumps(data))
        (tmp_path / "asv.conf.json").write_text(
            json.dumps({"version": 1, "project": "p", "repo": ".", "results_dir": ".asv/results"})
        )
        return tmp_path / "asv.conf.json"

    return write


def test_values_are_read_by_commit_name_and_parameters(results):
    config = results(
        a={"steps.time_x": [[0.1, None, 0.3, 0.4], PARAMS, "1"], "size.track_y": [[7], [], "2"]},
        b={"steps.time_x": [None, PARAMS, "1"], "size.track_y": [[8], [], "2"]},
    )
    found = asv.taken(config)
    conditions, first = found["a" * 40]
    assert first == {
        "size.track_y": Measured(unit="bytes", version="2", values={"": 7.0}),
        "steps.time_x": Measured(
            unit="seconds",
            version="1",
            values={"gru, 1": 0.1, "gru, None": None, "v2, 1": 0.3, "v2, None": 0.4},
        ),
    }
    assert set(found["b" * 40][1]) == {"size.track_y"}, "what failed wholly isn't kept"
    assert conditions.machine == "c, 2 cores, 8GB, Linux" and conditions.load is None


def test_a_combination_that_was_left_out_is_no_value(results):
    values = [0.1, float("nan"), 0.3, 0.4]
    config = results(a={"steps.time_x": [values, PARAMS, "1"]})
    ((_, found),) = asv.taken(config).values()
    assert set(found["steps.time_x"].values) == {"gru, 1", "v2, 1", "v2, None"}


def test_results_of_another_version_arent_kept(results):
    assert not asv.taken(results(a={"size.track_y": [[7], [], "1"]}))


def test_how_busy_the_machine_was_is_kept(results):
    config = results(a={"size.track_y": [[7], [], "2"]})
    (config.parent / ".asv/load.json").write_text(
        json.dumps({"a" * 40: {"load": 1.5, "quick": True}})
    )
    ((conditions, _),) = asv.taken(config).values()
    assert conditions.load == 1.5 and conditions.quick
    (config.parent / ".asv/load.json").write_text('{"aaaa"')
    with pytest.raises(UserError, match=r"load\.json' can't be read .*; remove it"):
        asv.taken(config)


def test_results_of_two_machines_are_refused(results):
    results("there", a={"size.track_y": [[7], [], "2"]})
    config = results("here", b={"size.track_y": [[7], [], "2"]})
    with pytest.raises(UserError, match="here, there"):
        asv.taken(config)


def test_missing_settings_or_results_are_a_users_error(results, tmp_path):
    with pytest.raises(UserError, match="asv's configuration"):
        asv.taken(tmp_path / "asv.conf.json")
    config = results()
    (tmp_path / ".asv/results/benchmarks.json").unlink()
    with pytest.raises(UserError, match="run `tox -e bench` first"):
        asv.taken(config)


def test_steps_are_those_of_asv_by_the_commits_where_they_begin_and_end():
    levels = [1.0] * 6 + [2.0] * 6
    commits = [record(n, seconds=level + 0.01 * (n % 2)) for n, level in enumerate(levels)]
    found = asv.steps(commits)
    first, second = found.found["steps.time_x"]["gru"]
    assert (first.first, first.last) == (commits[0].commit, commits[5].commit)
    assert (second.first, second.last) == (commits[6].commit, commits[11].commit)
    assert (first.level, second.level) == (pytest.approx(1, abs=0.02), pytest.approx(2, abs=0.02))
    assert found.by.startswith("asv ")


def test_a_steady_series_has_one_level():
    commits = [record(n, seconds=1.0 + 0.01 * (n % 3)) for n in range(12)]
    ((only,),) = (asv.steps(commits).found["steps.time_x"].values(),)
    assert len(only) == 1


def test_a_new_version_starts_a_new_series():
    old, new = record(1, seconds=1.0), record(2, seconds=5.0)
    changed = Measured(unit="seconds", version="2", values={"gru": 5.0})
    new.benchmarks["steps.time_x"] = changed
    ((_, _, series),) = every_series([old, new])
    assert series == {new.commit: 5.0}


def test_commits_without_benchmarks_have_no_steps():
    assert asv.steps([record(1, claims={"x": "holds"})]).found == {}
