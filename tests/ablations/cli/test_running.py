"""`ablations run`: nothing is run twice, what is interrupted is resumed, budgets are kept."""

import json
import signal
from collections import Counter

import pytest

from ablations.cli import parser
from ablations.cli.session import Session


def ran(coins, *arguments, status=0):
    found, out, err = coins("run", *arguments, "--json")
    assert found == status, err
    assert "Traceback" not in err
    return json.loads(out)


def test_claims_and_their_controls_are_run_until_they_are_settled_and_never_again(coins, cli):
    first = ran(coins, "--jobs", 1)
    assert list(first) == [
        *("tier", "trials", "stored_before", "run", "left", "refused", "failed", "settled"),
    ]
    assert first["run"] == first["trials"] > 2 * 26
    assert (first["stored_before"], first["left"], first["failed"]) == (0, 0, [])
    assert set(first["settled"]) == {"bent-coin", "new-coin", "two-sides"}, "not the external one"
    kept = cli.records()
    assert len(kept) == first["run"]

    again = ran(coins, "--jobs", 1)
    assert (again["run"], again["stored_before"]) == (0, first["run"])
    assert cli.records() == kept


def test_a_claim_that_is_settled_goes_on_to_the_tiers_end_where_that_is_asked_for(coins):
    settled = ran(coins, "bent-coin", "--tier", "standard", "--jobs", 1)
    every = ran(coins, "bent-coin", "--tier", "standard", "--jobs", 1, "--all")
    assert settled["left"] == every["left"] == 0
    assert every["run"] > 0


def test_a_failure_is_said_once_and_not_for_all_that_starts_from_it(coins, monkeypatch):
    monkeypatch.setenv("COINS", "lost")
    failed = ran(coins, "bent-coin", "--jobs", 1, status=1)
    names = [line.partition(":")[0] for line in failed["failed"]]
    assert {name.split()[0] for name in names if "mint" in name} == {"mint"}
    assert not any("that it starts from" in line for line in failed["failed"])
    assert failed["settled"] == []


def test_two_jobs_run_what_one_does_and_a_person_reads_how_many(coins, cli):
    done = cli.start("run", "two-sides", "new-coin", "--jobs", "2")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert err.startswith("ablations: 0 of "), "it says how long it will take"
    new = len(cli.records())
    assert f"{new} are new" in " ".join(out.split())
    assert ran(coins, "two-sides", "new-coin", "--jobs", 1)["stored_before"] == new


def test_a_run_that_fails_is_our_failure_and_the_same_command_tries_again(coins, cli, monkeypatch):
    monkeypatch.setenv("COINS", "lost")
    failed = ran(coins, "new-coin", "--jobs", 1, status=1)
    assert all("ValueError: the coin is lost" in line for line in failed["failed"])
    assert not any("that it starts from" in line for line in failed["failed"])
    verdict = json.loads(coins("verdicts", "new-coin", "--json")[1])[0]
    assert (verdict["verdict"], verdict["group"]) == ("INVALID", "open")
    before = cli.records()

    monkeypatch.delenv("COINS")
    ran(coins, "new-coin", "--jobs", 1)
    assert before.items() <= cli.records().items(), "the failure is kept"
    verdict = json.loads(coins("verdicts", "new-coin", "--json")[1])[0]
    assert verdict["verdict"] == "NO EFFECT"


@pytest.mark.parametrize(
    ("claim", "poisoned", "said"),
    [
        ("new-coin", "Toss", "Seed 2003: 'fair' was killed in every attempt"),
        ("bent-coin", "Mint", "Seed 2003: what 'fair' starts from was killed in every attempt"),
    ],
)
def test_a_trial_that_ends_its_workers_is_unknown_and_the_rest_goes_on(
    claim, poisoned, said, coins, cli, store, monkeypatch
):
    monkeypatch.setenv("COINS", f"poisoned {poisoned} 2003")
    arguments = (claim, "--tier", "standard", "--all", "--jobs", 2)
    status, out, err = coins("run", *arguments, "--json")
    found = json.loads(out)
    assert status == 1
    assert f"{poisoned.lower()} seed 2003 was killed 2 times; it isn't run again" in err
    assert all("killed" in line for line in found["failed"])
    assert found["left"] == 0

    asked = ["report", claim, "--tier", "standard", "--store", str(store), *cli.coins]
    session = Session.of(parser().parse_args(asked))
    (row,) = session.report(session.runs(), note=False).rows
    assert said in row.notes
    assert row.verdict.n == 26
    assert {one.exceptions for one in row.verdict.exceptions if one.established} == {1}
    assert row.verdict.settled
    again = ran(coins, *arguments, status=1)
    assert (again["run"], again["failed"]) == (0, found["failed"]), "nothing is tried again"


