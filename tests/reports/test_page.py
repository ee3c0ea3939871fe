"""The page and its twin, without a browser."""

import itertools
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from ablations.tables import Bounded, Calibrated, Family

import reports
from ablations.records import Report, Word
from hrm.errors import UserError
from reports import text
from reports.words import looks


class Page(HTMLParser):
    """Collects the elements of a page, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_equal_reports_give_equal_bytes_in_processes_that_hash_differently(
    varied: Report, folder: Path, tmp_path: Path
) -> None:
    program = (
        "import json, pathlib, sys; import reports; from ablations.records import Report;"
        "root = pathlib.Path(sys.argv[1]);"
        "data = json.loads((root / 'report.json').read_text());"
        "reports.render(Report.from_json(data), pathlib.Path(sys.argv[2]))"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-c", program, str(folder), str(tmp_path)], check=True, env=environment
    )
    for name in ("index.html", "report.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert reports.page(varied) == (folder / "index.html").read_text(encoding="utf-8")


def test_only_the_page_and_its_twin_are_written(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["index.html", "report.json"]


def test_the_twin_is_strict_json_that_gives_the_report_back(varied: Report, folder: Path) -> None:
    source = (folder / "report.json").read_text(encoding="utf-8")
    assert source.endswith("}\n")

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} isn't JSON")

    data = json.loads(source, parse_constant=refuse)
    assert Report.from_json(data) == Report.from_json(varied.to_json())
    assert list(data) == sorted(data)


def test_a_nan_is_refused(varied: Report, tmp_path: Path) -> None:
    broken = replace(varied, rows=(), tally={}, cpu_seconds=math.nan)
    with pytest.raises(ValueError, match="NaN"):
        reports.render(broken, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_the_users_mistake(
    varied: Report, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    empty = replace(varied, rows=(), tally={})
    with pytest.raises(UserError, match="taken"):
        reports.render(empty, tmp_path / "taken")


def test_the_page_refers_to_nothing_outside_itself(folder: Path) -> None:
    source = (folder / "index.html").read_text(encoding="utf-8")
    for tag, attributes in Page(source).elements:
        for name in ("src", "href", "srcset", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (
                tag,
                name,
                target,
            )
    assert not re.search(r"url\((?!#)|@import", source)


def test_identifiers_are_unique_and_every_link_has_its_target(folder: Path) -> None:
    elements = Page((folder / "index.html").read_text(encoding="utf-8")).elements
    identities = [a["id"] for _, a in elements if "id" in a]
    assert len(identities) == len(set(identities))
    targets = {
        unquote(a["href"] or "")[1:] for tag, a in elements if tag in {"a", "use"} and "href" in a
    }
    assert targets <= set(identities)


def test_every_claim_has_a_section_with_its_identity(varied: Report, folder: Path) -> None:
    elements = Page((folder / "index.html").read_text(encoding="utf-8")).elements
    assert {a["id"] for tag, a in elements if tag == "article"} == {
        r.verdict.id for r in varied.rows
    }


def test_hostile_text_stays_text(varied: Report, folder: Path) -> None:
    source = (folder / "index.html").read_text(encoding="utf-8")
    page = Page(source)
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert "{{ 7*7 }}" in "".join(page.words)
    assert '<script>document.title="owned"' in "".join(page.words)


def test_headings_never_skip_a_level(folder: Path) -> None:
    levels = [
        int(tag[1])
        for tag, _ in Page((folder / "index.html").read_text(encoding="utf-8")).elements
        if re.fullmatch("h[1-6]", tag)
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_the_first_sentence_is_the_tally(varied: Report) -> None:
    assert text.sentence(varied).startswith(
        f"Of {len(varied.rows)} documented claims, 9 are EXACT, 2 CONFIRMED,"
    )
    single = replace(varied, rows=varied.rows[:1], tally={"EXACT": 1})
    assert text.sentence(single) == "Of 1 documented claim, 1 is EXACT."
    assert "No claim was asked for" in reports.page(replace(varied, rows=(), tally={}))


def test_every_verdict_has_one_look_and_no_two_look_alike() -> None:
    assert sorted(look.word for look in looks) == sorted(Word)
    assert len({look.icon for look in looks}) == len({look.slug for look in looks}) == len(looks)


def test_the_table_is_sorted_worst_first(folder: Path) -> None:
    elements = Page((folder / "index.html").read_text(encoding="utf-8")).elements
    order = [a["data-verdict"] for tag, a in elements if tag == "tr" and "data-verdict" in a]
    assert order == sorted(order, key=[look.word for look in looks].index)  # type: ignore[arg-type]
    assert order[0] == "INVALID" and order[-1] == "EXACT"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (0.0, "0"),
        (0.1, "0.1"),
        (-2.345, "−2.35"),
        (844610.0, "844,610"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "—"),
        (1.5e-7, "1.50 × 10⁻⁷"),
        (-3e12, "−3.00 × 10¹²"),
        (99.95, "100"),
    ],
)
def test_a_number_is_shown_as_a_reader_expects_it(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("values", "log", "shown"),
    [
        ((0.7, 0.652, 0.751), True, ["0.700", "0.652", "0.751"]),
        ((1.0021, 1.0018, 1.0024), True, ["1.00210", "1.00180", "1.00240"]),
        ((1.2, 1e-9, 1e9), True, ["1.2", "1.00 × 10⁻⁹", "1.00 × 10⁹"]),
        ((3.2, -1.4, 7.8), False, ["3.2", "−1.4", "7.8"]),
        ((2.0, -math.inf, math.inf), False, ["2", "−∞", "∞"]),
        ((2.0, None, None), False, ["2", "—", "—"]),
    ],
)
def test_an_estimate_has_the_digits_that_its_interval_supports(
    values: tuple[float | None, ...], log: bool, shown: list[str]
) -> None:
    assert text.numbers(values, log) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.42, "0.4 s"),
        (59.7, "1 min"),
        (200.0, "3 min 20 s"),
        (7500.0, "2 h 5 min"),
        (86400.0, "24 h"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert text.duration(seconds) == shown


def test_controls_stand_in_a_section_with_what_they_should_be_and_are(folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    section = page[page.index('id="report-controls"') :].partition("</section>")[0]
    assert "Of 3, 1 passed, 1 failed and 1 is open." in section
    for name in ("controls/score-equal", "controls/score-planted", "controls/variance-equal"):
        assert name in section
    assert "nothing: equal arms" in section
    assert section.count('href="#controller-speed"') == 3
    assert re.findall(r"(yes|no|open)</span></td>", section) == ["yes", "no", "open"]


def test_the_family_and_its_fates_stand_in_page_and_twin(varied: Report, folder: Path) -> None:
    page = (folder / "index.html").read_text("utf-8")
    assert "9 tested, 5 withheld, 2 failed, 3 not run, 46 without a spec" in page
    twin = json.loads((folder / "report.json").read_text("utf-8"))
    assert twin["family"]["without_spec"] == 46
    assert [c["passed"] for c in twin["controls"]] == [True, False, None]


def test_a_plan_says_what_it_can_tell_or_that_nobody_knows(varied: Report) -> None:
    row = next(row for row in varied.rows if row.planning is not None)

    def said(**changes: object) -> str:
        assert row.planning is not None
        return text.planned(replace(row, planning=replace(row.planning, **changes)))

    assert said() == (
        "12 pairs at a spread of 0.05 (5 pilot pairs) tell 1.08× apart from an edge with a power "
        "of 80\u00a0% and confirm 0.7× with one of 83\u00a0%. That takes 12 pairs for 80\u00a0% "
        "and 16 pairs for 90\u00a0%."
    )
    unknown = "unknown: no pilot is stored"
    assert said(sd=None, source=unknown) == f"12 pairs; their spread is {unknown}."
    assert said(sd=0.0) == "12 pairs; they don't differ at all (5 pilot pairs)."
    blind = said(detectable=None, power=0.0, pairs_80=None, pairs_90=None)
    assert blind.endswith("confirm 0.7× with one of 0\u00a0%.")


def calibrated(**changes: object) -> Calibrated:
    """Return a calibration of three cells, one of them beyond its bound."""
    cells = [
        Bounded(
            form="quality",
            noise=noise,
            varies="one arm",
            n=20,
            looks=looked,
            rate=rate,
            bound=rate + 0.2,
            plain=None,
            within=rate < 1,
        )
        for noise, looked, rate in (("normal", False, 0.5), ("t3", False, 2.5), ("t3", True, 0.7))
    ]
    given = {"current": True, "replicates": 50_000, "level": 0.999, "limit": 1.25, "whole": 0.012}
    return Calibrated(**{"cells": tuple(cells), "whole_bound": 0.019, **given, **changes})


def test_the_page_shows_the_calibration_and_what_it_withholds(varied: Report) -> None:
    assert "Calibration" not in " ".join(Page(reports.page(varied)).words)
    said = " ".join(
        " ".join(Page(reports.page(replace(varied, calibration=calibrated()))).words).split()
    )
    assert "50,000 of them at each of several places" in said
    assert "Where the bound exceeds 1.25, verdicts are withheld." in said
    assert "1.2 % of whole reports have a false CONFIRMED, at most 1.9 %." in said
    assert "0.50 (0.70) 2.50 (2.70) withheld" in said.replace(" quality one arm t3 ", " ")
    assert "several looks" in said
    within = tuple(cell for cell in calibrated().cells if cell.within)
    clean = reports.page(replace(varied, calibration=calibrated(cells=within)))
    assert "No bound exceeds 1.25." in " ".join(Page(clean).words)


def test_the_page_says_where_the_engine_has_changed_since_it_was_calibrated(
    varied: Report,
) -> None:
    sentence = "The engine or the family has changed since this table was made"
    for current in (True, False):
        shown = reports.page(replace(varied, calibration=calibrated(current=current)))
        assert (sentence in shown) is not current


def test_the_page_says_what_became_of_the_family(varied: Report) -> None:
    fates = {"tested": 3, "withheld": 1, "failed": 0, "not_run": 70, "without_spec": 5}
    shown = reports.page(replace(varied, family=Family(members=79, **fates)))
    said = " ".join(" ".join(Page(shown).words).split())
    assert (
        "Of the family\u2019s 79 members, 3 were tested, 1 was withheld, 0 failed"
        " and 70 were not run; 5 have no spec yet." in said
    )
