"""A report that has everything, its page, and a browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import reports
from ablations.records.rows import Family, Report, Row
from tests.reports.made import hostile, make_report
from tests.reports.rows import make_controls, varied_rows

CALIBRATION = {
    "current": True,
    "replicates": 50000,
    "cells": [{"noise": "normal", "rate": 0.0002, "within": True}],
}


@pytest.fixture(scope="session")
def varied() -> Report:
    return make_report(
        varied_rows(),
        machines=("Xeon 2.1 GHz, 2 cores, Linux 6.1", hostile),
        family=Family(members=77, holds=9, partly=5, fails=2, open=3, not_run=12, without_spec=46),
        controls=tuple(make_controls()),
        calibration=CALIBRATION,
        first="2026-11-03",
        last="2026-11-29",
    )


@pytest.fixture
def find(varied: Report) -> Callable[[str], Row]:
    rows = {row.verdict.id: row for row in varied.rows}
    return rows.__getitem__


@pytest.fixture(scope="session")
def folder(varied: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reports.render(varied, tmp_path_factory.mktemp("report")).parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, named by the variable CHROMIUM or found on the path."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:  # no skip: a browser that is missing would hide in a green run
        pytest.fail("chromium is missing: install it or name it in the variable CHROMIUM")
    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=flags.split())
        yield chromium
        chromium.close()
