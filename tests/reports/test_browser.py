"""The page as Chromium shows it: light and dark, wide and narrow, with and without JavaScript."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])
widths = pytest.mark.parametrize("width", [1280, 400])


class Visit:
    """Opens the report and keeps everything that a page should never do."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def __call__(self, **options: Any) -> Page:
        page = self.browser.new_page(**options)
        self.pages.append(page)
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:")) else self.faults.append(r.url),
        )
        page.on("requestfailed", lambda r: self.faults.append(r.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text))
        page.goto(self.address)
        return page


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Visit]:
    visit = Visit(browser, (folder / "index.html").as_uri())
    yield visit
    for page in visit.pages:
        page.close()
    assert visit.faults == []


@schemes
@widths
def test_nothing_but_the_file_is_loaded_and_nothing_overflows(
    visit: Visit, scheme: Any, width: int
) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    assert dark == (scheme == "dark")


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1280)])
def test_axe_finds_nothing_serious(visit: Visit, scheme: Any, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    response = Axe().run(page).response
    found = [
        (v["id"], [n["html"][:120] for n in v["nodes"]][:3])
        for v in response["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
    assert found == []
    assert "color-contrast" in {rule["id"] for rule in response["passes"]}


def test_the_table_filters_by_text_and_by_verdict(visit: Visit) -> None:
    page = visit()
    rows = page.locator("#report-table tbody tr")
    total = rows.count()
    assert page.locator("#report-table tbody tr:visible").count() == total
    page.locator("#report-filter input").fill("CONTROLLER 5x")
    assert page.locator("#report-table tbody tr:visible a").all_text_contents() == [
        "controller-speed"
    ]
    assert page.locator("output").text_content() == f"1 of {total} claims"
    page.locator("#report-filter input").fill("")
    page.locator("#report-filter select").select_option("NOT RUN")
    assert page.locator("#report-table tbody tr:visible a").all_text_contents() == [
        "arc-agi-1",
        "late",
    ]
    page.locator("#report-filter select").select_option("")
    assert page.locator("#report-table tbody tr:visible").count() == total


def test_everything_but_the_filter_is_there_without_javascript(visit: Visit) -> None:
    page = visit(java_script_enabled=False)
    assert not page.locator("#report-filter").is_visible()
    assert page.locator(".lede").inner_text().startswith("Of ")
    assert (
        page.locator("#report-table tbody tr:visible").count()
        == page.locator("article:visible").count()
        > 20
    )
    assert page.locator("svg[role=img]:visible").count() > 20


def test_every_link_leads_to_a_place_on_the_page(visit: Visit) -> None:
    lost = visit().evaluate(
        "[...document.links].map(a => a.hash)"
        ".filter(h => !document.getElementById(decodeURIComponent(h.slice(1))))"
    )
    assert lost == []


def test_a_claims_address_shows_its_section(visit: Visit) -> None:
    page = visit(viewport={"width": 1280, "height": 900})
    page.locator("#report-table a", has_text="metarl-gradient-variance").click()
    box = page.locator("article", has_text="metarl-gradient-variance").first.bounding_box()
    assert box is not None and -5 <= box["y"] < 60


def test_hostile_text_runs_nothing(visit: Visit) -> None:
    page = visit()
    assert "owned" not in page.title()
    assert page.locator("script").count() == 1
    assert page.get_by_text('<script>document.title="owned"</script>').count() > 5


def test_one_of_both_forests_shows_and_print_leaves_out_the_controls(visit: Visit) -> None:
    page = visit(viewport={"width": 1280, "height": 900})
    assert page.locator(".forest .wide").first.is_visible()
    assert not page.locator(".forest .narrow").first.is_visible()
    page.set_viewport_size({"width": 400, "height": 900})
    assert not page.locator(".forest .wide").first.is_visible()
    assert page.locator(".forest .narrow").first.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("nav").is_visible() and not page.locator("#report-filter").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 252, 250)"


def test_the_keyboard_reaches_the_skip_link_first_and_sees_it(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "Skip to the verdicts"
    page.wait_for_timeout(50)
    box = focused.bounding_box()
    assert box is not None and box["y"] >= 0
