"""SIGKILL at random moments: nothing is lost, doubled or torn, and verdicts are the same bytes."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from tiny_runs.forks import Forks

from ablations.runs import upkeep
from ablations.runs.encoding import decode
from ablations.runs.store import Store

COINS = ("--claims", str(Path(__file__).parents[1] / "cli" / "tossed.py"))
CLAIMS = ("bent-coin", "two-sides")
MOST_HERE = 12  # kills of one store's runs


@pytest.fixture
def forks():
    made = Forks()
    yield made
    made.stop()


def kill(forks, pid, seconds):
    """Kill a process after so many seconds; tell whether it hadn't ended by itself."""
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)  # it is there: nobody has waited for it yet
    status = forks.wait(pid)
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def records(folder):
    return {path: path.read_bytes() for path in folder.glob("runs/*/*.json")}


def sound(folder, before):
    """Hold a store to what it must be after any kill; return its records."""
    store = Store.open(folder)
    assert not store.faults
    assert store.journal.verify() is None
    found = records(folder)
    assert before.items() <= found.items(), "nothing is lost or changed"
    attempts = [decode(data)[0] for data in found.values()]
    assert len({result.fingerprint for result in attempts}) == len(attempts), "nothing is doubled"
    return found


# -- whole runs -----------------------------------------------------------------------------------
def run_until_killed(forks, folder, rounds, monkeypatch, seed):
    """Kill runs of coins at random moments, on a new store whenever one is complete."""
    monkeypatch.setenv("SECONDS_A_TOSS", "0")
    chance = random.Random(seed)

    def start(store, jobs):
        arguments = ["run", *CLAIMS, *COINS, "--store", str(store), "--jobs", str(jobs)]
        return forks.start(cli=arguments)

    takes = {}  # seconds of a whole run: whoever is killed later has ended by then
    for jobs in (2, 1):
        undisturbed, began = folder / f"undisturbed-{jobs}", time.monotonic()
        assert forks.wait(start(undisturbed, jobs)) == 0
        takes[jobs] = time.monotonic() - began
    expected, every = verdicts(forks, undisturbed), set(Store.open(undisturbed).fingerprints())
    kills, number = 0, 0
    while kills < rounds:
        number += 1
        store, before, here = folder / str(number), {}, 0
        while True:
            jobs = chance.choice((1, 2))
            pid = start(store, jobs)
            if kills == rounds or here == MOST_HERE:
                assert forks.wait(pid) == 0
                break
            if not kill(forks, pid, chance.uniform(0, takes[jobs])):
                break
            kills, here = kills + 1, here + 1
            if (store / "store.json").exists():
                before = sound(store, before)
        sound(store, before)
        assert set(Store.open(store).fingerprints()) == every
        assert verdicts(forks, store) == expected
        assert not list(store.glob("**/.*.tmp"))
    return kills


def verdicts(forks, store):
    """What `ablations verdicts --json` prints, from a process of its own."""
    output = store.with_suffix(".verdicts")
    asked = ["verdicts", *CLAIMS, *COINS, "--store", str(store), "--json"]
    assert forks.wait(forks.start(cli=asked, output=str(output))) == 0
    printed = output.read_bytes()
    assert json.loads(printed)
    return printed


def test_killed_runs_end_in_the_verdicts_of_an_undisturbed_one(forks, tmp_path, monkeypatch):
    assert run_until_killed(forks, tmp_path, 4, monkeypatch, seed=1) >= 4


@pytest.mark.slow
def test_two_hundred_killed_runs_end_in_the_verdicts_of_an_undisturbed_one(
    forks, tmp_path, monkeypatch
):
    assert run_until_killed(forks, tmp_path, 200, monkeypatch, seed=2) >= 200


# -- the write path -------------------------------------------------------------------------------
def write_until_killed(forks, folder, rounds, seed):
    """Kill who writes records, arrays, weights and journal at random moments."""
    chance, before = random.Random(seed), {}
    for number in range(rounds):
        store = folder / str(number // 50)  # a new one now and then, so that rounds stay short
        if number % 50 == 0:
            before = {}
        pid, until = forks.start(write=str(store)), time.monotonic() + 2
        while len(records(store)) <= len(before) and time.monotonic() < until:
            time.sleep(0.002)
        assert kill(forks, pid, chance.uniform(0, 0.02))
        if (store / "store.json").exists():
            before = sound(store, before)
    for store in folder.iterdir():
        opened = Store.open(store)
        with opened.coordinate():
            pass
        assert not list(store.glob("**/.*.tmp"))
        assert {fault.what for fault in upkeep.check(opened)} <= {"its record is missing"}
        for result in opened.results():
            number = float(int(result.fingerprint, 16))
            assert set(opened.observations(result)[0]["losses"].tolist()) == {number}
            assert opened.weights(result.fingerprint) == result.weights
    return sum(len(records(store)) for store in folder.iterdir())


def test_who_is_killed_while_he_writes_leaves_nothing_torn(forks, tmp_path):
    assert write_until_killed(forks, tmp_path, 40, seed=3) > 20


@pytest.mark.slow
def test_a_thousand_who_are_killed_while_they_write_leave_nothing_torn(forks, tmp_path):
    assert write_until_killed(forks, tmp_path, 1000, seed=4) > 500
