"""`ablations list` and `ablations show`: which claims there are, and what one of them says."""

import json

import pytest

from ablations import claims

LISTED = (
    *("id", "document", "section", "group", "form", "documented", "members", "claim", "word"),
    "block",
)


def test_listing_loads_no_library_that_takes_its_time(cli):
    commands = (["list"], ["show", "controller-speed"], ["--help"], ["run", "--help"])
    loaded = cli.loaded(*commands)
    assert "ablations.cli.listing" in loaded
    assert not {"torch", "scipy", "networkx", "matplotlib", "seaborn", "jinja2"} & loaded


def test_list_names_every_claim_of_the_ledger(ablations):
    status, out, err = ablations("list")
    assert (status, err) == (0, "")
    first = [line.split()[0] for line in out.splitlines()[:-1]]
    assert first == list(claims.ours().ledger)


def test_list_as_json_has_the_documented_keys(coins):
    status, out, _ = coins("list", "--json")
    rows = json.loads(out)
    assert status == 0
    assert {tuple(row) for row in rows} == {LISTED}
    assert [(row["id"], row["form"], row["word"]) for row in rows] == [
        ("bent-coin", "quality", None),
        ("new-coin", "quality", None),
        ("two-sides", "exact", None),
        ("in-the-mint", "external", None),
        ("some-day", None, None),
    ]


def test_list_keeps_to_what_is_asked_for(coins, cli):
    def listed(*arguments):
        return [row["id"] for row in json.loads(coins("list", *arguments, "--json")[1])]

    assert listed("*-coin") == ["bent-coin", "new-coin"]
    assert listed("--document", "visits") == ["in-the-mint", "some-day"]
    cli.refused(coins("list", "--document", "x"), "'x'", "coins, visits")


def test_list_has_the_words_of_what_was_run(coins):
    assert coins("run", "two-sides", "--jobs", 1)[0] == 0
    rows = {row["id"]: row["word"] for row in json.loads(coins("list", "--json")[1])}
    assert rows["two-sides"] == "EXACT"
    assert rows["bent-coin"] is None
    assert "EXACT" in coins("list", "two-sides")[1]


def test_show_as_json_has_the_documented_keys(coins):
    status, out, _ = coins("show", "bent-coin", "--json")
    data = json.loads(out)
    assert status == 0
    keys = {"reading", "differences", "cost", "arms", "cells", "pairs", "zones", "controls"}
    assert set(data) == {*LISTED, *keys, "seeds"} - {"members"}
    assert data["pairs"] == {"quick": 16, "standard": 26, "full": 60}
    assert (data["block"], data["seeds"]) == (2, [2_000, 2_059])
    assert data["differences"] == [{"path": "bias", "values": ["0.5", "0.8"]}]
    assert [cell["label"] for cell in data["cells"]] == ["fair", "other"]
    assert len(data["controls"]) == 2


@pytest.mark.parametrize("name", [claim.id for claim in claims.specs()])
def test_show_tells_of_each_claim_how_it_is_decided(name, ablations, store):
    status, out, err = ablations("show", name, "--store", store)
    assert (status, err) == (0, "")
    assert out.startswith(name)


def test_controls_are_listed_where_they_are_asked_for(coins):
    rows = json.loads(coins("list", "controls/*", "--json")[1])
    assert len(rows) == 2
    assert {row["document"] for row in rows} == {"controls"}
    assert all(row["id"].startswith("controls/") and row["claim"] for row in rows)


def test_a_document_that_is_not_there_is_said_with_those_that_are(coins, cli):
    cli.refused(coins("list", "--document", "v2"), "'v2'", "coins, visits", "no groups")
    cli.refused(coins("list", "--group", "A"), "'A'", "coins, visits", "no groups")
