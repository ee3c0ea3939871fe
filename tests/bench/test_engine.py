"""What the engine's benchmarks time is what they say."""

import pytest

from ablations.runs import runner
from ablations.runs.store import Store
from ablations.runs.workers import Serial
from bench import engine, trials


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(engine, "BUSY", 1000)
    monkeypatch.setattr(engine, "EACH", 2)
    monkeypatch.setattr(engine, "EMPTY", 5)
    monkeypatch.setattr(engine, "SECONDS", 2)
    monkeypatch.setattr(engine, "WAITING", 200)


def test_a_trial_counts():
    assert trials.count(1234) == 1234
    assert [trial.seed for trial in trials.trials(3)] == [0, 1, 2]
    assert len({repr(trial.protocol) for trial in trials.trials(3, to=7)}) == 1


def test_a_filled_store_is_as_a_run_leaves_it(tmp_path):
    store = Store.open(tmp_path / "store", create=True)
    engine.fill(store, trials.trials(4))
    again = Store.open(store.folder)
    assert not again.faults
    assert again.journal.verify() is None
    assert len(list(again.results())) == 4
    events = []
    runner.run(trials.trials(5), again, Serial(), on_event=lambda e: events.append(e.what))
    assert events == [runner.What.SKIPPED] * 4 + [runner.What.STARTED, runner.What.STORED]


@pytest.mark.parametrize("name", ["serial", "one worker"])
def test_the_overhead_is_timed_over_trials_that_do_nothing(name, monkeypatch):
    clock = iter([100.0, 101.5])
    monkeypatch.setattr(engine, "perf_counter", lambda: next(clock))
    assert engine.Overhead().track_empty(name) == pytest.approx(1500 / 5)


def test_what_trials_of_a_second_take_longer_is_the_engines():
    assert engine.Overhead().track_second("serial") > 0


def test_a_run_that_resumes_has_nothing_left_to_do():
    assert engine.Resume().track_resume(20) > 0


def test_two_workers_are_compared_with_two_bare_processes(monkeypatch):
    monkeypatch.setattr(engine, "_bare", lambda: 6.0)
    monkeypatch.setattr(engine, "_seconds", lambda asked, store, where: 2.0 * len(asked))
    assert engine.Workers().track_two() == 6.0 / (2.0 * 4)


def test_bare_processes_do_a_workers_share_each():
    assert engine._bare() > 0


def test_a_waiting_trial_is_a_few_words():
    assert 100 < engine.Memory().track_waiting() < 2000


def test_a_word_picks_figures(monkeypatch, capsys):
    monkeypatch.setattr(engine.Resume, "track_resume", lambda self, number: number / 1e4)
    engine.main(["resume"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-4] for line in lines] == ["1.000", "10.000"]
