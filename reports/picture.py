"""Take the picture of the README, the first screen of a report: `python -m reports.picture`."""

import argparse
import os
import shutil
from pathlib import Path

from hrm.errors import UserError

flags = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def take(report: Path, picture: Path) -> None:
    """Save the first screen of a report as a PNG.

    Raises:
        UserError: If there is no report, or no Chromium.
    """
    # A package of the tests, which rendering doesn't need.
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise UserError(
            "there is no Chromium on the path; allowed is one there, or in the environment "
            "variable CHROMIUM; install it, or set CHROMIUM"
        )
    if not report.is_file():
        raise UserError(
            f"report is {str(report)!r}, which doesn't exist; allowed is the folder of a report; "
            "make one with `ablations report`"
        )
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(flags))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.resolve().as_uri())
        page.screenshot(path=str(picture))
        browser.close()


def main() -> None:
    """Parse the command line and take the picture."""
    parser = argparse.ArgumentParser(prog="python -m reports.picture", description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("report/index.html"))
    parser.add_argument("--picture", type=Path, default=Path("docs/report.png"))
    asked = parser.parse_args()
    take(asked.report, asked.picture)


if __name__ == "__main__":
    main()
