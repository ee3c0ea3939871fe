"""`ablations history add` and `ablations bench-compare`, from arguments to what is printed."""

import json
from pathlib import Path

import pytest

from ablations.cli import gate, main, parser
from ablations.history import asv, files, processes, turns
from ablations.history.turns import Change, Compared, Comparison
from ablations.records.history import Conditions, Measured
from tests.ablations.history.conftest import Repository

CONDITIONS = Conditions(machine="c", load=1.5, quick=True)


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code or 0


@pytest.fixture
def repository(tmp_path, monkeypatch):
    made = Repository(tmp_path / "project")
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def measured(repository, monkeypatch):
    """Twelve commits that asv has measured, the last four of them slower."""
    commits = [repository.commit(loops=n) for n in range(12)]
    values = dict(zip(commits, [1.0] * 8 + [2.0] * 4, strict=True))

    def taken(config):
        return {
            commit: (
                CONDITIONS,
                {"steps.time_x": Measured(unit="seconds", version="1", values={"": value})},
            )
            for commit, value in values.items()
        }

    monkeypatch.setattr(asv, "taken", taken)
    return commits


def test_asvs_results_become_records_with_steps(measured, capsys):
    assert call("history", "add", "--note", "a shared machine", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["commits"], said["benchmarks"], said["steps"]) == (12, 1, 1)
    kept = files.read(Path("evidence/history"))
    assert {c.commit for c in kept.commits} == set(measured)
    assert {c.conditions.note for c in kept.commits} == {"a shared machine"}
    assert len(kept.steps.found["steps.time_x"][""]) == 2


def test_a_range_is_measured_here_without_asvs_results(repository, monkeypatch, capsys):
    made = [repository.commit(loops=n) for n in range(4)]
    seen = []

    def measured(folder, pattern, *, quick):
        seen.append((pattern, quick))
        values = {("x.time", "a"): 0.1 * len(seen), ("x.time", "b"): None, ("y.time", ""): None}
        return {
            k: processes.Figure(version="1", unit="seconds", value=v) for k, v in values.items()
        }

    monkeypatch.setattr(processes, "measured", measured)
    options = ("--range", "HEAD", "--steps", "2", "--bench", "x", "--quick", "--note", "busy")
    assert call("history", "add", *options) == 0
    kept = files.read(Path("evidence/history")).commits
    assert [c.commit for c in kept] == [made[0], made[3]]
    assert seen == [("x", True)] * 2
    assert kept[1].benchmarks == {
        "x.time": Measured(unit="seconds", version="1", values={"a": 0.2, "b": None})
    }
    assert kept[0].conditions.quick and kept[0].conditions.note == "busy"
    assert kept[0].conditions.load >= 0
    assert "1 of 2" in capsys.readouterr().err


def test_verdicts_of_a_report_are_kept_with_its_commit(measured, tmp_path, capsys):
    call("history", "add")
    report = tmp_path / "report.json"
    rows = [{"verdict": {"id": "gru-speed", "group": "holds"}}]
    report.write_text(json.dumps({"rows": rows, "tier": "quick", "commits": [measured[3]]}))
    assert call("history", "add", "--report", str(report)) == 0
    kept = {c.commit: c for c in files.read(Path("evidence/history")).commits}
    assert kept[measured[3]].claims == {"gru-speed": "holds"} and kept[measured[3]].tier == "quick"
    assert kept[measured[3]].benchmarks
    assert "which has 12 commits" in capsys.readouterr().out


def test_a_report_of_several_commits_needs_one_named(measured, tmp_path, capsys):
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"rows": [], "tier": "quick", "commits": ["a", "b"]}))
    assert call("history", "add", "--report", str(report)) == 2
    assert "--commit" in capsys.readouterr().err
    report.write_text("[]")
    assert call("history", "add", "--report", str(report)) == 2


def test_without_results_a_user_is_told_what_to_run(repository, capsys):
    assert call("history", "add") == 2
    assert "asv's configuration" in capsys.readouterr().err


def test_a_report_takes_its_history_from_a_folder():
    assert parser().parse_args(["report"]).folder == "evidence/history"


def a_comparison(*changes, load=0.2, left=None):
    figures = tuple(
        Compared(
            name=f"steps.time_{i}",
            parameters="gru",
            unit="seconds",
            change=change,
            ratio=1.2 if change is Change.SLOWER else 0.8,
            low=0.0,
            high=1.3,
            beyond=9,
            pairs=9,
            settleable=1.1 + i / 10,
        )
        for i, change in enumerate(changes)
    )
    return Comparison(figures=figures, exceptions=1, pairs=9, left=left or {}, load=load)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ([Change.SLOWER, Change.EQUAL], 1),
        ([Change.FASTER, Change.OPEN, Change.EQUAL, Change.NOT_SLOWER], 0),
    ],
)
def test_only_an_established_slowdown_fails(monkeypatch, capsys, changes, status):
    monkeypatch.setattr(turns, "compare", lambda *_, **__: a_comparison(*changes))
    assert call("bench-compare", "A", "B") == status
    assert call("bench-compare", "A", "B", "--json") == status
    out = capsys.readouterr().out
    assert json.loads(out[out.index("{") :])["slower"] == status


def test_the_gate_says_what_is_slower_and_what_it_could_have_seen():
    found = a_comparison(Change.SLOWER, Change.FASTER, load=2, left={"x": "only the first has it"})
    first, second, counts, seen, busy, left = gate.lines(found, 0.05)
    assert first == (
        "slower: steps.time_0 gru takes 1.200 times as much; in 9 of 9 pairs more than 5 % more"
    )
    assert second == "faster: steps.time_1 gru takes 0.800 times as much"
    assert "2 figures, 9 pairs, at most 1 exceptions each: 1 slower by more than 5 %" in counts
    assert "10 % in the least noisy benchmark" in seen and "20 % in steps.time_1" in seen
    assert "2 processes per core" in busy
    assert left == "Not compared: 1 figures (only the first has it)."


def test_options_reach_the_comparison(monkeypatch):
    seen = {}

    def compare(first, second, *, said, root, **options):
        seen.update(options, first=first, second=second)
        said(3, 9)
        return a_comparison(Change.EQUAL)

    monkeypatch.setattr(turns, "compare", compare)
    options = ("--bench", "steps", "--threshold", "0.1", "--pairs", "20", "--quick")
    assert call("bench-compare", "main", "HEAD", *options) == 0
    assert seen == {
        "first": "main", "second": "HEAD", "pattern": "steps", "threshold": 0.1, "pairs": 20,
        "quick": True,
    }  # fmt: skip
