"""The twins for other programs."""

import csv
import io
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ablations.judging.comparing import compared
from ablations.records.rows import Report
from ablations.rule.outcomes import Group, Word
from reports import tex, twins
from tests.reports.made import make_row


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


def test_what_moved_since_another_report_stands_first_in_the_summary(varied: Report) -> None:
    other = replace(
        varied,
        rows=tuple(make_row(row.verdict.id, Word.INVALID) for row in varied.rows),
    )
    since = compared(other, varied, ("v1", "here"))
    assert len(since.moved) > twins.MOVES
    said = twins.summary(replace(varied, rows=varied.rows * 20), since)
    assert said.count("\n") <= twins.LINES
    first, last = (f"Since v1: {n} groups changed." for n in (len(since.moved), 0))
    assert said.index(first) < said.index("| document |")
    assert "INVALID | EXACT" in said
    assert f"{len(since.moved) - twins.MOVES} further claims changed." in said
    assert last in twins.summary(varied, compared(varied, varied, ("v1", "here")))


def test_the_badge_has_the_counts(varied: Report) -> None:
    root = ElementTree.fromstring(twins.badge(varied))
    said = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert said[1:] == [f"{varied.groups[group]} {group}" for group in Group]


# Every way in which a text has a sign that TeX reads as a command.
_escapes = re.compile(
    r"\\(?:textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textquotedbl"
    r"|ldots)\{\}|\\[{}$&#_%]|\$(?:-|\^\{[-\d]\}|\\(?:times|div|pm|approx|neq|leq|geq|infty|to|surd"
    r"|lambda))\$|~"
)


@given(st.text())
def test_no_text_is_a_command_of_latex(said: str) -> None:
    left = _escapes.sub("", tex.escaped(said))
    assert not set('#$%&_^{}\\~<>|"\n\r\t') & set(left)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in left)


def test_what_latex_shows_is_what_was_said() -> None:
    said = tex.escaped("50 % of #1_a {b} ~ \\x^2 → −3.5 × 10⁻⁵")
    assert said == (
        r"50 \% of \#1\_a \{b\} \textasciitilde{} \textbackslash{}x\textasciicircum{}2 $\to$ "
        r"$-$3.5 $\times$ 10$^{-}$$^{5}$"
    )


def test_quotation_marks_open_and_close() -> None:
    assert tex.escaped('4 ms, "5x" ("a b")') == "4 ms, ``5x'' (``a b'')"


def test_the_latex_table_has_a_line_a_claim_of_five_cells_and_balanced_braces(
    varied: Report,
) -> None:
    written = tex.table(varied)
    lines = [line for line in written.splitlines() if line.endswith(r" \\[0pt]")]
    claims = [line for line in lines if "multicolumn" not in line][1:]
    assert len(claims) == len(varied.rows)
    assert {len(re.findall(r"(?<!\\)&", line)) for line in claims} == {4}
    plain = re.sub(r"\\[{}]", "", written)
    assert plain.count("{") == plain.count("}")
    assert written.count(r"\begin{longtable}") == written.count(r"\end{longtable}") == 1
    assert "\\\\[0pt]\n\\midrule \\endhead" in written  # anything between them is an error
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert written.count(rule) == 1
    assert all(len(line) == 0 or line.isprintable() for line in written.splitlines())
