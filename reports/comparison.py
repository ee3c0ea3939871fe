"""One HTML page of the differences between two reports."""

from pathlib import Path

from markupsafe import Markup

from ablations.records.comparisons import Comparison
from ablations.records.rows import Report
from reports import files
from reports.page import environment, style


def page(found: Comparison, before: Report, after: Report) -> str:
    """Return the page.

    Args:
        found: The differences.
        before: The first report.
        after: The second report.
    """
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            found=found,
            sides=(before, after),
            rows=tuple({row.verdict.id: row for row in r.rows} for r in (before, after)),
            style=Markup(style("report")),
        )
    )


def render(found: Comparison, before: Report, after: Report, path: Path) -> None:
    """Write the page to a file.

    Raises:
        UserError: If it can't be written.
    """
    files.write(path, page(found, before, after))
