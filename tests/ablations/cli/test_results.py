"""`ablations verdicts` and `ablations report`: the results of stored runs."""

import json

from ablations.runs.store import Store

VERDICT = [
    *("id", "document", "section", "form", "documented", "estimate", "low", "high", "n", "tier"),
    *("verdict", "reason", "group", "look", "exceptions", "sentence", "settled"),
]


def verdicts(coins, *arguments):
    status, out, err = coins("verdicts", *arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)


def test_verdicts_have_the_documented_keys_and_the_words_that_the_runs_deserve(ran, coins):
    rows = verdicts(coins)
    assert [list(row) for row in rows] == [VERDICT] * 4
    assert [(row["id"], row["verdict"], row["group"]) for row in rows] == [
        ("bent-coin", "CONFIRMED", "holds"),
        ("new-coin", "NO EFFECT", "fails"),
        ("two-sides", "EXACT", "holds"),
        ("in-the-mint", "NOT RUN", "open"),
    ]
    assert 0.2 < rows[0]["estimate"] < 0.4
    assert rows[0]["low"] > 0.1 > rows[1]["high"]


def test_a_person_reads_every_verdict_with_its_reason_at_80_columns(ran, coins, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = coins("verdicts")
    assert status == 0, "a claim that fails is no failure"
    assert [line for line in out.splitlines()[:-1] if len(line) > 80] == []
    assert "4 claims, quick tier: 2 hold, 1 fails, 1 is open" in " ".join(out.split())
    said = " ".join(out.split())
    for row in verdicts(coins):
        assert " ".join(row["reason"].split()) in said


def test_results_are_told_without_what_takes_long_to_load(cli, store, tmp_path):
    Store.open(store, create=True)
    at = ("--store", str(store))
    loaded = cli.loaded(["verdicts", *at], ["report", *at, "--output", str(tmp_path / "r.html")])
    assert "ablations.cli.results" in loaded
    heavy = {"torch", "scipy.stats", "scipy.spatial", "networkx", "matplotlib", "seaborn"}
    assert not heavy & loaded


def test_verdicts_of_an_empty_store_say_that_nothing_was_run(coins, store):
    Store.open(store, create=True)
    (row,) = verdicts(coins, "bent-coin")
    assert (row["verdict"], row["n"], row["estimate"]) == ("NOT RUN", 0, None)


def test_equal_runs_in_two_stores_have_equal_verdicts(ran, coins, ablations, cli, tmp_path):
    other = ("--store", tmp_path / "other", *cli.coins)
    assert ablations("run", "--jobs", 1, *other)[0] == 0
    assert ablations("verdicts", "--json", *other)[1] == coins("verdicts", "--json")[1]


def test_a_record_that_was_taken_away_leaves_its_pair_unknown(ran, coins, store):
    before = verdicts(coins, "bent-coin")[0]
    for path in (store / "runs").glob("*/*.json"):
        trial = json.loads(path.read_text())["trial"]
        if trial["protocol"]["kind"] == "Toss" and trial["arms"][0]["bias"] == 0.8:
            path.unlink()
            break
    after = verdicts(coins, "bent-coin")[0]
    assert before["verdict"] == "CONFIRMED"
    assert after["exceptions"] != before["exceptions"]


def test_a_report_is_written_and_twice_the_same(ran, coins, tmp_path):
    written = []
    for folder in ("first", "second"):
        status, out, err = coins("report", "--output", tmp_path / folder, "--json")
        assert status == 0, err
        data = json.loads(out)
        assert data["path"] == str(tmp_path / folder / "index.html")
        assert data["tally"] == {"CONFIRMED": 1, "NO EFFECT": 1, "EXACT": 1, "NOT RUN": 1}
        names = ("index.html", "report.json")
        written.append([(tmp_path / folder / name).read_bytes() for name in names])
    assert written[0] == written[1]


def test_a_report_that_can_not_be_written_is_refused(coins, cli, store, tmp_path):
    Store.open(store, create=True)
    (tmp_path / "taken").write_text("x")
    output = tmp_path / "taken" / "report"
    cli.refused(coins("report", "two-sides", "--output", output), str(output))


def test_what_moved_since_another_store_stands_first_in_the_summary(ran, coins, cli, tmp_path):
    Store.open(tmp_path / "empty", create=True)
    output = tmp_path / "report"
    assert coins("report", "--output", output, "--against", tmp_path / "empty")[0] == 0
    said = (output / "summary.md").read_text()
    assert said.splitlines()[2].endswith("3 groups changed.")
    assert "NOT RUN | CONFIRMED" in said
    cli.refused(coins("report", "--output", output, "--against", "nothing"), "'nothing'")
