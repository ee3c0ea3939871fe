"""Reading, writing and merging the committed records of commits."""

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ablations.records.history import Commit, History, Steps
from ablations.runs.sources import ours
from hrm.codec import Json
from hrm.errors import UserError
from hrm.system.files import whole

STEPS = "steps.json"
R = TypeVar("R", Commit, Steps)


def read(folder: Path) -> History | None:
    """Return the history in a folder, None if there is none.

    Raises:
        UserError: If a file isn't a record.
    """
    paths = sorted(path for path in folder.glob("*.json") if path.name != STEPS)
    if not paths:
        return None
    commits = [_record(Commit, path) for path in paths]
    steps = folder / STEPS
    found = _record(Steps, steps) if steps.exists() else Steps(found={}, by="")
    return History(commits=tuple(sorted(commits, key=lambda c: c.order)), steps=found)


def write(folder: Path, commits: Sequence[Commit], steps: Steps | None = None) -> None:
    """Write records and, if given, the steps of the whole history.

    Raises:
        UserError: If they can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for record in commits:
            for old in folder.glob(f"{record.commit[:12]}-*.json"):
                if old.name != record.name:
                    old.unlink()
            _put(folder / record.name, record.to_json())
        if steps is not None:
            _put(folder / STEPS, steps.to_json())
    except OSError as error:
        raise UserError(
            f"records can't be written to {str(folder)!r} ({error.strerror}); allowed is a folder "
            "that you may write to; name another one"
        ) from error


def merged(old: Commit | None, new: Commit) -> Commit:
    """Return a commit's record with new data, and with old data that the new ones don't replace.

    Benchmarks from another machine, or with another number of samples, are replaced as a whole,
    because their values aren't comparable. Of two loads the larger one is kept.
    """
    if old is None or old.sources != new.sources:
        return new
    benchmarks, conditions = {**old.benchmarks, **new.benchmarks}, new.conditions or old.conditions
    if new.conditions is not None and old.conditions is not None:
        kinds = {(c.machine, c.quick) for c in (old.conditions, new.conditions)}
        if len(kinds) > 1:
            benchmarks = dict(new.benchmarks)
        else:
            loads = [c.load for c in (old.conditions, new.conditions) if c.load is not None]
            conditions = dataclasses.replace(new.conditions, load=max(loads, default=None))
    judged = new if new.claims else old
    return dataclasses.replace(
        new,
        conditions=conditions,
        benchmarks=dict(sorted(benchmarks.items())),
        tier=judged.tier,
        claims=judged.claims,
    )


def described(name: str, root: Path) -> Commit:
    """Return the record of a commit of a repository, without measurements.

    Raises:
        UserError: If git doesn't know it.
    """
    text = _git(root, "show", "--no-patch", "--format=%H%n%ct%n%s", f"{name}^{{commit}}")
    commit, seconds, subject = text.splitlines()
    return Commit(
        commit=commit,
        date=datetime.fromtimestamp(int(seconds), UTC).isoformat(),
        place=int(_git(root, "rev-list", "--count", commit)),
        subject=subject,
        sources=sources(commit, root),
    )


def commits(text: str, root: Path, number: int | None) -> list[str]:
    """Return the commits of a range, the oldest first, or `number` of them, evenly spaced.

    Raises:
        UserError: If there are none, or git doesn't know the range.
    """
    found = _git(root, "rev-list", "--first-parent", "--reverse", text, "--").split()
    if not found or (number is not None and number < 2):
        raise UserError(
            f"range {text!r} has {len(found)} commits, of which {number} are requested; allowed "
            "are ranges with one or more commits, and 2 or more of these; name another range, such "
            "as HEAD~9..HEAD"
        )
    if number is None or number >= len(found):
        return found
    return [found[round(i * (len(found) - 1) / (number - 1))] for i in range(number)]


def sources(commit: str, root: Path) -> str:
    """Return the SHA-256 over the names and contents of our Python files at a commit."""
    listed = _git(root, "ls-tree", "-r", commit, "--", *ours).splitlines()
    lines = sorted(line for line in listed if line.endswith(".py"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise UserError(
            f"git can't be run ({error.strerror}); allowed is a machine that has it; install it"
        ) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[0]
        raise UserError(
            f"git {' '.join(arguments)} failed in {str(root)!r} ({said}); allowed are commits of "
            "that repository; name one"
        )
    return done.stdout


def _record(kind: type[R], path: Path) -> R:
    try:
        return kind.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        raise UserError(
            f"{str(path)!r} isn't a record of the history ({error}); allowed is a file that "
            "`ablations history add` wrote; restore it, or remove it"
        ) from error


def _put(path: Path, data: Json) -> None:
    with whole(path) as temporary:
        temporary.write_text(
            json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
