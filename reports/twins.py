"""The report for other programs: a CSV table, JUnit XML, Markdown for a pull request, a badge."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree

from markupsafe import escape

from ablations import text
from ablations.records.comparisons import Comparison
from ablations.records.rows import Report, Row
from ablations.rule.outcomes import Group, Word
from reports import sayings
from reports.documents import documents

LINES = 60  # largest number of lines of the summary
MOVES = 15  # largest number of these about changes
_columns = (
    *("id", "document", "section", "statement", "form", "documented", "measured", "interval"),
    *("estimate", "low", "high", "counted", "n", "look", "group", "word", "reason"),
)
_unprintable = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_shades = {Group.HOLDS: "#1b4f8f", Group.PARTLY: "#5b8fc4", Group.FAILS: "#b4470f"}


def table(report: Report) -> str:
    """Return CSV with a line per claim; numbers in the reader's unit, empty if missing."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_columns)
    for row in report.rows:
        v, (measured, interval) = row.verdict, sayings.measured(row)
        said = (v.id, v.document, v.section, row.statement, v.form, v.documented, measured)
        numbers = (interval, v.estimate, v.low, v.high, sayings.counted(row), v.n, v.look)
        writer.writerow([*map(_inert, said), *numbers, v.group, v.verdict, _inert(v.reason)])
    return written.getvalue()


def junit(report: Report) -> str:
    """Return JUnit XML, a test per claim: fails is a failure, INVALID an error, open skipped."""
    suites = ElementTree.Element("testsuites", name="ablations", tests=str(len(report.rows)))
    for document in documents(report):
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=_printable(document.key),
            tests=str(len(document.rows)),
            failures=str(document.count(Group.FAILS)),
            errors=str(sum(_kind(row) == "error" for row in document.rows)),
            skipped=str(sum(_kind(row) == "skipped" for row in document.rows)),
        )
        for row in document.rows:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_printable(document.key),
                name=_printable(row.verdict.id),
                time=f"{row.cost_seconds:.3f}",
            )
            kind = _kind(row)
            if kind:
                said = f"{row.verdict.verdict}: {row.verdict.reason}"
                ElementTree.SubElement(case, kind, message=_printable(said))
    ElementTree.indent(suites)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(suites, encoding="unicode")
        + "\n"
    )


def summary(report: Report, since: Comparison | None = None) -> str:
    """Return Markdown of at most 60 lines: changes, then claims that fail and hold, if they fit.

    Args:
        report: The report.
        since: Changes since another report.
    """
    lines = [f"# {_short(sayings.headline(report))}", ""]
    lines += [] if since is None else _moved(since)
    lines += ["| document | holds | partly | fails | open |", "|---|--:|--:|--:|--:|"]
    for document in documents(report)[:12]:
        counts = " | ".join(str(document.count(group)) for group in Group)
        lines.append(f"| {_short(document.name)} | {counts} |")
    lines += ["", "| | claim | documented | measured | counted |", "|---|---|---|---|---|"]
    decided = sorted(filter(sayings.decided, report.rows), key=sayings.rank)
    room = LINES - len(lines) - 2
    for row in decided[:room]:
        cells = (
            row.verdict.verdict,
            row.statement,
            row.verdict.documented,
            sayings.result(row),
            sayings.counted(row),
        )
        lines.append(f"| {' | '.join(map(_short, cells))} |")
    if len(decided) > room:
        lines += ["", f"`claims.csv` has {len(decided) - room} further decided claims."]
    return "\n".join(lines) + "\n"


def _moved(since: Comparison) -> list[str]:
    """Return the changes since another report, in at most `MOVES` lines."""
    said = f"Since {_short(since.before)}: {len(since.moved)} groups changed"
    if not since.moved:
        return [f"{said}.", ""]
    lines = [f"{said}.", "", "| claim | before | after | why |", "|---|---|---|---|"]
    for move in since.moved[:MOVES]:
        cells = (move.statement, move.before.word, move.after.word, "; ".join(move.why))
        lines.append(f"| {' | '.join(map(_short, cells))} |")
    more = len(since.moved) - MOVES
    return [*lines, *(["", f"{more} further claims changed."] if more > 0 else []), ""]


def badge(report: Report) -> str:
    """Return a badge in SVG with the counts of the groups."""
    counts = [(group, report.groups.get(group, 0)) for group in Group]
    label = ", ".join(f"{n} {group}" for group, n in counts)
    pieces, x = [], 58
    for group, n in counts:
        shown = f"{n} {group}"
        width = 12 + 7 * len(shown)
        fill = _shades.get(group, "#5a5e66")
        pieces.append(
            f'<rect x="{x}" width="{width}" height="20" fill="{fill}"/>'
            f'<text x="{x + width / 2:g}" y="14" text-anchor="middle">{escape(shown)}</text>'
        )
        x += width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x}" height="20" role="img" '
        f'aria-label="claims: {label}"><rect width="58" height="20" fill="#333"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="29" y="14" text-anchor="middle">claims</text>{"".join(pieces)}</g></svg>\n'
    )


def _kind(row: Row) -> str:
    if row.verdict.group is Group.FAILS:
        return "failure"
    if row.verdict.verdict is Word.INVALID:
        return "error"
    return "skipped" if row.verdict.group is Group.OPEN else ""


def _inert(said: str) -> str:
    """Return a text that spreadsheets don't take for a formula."""
    return f"'{said}" if said.startswith(("=", "+", "-", "@")) else said


def _printable(said: str) -> str:
    """Return a text without characters that XML doesn't allow."""
    return _unprintable.sub("\ufffd", said)


def cell(said: str) -> str:
    """Return a text as one cell of a Markdown table."""
    return re.sub(r"([\\|`*_<>\[\]#])", r"\\\1", " ".join(said.split())) or text.dash


def _short(said: str) -> str:
    """Return a text of at most 160 characters as one cell of a Markdown table."""
    return cell(text.short(said, 160))
