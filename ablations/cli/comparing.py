"""`ablations compare`: which claims moved between two stores, reports or commits."""

import argparse
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from ablations.cli import display
from ablations.cli.session import Session
from ablations.evidence.kept import is_evidence
from ablations.judging.comparing import compared
from ablations.records.rows import Report
from hrm.errors import UserError

EVIDENCE = "evidence"


def compare(asked: argparse.Namespace) -> int:
    """JSON: {before, after, moved, reworded, shifted, equal, missing, added}.

    moved has the claims whose group differs, as {id, document, statement, before, after, why};
    before and after are {word, group, estimate, low, high, n}, why is a list of sentences.
    reworded has those with another word in the same group, shifted those with the same word whose
    estimates lie outside each other's intervals. The schema is `ablations.records.comparisons`.
    """
    before, after = (opened(name, asked) for name in (asked.before, asked.after))
    found = compared(before, after, (asked.before, asked.after))
    if asked.output is not None:
        import reports

        reports.render_comparison(found, before, after, Path(asked.output))
    if asked.json:
        display.data(found.to_json())
    else:
        display.comparison(found)
    return 1 if asked.exit_code and found.moved else 0


def opened(name: str, asked: argparse.Namespace) -> Report:
    """Return the report that a name stands for.

    Args:
        name: Path of a store, evidence or a report, or a commit.
        asked: Options of the command: tier, device, claims.

    Raises:
        UserError: If it is none of these, or a commit without evidence.
    """
    path = Path(name)
    if (path / "store.json").is_file() or is_evidence(path):
        return _judged(path, asked)
    if (path / "report.json").is_file():
        path = path / "report.json"
    if path.is_file():
        return _read(path.read_text("utf-8", errors="replace"), str(path))
    return _committed(name, asked)


def _judged(folder: Path, asked: argparse.Namespace) -> Report:
    there = Session.of(argparse.Namespace(**{**vars(asked), "store": folder}))
    return there.report(there.runs(), note=False)


def _read(text: str, name: str) -> Report:
    from reports.files import read

    return read(text, name)


def _committed(name: str, asked: argparse.Namespace) -> Report:
    """Return the report of a commit's evidence: the committed one, or else one made from it."""
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit is None:
        raise UserError(
            f"{name!r} is neither a store, a report nor a commit; allowed are a folder made by "
            "`ablations run`, a report.json, or a git revision; name one of them"
        )
    at = f"{commit.decode().strip()}:{EVIDENCE}"
    written = _git("show", f"{at}/report.json")
    if written is not None:
        return _read(written.decode("utf-8", errors="replace"), f"{name}:{EVIDENCE}/report.json")
    kinds = ("evidence.json", "store.json")
    if all(_git("cat-file", "-e", f"{at}/{kind}") is None for kind in kinds):
        raise UserError(
            f"commit {name!r} has no {EVIDENCE}/report.json and no runs in {EVIDENCE}/; allowed "
            "is a commit with evidence; name a later commit, or the report.json of a report"
        )
    packed = _git("archive", "--format=tar", at)
    assert packed is not None, at
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        return _judged(Path(folder), asked)


def _git(*arguments: str) -> bytes | None:
    """Return git's output; None if git fails or is missing."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
