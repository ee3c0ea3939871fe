"""The progress of a run on stderr: a line a minute in a log, a bar on a terminal."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from ablations.cli import progress
from ablations.cli.progress import LINE, Progress
from ablations.records.trials import Status, Trial

TRIALS = [Trial(protocol={"kind": "Toss"}, arms=(), seed=seed) for seed in range(4)]


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


@pytest.fixture
def begun(clock, monkeypatch, tmp_path):
    """Return a function that begins a run of four trials of a hundred seconds on two workers."""
    monkeypatch.setattr(progress.forecast, "wall", lambda trials, costs, jobs: 200.0)
    costs = SimpleNamespace(of=lambda trial: 100.0)

    def begin():
        return Progress(TRIALS, costs, 2, "2 processes", tmp_path)

    return begin


def event(what, seed, status=None, deaths=0):
    result = None if status is None else SimpleNamespace(status=status, deaths=deaths)
    return SimpleNamespace(what=what, fingerprint=str(seed), trial=TRIALS[seed], result=result)


def test_a_log_has_a_line_a_minute_however_much_happens(begun, clock, capsys):
    with begun() as shown:
        shown(event("started", 0))
        for _ in range(int(3 * LINE) - 1):
            clock.now += 1
            shown.look()
        shown(event("stored", 0, Status.OK))
        lines = capsys.readouterr().err.splitlines()
        assert [line.partition(",")[0] for line in lines] == ["ablations: 0 of 4 runs"] * 3
        assert "1 running" in lines[-1]
        clock.now += 1
        shown.look()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ablations: 1 of 4 runs, 0 running, about ")


def test_the_expected_end_follows_the_plan_first_and_then_the_speed_so_far(begun, clock, capsys):
    with begun() as shown:
        shown.look()
        assert "about 3 min 20 s left, until " in capsys.readouterr().err
        for seed in (0, 1):  # twice as slow as planned
            shown(event("started", seed))
        clock.now += 200
        for seed in (0, 1):
            shown(event("stored", seed, Status.OK))
        (left,) = re.findall(r"about (.*) left", capsys.readouterr().err)[-1:]
        assert shown._seconds() == pytest.approx(0.5 * 100 + 0.5 * 200)
        assert left
        for seed in (2, 3):
            shown(event("stored", seed, Status.OK))
        assert shown._seconds() == 0


def test_what_fails_dies_or_is_lost_is_said_at_once(begun, capsys):
    with begun() as shown:
        for seed in range(3):
            shown(event("started", seed))
        shown(event("stored", 0, Status.DIED))
        shown(event("lost", 1))
        shown(event("stored", 2, Status.DIED, deaths=1))
        shown(event("stored", 3, Status.FAILED))
        shown.change("a-claim: open, now holds (CONFIRMED)")
        assert (shown.done, shown.failed, shown.running) == (2, 2, {})
    said = capsys.readouterr().err
    assert "toss seed 0 was killed by the machine; the trial is repeated" in said
    assert "the connection to the worker of toss seed 1 was lost; the trial is repeated" in said
    assert "toss seed 2 was killed 2 times; it isn't run again and counts as unknown" in said
    assert "ablations: a-claim: open, now holds (CONFIRMED)\n" in said


def test_a_terminal_has_a_live_bar_and_no_further_line_a_minute(begun, clock, monkeypatch, capsys):
    terminal = io.StringIO()
    made = Console(file=terminal, force_terminal=True, width=100)
    monkeypatch.setattr(progress, "console", lambda stderr: made)
    with begun() as shown:
        assert shown.bar.live.is_started
        shown(event("started", 0))
        shown(event("stored", 0, Status.OK))
        clock.now += 10 * LINE
        shown.look()
        shown.bar.refresh()
    assert "toss seed 0" in terminal.getvalue()
    assert "1/4 runs, 0 running" in terminal.getvalue()
    assert not shown.bar.live.is_started
    assert capsys.readouterr().err == ""
