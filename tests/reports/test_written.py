"""What evidence gives, as Markdown in the README and the docs."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ablations.cli import main
from ablations.rule.outcomes import Group, Word
from reports import written
from tests.reports.made import make_report, make_row
from tests.reports.rows import statistical_rows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def report():
    external = make_row("elsewhere", Word.NOT_RUN, form="external", reason="it needs 64 GPUs")
    return make_report([*statistical_rows(), external])


def test_the_committed_pages_are_what_the_evidence_gives(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["findings", "--store", str(ROOT / "evidence"), "--into", str(ROOT), "--check"])
    assert ended.value.code == 0, capsys.readouterr().out


def test_the_readme_counts_the_claims_of_each_document(report):
    lines = written.readme(report).splitlines()
    (row,) = [line for line in lines if line.startswith("| HRM v2")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    rows = [row for row in report.rows if row.verdict.document == "v2"]
    assert int(cells[1]) == len(rows) == sum(map(int, cells[2:]))
    holds = sum(row.verdict.group is Group.HOLDS for row in rows)
    assert int(cells[2]) == holds > 0


def test_the_readme_has_at_most_five_findings_with_what_was_measured_and_counted(report):
    lines = [line for line in written.readme(report).splitlines() if line.startswith("- ")]
    assert 2 <= len(lines) <= 5
    assert all(line.startswith("- **") for line in lines)
    assert any("of 26 seeds" in line for line in lines)


def test_the_page_of_documents_leads_from_each_outcome_to_its_claims(report):
    lines = written.outcomes(report).splitlines()
    page = written.page(report)
    counts = [re.sub(r"\[(.*)\]\(.*\)", r"\1", line) for line in lines]
    assert "\n".join(counts) in page and written.outcomes(report) not in page
    places = re.findall(r"\(findings\.md#(\S+)\)", "\n".join(lines))
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert len(places) == len(headings) > 1
    assert "hrm-v2-enhancements" in places


def test_the_findings_list_each_claim_once_decided_or_open(report):
    page = written.page(report)
    claims = [line for line in page.splitlines() if line.startswith(("| CON", "| EX", "- "))]
    assert claims
    for row in report.rows:
        assert written.cell(row.statement).rstrip(".") in page, row.verdict.id
    assert "64 GPUs" in page


def test_an_open_claim_says_what_would_settle_it(report):
    row = next(row for row in report.rows if row.parts and row.verdict.group is Group.OPEN)
    part = replace(row.parts[0], needed=1200)
    verdict = replace(row.verdict, n=60)
    row = replace(row, parts=(part,), verdict=verdict, cost_seconds=180.0)
    said = "About 1,200 seeds would settle it at the observed shares, 1 h of CPU time in all."
    assert said in written.page(replace(report, rows=(row,)))


def test_what_needs_other_compute_is_listed(report):
    assert "64 GPUs" in written.elsewhere(report)


def test_text_can_not_break_a_table(report):
    (hostile,) = [replace(report.rows[0], statement="a | b\nc `d`")]
    page = written.page(replace(report, rows=(hostile,)))
    assert r"a \| b c \`d\`" in page


def test_without_evidence_all_pages_say_so():
    assert written.readme(None) == written.outcomes(None) == written.elsewhere(None)
    assert written.readme(None) == written.NONE and written.NONE in written.page(None)


def test_what_was_generated_replaces_what_was_between_the_marks():
    page = f"before\n{written.BEGIN}\nold\n{written.END}\nafter\n"
    made = written.between(page, "new")
    assert made == page.replace("old", "new")
    assert written.between(made, "new") == made
    with pytest.raises(ValueError, match="lacks the lines"):
        written.between("before", "new")


def test_the_command_writes_what_it_would_change_and_then_nothing(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/documents.md", "docs/limits.md"):
        (tmp_path / name).write_text(f"{written.BEGIN}\n{written.END}\n")
    said = ["findings", "--store", str(tmp_path / "none"), "--into", str(tmp_path), "--json"]
    changed = []
    for more in (["--check"], [], ["--check"]):
        with pytest.raises(SystemExit) as ended:
            main([*said, *more])
        changed.append((ended.value.code, len(json.loads(capsys.readouterr().out)["changed"])))
    assert changed == [(1, 4), (0, 4), (0, 0)]
    assert written.NONE in (tmp_path / "docs" / "findings.md").read_text()
