"""Disks that refuse, in earnest: a limit on the size of files, a folder that may only be read."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ablations.records.trials import Status
from ablations.runs.store import Store

PROGRAM = """
import os, resource, signal, sys
from ablations.records.trials import Trial
from ablations.runs.runner import run
from ablations.runs.store import Store
from ablations.runs.workers import Processes, Serial
from hrm.errors import UserError
from tiny_runs import doing
from tiny_runs.kinds import Number, Tiny

folder, how, count, does = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
trials = [
    Trial(protocol=Tiny(does=does).to_json(), arms=(Number().to_json(),), seed=seed)
    for seed in range(count)
]
if how == "small":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
if how == "read" and os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    if how == "read":
        print(len(list(Store.open(folder).results())))
    engine = Serial() if does == "no_weights" else Processes(1)
    run(trials, Store.open(folder, create=True), engine)
except UserError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def folder():
    """A folder that others may look into too."""
    made = Path(tempfile.mkdtemp(dir="/tmp"))
    made.chmod(0o755)
    yield made / "store"
    for path in [made, *made.rglob("*")]:
        path.chmod(0o755)
    shutil.rmtree(made)


def ran(folder, how, count, does="no_weights"):
    return subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(folder), how, str(count), does],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TMPDIR": str(folder.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_disk_on_which_no_more_fits_ends_the_run_with_one_line_and_the_same_run_completes(folder):
    done = ran(folder, "small", 9)
    assert done.returncode == 1
    assert "can't be written (File too large); allowed is a store that you may write" in done.stderr
    assert done.stderr.count("\n") == 1
    store = Store.open(folder)
    before = len(list(store.results()))
    assert 0 < before < 9, "the journal is the first file that is too large"
    assert not store.faults
    assert store.journal.verify() is None
    assert not list(folder.rglob("*.tmp"))
    assert ran(folder, "none", 9).returncode == 0
    results = list(Store.open(folder).results())
    assert [result.status for result in results] == [Status.OK] * 9


def test_arrays_for_which_there_is_no_room_end_the_run_with_one_line_and_leave_nothing(folder):
    done = ran(folder, "small", 2, "leave_much")
    assert done.returncode == 1
    assert done.stderr.startswith("arrays of ")
    assert (
        "(File too large); allowed is a store that you may write, on a disk with room"
        in done.stderr
    )
    assert done.stderr.count("\n") == 1
    assert not [path for path in folder.glob("runs/**/*") if path.is_file()]
    assert ran(folder, "none", 2, "leave_much").returncode == 0
    assert [result.status for result in Store.open(folder).results()] == [Status.OK] * 2


def test_a_folder_that_may_only_be_read_is_read_and_not_run_into(folder):
    assert ran(folder, "none", 2).returncode == 0
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = ran(folder, "read", 3)
    assert (done.returncode, done.stdout) == (1, "2\n")
    assert "can't be used (Permission denied); allowed is a folder that you may" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
