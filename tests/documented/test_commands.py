"""Every shell command that the documents print, by what docs/migration.md has in its place."""

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from hrm import cli
from hrm.cli import configured, options

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text("utf-8")
ROWS = re.findall(
    r"^\| (\S+) \| (.+) \| (.+) \|$",
    PAGE.partition("### Commands")[2].partition("### ")[0].partition("|---|---|---|")[2],
    re.MULTILINE,
)
PRINTED = {  # each line of the documents' shell blocks; a clone's address is left out
    "gru": (
        "git clone ...",
        "cd HierarchicalReasoningModel",
        "pip install torch torchvision numpy",
    ),
    "amulgent": (
        "cd AIMULGENT",
        "PYTHONPATH=. python -m pytest tests/test_hrm_reasoning.py -v",
        "PYTHONPATH=. python demo_hrm.py",
    ),
    "complete": (
        *("git clone ...", "cd hrm", "pip3 install -r requirements.txt"),
        *(f"python3 train_multitask.py --config {c}" for c in ("small_test", "medium_benchmark")),
        *(f"python3 train_fixed.py --epochs {n}" for n in ("5", "10 --num_samples 100")),
        *("python3 src/visualizations.py", "python3 src/additional_tasks.py"),
        *("python3 demo_complete.py", "python3 evaluate_comprehensive.py"),
        "python3 train_hrm.py --use_wandb --project_name hrm-research",
        *("python3 test_hrm.py", "python3 simple_test.py"),
        *("python3 debug_training.py", "python3 debug_data.py"),
    ),
}
BOARDS = "--batch 4 --train 8 --validation 4 --test 4"
FEW = f"--updates 2 {BOARDS} --training-set evaluate_every=2"
TINY = {  # what makes a command small: options behind it, the last of which count
    "hrm train --config configs/act-v1": f"{FEW} --set width=8 --set heads=2",
    "hrm train --config": f"{FEW} --set h_dim=8 --set l_dim=8 --set max_steps=2",
    "hrm train complete --tasks": f"{FEW} --set h_dim=8 --set l_dim=8 --set max_steps=2",
    "hrm train complete-small maze": f"{FEW} --set max_steps=2 --task-set size=5",
    "hrm train complete-small sudoku": f"{FEW} --set max_steps=2 --task-set size=4",
    "hrm train complete-tiny": f"{FEW} --set max_steps=2",
    "hrm evaluate": "--updates 2 --recipes complete-tiny --tasks maze,pattern",
    "hrm demo v2": "--updates 2",
    "hrm demo": "--updates 4",
    "hrm plot --demo": "--demo complete-tiny --only training --only puzzle",
    "hrm data show": "--number 1",
    "hrm data build": "--train 2 --test 2 --set size=5",
    "hrm summary": "",
    "hrm data info": "",
    "pytest tests/documented/test_amulgent": "-k test_basic_enhanced_configuration",
    "pytest tests/documented/test_act_v1": "-k test_parameters_of_a_model_are_no_puzzle_tables",
    "pytest tests/hrm/model": "-k test_the_last_step_is --ignore-glob=*/test_[a-r]*",
}
ELSEWHERE = ("pip", "hrm plot RUN")  # installing, and what other tests run


def commands(cell):
    """Return the commands of a cell, in order."""
    found = re.findall(r"`((?:hrm|pytest|python|pip) [^`]+)`", cell)
    return [command for command in found if not command.startswith(ELSEWHERE)]


def few(command):
    """Return a command at its tiny setting: that of the longest beginning."""
    beginnings = [beginning for beginning in TINY if command.startswith(beginning)]
    return f"{command} {TINY[max(beginnings, key=len)]}"


CASES = [
    pytest.param(document, commands(here), id=f"{document}: {printed.strip('`()')}")
    for document, printed, here in ROWS
    if commands(here)
]


def test_every_printed_shell_command_has_a_row():
    for document, printed in PRINTED.items():
        cells = [cell for name, cell, _ in ROWS if name == document]
        listed = [each for cell in cells for each in re.findall(r"`([^`]+)`", cell)]
        assert sorted(listed) == sorted(printed), document
    assert {name for name, *_ in ROWS} == {*PRINTED, "v2", "act-v1"}


def test_installing_takes_what_the_repository_has():
    rows = [here for _, printed, here in ROWS if printed.startswith("`pip")]
    assert rows == ["`pip install -c constraints.txt -e .`"] * 2
    pinned = (ROOT / "constraints.txt").read_text("utf-8").lower()
    assert all(re.search(rf"^{name}==", pinned, re.MULTILINE) for name in ("torch", "numpy"))


@pytest.mark.promise("all", "each printed shell command", "docs/migration.md#commands")
@pytest.mark.parametrize(("document", "lines"), CASES)
def test_what_stands_for_a_printed_command_runs(document, lines, tmp_path, monkeypatch, capsys):
    """The commands of a row, one after the other in one folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tracked = MagicMock()  # the package, which needn't be installed
    monkeypatch.setitem(sys.modules, "wandb", tracked)
    for name in ("configs", "tests", "examples", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    for command in lines:
        if not command.startswith("hrm "):
            run_apart(command)
            continue
        if command.startswith("hrm demo"):
            small_demo(command.split()[2], monkeypatch)
        with pytest.raises(SystemExit) as ended:
            cli.main(shlex.split(few(command))[1:])
        said = capsys.readouterr()
        assert ended.value.code == 0, said.err
        assert said.out.strip()
        output = re.search(r"--output (\S+)", command)
        assert output is None or any(Path(output[1]).iterdir())
        if "--tracker wandb" in command:
            assert tracked.init.call_args.kwargs["project"] == "hrm-research"
            assert tracked.init.return_value.log.called


def run_apart(command):
    """Run pytest, or an example, in a process of its own."""
    line = shlex.split(command if command.startswith("python ") else few(command))
    program = [sys.executable] if line[0] == "python" else [sys.executable, "-m", "pytest"]
    done = subprocess.run(
        [*program, *line[1:]],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert line[0] == "python" or re.search(r"\b1 passed", done.stdout)


def small_demo(document, monkeypatch):
    """Give a demonstration few boards."""
    module = importlib.import_module(f"hrm.documented.demos.{document.replace('-', '_')}")
    for name in ("TRAIN", "TEST"):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, 128 if name == "TRAIN" else 16)


def test_a_promised_command_line_is_one():
    """What a marker names, with a run, a task and a folder for what it leaves open."""
    page = (ROOT / "docs" / "promises.md").read_text("utf-8")
    lines = [line for line in re.findall(r"\| `(hrm [^`]+)` \|", page) if "..." not in line]
    given = {"RUN": "runs/a", "TASK": "maze", "TASKS": "arc.json", "RECIPE": "gru", "NAME": "mine"}
    for line in lines:
        words = [given.get(word, word) for word in shlex.split(line)[1:]]
        if words[0] in ("train", "sweep", "evaluate"):
            words += ["--output", "runs/b"]
        asked = cli.parser().parse_args(configured.expanded(words))
        if words[:2] == ["data", "show"]:
            options.task_of(asked.task, [*asked.set, *["size=9"] * (asked.task == "maze")])
    assert len(lines) >= 20
