"""How far a run is, as another terminal reads it."""

import datetime
import errno
import os
import platform
import subprocess
import sys
from dataclasses import replace

import pytest

from ablations.runs import standing
from ablations.runs.standing import Running, Standing, Teller


def how_far(**given):
    told = {
        "host": platform.node(), "pid": os.getpid(), "engine": "2 processes", "trials": 9,
        "started": standing.now(), "updated": standing.now(), "done": 4, "failed": 1,
        "running": (Running(name="train seed 3", since=standing.now()),), "expected_end": None,
        "changed": ("a: open, now holds (CONFIRMED)",),
    }  # fmt: skip
    return Standing(**{**told, **given})


def test_what_is_told_is_read_until_the_end(tmp_path):
    teller = Teller(tmp_path)
    assert teller.due()
    teller.tell(how_far())
    assert not teller.due(), "not again at once"
    assert list(standing.read(tmp_path)) == [how_far(**when(tmp_path))]
    teller.end()
    assert list(standing.read(tmp_path)) == []
    teller.end()


def when(folder):
    (found,) = standing.read(folder)
    return {"started": found.started, "updated": found.updated, "running": found.running}


def test_foreign_and_torn_files_are_passed_over(tmp_path):
    Teller(tmp_path).tell(how_far())
    for name, text in (("a.json", "{"), ("b.json", "[]"), (".c.json", "{}"), ("d.txt", "")):
        (tmp_path / "progress" / name).write_text(text)
    assert len(list(standing.read(tmp_path))) == 1


def test_a_run_is_silent_once_its_process_is_gone_or_another_machine_says_nothing():
    assert not how_far().silent
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert how_far(pid=gone.pid).silent
    there = how_far(host="elsewhere", pid=1)
    assert not there.silent
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=standing.SILENT + 1)
    assert replace(there, updated=then.isoformat()).silent


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_harms_no_run(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", refuse)
    Teller(tmp_path).tell(how_far())
    assert list(standing.read(tmp_path)) == []
