"""The twins for other programs."""

import csv
import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from ablations.records.rows import Report
from ablations.rule.outcomes import Group, Word
from reports import twins


def test_the_table_has_a_line_a_claim_and_every_text_as_it_is(varied: Report) -> None:
    found = list(csv.DictReader(io.StringIO(twins.table(varied))))
    assert [line["id"] for line in found] == [row.verdict.id for row in varied.rows]
    assert [line["word"] for line in found] == [row.verdict.verdict for row in varied.rows]
    speed = next(line for line in found if line["id"] == "controller-speed")
    assert speed["measured"] == "3.50 times faster"
    assert float(speed["estimate"]) == 1 / 3.5
    late = next(line for line in found if line["id"] == "late")
    assert (late["estimate"], late["low"], late["high"]) == ("", "", "")


def test_no_cell_is_a_formula(varied: Report) -> None:
    row = replace(varied.rows[0], statement="=SUM(A1)")
    found = list(csv.DictReader(io.StringIO(twins.table(replace(varied, rows=(row,))))))
    assert found[0]["statement"] == "'=SUM(A1)"


def test_junit_fails_what_fails_and_skips_what_is_open(varied: Report) -> None:
    root = ElementTree.fromstring(twins.junit(varied).partition("?>")[2])
    words = [row.verdict.verdict for row in varied.rows]
    groups = [row.verdict.group for row in varied.rows]
    assert root.attrib["tests"] == str(len(words))
    assert len(root.findall(".//failure")) == groups.count(Group.FAILS)
    assert len(root.findall(".//error")) == words.count(Word.INVALID)
    skipped = groups.count(Group.OPEN) - words.count(Word.INVALID)
    assert len(root.findall(".//skipped")) == skipped
    for suite in root:
        for kind in ("failure", "error", "skipped"):
            key = {"failure": "failures", "error": "errors"}.get(kind, kind)
            assert suite.attrib[key] == str(len(suite.findall(f".//{kind}")))


def test_the_summary_has_sixty_lines_at_most_and_no_markup(varied: Report) -> None:
    many = replace(varied, rows=varied.rows * 20)
    for report in (varied, many):
        said = twins.summary(report)
        assert said.startswith("# Of ")
        assert said.count("\n") <= twins.LINES
        assert "<script" not in said.replace("\\<script", "")
    assert "further decided claims" in twins.summary(many)


def test_the_badge_has_the_counts(varied: Report) -> None:
    root = ElementTree.fromstring(twins.badge(varied))
    said = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert said[1:] == [f"{varied.groups[group]} {group}" for group in Group]
