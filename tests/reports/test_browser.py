"""The page as Chromium shows it: light and dark, wide and narrow, with and without JavaScript."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

import reports
from ablations.judging.comparing import compared
from ablations.records.pictures import Kind
from ablations.records.rows import Report
from ablations.rule.outcomes import Group, Word
from tests.reports.made import hostile, make_part, make_report, make_row, with_parts
from tests.reports.pictured import pictures

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])
widths = pytest.mark.parametrize("width", [1280, 360])


class Visit:
    """Opens the report and keeps everything that a page should never do."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def __call__(self, at: str = "", **options: Any) -> Page:
        page = self.browser.new_page(**options)
        self.pages.append(page)
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else self.faults.append(r.url),
        )
        page.on("requestfailed", lambda r: self.faults.append(r.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text))
        page.goto(self.address + at)
        return page


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Visit]:
    visit = Visit(browser, (folder / "index.html").as_uri())
    yield visit
    for page in visit.pages:
        page.close()
    assert visit.faults == []


shown_lines = "#report-table tr.one:visible"


def shown(page: Page) -> list[str | None]:
    """Return the ids of the claims that the table shows, in its order."""
    return [line.get_attribute("data-id") for line in page.locator(shown_lines).all()]


@schemes
@widths
def test_nothing_but_the_file_is_loaded_and_nothing_overflows(
    visit: Visit, scheme: Any, width: int
) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.add_style_tag(content=".claim { content-visibility: visible !important }")
    page.evaluate("document.querySelectorAll('details').forEach((it) => (it.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    assert dark == (scheme == "dark")


@schemes
@widths
def test_axe_finds_nothing(visit: Visit, scheme: Any, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((it) => (it.open = true))")
    response = Axe().run(page).response
    found = [(v["id"], [n["html"][:160] for n in v["nodes"]][:3]) for v in response["violations"]]
    assert found == []
    assert "color-contrast" in {rule["id"] for rule in response["passes"]}


def test_the_table_filters_by_document_group_word_test_and_text(visit: Visit) -> None:
    page = visit()
    every = shown(page)
    field = "#report-filter [name={}]".format
    page.locator(field("text")).fill("CONTROLLER 5x")
    assert shown(page) == ["controller-speed"]
    assert page.locator("output").text_content() == f"1 of {len(every)} claims"
    page.locator(field("text")).fill("")
    page.locator(field("word")).select_option("NOT RUN")
    assert sorted(map(str, shown(page))) == ["arc-agi-1", "late"]
    page.locator(field("word")).select_option("")
    page.locator(field("document")).select_option("gru")
    page.locator(field("group")).select_option("holds")
    assert shown(page) == ["more-of-it"]
    page.locator(field("group")).select_option("")
    page.locator(field("form")).select_option("timing")
    assert shown(page) == ["forward-share", "controller-speed"]
    page.locator(field("form")).select_option("")
    page.locator(field("document")).select_option("")
    assert shown(page) == every


def test_the_table_sorts_and_comes_back_to_its_own_order(visit: Visit) -> None:
    page = visit()
    every = shown(page)
    order = page.locator("#report-filter [name=sort]")
    order.select_option("id")
    assert shown(page) == sorted(every, key=str)
    order.select_option("effect")
    lines = page.locator(shown_lines).all()
    effects = [float(line.get_attribute("data-effect") or "") for line in lines]
    assert effects == sorted(effects, reverse=True) and effects[0] > effects[-1]
    order.select_option("result")
    groups = [line.get_attribute("data-group") for line in page.locator(shown_lines).all()]
    assert list(dict.fromkeys(groups)) == ["fails", "holds", "partly", "open"]
    assert groups == sorted(groups, key=["fails", "holds", "partly", "open"].index)
    order.select_option("")
    assert shown(page) == every


def test_what_is_asked_for_stands_in_the_address_and_comes_back_from_it(visit: Visit) -> None:
    page = visit()
    page.locator("#report-filter [name=group]").select_option("fails")
    page.locator("#report-filter [name=sort]").select_option("id")
    asked = page.url.partition("#")[2]
    assert asked == "?group=fails&sort=id"
    again = visit(at=f"#{asked}")
    assert shown(again) == shown(page)
    assert again.locator("#report-filter [name=group]").input_value() == "fails"
    page.locator("#report-filter [name=group]").select_option("")
    page.locator("#report-filter [name=sort]").select_option("")
    assert page.url.partition("#")[2] == "?"


def test_everything_but_the_filter_is_there_without_javascript(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    assert not page.locator("#report-filter").is_visible()
    assert page.locator(".lede").inner_text().startswith("Of ")
    lines = page.locator(shown_lines).count()
    assert lines == page.locator("article:visible").count() > 20
    assert page.locator("svg[role=img]:visible").count() > 20


def test_every_link_leads_to_a_place_on_the_page(visit: Visit) -> None:
    lost = visit().evaluate(
        "[...document.links].map(a => a.hash)"
        ".filter(h => !document.getElementById(decodeURIComponent(h.slice(1))))"
    )
    assert lost == []


@pytest.mark.parametrize("clicked", [True, False])
def test_a_claims_address_shows_its_section(visit: Visit, clicked: bool) -> None:
    at = "" if clicked else "#gradient-variance"
    page = visit(at=at, viewport={"width": 1280, "height": 900})
    if clicked:
        page.locator("#report-table a", has_text="gradient-variance").click()
    page.wait_for_timeout(100)
    box = page.locator("article[id=gradient-variance]").bounding_box()
    assert box is not None and -5 <= box["y"] < 60


def test_hostile_text_runs_nothing(visit: Visit) -> None:
    page = visit()
    assert "owned" not in page.title()
    assert page.locator("script").count() == 1
    assert page.get_by_text('<script>document.title="owned"</script>').count() > 5


def test_print_leaves_out_the_controls_and_is_light(visit: Visit) -> None:
    page = visit(viewport={"width": 1280, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("#report-filter").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 252, 250)"
    assert not page.locator(".claim details").first.is_visible()
    assert page.locator(".legend dd dl").first.is_visible(), "the legend is open on paper"
    assert page.pdf().startswith(b"%PDF")
    page.set_viewport_size({"width": 680, "height": 900})  # A4 less its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 680, "it would be shrunk"


def test_the_keyboard_reaches_the_skip_link_first_and_sees_it(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to the claims"
    page.wait_for_timeout(50)
    box = focused.bounding_box()
    assert box is not None and box["y"] >= 0


kinds = pytest.mark.parametrize("kind", list(Kind))


@widths
@kinds
def test_every_kind_of_picture_fits_its_place_and_is_text(
    visit: Visit, kind: Kind, width: int
) -> None:
    page = visit(at=f"#pictured-{kind}", viewport={"width": width, "height": 900})
    figure = page.locator(f"article[id=pictured-{kind}] svg.lines.{kind}")
    box = figure.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert 150 < box["height"] < 260
    outside = figure.evaluate(
        "(svg) => { const edge = document.documentElement.clientWidth;"
        " return [...svg.querySelectorAll('text')].map((t) => [t.textContent,"
        " t.getBoundingClientRect()]).filter(([, b]) => b.left < 0 || b.right > edge)"
        ".map(([words]) => words) }"
    )
    assert outside == []
    sizes = figure.evaluate(
        "(svg) => [...svg.querySelectorAll('text')].map((t) => getComputedStyle(t).fontSize)"
    )
    assert set(sizes) == {"12px"}


@widths
@pytest.mark.parametrize("names", ["as they are", "long"])
def test_no_two_texts_of_a_picture_overlap_and_none_leaves_the_page(
    browser: Browser, folder: Path, tmp_path: Path, names: str, width: int
) -> None:
    if names == "long":
        labels = tuple(f"{n} levels, {m} segments" for n in ("one", "two") for m in (1, 2, 4))
        up = "halting steps in training, over the last 25 % of the updates"
        rows = tuple(
            with_parts(
                f"cells-{count}",
                Word.CONFIRMED,
                make_part(Word.CONFIRMED, 0.7, labels=labels[:count]),
                pictures=tuple(replace(p, up=up, across=up) for p in pictures().values()),
            )
            for count in (2, 3, 6)
        )
        folder = reports.render(make_report(rows), tmp_path).parent
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((folder / "index.html").as_uri())
    page.add_style_tag(content=".claim { content-visibility: visible !important }")
    found = page.evaluate(
        """() => [...document.querySelectorAll("svg.plot")].flatMap((svg) => {
          const edge = document.documentElement.clientWidth;
          const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent != "?")
            .map((t) => [t.textContent, t.getBoundingClientRect()]);
          const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
          return texts.flatMap(([said, box], i) => [
            ...texts.slice(i + 1).filter(([, b]) => meet(box, b)).map(([s]) => [said, s]),
            ...(box.left < 0 || box.right > edge ? [[said, "leaves the page"]] : []),
          ]);
        })"""
    )
    page.close()
    assert found == []


def test_details_open_by_a_click(visit: Visit) -> None:
    page = visit()
    pairs = page.locator("article[id=act-savings-mixed] table.pairs")
    assert not pairs.is_visible()
    page.locator("article[id=act-savings-mixed] summary").click()
    assert pairs.is_visible()


@schemes
def test_lines_of_a_picture_differ_in_colour_and_in_dashes(visit: Visit, scheme: Any) -> None:
    page = visit(color_scheme=scheme)
    looks = page.evaluate(
        """() => {
          const svg = document.querySelector("svg.lines.course svg");
          return [1, 2, 3, 4, 5, 6].map((i) => {
            const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
            path.setAttribute("class", `s${i}`);
            svg.append(path);
            const style = getComputedStyle(path);
            return [style.stroke, style.strokeDasharray];
          });
        }"""
    )
    assert len({colour for colour, _ in looks}) == len({dashes for _, dashes in looks}) == 6
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(contrast(colour, paper) for colour, _ in looks) >= 3


def contrast(colour: str, paper: str) -> float:
    """Return the contrast of two colours, by the formula of WCAG 2."""

    def light(rgb: str) -> float:
        shares = [int(n) / 255 for n in re.findall(r"\d+", rgb)[:3]]
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, bright = sorted((light(colour), light(paper)))
    return (bright + 0.05) / (dark + 0.05)


@widths
def test_the_overview_scrolls_in_its_own_place(visit: Visit, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900})
    for picture in page.locator("svg.overview").all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] >= 500
        inside = picture.evaluate("(svg) => svg.parentElement.getBoundingClientRect().right")
        assert inside <= width
        fills = picture.evaluate(
            "(svg) => [...svg.querySelectorAll('path, use, text')]"
            ".map((it) => getComputedStyle(it).fill).filter((fill) => fill === '')"
        )
        assert fills == []


def test_the_badges_say_when_and_how_many_replications_agree(visit: Visit) -> None:
    page = visit()
    badges = page.locator(".badges").inner_text()
    assert "412 runs, 3 to 29 November 2026" in badges
    assert "Replicated here: 1 of the 1 compared agree" in badges


@schemes
@widths
def test_a_comparison_has_no_fault(
    browser: Browser, varied: Report, tmp_path: Path, scheme: Any, width: int
) -> None:
    rows = tuple(row for row in varied.rows if row.verdict.group is not Group.HOLDS)
    turned = tuple(
        make_row(row.verdict.id, Word.CONFIRMED, document=hostile) for row in rows[: len(rows) // 2]
    )
    other = make_report(turned)
    names = (hostile, "other")
    reports.render_comparison(compared(varied, other, names), varied, other, tmp_path / "page.html")
    opened = Visit(browser, (tmp_path / "page.html").as_uri())
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:160]) for v in violations] == []
    assert page.locator("article.move").count() > 5
    assert page.title() != "owned"
    page.close()
    assert opened.faults == []
