"""The page and its twins, written whole or not at all; everything is made of `report.json`."""

import json
import os
from pathlib import Path

from ablations.records.history import History
from ablations.records.rows import Report
from hrm.errors import UserError
from reports import history as history_page
from reports import twins
from reports.page import page


def render(report: Report, folder: Path, history: History | None = None) -> Path:
    """Write `index.html`, `report.json` and the other twins into a folder.

    Args:
        report: What is shown. folder: Where.
        history: What is kept of commits, for `history.html`; None where nothing is.

    Returns:
        The path of `index.html`.

    Raises:
        UserError: If the folder can't be made or written to.
        ValueError: If the report holds a number that isn't finite, which JSON can't.
    """
    written = folder / "index.html"
    contents = {
        folder / "report.json": data(report),
        folder / "claims.csv": twins.table(report),
        folder / "junit.xml": twins.junit(report),
        folder / "summary.md": twins.summary(report),
        folder / "badge.svg": twins.badge(report),
        written: page(report, history=history is not None),
    }
    if history is not None:
        contents[folder / history_page.NAME] = history_page.page(history)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            _replace(path, content)
    except OSError as error:
        raise UserError(
            f"the report can't be written to {str(folder)!r} ({error.strerror}); "
            "a folder that may be written to is needed; name another one"
        ) from error
    return written


def data(report: Report) -> str:
    """Return the report as strict JSON with sorted keys."""
    return json.dumps(report.to_json(), sort_keys=True, indent=1, allow_nan=False) + "\n"


def _replace(path: Path, content: str) -> None:
    """Write a file beside its place, then move it there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode("utf-8", "replace"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
