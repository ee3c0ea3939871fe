"""What tests of the command line share: a cache of their own, and commands in this process."""

import shlex

import pytest

from hrm import cli


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def hrm(capsys):
    """Run a command; returns its exit status, what it printed and what it complained of."""

    def run(line):
        with pytest.raises(SystemExit) as ended:
            cli.main(shlex.split(line))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run
