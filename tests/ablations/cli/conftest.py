"""What tests of the commands share: a machine and a store of their own, and own claims."""

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
    """Have a lock on the machine that no other test waits for, and a folder where nothing is."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def ablations(capsys):
    """Run a command in this process: its status, what it printed, what it complained of."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def coins(ablations, store):
    """Run a command about the coins on the test's store."""

    def run(command, *arguments):
        return ablations(command, *arguments, *COINS, "--store", store)

    return run


@pytest.fixture(scope="session")
def tossed(tmp_path_factory):
    """The store of a whole quick run, to be copied."""
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
    """What else commands are tested with."""

    def refused(result, *words):
        """Hold a mistake to one line that names it."""
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
        """Wait until a command has stored something, and is still at work."""
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
