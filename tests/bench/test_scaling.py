"""The simulated clock against sums by hand."""

import sys

import pytest

from ablations.records.trials import Trial
from bench import scaling
from bench.scaling import simulate
from bench.trials import Counting

TRAIN = Counting(to=1).to_json()


@pytest.fixture(autouse=True)
def _fingerprints(monkeypatch):
    """Tell trials apart without sources; a chain is a protocol with a parent."""
    monkeypatch.setattr("ablations.runs.schedule.fingerprint_of", repr)
    monkeypatch.setattr("ablations.runs.schedule.sequence.stretches", lambda t, key: ([], []))
    monkeypatch.setattr(scaling, "fingerprint", repr)


def trials(number):
    return [Trial(protocol=TRAIN, arms=(), seed=seed) for seed in range(number)]


@pytest.mark.parametrize(("workers", "took"), [(1, 12.0), (3, 4.0), (4, 3.0), (5, 3.0), (12, 1.0)])
def test_equal_trials_take_as_long_as_the_worker_with_most(workers, took):
    found = simulate(trials(12), lambda t: 1.0, workers, overhead=0.0)
    assert found.took == pytest.approx(took)
    assert found.work == 12.0
    assert found.efficiency == pytest.approx(12 / (workers * took))
    assert found.bound == "the work"


def test_the_longest_begin_first():
    lasts = {0: 1.0, 1: 1.0, 2: 1.0, 3: 3.0}
    assert simulate(trials(4), lambda t: lasts[t.seed], 2, overhead=0.0).took == 3.0


def test_a_chain_holds_any_number_of_workers_back():
    last = Trial(protocol={**TRAIN, "after": {**TRAIN, "after": TRAIN}}, arms=(), seed=0)
    found = simulate([last, *trials(5)], lambda t: 2.0, 64, overhead=0.0)
    assert found.took == found.chain == 6.0
    assert found.bound == "the longest chain"
    assert found.work == 2.0 * 7, "the first of the chain is one of the five"


def test_the_coordinator_holds_many_workers_with_short_trials_back():
    found = simulate(trials(1000), lambda t: 1.0, 256, overhead=0.01)
    assert found.coordinator == pytest.approx(10.0)
    assert found.bound == "the coordinator"
    assert 10.0 <= found.took < 12.0
    assert simulate(trials(1000), lambda t: 1.0, 4, overhead=0.01).bound == "the work"


def test_the_table_names_what_holds_back_the_claims_of_a_tier(monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setattr(sys, "argv", ["scaling", "--tier", "quick", "two-loops-*"])
    monkeypatch.setattr(scaling, "WORKERS", (1, 4))
    with pytest.raises(Exception, match="two-loops"):
        scaling.main()
    monkeypatch.setattr(sys, "argv", ["scaling", "--tier", "standard", "act-easy-cycles"])
    scaling.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["workers", "hours", "speed-up", "efficiency", "limited", "by"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "4"]
    assert float(lines[2].split()[2]) > 1
