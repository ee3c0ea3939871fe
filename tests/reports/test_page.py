"""The page and its twin, without a browser."""

import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import reports
from ablations.records.rows import Difference, Report, Row
from hrm.errors import UserError
from reports import files
from reports.words import decided_first
from tests.reports.made import make_report
from tests.reports.pictured import full_report


class Page(HTMLParser):
    """Collects the elements of a page, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def said(self) -> str:
        """The text in one line, without the style sheet's and the script's."""
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def source(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(source: str) -> Page:
    return Page(source)


def section(source: str, identity: str) -> str:
    """Return the text of one section."""
    return Page(source[source.index(f'id="{identity}"') :].partition("</section>")[0]).said


def test_equal_reports_give_equal_bytes_in_processes_that_hash_differently(
    varied: Report, folder: Path, tmp_path: Path
) -> None:
    program = (
        "import pathlib, sys; import reports; from reports import files;"
        "text = (pathlib.Path(sys.argv[1]) / 'report.json').read_text();"
        "reports.render(files.read(text, 'report.json'), pathlib.Path(sys.argv[2]))"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", program, str(folder), str(tmp_path)], check=True, env=environment
    )
    written = sorted(p.name for p in folder.iterdir())
    assert written == [
        *("badge.svg", "claims.csv", "claims.tex", "index.html", "junit.xml"),
        *("report.json", "report.schema.json", "summary.md"),
    ]
    for name in written:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_the_twin_is_strict_json_that_gives_the_report_back(varied: Report, folder: Path) -> None:
    written = (folder / "report.json").read_text(encoding="utf-8")
    assert written.endswith("}\n")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} isn't JSON")

    data = json.loads(written, parse_constant=refuse)
    assert list(data) == sorted(data)
    assert files.read(written, "report.json").to_json() == varied.to_json()


def test_rendering_needs_no_statistic_and_no_torch() -> None:
    program = (
        "import sys, reports; bad = {'torch', 'scipy', 'matplotlib', 'ablations.claims'};"
        "sys.exit(str(sorted(bad & set(sys.modules))) if bad & set(sys.modules) else 0)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(
    varied: Report, tmp_path: Path, number: float
) -> None:
    broken = replace(varied, rows=(), groups={}, cpu_seconds=number)
    with pytest.raises(ValueError, match="JSON"):
        reports.render(broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_the_users_mistake(
    varied: Report, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UserError, match="taken"):
        reports.render(replace(varied, rows=(), groups={}), tmp_path / "taken")


def test_a_report_without_anything_is_a_page(varied: Report) -> None:
    empty = replace(
        varied,
        rows=(),
        groups={},
        tally={},
        looks={},
        shares={},
        controls=(),
        family=None,
        calibration=None,
        commits=(),
        machines=(),
        versions={},
        runs=0,
        cpu_seconds=0.0,
    )
    assert "No claim was asked for." in Page(reports.page(empty)).said


def test_the_page_refers_to_nothing_outside_itself(source: str, shown: Page) -> None:
    for tag, attributes in shown.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, target)
    assert not re.search(r"url\((?!#)|@import", source)


def test_nothing_delays_the_first_paint(source: str, shown: Page) -> None:
    """A browser paints what it has parsed, unless a style sheet, font or script makes it wait."""
    tags = [tag for tag, _ in shown.elements]
    assert not {"link", "iframe", "img", "video"} & {
        tag for tag, found in shown.elements if found.get("href") != "data:,"
    }
    assert tags.count("script") == 1
    assert tags[-1] == "script"
    assert not re.search(r"@font-face|@import", source)
    first_screen = source[: source.index("</header>")]
    assert len(first_screen.encode()) < 64_000


def test_identifiers_are_unique_and_every_link_has_its_target(shown: Page) -> None:
    identities = [a["id"] for _, a in shown.elements if "id" in a]
    assert len(identities) == len(set(identities))
    targets = {
        unquote(a["href"] or "")[1:]
        for tag, a in shown.elements
        if tag in {"a", "use"} and "href" in a
    }
    assert targets <= set(identities)


def test_every_claim_has_a_line_and_a_section(varied: Report, shown: Page) -> None:
    every = {row.verdict.id for row in varied.rows}
    assert {a["id"] for tag, a in shown.elements if tag == "article"} == every
    assert {a["data-id"] for tag, a in shown.elements if "data-id" in a} == every


def test_hostile_text_stays_text(shown: Page) -> None:
    assert [tag for tag, _ in shown.elements].count("script") == 1
    assert "{{ 7*7 }}" in shown.said
    assert '<script>document.title="owned"' in shown.said


def test_headings_never_skip_a_level(shown: Page) -> None:
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_lines_stand_by_document_with_what_is_decided_first(shown: Page) -> None:
    lines = [a for tag, a in shown.elements if tag == "tr" and "data-document" in a]
    documents = [a["data-document"] for a in lines]
    assert [k for k, _ in itertools.groupby(documents)] == list(dict.fromkeys(documents))
    assert documents[0] == "v2"
    for _, found in itertools.groupby(lines, key=lambda a: a["data-document"]):
        ranks = [int(a["data-rank"] or "") for a in found]
        assert ranks == sorted(ranks)
    assert min(decided_first.values()) == 0


def test_a_first_reader_sees_at_most_900_words_before_the_claims(
    find: Callable[[str], Row], varied: Report
) -> None:
    rows = tuple(row for row in varied.rows if len(row.verdict.id) < 40)
    report = replace(
        varied, rows=rows, groups=varied.groups | {"holds": varied.groups["holds"] - 2}
    )
    page = reports.page(report)
    body = page[page.index("<body>") : page.index('id="report-claims"')]
    assert len(Page(body).said.split()) <= 900


def test_what_was_not_measured_is_counted_first_and_listed_by_why(source: str) -> None:
    first = Page(source[: source.index("<main")]).said
    assert (
        "1 needs hardware or data that this harness doesn’t have and 1 hasn’t been run yet" in first
    )
    said = section(source, "report-outside")
    assert "The claim arc-agi-1 does something" in said
    assert "1 claim hasn’t been run yet The claim late does something" in said


def test_controls_stand_with_what_they_should_be_and_are(source: str) -> None:
    said = section(source, "report-controls")
    for name in ("controls/score-equal", "controls/score-planted", "controls/variance-equal"):
        assert name in said
    assert "nothing: equal arms" in said
    assert re.findall(r"\b(passed|failed|open)\b", said)[:3] == ["passed", "failed", "open"]
    assert "Controls 1 of 3 passed, 1 failed, 1 open" in Page(source).said


def test_the_family_and_its_fates_stand_in_page_and_twin(source: str, folder: Path) -> None:
    assert "77: 9 hold, 5 partly, 2 fail, 3 open, 12 not run, 46 without a spec" in source
    twin = json.loads((folder / "report.json").read_text("utf-8"))
    assert twin["family"]["without_spec"] == 46


def test_a_stale_calibration_is_named_on_the_first_screen_and_in_its_section(
    varied: Report,
) -> None:
    assert varied.calibration is not None
    for current in (True, False):
        page = reports.page(replace(varied, calibration={**varied.calibration, "current": current}))
        assert ("stale: made for an earlier rule" in page) is not current
        assert ("run <code>ablations calibrate</code> again" in page) is not current
    assert "50,000" in section(page, "report-calibration")
    assert "Calibration: none" in reports.page(replace(varied, calibration=None))


def test_the_method_is_said_with_the_reports_own_table(varied: Report) -> None:
    said = section(reports.page(varied), "report-method")
    assert "at least 23 of 26 seeds agree" in said
    assert "must agree, for the typical pair 16 23 32 45 82" in said
    assert "must agree, for nearly all pairs — — 40 57 —" in said
    other = replace(varied, looks={"8": 0, "26": 6})
    assert "at least 20 of 26 seeds agree" in section(reports.page(other), "report-method")


def test_a_claims_section_has_all_that_its_row_has(source: str, find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    start = source.index(f'<article class="claim holds" id="{row.verdict.id}"')
    said = Page(source[start : source.index("</article>", start)]).said
    for part in (
        row.statement,
        row.reading,
        "execution.kind",
        "compacted: 2 of 26 (0.95\u00a0% to 25\u00a0%)",
        "floating-point operations: 28\u00a0% less (22 to 34)",
        "wall time: it was not measured",
        "0123456789 WEAKER at 16 pairs",
        "ablations run act-savings-mixed --tier standard",
        "the record was deleted",
        "The median of 26 seeds is 30.0\u00a0% less (28.2 to 31.7)",
        "a claim true as documented holds by this look with 92\u00a0%.",
        "Too small to matter: 5\u00a0% less to 5.26\u00a0% more; a saving of 5 % pays",
        "Documented: 40\u00a0% less to 20\u00a0% less; the printed range.",
        "26 give a true claim an 80 % chance to hold",
        "Mean: 29.6\u00a0% less; standard deviation of the logarithm: 0.035.",
    ):
        assert " ".join(part.split()) in said, part


def test_equal_values_of_many_arms_are_shown_once(find: Callable[[str], Row]) -> None:
    row = find("act-savings-mixed")
    labels = tuple("abcdef")
    values = ("Lockstep", "Compacted") * 3
    for count, said in (
        (2, "execution.kind : a Lockstep → b Compacted"),
        (6, "execution.kind : a, c, e Lockstep ; b, d, f Compacted"),
    ):
        changed = replace(
            row,
            labels=labels[:count],
            differences=(Difference(path="execution.kind", values=values[:count]),),
        )
        page = reports.page(make_report((changed,)))
        assert said in Page(page).said


def test_a_full_report_is_small() -> None:
    """147 claims with 60 pairs each; 2.2 of 3 MB leave room for longer texts."""
    page = reports.page(full_report(147, 60))
    assert len(page.encode()) < 3_000_000


def test_the_page_is_made_of_the_twin_alone(folder: Path) -> None:
    written = (folder / "report.json").read_text(encoding="utf-8")
    page = reports.page(files.read(written, "report.json"))
    assert page == (folder / "index.html").read_text(encoding="utf-8")
