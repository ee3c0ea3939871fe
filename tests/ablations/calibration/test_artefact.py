"""What a calibration found, kept and held against its bounds."""

import ast
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from scipy.stats import binom

from ablations.calibration import artefact
from ablations.calibration.artefact import (
    NAME,
    PLACE,
    Calibration,
    bound,
    committed,
    load,
    most,
    places,
    pooled,
    problems,
    reports,
    summary,
    text,
)
from ablations.calibration.noises import NOISES
from ablations.calibration.questions import TESTS, edges
from ablations.calibration.samples import PLANS, SPREADS, Cell
from ablations.rule import LADDER, SHARE_TABLE
from ablations.rule.table import error
from ablations.runs import sources
from hrm.errors import UserError

FILE = Path(artefact.__file__).with_name(NAME)


def cell(test="difference", noise="normal", still=0, **false):
    named = {place.name: () for place in edges(TESTS[test])}
    return Cell(test=test, noise=noise, false={**named, **false}, open=still)


def calibration(*cells, replicates=1000):
    return Calibration(digest="made up", replicates=replicates, cells=cells, powers=())


def test_the_committed_calibration_is_of_this_rule_and_whole_and_has_no_problem():
    made, shown = load(FILE), committed()
    assert shown["current"], "run ablations calibrate, and commit what it writes"
    assert shown["problems"] == [] and shown["withheld"] == 0
    assert {(c.test, c.noise) for c in made.cells} == {(t, n) for t in TESTS for n in NOISES}
    assert len(made.powers) == len(PLANS) * len(SPREADS)
    assert all(one["rate"] <= one["bound"] == 0.05 for one in shown["reports"])


def test_the_committed_calibration_is_small():
    assert FILE.stat().st_size < 50_000


def test_a_calibration_is_stale_once_the_rule_computes_something_else(monkeypatch):
    monkeypatch.setattr(sources, "of_files", lambda modules: "another")
    assert committed()["current"] is False


def test_the_digest_covers_the_rule_the_contrasts_and_what_is_drawn(monkeypatch):
    asked = []
    monkeypatch.setattr(sources, "of_files", lambda modules: asked.extend(modules) or "digest")
    assert artefact.digest() == "digest"
    assert {
        "ablations.rule.verdict",
        "ablations.rule.table",
        "ablations.rule.interval",
        "ablations.specs.tests",
        "ablations.judging.case",
        "ablations.calibration.populations",
    } <= set(asked)


def test_the_digest_covers_whatever_the_tests_import_of_ours(monkeypatch):
    asked = []
    monkeypatch.setattr(sources, "of_files", lambda modules: asked.extend(modules) or "digest")
    artefact.digest()
    for name in ("ablations.specs.tests", "ablations.specs.contrasts"):
        tree = ast.parse(sources.locate(name).read_text("utf-8"))
        found = {
            node.module
            if sources.locate(f"{node.module}.{alias.name}") is None
            else f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module.startswith("ablations.")
            for alias in node.names
        }
        assert found <= set(asked), name


def test_there_is_nothing_to_show_where_no_calibration_was_committed(monkeypatch):
    monkeypatch.setattr(artefact, "NAME", "nothing.json")
    assert committed() is None


def test_a_calibration_is_read_as_it_was_written(tmp_path):
    made = calibration(cell(w=(3, 17)), cell("both", "ties", still=2))
    path = tmp_path / "calibration.json"
    path.write_text(text(made), "utf-8")
    assert load(path) == made


@pytest.mark.parametrize("content", ["", "{}", '{"digest": 1}', "[]"])
def test_a_file_that_holds_no_calibration_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content, "utf-8")
    with pytest.raises(UserError, match=r"other.json.*isn't a calibration.*ablations calibrate"):
        load(path)


def test_bounds_are_the_tables_exact_chances_and_never_more_than_a_member_may_have():
    for test in TESTS.values():
        for place in edges(test):
            assert bound(place) <= place.sides * PLACE / 2
    medians = {place.name: bound(place) for place in edges(TESTS["difference"])}
    exact = float(error(LADDER, Fraction(1, 2)))
    assert medians == pytest.approx({"-w": 2 * exact, "0": exact, "w": 2 * exact})
    shares = {place.name: bound(place) for place in edges(TESTS["reliable"])}
    nearly = float(error(SHARE_TABLE, Fraction(3, 4)))
    assert shares == pytest.approx({"median": exact, "three quarters": nearly})


@pytest.mark.parametrize("n", [10, 1000, 4000, 528_000])
@pytest.mark.parametrize("chance", [1.4e-4, 5.6e-4, 0.05])
def test_no_more_are_allowed_than_a_binomial_count_reaches_once_in_100000(n, chance):
    assert most(n, chance) == binom.isf(1e-5, n, chance)


def test_one_false_word_more_than_is_allowed_is_a_problem():
    (allowed,) = {one.allowed for _, place, one in places(calibration(cell())) if place.name == "w"}
    assert problems(calibration(cell(w=tuple(range(allowed))))) == []
    beyond = calibration(cell(w=tuple(range(allowed + 1))))
    assert any("difference, normal, truth at w" in line for line in problems(beyond))
    assert summary(beyond)["worst"] == {
        "test": "difference",
        "noise": "normal",
        "place": "w",
        "false": allowed + 1,
        "allowed": allowed,
    }


def test_a_rate_too_small_for_one_place_to_show_is_a_problem_of_all_places():
    cells = [cell(noise=noise, **{"-w": (1, 2, 3), "w": (4, 5)}) for noise in NOISES]
    made = calibration(*cells)
    assert all(one.within for _, _, one in places(made))
    assert any(line.startswith("all places: 60 of 36000") for line in problems(made))


def test_counts_are_pooled_by_whatever_places_are_named():
    made = calibration(cell(w=(1,)), cell(noise="ties", w=(1, 2)), cell("trend"))
    counts = {one.what: (one.false, one.samples) for one in pooled(made, lambda c, _: c.test)}
    assert counts == {"difference": (3, 6000), "trend": (0, 3000)}


def test_a_cell_that_stays_open_beyond_doubt_is_a_problem():
    assert problems(calibration(cell(still=5))) == []
    assert any("stay open" in line for line in problems(calibration(cell(still=6))))


def test_a_whole_report_counts_once_however_many_of_its_members_are_false():
    made = calibration(cell(w=(7,), **{"-w": (7, 8)}), cell(noise="ties", w=(8,)), replicates=10)
    assert (reports(made, 6).false, reports(made, 6).samples) == (2, 10)
    assert (reports(made, 3).false, reports(made, 3).samples) == (3, 20)
    assert reports(made, 7).samples == 0


def test_a_conjunction_takes_two_places_of_a_report():
    made = calibration(cell("both"), replicates=10)
    assert reports(made, 6).samples == 10
    assert reports(made, 7).samples == 0


def test_the_summary_names_a_plan_that_promises_too_much():
    made = load(FILE)
    wrong = replace(made.powers[0], promised=made.powers[0].found + 0.031)
    broken = replace(made, powers=(wrong, *made.powers[1:]))
    assert summary(broken)["power"] == pytest.approx(0.031)
    assert any(line.startswith("a plan for 'direction'") for line in problems(broken))
