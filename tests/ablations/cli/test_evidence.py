"""Evidence: compacted from stores, read like one, and replicated."""

import dataclasses
import json
import shutil

import pytest

from ablations.evidence import compact as compaction
from ablations.evidence import files, kept
from ablations.metrics.value import number
from ablations.runs import fingerprints
from ablations.runs.encoding import decode, encode
from ablations.runs.journal import Journal
from hrm.config.parts import kinds

pytestmark = pytest.mark.usefixtures("ran")


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def tampered(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def evidence(tmp_path):
    return tmp_path / "evidence"


@pytest.fixture
def compact(ablations, cli, store, evidence):
    """Compact stores into the test's evidence."""

    def run(*stores, status=0):
        folders = stores or (store,)
        found, out, err = ablations(
            "store", "compact", *folders, "--output", evidence, *cli.coins, "--json"
        )
        assert found == status, err
        return json.loads(out) if status == 0 else err

    return run


@pytest.fixture
def remade(store):
    """Put another record of a toss in the place of one, and return its fingerprint."""

    def put(changes):
        record = next(p for p in sorted(store.glob("runs/*/*.json")) if "heads" in p.read_text())
        result, _ = decode(record.read_bytes())
        record.unlink()
        other = dataclasses.replace(result, **changes(result))
        record.with_name(f"{other.attempt}.json").write_text(encode(other))
        (store / "journal.jsonl").unlink()
        return result.fingerprint

    return put


@pytest.fixture
def verdicts(ablations, cli):
    def run(folder, *more):
        status, out, err = ablations("verdicts", "--store", folder, *cli.coins, "--json", *more)
        assert status == 0, err
        return json.loads(out)

    return run


def test_evidence_gives_the_verdicts_of_the_store(compact, verdicts, store, evidence):
    made = compact()
    assert made["new"] == made["runs"] > 30
    for tier in ("quick", "full"):
        assert verdicts(evidence, "--tier", tier) == verdicts(store, "--tier", tier)
    words = {one["id"]: one["verdict"] for one in verdicts(evidence)}
    assert words["bent-coin"] == "CONFIRMED"
    assert words["two-sides"] == "EXACT"


def test_its_default_tier_is_the_full_one(compact, verdicts, evidence):
    compact()
    assert {one["tier"] for one in verdicts(evidence)} == {"full"}


def test_compacting_again_changes_no_byte(compact, evidence):
    compact()
    before = contents(evidence)
    again = compact()
    assert (again["new"], again["reread"], again["repeated"]) == (0, 0, 0)
    assert contents(evidence) == before


def test_shards_make_the_runs_of_one_store(ablations, cli, compact, store, evidence, tmp_path):
    shards = [tmp_path / name for name in ("one", "two")]
    for shard in shards:
        shutil.copytree(store, shard)
        (shard / "index.sqlite").unlink()
        (shard / "journal.jsonl").unlink()
    folders = sorted((store / "runs").iterdir())
    for i, folder in enumerate(folders):
        shutil.rmtree(shards[i % 2] / "runs" / folder.name)
    compact(shards[0])
    compact(shards[1])
    parts = {path.name: path.read_bytes() for path in (evidence / "runs").iterdir()}
    shutil.rmtree(evidence)
    compact(store)
    assert {path.name: path.read_bytes() for path in (evidence / "runs").iterdir()} == parts


def test_what_was_committed_stays_when_its_store_is_gone(compact, verdicts, store, evidence):
    compact()
    before = verdicts(evidence)
    empty = store.with_name("empty")
    shutil.copytree(store, empty)
    for path in (empty / "runs").iterdir():
        shutil.rmtree(path)
    (empty / "journal.jsonl").unlink()
    assert compact(empty)["runs"] > 30
    assert verdicts(evidence) == before


def test_a_record_that_is_not_the_committed_one_is_refused(compact, remade, evidence):
    compact()
    before = contents(evidence)
    fingerprint = remade(lambda result: {"cpu_seconds": result.cpu_seconds + 1})
    assert fingerprint in compact(status=2)
    assert contents(evidence) == before


def later(result):
    """Another attempt at the same run."""
    return {"attempt": result.attempt[:-8] + "0" * 8}


def test_another_attempt_with_other_values_is_refused(compact, remade):
    compact()
    heads = ({"heads": 0.123},)
    fingerprint = remade(lambda result: {**later(result), "observations": heads})
    said = compact(status=2)
    assert fingerprint in said
    assert "gave other values" in said


def test_another_attempt_with_the_same_values_is_counted(compact, remade, evidence):
    compact()
    remade(later)
    assert compact()["repeated"] == 1
    journal = (evidence / "journal.jsonl").read_text()
    assert journal.count('"repeated"') == 1
    compact()
    assert (evidence / "journal.jsonl").read_text() == journal


def test_a_run_whose_record_was_lost_is_unknown(compact, verdicts, store, evidence):
    lost = sorted((store / "runs").iterdir())
    folder = next(f for f in lost if "heads" in next(f.glob("*.json")).read_text())
    shutil.rmtree(folder)
    assert compact()["lost"] == 1
    assert verdicts(evidence, "--tier", "quick") == verdicts(store, "--tier", "quick")


def test_a_changed_file_is_named(ablations, cli, compact, evidence):
    compact()
    path = next((evidence / "runs").glob("toss-*.jsonl"))
    tampered(path, '"status":"ok"', '"status":"no"')
    cli.refused(ablations("verdicts", "--store", evidence, *cli.coins), path.name, "git")


def test_evidence_is_checked_as_a_store_is(ablations, compact, evidence):
    compact()
    assert ablations("store", "check", "--store", evidence)[0] == 0
    tampered(next((evidence / "runs").glob("toss-*.jsonl")), '"status":"ok"', '"status":"no"')
    status, out, _ = ablations("store", "check", "--store", evidence, "--json")
    assert status == 1
    assert len(json.loads(out)["faults"]) == 1


def test_a_shortened_journal_is_named(ablations, cli, compact, evidence):
    compact()
    path = evidence / "journal.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    cli.refused(ablations("verdicts", "--store", evidence, *cli.coins), "journal.jsonl", "head")


def test_an_interrupted_compaction_goes_on(ablations, compact, store, evidence, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", stopped)
        compact(status=130)
    assert list((evidence / "runs").iterdir())
    made = compact()
    assert made["runs"] > 30
    again = contents(evidence)
    compact()
    assert contents(evidence) == again


def test_evidence_is_only_read(ablations, cli, compact, evidence):
    compact()
    before = contents(evidence)
    cli.refused(ablations("run", "--store", evidence, *cli.coins), "evidence", "--store")
    for command in ("verdicts", "list", "plan"):
        assert ablations(command, "--store", evidence, *cli.coins)[0] == 0
    assert ablations("show", "bent-coin", "--store", evidence, *cli.coins)[0] == 0
    assert contents(evidence) == before


def test_a_folder_of_something_else_is_refused(ablations, cli, store, evidence):
    evidence.mkdir()
    (evidence / "letters.txt").write_text("dear")
    cli.refused(
        ablations("store", "compact", store, "--output", evidence, *cli.coins), "evidence", "name"
    )


def test_too_large_evidence_is_refused(compact, evidence, monkeypatch):
    monkeypatch.setattr(files, "MOST", 1000)
    assert "MB" in compact(status=2)
    assert not list(evidence.glob("runs/*"))


def test_runs_whose_sources_changed_are_shown_with_a_mark(
    compact, verdicts, evidence, monkeypatch, ablations, cli, tmp_path
):
    compact()
    before = verdicts(evidence)
    monkeypatch.setattr(fingerprints, "source_digest", lambda trial: "of today")
    assert verdicts(evidence) == before
    output = tmp_path / "report"
    ablations("report", "--store", evidence, "--output", output, *cli.coins)
    rows = json.loads((output / "report.json").read_text())["rows"]
    notes = {row["verdict"]["id"]: " ".join(row["notes"]) for row in rows}
    assert "their sources have changed since" in notes["bent-coin"]


def test_a_changed_metric_that_reads_the_same_is_vouched_for(compact, evidence, monkeypatch):
    compact()
    for place in (compaction, kept):
        monkeypatch.setattr(place, "digest_of", lambda metric: "another")
    compact()
    readings = [
        line
        for path in (evidence / "runs").glob("toss-*.jsonl")
        for line in map(json.loads, path.read_text().splitlines())
        if "reading" in line
    ]
    assert readings
    assert all(len(one["sources"]) == 2 and one["order"] == 0 for one in readings)


def test_a_changed_metric_that_reads_otherwise_leaves_the_earlier_values(
    compact, verdicts, evidence, monkeypatch
):
    compact()
    heads = kinds()["Heads"]
    with monkeypatch.context() as patch:
        for place in (compaction, kept):
            patch.setattr(place, "digest_of", lambda metric: "another")
        patch.setattr(heads, "read", lambda self, found: number(1 - found["heads"]))
        compact()
        now = {one["id"]: one["verdict"] for one in verdicts(evidence)}
    then = {one["id"]: one["verdict"] for one in verdicts(evidence)}
    assert (then["bent-coin"], now["bent-coin"]) == ("CONFIRMED", "INVALID")


def test_runs_here_are_shown_beside_the_evidence(
    ablations, cli, compact, store, evidence, tmp_path
):
    compact()
    output = tmp_path / "report"
    said = ("--evidence", evidence, "--output", output, "--store", store)
    assert ablations("report", *said, *cli.coins)[0] == 0
    data = json.loads((output / "report.json").read_text())
    assert not data["replication"]["alarm"]
    assert data["replication"]["equal"] > 0
    rows = {row["verdict"]["id"]: row["replication"] for row in data["rows"]}
    assert rows["bent-coin"]["evidence"] == "CONFIRMED"
    assert {arm["agreement"] for arm in rows["bent-coin"]["arms"]} == {"equal"}


def test_fresh_runs_leave_evidence_aside(ablations, cli, compact, store, evidence, tmp_path):
    compact()
    output = tmp_path / "report"
    said = ("--evidence", evidence, "--output", output, "--store", store, "--fresh")
    assert ablations("report", *said, *cli.coins)[0] == 0
    assert json.loads((output / "report.json").read_text())["replication"] is None


def test_where_there_is_no_evidence_the_report_says_so(ablations, cli, store, evidence, tmp_path):
    output = tmp_path / "report"
    said = ("--evidence", evidence, "--output", output, "--store", store)
    assert ablations("report", *said, *cli.coins)[0] == 0
    assert json.loads((output / "report.json").read_text())["replication"] == {}


def test_reading_evidence_needs_no_torch(cli, compact, evidence, tmp_path):
    compact()
    where = ["--store", str(evidence), *cli.coins]
    assert "matplotlib" not in cli.loaded(["verdicts", *where], ["list", *where])
    loaded = cli.loaded(
        ["verdicts", *where], ["list", *where], ["report", "--output", str(tmp_path / "r"), *where]
    )
    assert not {"torch", "safetensors", "yaml"} & loaded
