"""`ablations store merge | check | gc | export`: looking after a store."""

import json

import pytest

from ablations.runs.store import Store


@pytest.fixture
def stored(ablations, store):
    """Call `ablations store` with what it prints as JSON."""

    def run(action, *arguments, status=0):
        found, out, err = ablations("store", action, *arguments, "--store", store, "--json")
        assert found == status, err
        return json.loads(out)

    return run


def test_merged_shards_are_one_store(ablations, coins, cli, stored, store, tmp_path):
    shards = [tmp_path / name for name in ("one", "two")]
    for shard, claim in zip(shards, ("two-sides", "new-coin"), strict=True):
        where = ("--store", shard, *cli.coins)
        assert ablations("run", claim, "--jobs", 1, *where)[0] == 0
    sizes = [len(list(shard.glob("runs/*/*.json"))) for shard in shards]
    first = stored("merge", *shards)
    assert first == {"store": str(store), "merged": list(map(str, shards)), "new": sum(sizes)}
    assert stored("merge", *shards)["new"] == 0
    data = json.loads(coins("run", "two-sides", "new-coin", "--jobs", 1, "--json")[1])
    assert (data["run"], data["stored_before"]) == (0, sum(sizes))


def test_a_store_that_is_as_it_was_written_has_no_faults(coins, stored, store):
    coins("run", "two-sides", "--jobs", 1)
    assert stored("check") == {"store": str(store), "faults": []}


def test_a_corrupt_record_is_named_and_put_aside_when_that_is_asked_for(coins, cli, stored):
    coins("run", "two-sides", "--jobs", 1)
    (path,) = cli.records()
    path.write_text('{"half": ')
    (fault,) = stored("check", status=1)["faults"]
    assert fault["path"] == str(path)
    assert not fault["repaired"]
    assert path.read_text() == '{"half": '
    faults = stored("check", "--repair")["faults"]
    assert all(fault["repaired"] for fault in faults)
    assert not path.exists()


def test_weights_that_no_claim_needs_are_removed(coins, ablations, cli, store):
    coins("run", "bent-coin", "--jobs", 1)
    size = sum(path.stat().st_size for path in (store / "weights").iterdir())

    def freed(*claims):
        where = ("--store", store, *cli.coins, "--json")
        status, out, _ = ablations("store", "gc", *claims, *where)
        assert status == 0
        return json.loads(out)["freed"]

    assert freed("bent-coin") == 0
    assert freed("two-sides") == size > 4000
    assert json.loads(coins("verdicts", "bent-coin", "--json")[1])[0]["verdict"] == "CONFIRMED"


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_store_is_exported_as_one_table(coins, stored, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    coins("run", "two-sides", "--jobs", 1)
    told = stored("export", "--format", kind)
    assert (told["output"], told["rows"]) == (f"runs.{kind}", 1)
    assert (tmp_path / f"runs.{kind}").stat().st_size > 100
    assert stored("export", "--format", kind, "--output", "x")["output"] == "x"


@pytest.mark.parametrize("arguments", [("check",), ("gc",), ("export",), ("merge", "nowhere")])
def test_a_store_that_is_not_there_is_refused(arguments, ablations, cli, store):
    named = "nowhere" if arguments[0] == "merge" else str(store)
    cli.refused(ablations("store", *arguments, "--store", store), named, "ablations run")


def test_a_person_reads_what_was_done(ablations, store, tmp_path):
    for folder in (store, tmp_path / "other"):
        Store.open(folder, create=True)
    where = ("--store", store)
    assert "0 records are new" in ablations("store", "merge", tmp_path / "other", *where)[1]
    assert "0 faults" in ablations("store", "check", *where)[1]
    assert "0.0 MB of weights" in ablations("store", "gc", *where)[1]
