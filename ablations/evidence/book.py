"""All evidence while it is added to: loaded whole, and written so that an interruption is harmless.

Files of runs are written first, then the journal's lines about them, then the head. The digests of
all files are recorded before they are written, so that after an interruption the next compaction
recognises files that aren't in the journal yet.
"""

import contextlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from ablations.evidence import files
from ablations.evidence.asked import described, normal
from ablations.evidence.files import Runs
from ablations.evidence.kept import is_evidence
from ablations.records.trials import Trial
from ablations.runs.fingerprints import kind
from ablations.runs.journal import Journal
from ablations.runs.store import Store
from ablations.specs.claim import Claim
from hrm.codec import Json
from hrm.errors import UserError
from hrm.system.files import whole

LOCK = "lock"
PENDING = "pending.json"  # digests of files that are being written


@dataclass(kw_only=True)
class Summary:
    """The result of a compaction.

    Args:
        new: Number of runs that were added.
        reread: Number of runs that existed and got further readings.
        repeated: Number of further attempts at runs that exist.
        unread: Number of runs that no claim reads.
        unfinished: Number of attempts that didn't finish.
        lost: Number of runs whose record is missing.
        bytes: Size of all files.
        runs: Number of all runs.
        head: Head of the journal.
    """

    new: int = 0
    reread: int = 0
    repeated: int = 0
    unread: int = 0
    unfinished: int = 0
    lost: int = 0
    bytes: int = 0
    runs: int = 0
    head: str = ""


@dataclass(kw_only=True)
class Book:
    """All evidence, while it is added to.

    Args:
        files: Files by name.
        names: Names of files by the kind of trial, in its current encoding.
        known: Names of files by fingerprint.
        changed: Names of files that have to be written.
        summary: Result so far.
    """

    files: dict[str, Runs]
    names: dict[str, str]
    known: dict[str, str]
    changed: set[str] = field(default_factory=set)
    repeats: list[dict[str, Json]] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)

    def of(self, trial: Trial) -> Runs:
        """Return the file of a trial's kind, new if there is none."""
        name = kind(trial)
        if name not in self.names:
            data = {key: value for key, value in trial.to_json().items() if key != "seed"}
            made = f"{trial.protocol['kind'].lower()}-{name}"
            self.names[name] = made
            self.files[made] = Runs(name=made, trial=data)
        return self.files[self.names[name]]

    def put(self, runs: Runs, line: dict[str, Json]) -> None:
        """Add a run's line."""
        runs.runs[line["fingerprint"]] = line
        self.known[line["fingerprint"]] = runs.name
        self.changed.add(runs.name)


def require_small(folder: Path, text: Mapping[str, str]) -> None:
    """Refuse evidence over its limit before anything is written.

    Raises:
        UserError: If it would be larger.
    """
    kept = sum(path.stat().st_size for path in folder.glob("runs/*.jsonl") if path.stem not in text)
    size = kept + sum(len(each.encode()) for each in text.values())
    if size > files.MOST:
        raise UserError(
            f"evidence {str(folder)!r} would have {size / 1e6:.1f} MB; allowed are "
            f"{files.MOST / 1e6:.0f} MB; compact fewer stores"
        )


