"""Verdicts of seven tests, recomputed from readings by code that shares nothing with ours."""

import functools
import importlib
import json
import tempfile
from pathlib import Path

import pytest

from ablations.cli import main
from tests.evidence import plain

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
EVIDENCE = ROOT / "evidence"
TESTS = {  # the class of a test, and the file that recomputes it
    "Difference": "difference",
    "Ratio": "ratio",
    "TimeToTarget": "ratio",
    "Timing": "timing",
    "OneRatio": "one_ratio",
    "Trend": "trend",
    "Factorial": "factorial",
    "NotWorse": "not_worse",
}
SMALL = {16: 1, 26: 5, 40: 9, 60: 18}, {26: 0, 40: 2, 60: 5}  # tables of a family of seven


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in arguments])
    assert ended.value.code == 0


def recomputed(folder, name):
    """The look, the interval's ends and the word of each part of a claim."""
    claim = plain.spec(folder, name)
    for test in claim["tests"]:
        module = importlib.import_module(f"tests.evidence.recomputed_{TESTS[test['test']]}")
        yield module.recomputed(folder, claim, test)


def hold(parts, found):
    """Hold the parts of a report's row to what was recomputed."""
    assert len(parts) == len(found) > 0
    for part, (look, (low, high), word) in zip(parts, found, strict=True):
        assert part["look"] == look
        if look:
            none = 0.0 if part["scale"]["log"] else -plain.INF
            assert part["low"] == (pytest.approx(low) if low > none else None)
            assert part["high"] == (pytest.approx(high) if high < plain.INF else None)
            assert part["verdict"] in (word, "SPLIT")  # which takes a word away, and adds none


def rows(folder, output, *more):
    call("report", "--store", folder, "--output", output, *more)
    data = json.loads((output / "report.json").read_text())
    controls = [one["row"] for one in data["controls"]]
    return {row["verdict"]["id"]: row["parts"] for row in (*data["rows"], *controls)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Evidence of made-up runs, and the rows of its report."""
    folder = tmp_path_factory.mktemp("drawn")
    where = ("--claims", HERE / "drawn.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        said = ("--tier", "full", "--jobs", 1, "--all", "--store", folder / "store")
        call("run", *said, *where)
        call("store", "compact", folder / "store", "--output", folder / "evidence", *where)
    return folder / "evidence", rows(folder / "evidence", folder / "report", *where)


@pytest.fixture
def small(monkeypatch):
    """Take the tables of a small family."""
    module = importlib.import_module("tests.evidence.recomputed_not_worse")
    monkeypatch.setattr(plain, "EXCEPTIONS", SMALL[0])
    monkeypatch.setattr(module, "SHARES", SMALL[1])


NAMES = ("difference", "ratio", "arrival", "one", "trend", "factors", "nearly")


@pytest.mark.parametrize("name", NAMES)
def test_made_up_verdicts_are_recomputed(name, drawn, small):
    folder, reported = drawn
    found = list(recomputed(folder, name))
    hold(reported[name], found)
    assert found[0][0] == 40


def test_another_value_would_be_noticed(drawn, small, monkeypatch):
    folder, reported = drawn
    ends = plain.ends
    monkeypatch.setattr(plain, "ends", lambda value: tuple(1.01 * end for end in ends(value)))
    with pytest.raises(AssertionError):
        hold(reported["difference"], list(recomputed(folder, "difference")))


def test_they_share_no_code_with_what_they_check_and_are_short():
    files = [HERE / "plain.py", *HERE.glob("recomputed_*.py")]
    assert len(files) == 8
    for path in files:
        text = path.read_text()
        assert "ablations" not in text.replace("of `ablations`", "")
        if path.name != "plain.py":
            assert len(text.splitlines()) < 60


@functools.cache
def committed():
    """One claim of each test that the committed evidence has at a look, by the test's name."""
    found = {}
    if (EVIDENCE / "claims.jsonl").is_file():
        for claim in plain.lines(EVIDENCE / "claims.jsonl"):
            for test in claim.get("tests", ()):
                kind, new = test["test"], TESTS.keys() - found
                if kind in new and plain.pairs(EVIDENCE, claim, test["reads"])[15:]:
                    found[kind] = claim["claim"]
    return found


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    return rows(EVIDENCE, tmp_path_factory.mktemp("committed"))


@pytest.mark.parametrize("test", [*committed(), *([] if committed() else ["none yet"])])
def test_committed_verdicts_are_recomputed(test, request):
    if test == "none yet":
        assert not (EVIDENCE / "claims.jsonl").exists()
        return
    name = committed()[test]
    hold(request.getfixturevalue("reported")[name], list(recomputed(EVIDENCE, name)))
