"""Progress is for a person at a terminal, and for nobody else."""

import threading
import time

import pytest

from hrm.cli import progress


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(progress, "watched", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_nothing_is_said_where_nobody_looks(capsys):
    with progress.share("converting") as step:
        step(0.5)
    with progress.clock("generating", 3.0):
        pass
    assert capsys.readouterr() == ("", "")


def test_a_share_is_shown_as_a_percentage(capsys, terminal):
    with progress.share("converting") as step:
        step(0.25)
        time.sleep(0.15)
    out, err = capsys.readouterr()
    assert out == ""
    assert "converting" in err
    assert "25 %" in err


def test_an_estimate_is_shown_and_its_clock_ends_with_the_work(capsys, terminal):
    def stopped():
        with progress.clock("generating", 42.0):
            time.sleep(0.3)
            raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        stopped()
    time.sleep(0.3)
    assert set(threading.enumerate()) <= before
    err = capsys.readouterr().err
    assert "generating" in err
    assert "of about 42 s" in err
