"""The scripts of `examples/`, each run whole, and what a demonstration shows at a tiny setting."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from hrm import cli
from hrm.documented.demos import act_v1, amulgent, complete, gru

ROOT = Path(__file__).resolve().parents[2]
CURRICULUM = r"12 clues:\ntest scores[^:]*\n10 clues:\ntest scores[^:]*\n8 clues:\ntest scores"
PRINTED = {
    "v2": r"weights taken over: \d+, new: 0\noriginal: \d\.\d\d cycles .*\nenhanced: \d\.\d\d",
    "gru": r"Output shape: \(64, 1\)\nAverage cycles used: \d\.\d\d",
    "amulgent": r"plan: \w+.*\nRMSNorm: True\nRecent Reward: \d\.\d{3}\nCompletion Rate: \d\.\d{3}",
    "act_v1": r"step 60: loss \d\.\d{3}, .*\nhalted: \d of 8, steps \[",
    "complete": r"epoch 1: loss \d\.\d{3}, accuracy 0\.\d{3} \(trivial 0\.\d{3}\)\n"
    "wrote best.safetensors, dynamics.png",
    "curriculum": CURRICULUM,
}


@pytest.mark.promise("all", "a short script to begin with", "python examples/DOCUMENT.py")
@pytest.mark.promise("gru", "a curriculum of growing difficulty", "python examples/curriculum.py")
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs(name):
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(PRINTED)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / f"{name}.py")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTED[name], done.stdout), done.stdout


@pytest.fixture
def demo(capsys, tmp_path, monkeypatch):
    """Run a demonstration in an empty folder; returns what it printed as JSON."""
    monkeypatch.chdir(tmp_path)

    def run(line):
        with pytest.raises(SystemExit) as ended:
            cli.main(shlex.split(f"demo {line} --json"))
        said = capsys.readouterr()
        assert ended.value.code == 0, said.err
        found = json.loads(said.out)
        assert all(Path(path).stat().st_size > 1000 for path in found["pictures"].values())
        return found

    return run


@pytest.mark.promise("gru", "metrics during training", "hrm demo gru")
def test_the_demonstration_of_gru_compares_both_ways_to_stop(demo, monkeypatch):
    monkeypatch.setattr(gru, "TEST", 16)
    monkeypatch.setattr(gru, "TRAIN", 64)
    found = demo("gru --updates 3")
    one, each = (found["arms"][name] for name in ("as one", "each for itself"))
    assert each["cycles"] <= one["cycles"] and found["pictures"].keys() == {"training"}


@pytest.mark.promise("amulgent", "baseline and enhanced, compared", "hrm demo amulgent")
def test_the_demonstration_of_amulgent_compares_feature_by_feature(demo, monkeypatch):
    monkeypatch.setattr(amulgent, "TEST", 16)
    monkeypatch.setattr(amulgent, "TRAIN", 64)
    found = demo("amulgent --updates 2")
    features = found["features"]
    assert list(features) == list(amulgent.FEATURES)
    assert features["enhanced"]["parameters"] > features["baseline"]["parameters"]
    assert all(0 <= each["completion"] <= 1 for each in features.values())
    assert found["pictures"] == {
        "features": "demo-amulgent/features.png",
        "learning": "demo-amulgent/learning.png",
    }


@pytest.mark.promise("act-v1", "carry, halting and evaluation", "hrm demo act-v1")
def test_the_demonstration_of_act_v1_evaluates_with_and_without_halting(demo, monkeypatch):
    monkeypatch.setattr(act_v1, "TEST", 8)
    monkeypatch.setattr(act_v1, "TRAIN", 64)
    found = demo("act-v1 --updates 2 --output drawn")
    assert found["steps"]["all steps"] == [4] * 8
    assert all(1 <= step <= 4 for step in found["steps"]["halting"])
    assert found["pictures"]["signals"] == "drawn/signals.png"


@pytest.mark.promise("complete", "the complete feature demo", "hrm demo complete")
def test_the_demonstration_of_complete_trains_on_its_tasks_and_draws(demo, monkeypatch):
    monkeypatch.setattr(complete, "TEST", 8)
    found = demo("complete --updates 4")
    assert found["tasks"].keys() == complete.TASKS.keys() == found["steps"].keys()
    assert {"maze", "maze-training", "pattern", "sudoku"} <= found["pictures"].keys()
    for name, steps in found["steps"].items():
        assert len(steps) == 8 and found["tasks"][name]["most"] == max(steps)


def test_an_option_of_another_demonstration_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", "gru", "--batch", "3"])
    assert (
        ended.value.code == 2
        and "--batch is 3; allowed is that option for v2 only" in capsys.readouterr().err
    )
