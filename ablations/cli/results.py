"""`ablations verdicts` and `ablations report`: what follows from the stored runs."""

import argparse
from pathlib import Path

from ablations.cli import display
from ablations.cli.session import Session
from ablations.history import files


def verdicts(asked: argparse.Namespace) -> int:
    """JSON: a list of verdicts, with the keys of `ablations.records.rows.Verdict`.

    They are id, document, section, form, documented, estimate, low, high, n, tier, verdict, reason,
    group, look, exceptions, sentence and settled.
    """
    session = Session.of(asked)
    made = session.report(session.store())
    if asked.json:
        return display.data([row.verdict.to_json() for row in made.rows])
    display.verdicts(made)
    return 0


def report(asked: argparse.Namespace) -> int:
    """JSON: {path, tier, tally {verdict: number}, groups {group: number}}."""
    import reports

    session = Session.of(asked)
    made = session.report(session.store())
    path = reports.render(made, Path(asked.output), files.read(Path(asked.folder)))
    if asked.json:
        return display.data(
            {
                "path": str(path),
                "tier": made.tier,
                "tally": dict(made.tally),
                "groups": dict(made.groups),
            }
        )
    display.rendered(made, path)
    return 0
