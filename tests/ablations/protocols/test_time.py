"""Arms are timed by turns in a fresh process, which others may not disturb by much."""

import ast
import json
import math
import os
import select
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ablations.metrics.timing import ForeignLoad, TimeRatio, TwinRatio
from ablations.protocols import time
from ablations.protocols.base import Inputs
from ablations.specs.protocols import Time
from ablations.specs.tests import Timing
from hrm.config import Segments
from hrm.config.parts import Part
from hrm.errors import UserError

ARMS = [Segments(count=1), Segments(count=2)]


def inputs(*targets, rounds=8, seed=0, batches=(1,), device="cpu"):
    protocol = Time(targets=targets or ("burning:burn",), batches=batches, rounds=rounds)
    return Inputs(protocol=protocol, arms=ARMS, seed=seed, device=device)


@pytest.fixture
def burning(monkeypatch):
    """Let fresh processes find the targets of the tests, and drop none, however busy the core."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(time, "MOST_FOREIGN", 1.0)


@pytest.fixture
def loads(monkeypatch):
    """Measure nothing, while others take these shares of the core, one process after another."""
    shares, asked = [], []

    def measured(request):
        asked.append(request)
        return {
            "times": [[[[1.0, 0.5, 2.0]] * 2]],
            "order": [[[[2, 0, 1], [0, 1, 2]]]],
            "calls": [[[3, 4, 5]]],
            "foreign": {"core": shares[len(asked) - 1], "machine": 7.0},
            "core": 1,
            "pid": 100 + len(asked),
        }

    monkeypatch.setattr(time, "measured", measured)
    return shares, asked


def test_a_planted_factor_of_two_is_seen_and_the_twin_is_not(burning):
    baseline, treatment = time.run(inputs(batches=(1, 4))).observations
    for batch in (1, 4):
        metric = TimeRatio(target="burning:burn", batch=batch)
        values = [metric.read(arm) for arm in (baseline, treatment)]
        assert values[0].low == 1
        assert values[1].low == pytest.approx(2)
        test = Timing(null=0.05, because="felt")
        assert test.contrast(values).low == pytest.approx(math.log(values[1].low))
        assert metric.twin.read(baseline).low == pytest.approx(1)
    assert baseline["pid"] == treatment["pid"] != os.getpid()
    assert baseline["times"].shape == treatment["twin"].shape == (1, 2, 8)
    assert treatment["place"].shape == (1, 2, 8)
    assert set(treatment["place"].flat) <= {0, 1, 2}
    if hasattr(os, "sched_getaffinity"):
        assert baseline["core"] == max(os.sched_getaffinity(0))
        assert 0 <= ForeignLoad().read(baseline).low <= 1


def test_each_arm_has_its_own_times_beside_those_of_the_baseline_and_the_twin(loads):
    loads[0].append(0.1)
    baseline, treatment = time.run(inputs()).observations
    assert baseline["times"].tolist() == baseline["baseline"].tolist() == [[[1.0, 1.0]]]
    assert treatment["times"].tolist() == [[[0.5, 0.5]]]
    for arm in (baseline, treatment):
        assert arm["baseline"].tolist() == [[[1.0, 1.0]]]
        assert arm["twin"].tolist() == [[[2.0, 2.0]]]
        assert (arm["targets"], arm["batches"]) == (["burning:burn"], [1])
        assert (arm["foreign_on_core"], arm["foreign_on_machine"]) == (0.1, 7.0)
    assert [arm["place"].tolist() for arm in (baseline, treatment)] == [[[[1, 0]]], [[[2, 1]]]]
    assert [arm["calls"].tolist() for arm in (baseline, treatment)] == [[[3]], [[4]]]
    assert TwinRatio(target="burning:burn", batch=1).read(treatment).low == pytest.approx(2.0)


def test_a_process_that_others_disturb_is_dropped_and_measured_anew_and_that_is_recorded(loads):
    shares, asked = loads
    shares.extend([0.6, time.MOST_FOREIGN + 0.001, time.MOST_FOREIGN])
    for arm in time.run(inputs()).observations:
        assert arm["dropped"] == [0.6, time.MOST_FOREIGN + 0.001]
        assert arm["foreign_on_core"] == time.MOST_FOREIGN
        assert arm["pid"] == 103
    assert asked[0] == asked[1] == asked[2]


def test_a_machine_that_stays_busy_is_the_users_matter(loads):
    loads[0].extend([0.9, 0.5, 0.7, 0.8, 0.6])
    with pytest.raises(UserError, match="took 50 % or more of the timed core in each of 5"):
        time.run(inputs())
    assert len(loads[1]) == time.TRIES


def test_nothing_is_dropped_where_the_load_cannot_be_told(loads):
    loads[0].append(None)
    for arm in time.run(inputs()).observations:
        assert arm["dropped"] == []
        assert not ForeignLoad().read(arm).known


def test_what_is_asked_is_the_protocols_and_the_arms_own(loads):
    loads[0].append(0.0)
    time.run(inputs(rounds=3, seed=5, batches=(4, 32)))
    (asked,) = loads[1]
    sent = json.loads(json.dumps(asked))
    assert [Part.from_json(arm) for arm in sent.pop("arms")] == ARMS
    expected = {"targets": ["burning:burn"], "batches": [4, 32], "rounds": 3, "seed": 5}
    assert sent == expected


def test_other_devices_are_refused():
    with pytest.raises(UserError, match="'cuda'; allowed is 'cpu'"):
        time.run(inputs(device="cuda"))


def test_a_process_that_fails_says_why(burning):
    with pytest.raises(RuntimeError, match=r"bench\.turns ended with 1: ValueError: boom"):
        time.run(inputs("burning:fail"))


def test_a_process_knows_no_more_than_it_needs_and_is_on_one_thread(burning, monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with pytest.raises(RuntimeError) as caught:
        time.run(inputs("burning:tell"))
    known = ast.literal_eval(str(caught.value).partition("RuntimeError: ")[2])
    threads = {name: value for name, value in known.items() if "THREADS" in name}
    assert set(known) <= {*time.FORWARDED, *threads}
    assert "OMP_NUM_THREADS" in threads
    assert set(threads.values()) == {"1"}


def test_a_process_imports_nothing_from_the_working_folder(burning, monkeypatch, tmp_path):
    (tmp_path / "bench.py").write_text("raise SystemExit('the wrong file')")
    monkeypatch.chdir(tmp_path)
    assert len(time.run(inputs(rounds=1)).observations) == 2


def said(pipe):
    """Return what comes through a pipe next, nothing once its other end is closed."""
    ready, _, _ = select.select([pipe], [], [], 60)
    assert ready
    return os.read(pipe, 10)


PARENT = """
import json, sys
from ablations.protocols import time
time.measured(json.loads(sys.argv[1]))
"""


def test_a_process_ends_with_its_parent_even_if_that_is_killed(burning, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    os.mkfifo(tmp_path / "alive")
    arms = [arm.to_json() for arm in ARMS]
    request = {"targets": ["burning:hang"], "batches": [1], "arms": arms, "rounds": 1, "seed": 0}
    command = [sys.executable, "-c", PARENT, json.dumps(request)]
    alive = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen(command) as parent:
        assert said(alive) == b"here"
        parent.kill()
        assert said(alive) == b"", "the other end is closed"
    os.close(alive)


def test_arms_are_compared_within_rounds():
    """Rounds differ a hundredfold; within each the arm takes twice the baseline's time."""
    baseline = np.array([[[1.0, 10.0, 100.0, 1000.0]]])
    found = {"targets": ["a:b"], "batches": [2], "baseline": baseline, "times": 2 * baseline}
    assert TimeRatio(target="a:b", batch=2).read(found).low == pytest.approx(2)
