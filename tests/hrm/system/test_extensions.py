"""Own tasks, cores and recipes: docs/your-own-core-and-task.md, carried out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hrm.errors import UserError
from hrm.system import extensions

root = Path(__file__).parents[3]
example = "docs/examples/my_parts.py"


@pytest.fixture
def hrm(tmp_path, monkeypatch):
    """Run a command in a process of its own: what is included there stays there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "hrm", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_model_of_own_cores_learns_an_own_task_and_is_scored_and_drawn_again(hrm, tmp_path):
    folder, include = tmp_path / "run", ("--include", example)
    sizes = ("--train", "64", "--validation", "16", "--test", "16", "--updates", "3")
    code, out, err = hrm(
        "train", "leaky", "parity", *include, "--output", str(folder), *sizes, "--json"
    )
    assert code == 0, err
    trained = json.loads(out)
    assert trained["status"] == "finished"
    assert set(trained["baselines"]) == {"copy", "frequent", "first"}
    stored = json.loads((folder / "run.json").read_bytes())
    assert stored["configuration"]["system"]["model"]["low"]["kind"] == "Leaky"
    assert stored["environments"][0]["included"] == [example]

    code, out, err = hrm("eval", str(folder), "parity", *include, "--json")
    assert code == 0, err
    assert json.loads(out)["checkpoints"]["best"] == trained["checkpoints"]["best"]

    code, out, err = hrm("plot", str(folder), *include, "--json")
    assert code == 0, err
    drawn = {path.stem for path in (folder / "pictures").iterdir()}
    assert {"training", "puzzle", "states", "architecture", "efficiency"} <= drawn

    for command in (("eval", str(folder), "sudoku"), ("plot", str(folder))):
        code, _, err = hrm(*command)
        assert code == 2
        assert f"it was trained with --include {example}" in err
        assert len(err.splitlines()) == 1

    code, out, err = hrm("train", "leaky", "parity", *include, "--output", str(folder), *sizes)
    assert code == 0, err  # a finished run is scored again


def test_the_summary_and_the_data_of_own_parts_are_shown(hrm):
    code, out, err = hrm("summary", "leaky", "--include", example, "--json")
    assert code == 0, err
    found = json.loads(out)
    groups = {group["path"]: group["type"] for group in found["groups"]}
    assert groups["low"] == groups["high"] == "LeakyCore"
    assert found["operations"] > 0
    code, out, err = hrm("data", "show", "parity", "--include", example)
    assert code == 0, err
    assert "->" in out
    code, _, err = hrm("data", "show", "parity")
    assert code == 2 and "parity" in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("absent.py", None, "absent.py"),
        ("broken.py", "import nothing_of_this_name", "nothing_of_this_name"),
        (
            "clash.py",
            "from hrm.config import Core\nclass Gru(Core):\n    sequences = False\n",
            "defines Gru, which hrm.config.blocks has, too",
        ),
    ],
)
def test_what_cant_be_included_is_one_line(hrm, tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    code, _, err = hrm("data", "show", "sudoku", "--include", str(tmp_path / name))
    assert code == 2 and said in err and len(err.splitlines()) == 1


def test_an_installed_package_announces_its_tasks(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "announced_tasks.py").write_text(
        "from dataclasses import dataclass\n"
        "from hrm.tasks.pattern import Pattern\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Announced(Pattern):\n"
        "    pass\n"
    )
    about = tmp_path / "announced-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    points = "[hrm.tasks]\nannounced = announced_tasks:Announced\n"
    (about / "entry_points.txt").write_text(points)

    assert "announced" in extensions.names()
    assert "announced_tasks" not in sys.modules, "nothing is imported before it is needed"
    extensions.known("Announced")  # as where a saved run is read
    announced = extensions.task("announced")
    assert announced.__module__ == "announced_tasks"
    assert announced().to_json()["kind"] == "Announced"
    with pytest.raises(UserError, match=r"task is 'other'.*announced"):
        extensions.task("other")
