"""Evidence as a store: found by what was asked, one edition of it, and never mixed."""

import json

import pytest

from ablations.evidence import files
from ablations.evidence.files import Runs
from ablations.evidence.kept import Evidence
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number
from ablations.runs import fingerprints
from ablations.runs.fingerprints import kind
from ablations.runs.journal import Journal
from ablations.runs.trials import plan
from hrm.errors import UserError
from tests.ablations.evidence.lines import a_run

SEEDS = range(2000, 2004)


@pytest.fixture
def asked(lab):
    return plan(lab.statistical(), SEEDS).trials


@pytest.fixture
def written(tmp_path):
    """Write a file of runs, and open the evidence."""

    def put(trial, runs, *, name=None, change=lambda data: data):
        data = {key: value for key, value in trial.to_json().items() if key != "seed"}
        made = Runs(name=f"count-{name or kind(trial)}", trial=change(data))
        for run, where in runs:
            key = files.short(where)
            made.where[key] = where
            made.runs[run["fingerprint"]] = {**run, "where": key}
        text = made.text()
        (tmp_path / "runs").mkdir(exist_ok=True)
        (tmp_path / "runs" / f"{made.name}.jsonl").write_text(text)
        journal = Journal(tmp_path / "journal.jsonl")
        sha = files.sha256(text.encode())
        journal.append([{"what": "written", "file": made.name, "runs": len(runs), "sha256": sha}])
        (tmp_path / "evidence.json").write_text(json.dumps({**files.FORMAT, "head": journal.head}))
        return Evidence.open(tmp_path)

    return put


def where(sources="a", versions="1", **more):
    machine = {"cpu": "one", "cores": 2, "threads": 1, "system": "Linux", "accelerator": None}
    return {
        "class": "cpu",
        "versions": {"torch": versions},
        "machine": machine,
        "sources": sources,
        "commit": f"commit of {sources}",
        "dirty": False,
        **more,
    }


@pytest.mark.parametrize(
    "value",
    [
        number(0.1 + 0.2),
        number(-0.0),
        number(5),
        beyond(469.0),
        diverged(higher_is_better=True),
        diverged(higher_is_better=False, worst=1.0),
        Value(low=0.0, high=0.6, mean=0.6),
        UNKNOWN,
    ],
)
def test_values_come_back_to_the_last_digit(value):
    data = json.loads(json.dumps(files.packed(value), allow_nan=False))
    back = files.unpacked(data)
    assert repr((back.low, back.high, back.mean)) == repr(
        tuple(map(float, (value.low, value.high, value.mean)))
    )
    assert back.failed == value.failed


def test_evidence_whose_journal_lacks_its_last_line_is_refused(written, asked, tmp_path):
    for name in ("first", "second"):
        written(asked[0], [(a_run(2000, name), where())], name=name)
    journal = tmp_path / "journal.jsonl"
    first, _ = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first)
    with pytest.raises(UserError, match=r"its head is .*, but evidence.json has"):
        Evidence.open(tmp_path)


def test_a_run_is_found_by_what_was_asked_whatever_its_fingerprint(written, asked):
    evidence = written(asked[0], [(a_run(2000), where()), (a_run(2001), where())])
    key = evidence.key(asked[0])
    assert key == a_run(2000)["fingerprint"]
    assert evidence.get(key).commit == "commit of a"
    missing = evidence.key(next(trial for trial in asked if trial.seed == 2003))
    assert evidence.get(missing) is None
    assert not evidence.unknown(missing)


def test_editions_are_not_mixed_and_the_largest_is_read(written, asked):
    old = [(a_run(seed, "a"), where("a")) for seed in SEEDS]
    new = [(a_run(2000, "b"), where("b"))]
    evidence = written(asked[0], [*old, *new])
    found = {evidence.get(evidence.key(t)).sources for t in asked if t.arms == asked[0].arms}
    assert found == {"a"}


def test_the_edition_of_todays_sources_comes_first(written, asked, monkeypatch):
    monkeypatch.setattr(fingerprints, "source_digest", lambda trial: "b")
    old = [(a_run(seed, "a"), where("a")) for seed in SEEDS]
    evidence = written(asked[0], [*old, (a_run(2000, "b"), where("b"))])
    results = [evidence.get(evidence.key(t)) for t in asked if t.arms == asked[0].arms]
    assert [result and result.sources for result in results] == ["b", None, None, None]
    assert evidence.marks(results[:1]) == ()


def test_runs_of_other_sources_are_marked_with_their_commit(written, asked):
    evidence = written(asked[0], [(a_run(2000), where())])
    (said,) = evidence.marks([evidence.get(evidence.key(asked[0]))])
    assert "1 of 1 runs are as of commit of a" in said


def test_a_lost_run_is_unknown(written, asked):
    evidence = written(asked[0], [(a_run(2000) | {"status": "lost"}, where())])
    key = evidence.key(asked[0])
    assert evidence.get(key) is None
    assert evidence.unknown(key)


def test_a_field_that_was_added_since_loses_no_run(written, asked):
    def before(data):
        protocol = {k: v for k, v in data["protocol"].items() if k != "replica"}
        return {**data, "protocol": protocol}

    evidence = written(asked[0], [(a_run(2000), where())], name="0123456789abcdef", change=before)
    assert evidence.get(evidence.key(asked[0])) is not None
