"""The project's own settings: tox names commands that there are, wheels have all files."""

import configparser
import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest

from ablations.cli import parser

ROOT = Path(__file__).parents[1]
PACKAGES = ("ablations", "bench", "hrm", "reports")


def toxs_commands():
    """Each command of tox.ini, with nothing passed on to it."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini")
    for section in settings.sections():
        for line in settings.get(section, "commands", fallback="").strip().splitlines():
            yield pytest.param(re.sub(r"\{posargs:?(.*?)\}", r"\1", line).split(), id=line)


@pytest.mark.parametrize("command", list(toxs_commands()))
def test_toxs_commands_are_there(command):
    program, *arguments = command
    if program == "ablations":
        assert parser().parse_args(arguments).function
    elif program == "python":
        assert arguments[:2] == ["-P", "-m"], "what lies in the working folder isn't imported"
        assert importlib.util.find_spec(arguments[2]) is not None
    else:
        assert program in {"asv", "lint-imports", "mkdocs", "mypy", "pytest", "ruff"}


def test_the_quick_tier_is_run_and_reported_by_one_command():
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "tox.ini")
    assert settings["testenv:ablations"]["commands"].split("\n")[1:] == [
        "ablations run --jobs 2 {posargs:--tier quick}",
        "ablations report --evidence evidence {posargs:--tier quick}",
    ]


def test_asv_finds_its_benchmarks():
    folder = ROOT / json.loads((ROOT / "asv.conf.json").read_text())["benchmark_dir"]
    assert any(folder.glob("*.py"))


def test_a_wheel_has_every_file_that_the_packages_read():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    listed = {
        path
        for package, patterns in settings["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    there = {
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert there == listed
