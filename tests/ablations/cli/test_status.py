"""`ablations status`: how far runs are, from another terminal."""

import json
import signal
import time

from ablations.runs import standing


def test_a_run_is_followed_from_another_terminal_and_a_killed_one_is_named(
    coins, ablations, cli, store, monkeypatch
):
    monkeypatch.setenv("SECONDS_A_TOSS", "0.5")
    program = cli.start("run", "new-coin", "--jobs", "2")
    cli.first_record(program)
    until, found = time.monotonic() + 60, {"runs": []}
    while not (found["runs"] and found["runs"][0]["done"] and found["runs"][0]["running"]):
        assert time.monotonic() < until
        time.sleep(0.1)
        found = json.loads(ablations("status", "--store", store, "--json")[1])
    (run,) = found["runs"]
    assert (run["pid"], run["engine"], run["silent"]) == (program.pid, "2 processes", False)
    assert run["trials"] >= run["done"] + len(run["running"])
    assert {one["name"].split()[0] for one in run["running"]} == {"toss"}
    assert run["expected_end"] > run["started"]
    assert found["stored"] >= run["done"] > 0
    said = ablations("status", "--store", store)[1]
    assert f"process {program.pid} (2 processes): " in said
    assert "running, ends about" in said

    program.send_signal(signal.SIGKILL)
    program.communicate()
    assert json.loads(ablations("status", "--store", store, "--json")[1])["runs"][0]["silent"]
    assert "ended without a report" in ablations("status", "--store", store)[1]


def test_a_finished_run_leaves_nothing_but_its_results(coins, ablations, store):
    coins("run", "two-sides", "--jobs", 1)
    found = json.loads(ablations("status", "--store", store, "--json")[1])
    assert (found["stored"], found["failed"], found["runs"]) == (1, 0, [])
    assert "No trial is running." in ablations("status", "--store", store)[1]
    assert list(standing.read(store)) == []


def test_failures_are_counted(coins, ablations, store, monkeypatch):
    monkeypatch.setenv("COINS", "lost")
    coins("run", "new-coin", "--jobs", 1)
    found = json.loads(ablations("status", "--store", store, "--json")[1])
    assert found["failed"] > 0
    assert found["stored"] == 0


def test_a_store_that_is_not_there_is_refused(ablations, cli, store):
    cli.refused(ablations("status", "--store", store), str(store), "ablations run")
