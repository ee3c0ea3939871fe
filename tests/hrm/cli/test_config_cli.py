"""`hrm train --config FILE` and `--axis PATH=VALUE`: every axis, from a file and by hand."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from hrm import cli, recipes
from hrm.cli import axes, configured, plans
from hrm.config import Compacted, LayerNorm, Refilled
from hrm.errors import UserError
from hrm.recipes import sizing

FILE = Path(__file__).resolve().parents[3] / "configs" / "act-v1.yaml"
SHORT = "--updates 2 --batch 4 --train 8 --validation 4 --test 4"


def plan(*line):
    arguments = configured.expanded(["train", *line, "--output", "unused"])
    return plans.plan_of(cli.parser().parse_args(arguments))


@pytest.mark.promise("act-v1", "a YAML configuration", "hrm train --config configs/act-v1.yaml")
def test_the_documents_keys_and_axes_come_from_a_file():
    found = plan("--config", str(FILE))
    c = found.system.model
    assert (found.recipe, type(found.task).__name__, found.task.size) == ("act-v1", "Sudoku", 4)
    assert (c.low.width, c.low.heads, c.cycles, c.low_steps, c.halting.max_steps) == (
        64,
        4,
        2,
        2,
        4,
    )
    assert c.low.rotary == 10_000.0 and not c.bfloat16 and c.embedding.puzzles is None
    assert (found.training.updates, found.training.warmup, found.training.batch) == (1000, 20, 64)
    assert found.train == 4000 and found.system.objective.weight == 0.5


def test_the_plain_transformer_is_trained_from_a_file():
    found = plan("--config", str(FILE.with_name("plain-transformer.yaml")))
    sizes = sizing.sizes(found.system.model)
    usual = recipes.plain_transformer(width=64, layers=2, heads=4, max_steps=4, **sizes)
    assert found.system == usual


def test_float16_in_a_file_is_refused_with_what_scales_a_loss(tmp_path):
    path = tmp_path / "half.yaml"
    path.write_text(FILE.read_text().replace("forward_dtype: float32", "forward_dtype: float16"))
    with pytest.raises(UserError, match=r"forward_dtype 'float16'; allowed is bfloat16 or float32"):
        plan("--config", str(path))


def test_the_command_line_counts_more_than_the_file():
    line = "--updates 7 --set width=32 --axis execution=Compacted --task-set clues=9 --batch 8"
    for named in ([], ["act-v1"], ["act-v1", "sudoku"]):
        found = plan(*named, "--config", str(FILE), *line.split())
        assert found.system.model.low.width == 32 and found.system.model.execution == Compacted()
        assert (found.training.updates, found.training.batch, found.task.clues) == (7, 8, 9)


def test_a_run_of_a_file_goes_on_and_is_scored(hrm, tmp_path):
    folder = tmp_path / "run"
    line = f"train --config {FILE} {SHORT} --set width=16 --set heads=2 --output {folder} --json"
    status, out, err = hrm(line)
    assert status == 0, err
    assert json.loads(out)["status"] == "finished"
    assert hrm(line)[0] == 0


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("execution=Compacted", lambda s: s.model.execution == Compacted()),
        (
            'execution={"kind":"Refilled","places":3}',
            lambda s: s.model.execution == Refilled(places=3),
        ),
        ("low.norm=LayerNorm", lambda s: s.model.low.norm == LayerNorm()),
        ("halting.max_steps=3", lambda s: s.model.halting.max_steps == 3),
        ("horizon=null", lambda s: s.model.horizon is None),
        ("objective.continue_loss=false", lambda s: not s.objective.continue_loss),
    ],
)
def test_any_axis_is_set_by_its_path(setting, read):
    before = recipes.act_v1()
    assert not read(before) and read(axes.changed(before, [setting]))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("max_cycles=3", "names no field of HRMConfig, 'max_cycles'"),
        ("halting.max_cycles=3", "did you mean 'max_steps'"),
        ("T=3", "did you mean 'low_steps'"),
        ("execution", "has no value"),
        ("low.width.x=3", "names no field of a value, 'x'; allowed is one of: none"),
        ("execution=Nothing", "execution is {'kind': 'Nothing'}; allowed is Lockstep or"),
        ("execution=Refilled", "places"),
        ("execution=LayerNorm", "HRMConfig.execution is {'kind': 'LayerNorm'}"),
    ],
)
def test_an_impossible_axis_is_named(setting, said):
    with pytest.raises(UserError, match=said):
        axes.changed(recipes.act_v1(), [setting])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- 1", "which holds list; allowed is a mapping"),
        ("a: [", "which can't be read"),
        ("lr: 3", "has 'lr'; .*; did you mean 'learning-rate'|leave it out"),
        ("set: 3", "has 'set' 3; allowed is a mapping"),
        ("config: {seq_len: 3}", "the key 'seq_len' under config; .* it follows from the task"),
        ("config: {T: 3}", "did you mean 'L_cycles'"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path, content, said):
    path = tmp_path / "options.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match=said):
        plan("--config", str(path))
    with pytest.raises(UserError, match="which can't be read"):
        plan("--config", str(tmp_path / "nothing.yaml"))


def test_the_file_of_the_repository_is_plain_yaml():
    assert yaml.safe_load(FILE.read_text())["axis"]["execution"] == {"kind": "Masked"}


def test_the_lines_on_the_training_page_are_plans(monkeypatch):
    """Those of the section on axes, files and weights."""
    root = FILE.parents[1]
    monkeypatch.chdir(root)
    page = (root / "docs" / "training.md").read_text().partition("## Axes, configuration files")[2]
    blocks = re.findall(r"```\n(hrm train .*?)```", page.partition("## Faster")[0], re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        _, *line = shlex.split(block.replace("\\\n", " "))
        plans.plan_of(cli.parser().parse_args(configured.expanded(line)))


@pytest.mark.promise("complete", "multi-task training", "hrm train RECIPE --tasks maze,pattern")
def test_several_tasks_are_trained_together_and_scored_one_by_one(hrm, tmp_path):
    small = FILE.with_name("small_test.yaml")
    folder = tmp_path / "run"
    line = f"train --config {small} {SHORT} --set h_dim=8 --set l_dim=8 --output {folder}"
    status, out, err = hrm(line)
    assert status == 0, err
    assert re.search(r"^unknown / valid +maze +pattern\nbest +\S+% / \S+% +\S+% / \S+%$", out, re.M)
    found = json.loads((folder / "summary.json").read_text())
    best = found["checkpoints"]["best"]
    each = [best["unknown maze"], best["unknown pattern"]]
    assert best["unknown"] == pytest.approx(sum(each) / 2)  # as many boards of each
    assert "unknown maze" in found["baselines"]["copy"]
    assert hrm(f"eval {folder} mixture")[1].startswith(out.split("\n\n")[0])


@pytest.mark.parametrize("recipe", ["complete-small", "complete"])
def test_tasks_are_named_on_the_command_line(recipe):
    found = plan(recipe, "--tasks", "maze,pattern", "--train", "64")
    assert found.recipe == "complete-small"
    assert [type(task).__name__ for task in found.task.tasks] == ["Maze", "Pattern"]
    assert found.task.tasks[0].size == 15
    with pytest.raises(UserError, match=r"--tasks has 'mase'; .*; did you mean 'maze'"):
        plan("complete-small", "--tasks", "mase,pattern")


@pytest.mark.parametrize("name", ["small_test", "medium_benchmark"])
def test_the_documents_settings_go_by_their_names(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = plan("--config", name)
    assert found == plan("--config", str(FILE.with_name(f"{name}.yaml")))
    assert found.recipe == f"complete-{name.partition('_')[0]}"
    assert len(found.task.tasks) == (2 if name == "small_test" else 4)
    (tmp_path / name).write_text("{recipe: gru, task: sudoku}")  # a file here comes first
    assert plan("--config", name).recipe == "gru"
