"""One self-contained HTML page from a `Report`, and the same report as JSON beside it."""

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ablations.records import Report, Row
from hrm.errors import UserError
from reports import figures, text
from reports.words import look_of, looks, severity

_templates = Path(__file__).parent / "templates"


def render(report: Report, folder: Path) -> Path:
    """Write `index.html` and `report.json` into a folder, each whole or not at all.

    Returns:
        The path of `index.html`.

    Raises:
        UserError: If the folder can't be made or written to.
        ValueError: If the report holds a NaN, which JSON can't.
    """
    written = folder / "index.html"
    contents = {folder / "report.json": _json(report), written: page(report)}
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


def page(report: Report) -> str:
    """Return the page: equal reports, equal text."""
    rows = sorted(
        report.rows, key=lambda row: severity[row.verdict.verdict]
    )  # stable within a word
    identities = [row.verdict.id for row in rows]
    assert len(set(identities)) == len(rows), f"claims appear twice: {sorted(identities)}"
    assert sum(report.tally.values()) == len(rows), (
        f"{dict(report.tally)} doesn't count {len(rows)} rows"
    )
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "anchor": lambda identity: "#" + quote(identity, errors="replace"),
        "bound": lambda line: re.sub(r"(?<=\d) (?=[A-Z])|(?<=[A-Z]) (?=[A-Z])", "\u00a0", line),
        "number": text.number,
        "percent": text.percent,
        "duration": text.duration,
        "listed": text.listed,
    }
    script = (_templates / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("report.html.j2").render(
        report=report,
        rows=rows,
        looks=looks,
        look_of=look_of,
        text=text,
        figures=figures,
        panels=_panels(rows),
        cells=_cells(report),
        style=Markup((_templates / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        digest=digest,
    )


def _panels(rows: list[Row]) -> list[list[Row]]:
    """Return the rows that have an estimate: ratios together, differences by their unit."""
    panels: dict[tuple[bool, str, float], list[Row]] = {}
    for row in filter(figures.drawable, rows):
        panels.setdefault((row.log, "" if row.log else row.unit, row.neutral), []).append(row)
    return sorted(panels.values(), key=lambda panel: not panel[0].log)


def _cells(report: Report) -> tuple[list[str], list[tuple[tuple[str, str, str], list[str]]]]:
    """Return the calibration's columns, and its rows: form, place and noise, then texts."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    columns: dict[str, None] = {}
    for cell in report.calibration.cells if report.calibration else ():
        column = "several looks" if cell.looks else f"n = {cell.n}"
        columns[column] = None
        found = rows.setdefault((cell.form, cell.varies, cell.noise), {})
        found[column] = text.multiple(cell)
    return list(columns), [
        (names, [found.get(column, "") for column in columns]) for names, found in rows.items()
    ]


def _json(report: Report) -> str:
    """Return strict JSON with sorted keys; an infinite bound is a number too large for a float."""

    def strict(token: re.Match[str]) -> str:
        if token[0] == "NaN":
            raise ValueError("the report holds a NaN: a statistic went wrong before it got here")
        return token[0].replace("Infinity", "1e999")

    loose = json.dumps(report.to_json(), sort_keys=True, indent=1)
    return re.sub(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', strict, loose) + "\n"


def _replace(path: Path, content: str) -> None:
    """Write a file beside its place, then move it there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content.encode("utf-8", "replace"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