BESIDE = (LOCK, "history")  # names that a folder may contain before there is evidence in it


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Create a folder, and lock it for this process, which compacts into it."""
    ours = is_evidence(folder) or (folder / PENDING).exists()
    if not ours and folder.exists() and any(path.name not in BESIDE for path in folder.iterdir()):
        raise UserError(
            f"--output is {str(folder)!r}, which holds something else than evidence; allowed is a "
            "folder of evidence, or a new one; name another"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / LOCK, timeout=0):
            yield
    except filelock.Timeout as error:
        raise UserError(
            f"evidence {str(folder)!r} is in use; allowed is one compaction at a time; wait for it"
        ) from error
    except OSError as error:
        raise UserError(
            f"evidence {str(folder)!r} can't be written ({error.strerror}); allowed is a folder "
            "that you may write, on a disk with room; mend that and run the same command again"
        ) from error


def load(folder: Path) -> Book:
    """Return all evidence that is there; files of an interrupted compaction count."""
    journal = Journal(folder / "journal.jsonl")
    broken = journal.verify()
    if broken is not None:
        raise files.damaged(journal.path, broken)
    written = files.digests(journal.entries())
    pending = {}
    with contextlib.suppress(FileNotFoundError, ValueError):
        pending = json.loads((folder / PENDING).read_bytes())
    found = {}
    for path in sorted((folder / "runs").glob("*.jsonl")):
        allowed = {written.get(path.stem), pending.get(path.stem)}
        found[path.stem] = files.read(folder, path.stem, None)
        if files.sha256(path.read_bytes()) not in allowed:
            raise files.damaged(path, "its SHA-256 isn't the one in the journal")
    if missing := sorted(set(written) - set(found)):
        raise files.damaged(folder / "runs" / f"{missing[0]}.jsonl", "it is missing")
    return Book(
        files=found,
        names={kind(normal(runs.first)): name for name, runs in found.items()},
        known={key: name for name, runs in found.items() for key in runs.runs},
    )


def write(
    folder: Path,
    journal: Journal,
    text: Mapping[str, str],
    book: Book,
    stores: Sequence[Store],
    claims: Sequence[Sequence[Claim]],
) -> None:
    """Write changed files, then the journal's lines about them, then the head."""
    written = files.digests(journal.entries())
    every = {name: text.get(name) or runs.text() for name, runs in sorted(book.files.items())}
    digests = {name: files.sha256(each.encode()) for name, each in every.items()}
    _put(folder / PENDING, json.dumps(digests))
    for name, each in sorted(text.items()):
        _put(folder / "runs" / f"{name}.jsonl", each)
    lines: list[dict[str, Json]] = [*_new(book.repeats, journal)]
    lines += [
        {"what": "written", "file": name, "runs": len(book.files[name].runs), "sha256": sha}
        for name, sha in sorted(digests.items())
        if written.get(name) != sha
    ]
    if lines:
        sources = [
            {"what": "compacted", "source": store.folder.name, "head": store.journal.head}
            for store in stores
        ]
        journal.append([*sources, *lines])
    said: dict[str, dict[str, Json]] = {}
    for claim in itertools.chain(*claims):  # as specified first, then in the other modes
        one = described(claim, book.names)
        if one is not None:
            said.setdefault(claim.id, one)
    _put(folder / "claims.jsonl", _versions(folder, said.values()))
    there = [run for runs in book.files.values() for run in runs.runs.values()]
    marker = {
        **files.FORMAT,
        "head": journal.head,
        "runs": len(there),
        "cpu_seconds": round(math.fsum(run.get("cpu", 0.0) for run in there), 1),
    }
    _put(folder / "evidence.json", json.dumps(marker, indent=1) + "\n")
    (folder / PENDING).unlink()


def _new(repeats: Iterable[dict[str, Json]], journal: Journal) -> list[dict[str, Json]]:
    """Return the repeated attempts that aren't in the journal yet."""
    known = {line["attempt"] for line in journal.entries() if line["what"] == "repeated"}
    return [one for one in repeats if one["attempt"] not in known]


def _versions(folder: Path, said: Iterable[dict[str, Json]]) -> str:
    """Return the text of all versions of claims: the recorded ones and the present ones."""
    found = {(one["claim"], one["spec"]): one for one in files.lines(folder / "claims.jsonl")}
    counts = Counter(name for name, _ in found)
    for one in said:
        key = one["claim"], one["spec"]
        version = found[key]["version"] if key in found else counts[one["claim"]] + 1
        found[key] = {"claim": one["claim"], "version": version, **one}
    order = sorted(found.values(), key=lambda one: (one["claim"], one["version"]))
    return "".join(map(files.dumped, order))


def _put(path: Path, text: str) -> None:
    """Write a file atomically, unless it has this content already."""
    data = text.encode()
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    with whole(path) as temporary:
        temporary.write_bytes(data)
