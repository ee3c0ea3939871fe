"""The migration page says what the code does: every name and key, and its examples."""

import dataclasses
import re
import shlex
from pathlib import Path

import torch

import hrm
from hrm import cli, interop
from hrm.interop import names, settings
from tests.hrm.interop import public

PAGE = Path(hrm.__file__).parents[1] / "docs" / "migration.md"


def cells(text, row):
    """The first two cells of a table's rows that begin like this."""
    found = re.findall(rf"^\| (?:… )?`{re.escape(row)}`[^|]*\| ([^|]*) \|", text, re.MULTILINE)
    assert len(found) == 1, row
    return found[0]


def test_every_weight_is_beside_ours():
    text = PAGE.read_text(encoding="utf-8")
    for ours, theirs in (names.OUTER | names.BLOCK).items():
        assert f"`{ours}`" in cells(text, theirs)
    for ours, theirs in names.LEVELS.items():
        assert f"`{ours}.layers.0.`" in cells(text, f"{theirs}.layers.0.")
    assert f"`{interop.PREFIX}`" in text


def test_every_key_is_explained():
    text = PAGE.read_text(encoding="utf-8").partition("## Configuration")[2]
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    wanted = {*settings.KEYS, *settings.TRAINING, *settings.MORE} - {"loss_type"} | {
        "loss.loss_type",
        "arch.name",
    }
    arch = interop.inferred(
        interop.unwrapped(public.state(public.SIZES["tiny network"])), {"seq_len": 16}
    ).arch
    how = settings.training({}, 1)
    written = settings.public(arch, dataclasses.replace(how, ema=0.9), boards=1)
    wanted |= written.keys() - {"arch"} | written["arch"].keys() - {"name", "loss"}
    assert {key for key in wanted if f"`{key}`" not in rows} == set()
    for key, ours in settings.TRAINING.items():
        assert f"`Training.{ours}`" in text.split(f"`{key}`", 1)[1].splitlines()[0]


def test_its_commands_are_commands():
    text = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^(hrm .*?)(?:#.*)?$", text, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        cli.parser().parse_args(shlex.split(line)[1:])


def test_its_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    size = public.Size(tokens=11, width=32)
    interop.write(Path("step_26040"), public.state(size, prefix=interop.PREFIX))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(code, {})
    found = torch.load("again", weights_only=True)
    public.same(found, public.state(size, prefix=interop.PREFIX))