def test_nothing_is_begun_beyond_the_budget_and_the_same_command_goes_on(coins, cli):
    short = ran(coins, "bent-coin", "--jobs", 1, "--budget", "0.001s")
    assert (short["run"], cli.records()) == (0, {})
    assert short["left"] == short["trials"] > 0
    long = ran(coins, "bent-coin", "--jobs", 1, "--budget", "1h")
    assert (long["run"], long["left"]) == (short["trials"], 0)


@pytest.mark.parametrize(
    ("how", "jobs", "status"),
    [
        (signal.SIGKILL, 2, -signal.SIGKILL),
        (signal.SIGINT, 1, 130),
        (signal.SIGINT, 2, 130),
        (signal.SIGTERM, 2, 143),
    ],
)
def test_the_same_command_completes_what_was_interrupted(
    how, jobs, status, coins, cli, store, monkeypatch
):
    monkeypatch.setenv("SECONDS_A_TOSS", "0.5")
    program = cli.start("run", "new-coin", "--jobs", str(jobs))
    cli.first_record(program)
    program.send_signal(how)
    _, err = program.communicate(timeout=60)
    assert program.returncode == status, err
    if how is not signal.SIGKILL:
        assert "Traceback" not in err
    if status == 130:
        assert err.splitlines()[-1].startswith("ablations: stopped;")

    monkeypatch.delenv("SECONDS_A_TOSS")
    done = cli.records()
    again = ran(coins, "new-coin", "--jobs", 1)
    assert again["stored_before"] == len(done) > 0
    found = cli.records()
    assert done.items() <= found.items(), "no run is lost"
    each = Counter(path.parent.name for path in found)
    assert len(each) == again["trials"]
    assert set(each.values()) == {1}, "no run is doubled"
    assert not list(store.rglob("*.tmp"))


def test_a_claim_whose_group_changes_is_told_when_it_does(coins):
    err = coins("run", "bent-coin", "two-sides", "--jobs", 1)[2]
    assert "ablations: bent-coin: open, now holds (CONFIRMED)\n" in err
    assert "ablations: two-sides: open, now holds (EXACT)\n" in err
    assert "now" not in coins("run", "bent-coin", "two-sides", "--jobs", 1)[2]


# -- shards ---------------------------------------------------------------------------------------
def test_merged_shards_give_the_verdicts_of_one_run(coins, ablations, cli, store, tmp_path):
    claims = ("bent-coin", "new-coin", "two-sides")
    shards = [tmp_path / name for name in "abc"]
    for number, shard in enumerate(shards, 1):
        asked = ("run", *claims, *cli.coins, "--store", shard, "--serial", "--json")
        status, out, err = ablations(*asked, "--shard", f"{number}/3")
        assert status == 0, err
        assert json.loads(out)["run"] > 0, "each has its part"
    assert ablations("store", "merge", *shards, "--store", store)[0] == 0
    names = [path.parent.name for shard in shards for path in shard.glob("runs/*/*.json")]
    assert len(set(names)) == len(names), "no trial is in two shards"
    again = ran(coins, *claims, "--jobs", 1)
    assert again["run"] == 0, "nothing is left over"
    merged = coins("verdicts", *claims, "--json")[1]

    whole = tmp_path / "whole"
    where = ("--store", whole, *cli.coins)
    assert ablations("run", *claims, "--jobs", 1, *where)[0] == 0
    assert {path.parent.name for path in whole.glob("runs/*/*.json")} <= set(names)
    assert ablations("verdicts", *claims, "--json", *where)[1] == merged


def test_a_shard_that_is_none_is_refused(coins, cli, store):
    cli.refused(coins("run", "--shard", "4/3"), "--shard is '4/3'", "I/N")
    assert not store.exists()


# -- a cluster ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scheduler", "head:8786"), ("is on another machine", "--no-tls")),
        (("--scheduler", "nowhere"), ("'nowhere'", "HOST:PORT")),
        (("--scheduler", "127.0.0.1:1", "--tls-cert", "c"), ("--tls-ca-file", "all three")),
        (("--no-tls",), ("without --scheduler",)),
        (("--tls-key", "k"), ("without --scheduler",)),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused_before_anything_is_made(
    options, words, coins, cli, store
):
    cli.refused(coins("run", *options), *words)
    assert not store.exists()
