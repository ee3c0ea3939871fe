"""`ablations plan`: what would run, at what cost, and what it could tell."""

import json

import pytest

from ablations import claims
from ablations.judging import row
from ablations.judging.case import judged as judge
from ablations.planning import forecast, pilots

PLANNED = ["tier", "jobs", "trials", "stored", "cpu_seconds", "wall_seconds", "claims"]
ROW = ["id", "trials", "stored", "cpu_seconds", "cost_source", "plan"]


def planned(coins, *arguments):
    status, out, err = coins("plan", *arguments, "--json")
    assert status == 0, err
    return json.loads(out)


def test_planning_starts_without_torch_and_makes_no_store(cli, store):
    loaded = cli.loaded(["plan", "--tier", "standard", "--store", str(store)])
    assert "ablations.cli.planned" in loaded
    assert not {"torch", "scipy", "networkx", "matplotlib", "seaborn", "jinja2"} & loaded
    assert not store.exists()


def test_a_plan_counts_runs_once_and_says_what_they_cost(coins):
    data = planned(coins, "--jobs", 2)
    assert list(data) == PLANNED
    assert {tuple(row) for row in data["claims"]} == {tuple(ROW)}
    rows = {row["id"]: row for row in data["claims"]}
    assert rows["bent-coin"]["trials"] == 16 * 4, "two coins, and each from a mint"
    assert rows["two-sides"]["trials"] == 1
    assert rows["in-the-mint"]["trials"] == data["stored"] == 0
    assert data["trials"] < sum(row["trials"] for row in rows.values()), "claims share runs"
    assert rows["bent-coin"]["cost_source"] == "the spec"
    assert rows["two-sides"]["plan"] is None
    assert rows["bent-coin"]["plan"]["source"] == "unknown: no pilot is stored"
    assert 0 < data["cpu_seconds"] < data["wall_seconds"], "workers take longer to start"
    assert len([name for name in rows if name.startswith("controls/")]) == 2


def test_only_a_claim_that_lacks_runs_is_judged(ran, coins, monkeypatch):
    judged = []
    monkeypatch.setattr(
        row, "judged", lambda claim, *a: judged.append(claim.id) or judge(claim, *a)
    )
    rows = planned(coins, "bent-coin")["claims"]
    lacking = [one["id"] for one in rows if one["stored"] < one["trials"]]
    assert judged == lacking != [one["id"] for one in rows]


def test_a_higher_tier_takes_more_runs(coins):
    quick, full = (planned(coins, "bent-coin", "--tier", tier) for tier in ("quick", "full"))
    assert full["trials"] > quick["trials"]
    assert [data["claims"][0]["plan"]["pairs"] for data in (quick, full)] == [16, 60]


def test_pilots_tell_the_spread_and_what_the_pairs_can_settle(coins, tmp_path):
    written = tmp_path / "pilots.json"
    data = planned(coins, "bent-coin", "--pilot", "--output", str(written), "--jobs", 1)
    plan = data["claims"][0]["plan"]
    assert plan["sd"] > 0
    assert plan["source"] != "unknown: no pilot is stored"
    assert "bent-coin" in pilots.read(written)
    assert data["stored"] == 0, "no verdict reads a pilot seed"


def test_runs_before_the_first_look_are_certain_at_whichever_seed_a_block_begins(coins):
    """A claim's seeds begin at 1,000 times its block; its looks count them from 0."""
    data = planned(coins, "bent-coin", "--pilot", "--jobs", 1)
    plan = data["claims"][0]["plan"]
    (first, *_) = plan["prospects"][0]["chances"]
    assert first["look"] == plan["pairs"] == 16
    runs = data["claims"][0]["trials"]
    assert data["wall_seconds"] >= forecast.START + runs * forecast.BETWEEN


def test_a_probe_runs_one_pilot_of_each(coins, cli):
    data = planned(coins, "bent-coin", "--probe", "--jobs", 1)
    assert len(cli.records()) > 4
    assert data["claims"][0]["cost_source"] != "the spec"


def test_pilots_are_written_only_where_they_are_run(coins, cli, tmp_path, store):
    cli.refused(coins("plan", "--output", str(tmp_path / "p")), "--output", "--pilot")
    assert not store.exists()


@pytest.mark.parametrize("tier", ["quick", "standard", "full"])
def test_a_plan_is_readable_at_80_columns(tier, ablations, store, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = ablations("plan", "--tier", tier, "--store", store)
    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    first = {line.split()[0] for line in out.splitlines() if line.strip()}
    assert {c.id for c in claims.specs() if c.form != "external"} <= first
