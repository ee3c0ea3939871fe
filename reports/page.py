"""One self-contained HTML page from a `Report`; equal reports give equal text."""

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from ablations import text
from ablations.records.history import History
from ablations.records.rows import Elsewhere, Report, Row
from ablations.records.statements import Beside, Part
from reports import captions, figures, findings, lines, overview, sayings
from reports.documents import documents
from reports.wording import Saying
from reports.words import groups, look_of, looks, name_of

MANY = 4  # arms of which equal values are shown once
_templates = Path(__file__).parent / "templates"


def page(report: Report, *, history: History | None = None) -> str:
    """Return the page; with a history, it links to the page of commits beside it."""
    identities = [row.verdict.id for row in report.rows]
    assert len(set(identities)) == len(identities), f"claims appear twice: {sorted(identities)}"
    assert sum(report.groups.values()) == len(report.rows), (
        f"{dict(report.groups)} doesn't count {len(report.rows)} rows"
    )
    script = (_templates / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            documents=documents(report),
            looks_at=sorted((int(n), c) for n, c in report.looks.items()),
            found=findings.chosen(report),
            passed_of={control.row.verdict.id: control.passed for control in report.controls},
            panels=_panels(report),
            history=history,
            judged={claim for commit in history.commits for claim in commit.claims}
            if history is not None
            else set(),
            style=Markup(style("report")),
            script=Markup(script),
            digest=digest,
        )
    )


def style(name: str) -> str:
    """Return a style sheet, "report" or "history"."""
    return (_templates / f"{name}.css").read_text(encoding="utf-8")


@functools.cache
def environment() -> jinja2.Environment:
    """Return the Jinja environment of the templates."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "anchor": lambda identity: "#" + quote(identity, errors="replace"),
        "number": text.number,
        "percent": text.percent,
        "duration": text.duration,
        "listed": text.listed,
        "started": text.started,
        "days": lambda of: text.days(of.first, of.last),
        "documentcounts": lambda d: [(named.group, d.count(named.group)) for named in groups],
        "groupcount": lambda group, report: (group, report.groups.get(group, 0)),
    }
    environment.globals |= {
        "count": text.count,
        "nouns": text.nouns,
        "captions": captions,
        "figures": figures,
        "findings": findings,
        "groups": groups,
        "lines": lines,
        "overview": overview,
        "look_of": look_of,
        "looks": looks,
        "name_of": name_of,
        "sayings": sayings,
        "arms_of": _arms,
        "other": _other,
        "saying": Saying,
        "spoken_zone": _zone,
    }
    return environment


def _panels(report: Report) -> list[tuple[str, list[Row]]]:
    """Return the rows with an estimate, by unit; ratios, which share a panel, come first."""
    found: dict[tuple[bool, str], list[Row]] = {}
    for row in report.rows:
        if row.parts and figures.drawable(part := sayings.deciding(row)):
            saying = Saying.part(row, part)
            unit = "" if saying.log else part.scale.unit + saying.unit
            found.setdefault((not saying.log, unit), []).append(row)
    return [
        (
            unit[:1].upper() + unit[1:] or "Ratios of treatment to baseline",
            sorted(rows, key=sayings.rank),
        )
        for (_, unit), rows in sorted(found.items(), key=lambda item: item[0])
    ]


def _arms(labels: Sequence[str], values: Sequence[str]) -> list[tuple[list[str], str]]:
    """Return the values of arms with the labels that have them; more than three arms share one."""
    names: list[list[str]] = [[label] for label in labels] or [[] for _ in values]
    if len(values) < MANY:
        return list(zip(names, values, strict=False))
    found: dict[str, list[str]] = {}
    for label, value in zip(names, values, strict=False):
        found.setdefault(value, []).extend(label)
    return [(label, value) for value, label in found.items()]


def _zone(row: Row, part: Part, ends: tuple[float | None, float | None]) -> str:
    """Return a zone in the claim's own words: "20 % less to 40 % less", "at least 2"."""
    saying = Saying.part(row, part)
    low, high = ("" if end is None else saying.value(end) for end in ends)
    if low and high:
        return f"{low} to {high}"
    return f"{low or high} or beyond"


def _other(row: Row, reading: Beside | Elsewhere) -> tuple[str, str]:
    """Return another reading's estimate and interval; whether it is a level isn't known of it."""
    unit = "" if row.verdict.form == "one-sample" else getattr(reading, "unit", "")
    saying = Saying.of(row, log=reading.log, unit=unit)
    return saying.interval(reading.estimate, reading.low, reading.high)
