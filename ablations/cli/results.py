"""`ablations verdicts`, `report` and `findings`: the results of stored runs."""

import argparse
from pathlib import Path

from ablations.cli import comparing, display
from ablations.cli.session import Session
from ablations.history import files
from ablations.judging.comparing import compared
from ablations.specs.claim import Tier
from hrm.errors import UserError
from hrm.system.files import whole


def verdicts(asked: argparse.Namespace) -> int:
    """JSON: a list of verdicts, with the keys of `ablations.records.rows.Verdict`.

    They are id, document, section, form, documented, estimate, low, high, n, tier, verdict, reason,
    group, look, exceptions, sentence and settled.
    """
    session = Session.of(asked)
    made = session.report(session.runs())
    if asked.json:
        return display.data([row.verdict.to_json() for row in made.rows])
    display.verdicts(made)
    return 0


def findings(asked: argparse.Namespace) -> int:
    """JSON: {written: [path], changed: [path]}; with --check the status is 1 if any would change.

    The part of README.md between its marks gets the table of verdicts and five findings, that of
    docs/documents.md the table with links, that of docs/limits.md the claims that need other
    hardware; docs/findings.md is replaced as a whole.
    Without evidence, each of them says so.
    """
    from reports import written

    session = Session.of(asked)
    begun = any((session.folder / name).is_file() for name in ("evidence.json", "store.json"))
    made = session.shown(session.runs()) if begun else None
    folder = Path(asked.into)
    texts = {folder / "docs/findings.md": written.page(made)}
    inserted = {
        "README.md": written.readme(made),
        "docs/documents.md": written.outcomes(made),
        "docs/limits.md": written.elsewhere(made),
    }
    for name, part in inserted.items():
        path = folder / name
        try:
            texts[path] = written.between(path.read_text("utf-8"), part)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{str(path)!r} can't be changed ({error}); allowed is a page with the lines "
                f"{written.BEGIN} and {written.END}; name its folder with --into"
            ) from error
    changed = [p for p, made in texts.items() if not p.exists() or p.read_text("utf-8") != made]
    for path in () if asked.check else changed:
        with whole(path) as temporary:
            temporary.write_text(texts[path], "utf-8")
    if asked.json:
        display.data({"written": list(map(str, texts)), "changed": list(map(str, changed))})
    else:
        verb = "would change" if asked.check else "changed"
        display.line(f"{len(changed)} of {len(texts)} pages {verb}: {', '.join(map(str, changed))}")
    return int(asked.check and bool(changed))


def report(asked: argparse.Namespace) -> int:
    """JSON: {path, tier, tally {verdict: number}, groups {group: number}}."""
    import reports

    session = Session.of(asked)
    if asked.evidence is None or asked.fresh:
        made = session.shown(session.runs())
    else:
        other = {**vars(asked), "store": asked.evidence, "tier": Tier.FULL.value}
        made = session.replicated(Session.of(argparse.Namespace(**other)))
    since = None
    if asked.against is not None:
        before = comparing.opened(asked.against, asked)
        since = compared(before, made, (asked.against, "this report"))
    path = reports.render(made, Path(asked.output), since, history=files.read(Path(asked.folder)))
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
