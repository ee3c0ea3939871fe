"""The page and the files beside it, written atomically; all of them show `report.json`."""

import json
from pathlib import Path

from ablations.records.comparisons import Comparison
from ablations.records.history import History
from ablations.records.rows import SCHEMA, Report
from hrm.errors import UserError
from hrm.system.files import whole
from reports import history as commits
from reports import schema, tex, twins
from reports.page import page


def render(
    report: Report,
    folder: Path,
    since: Comparison | None = None,
    history: History | None = None,
) -> Path:
    """Write `index.html`, `report.json` and the other files of a report into a folder.

    Args:
        report: The report to write.
        folder: The folder.
        since: Changes since another report, for the summary.
        history: Records of commits, for `history.html`; None without records.

    Returns:
        The path of `index.html`.

    Raises:
        UserError: If the folder can't be made or written to.
        ValueError: If the report holds a number that isn't finite, which JSON can't.
    """
    written = folder / "index.html"
    contents = {
        folder / "report.json": data(report),
        folder / schema.BESIDE: schema.published().read_text(encoding="utf-8"),
        folder / "claims.csv": twins.table(report),
        folder / "claims.tex": tex.table(report),
        folder / "junit.xml": twins.junit(report),
        folder / "summary.md": twins.summary(report, since),
        folder / "badge.svg": twins.badge(report),
        written: page(report, history=history),
    }
    if history is not None:
        contents[folder / commits.NAME] = commits.page(history)
    for path, content in contents.items():
        write(path, content)
    return written


def data(report: Report) -> str:
    """Return the report as strict JSON with sorted keys, and the name of its schema."""
    found = {"$schema": schema.BESIDE, **report.to_json()}
    return json.dumps(found, sort_keys=True, indent=1, allow_nan=False) + "\n"


def read(text: str, name: str) -> Report:
    """Return the report that a `report.json` holds.

    Args:
        text: The content of the file.
        name: Name of the file, for messages.

    Raises:
        UserError: If it isn't a report, or is one of another version.
    """
    try:
        found = json.loads(text)
        version = found.pop("schema")
        found.pop("$schema", None)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise UserError(
            f"{name!r} isn't a report ({type(error).__name__}); allowed is a report.json that "
            "`ablations report` wrote; name one"
        ) from error
    if version not in range(2, SCHEMA + 1):  # each has more fields than the last one, and no others
        raise UserError(
            f"{name!r} has version {version!r}; allowed are 2 to {SCHEMA}; use the release that "
            "wrote it, or render it again"
        )
    try:
        return Report.from_json(found)
    except ValueError as error:
        raise UserError(
            f"{name!r} doesn't fit its schema ({error}); allowed is a report.json that `ablations "
            "report` wrote; render it again"
        ) from error


def write(path: Path, content: str) -> None:
    """Write a file atomically.

    Raises:
        UserError: If it can't be written.
    """
    try:
        with whole(path) as temporary:
            temporary.write_bytes(content.encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(
            f"the report can't be written to {str(path.parent)!r} ({error.strerror}); allowed is a "
            "folder that you may write to; name another with --output"
        ) from error
