"""Fixtures of the tests of commands: a separate machine lock and store, and claims for tests."""

import gc
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ablations.cli import main

COINS = ("--claims", str(Path(__file__).with_name("tossed.py")))
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from ablations.cli import main; main()"
)


@pytest.fixture(autouse=True)
def a_machine_of_its_own(monkeypatch, tmp_path):
    """Use a separate lock of the machine, for which no other test waits, and an empty folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def ablations(capsys):
    """Run a command in this process; return its status, output and error output."""

    threshold = gc.get_threshold()  # commands that only read change it

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    yield run
    gc.set_threshold(*threshold)


@pytest.fixture
def coins(ablations, store):
    """Run a command with the claims about coins and the test's store."""

    def run(command, *arguments):
        return ablations(command, *arguments, *COINS, "--store", store)

    return run


@pytest.fixture(scope="session")
def tossed(tmp_path_factory):
    """The store of a complete quick run, to be copied."""
    folder = tmp_path_factory.mktemp("tossed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        with pytest.raises(SystemExit) as ended:
            main(["run", "--jobs", "1", "--store", str(folder / "store"), *COINS])
    assert ended.value.code == 0
    return folder / "store"


@pytest.fixture
def ran(tossed, store):
    """Start a test with the store of a quick run."""
    shutil.copytree(tossed, store)


@pytest.fixture
def cli(store):
    """Further helpers for tests of commands."""

    def refused(result, *words):
        """Check that a mistake gives one line that contains these words."""
        status, out, err = result
        assert (status, out) == (2, ""), result
        assert err.count("\n") == 1
        assert err.startswith("ablations")
        assert all(word in err for word in words), err

    def start(*arguments):
        """Start a command about the coins in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, *COINS, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def records():
        return {path: path.read_bytes() for path in store.glob("runs/*/*.json")}

    def first_record(process):
        """Wait until a command has stored a record and is still running."""
        end = time.monotonic() + 60
        while not records():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.005)

    def loaded(*commands):
        """Return the modules that are loaded once commands have run in a fresh process."""
        script = (
            "import sys, contextlib\n"
            "from ablations.cli import main\n"
            f"for command in {list(map(list, commands))!r}:\n"
            "    with contextlib.suppress(SystemExit): main(command)\n"
            "print(*sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        return set(done.stdout.splitlines()[-1].split())

    return SimpleNamespace(
        coins=COINS,
        refused=refused,
        start=start,
        records=records,
        first_record=first_record,
        loaded=loaded,
    )
