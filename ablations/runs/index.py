"""An index of a store's records in SQLite, so that opening a store reads only new ones.

The records are authoritative: a record whose files have changed is read again, and an index that is
lost or damaged is rebuilt.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from ablations.records.trials import Status

Key = tuple[str, str]  # fingerprint, attempt
Stamp = tuple[int, int, int, int]  # modified and size of the record and of its sidecar, or -1
NAME = re.compile(r"[0-9a-f]{64}")
ATTEMPT = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}")
FILES = ("index.sqlite", "index.sqlite-journal")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The summary of a record.

    Args:
        status: How the attempt ended; "" if the record is unreadable.
        digest: The record's SHA-256.
        weights: SHA-256 of the weights that it left, "" for none.
        fault: Why the record can't be used, "" if it can.
    """

    status: Status | Literal[""] = ""
    digest: str = ""
    weights: str = ""
    fault: str = ""


def is_key(key: Key) -> bool:
    """Return whether this can be the key of a record, and so names a file within the store."""
    return bool(NAME.fullmatch(key[0]) and ATTEMPT.fullmatch(key[1]))


def entries(
    folder: Path, read: Callable[[Key], Entry], torn: list[str] | None = None
) -> dict[Key, Entry]:
    """Return summaries of all records; files that differ from the index are read again.

    Args:
        folder: Folder of the store.
        read: Reads a record.
        torn: See `listing`.
    """
    found = dict(listing(folder / "runs", torn))
    known = _load(folder)
    fresh = {
        key: (read(key), stamp)
        for key, stamp in found.items()
        if key not in known or known[key][1] != stamp
    }
    gone = [key for key in known if key not in found]
    if fresh or gone:
        with contextlib.suppress(sqlite3.Error), _connected(folder) as index:
            index.executemany("DELETE FROM records WHERE fingerprint = ? AND attempt = ?", gone)
            _insert(index, fresh)
    known |= fresh
    return {key: known[key][0] for key in found}


def add(folder: Path, key: Key, entry: Entry) -> None:
    """Add a new record to the index; an index that can't be written is ignored."""
    with contextlib.suppress(sqlite3.Error, OSError, KeyError):
        stamp = dict(_files(key[0], str(folder / "runs" / key[0]), None))[key]
        with _connected(folder) as index:
            _insert(index, {key: (entry, stamp)})


def of(folder: Path, fingerprint: str) -> list[Key]:
    """Return the keys of a trial's records."""
    path = folder / "runs" / fingerprint
    return [key for key, _ in _files(fingerprint, str(path), None)] if path.is_dir() else []


def forget(folder: Path) -> None:
    """Remove the index, so that it is built again from all records."""
    for name in FILES:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def listing(runs: Path, torn: list[str] | None = None) -> Iterator[tuple[Key, Stamp]]:
    """Yield the key and the stamp of each record.

    Links and files with other names are ignored.

    Args:
        runs: The folder `runs` of the store.
        torn: List to which the paths of incomplete files are added, which a running or a killed
            process left.
    """
    if not runs.is_dir():
        return
    with os.scandir(runs) as folders:
        for folder in folders:
            if NAME.fullmatch(folder.name) and folder.is_dir(follow_symlinks=False):
                yield from _files(folder.name, folder.path, torn)


def _files(fingerprint: str, path: str, torn: list[str] | None) -> Iterator[tuple[Key, Stamp]]:
    with os.scandir(path) as scanned:
        found = {file.name: file for file in scanned if file.is_file(follow_symlinks=False)}
    for name, file in found.items():
        attempt, dot, suffix = name.rpartition(".")
        if suffix == "json" and dot and ATTEMPT.fullmatch(attempt):
            status = file.stat()
            beside = found.get(f"{attempt}.safetensors")
            other = beside.stat() if beside else None
            more = (other.st_mtime_ns, other.st_size) if other else (-1, -1)
            yield (fingerprint, attempt), (status.st_mtime_ns, status.st_size, *more)
        elif torn is not None and name.startswith(".") and suffix == "tmp":
            torn.append(file.path)


def _load(folder: Path) -> dict[Key, tuple[Entry, Stamp]]:
    """Return the contents of the index; an index that can't be read is removed."""
    try:
        with _connected(folder) as index:
            rows = index.execute(
                "SELECT fingerprint, attempt, status, digest, weights, fault, "
                "modified, size, beside_modified, beside_size FROM records"
            ).fetchall()
        return {
            (fingerprint, attempt): (
                Entry(status=status and Status(status), digest=digest, weights=left, fault=fault),
                (stamp[0], stamp[1], stamp[2], stamp[3]),
            )
            for fingerprint, attempt, status, digest, left, fault, *stamp in rows
        }
    except (sqlite3.Error, ValueError):
        forget(folder)
        return {}


@contextlib.contextmanager
def _connected(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / FILES[0]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # a damaged index can be rebuilt
        connection.execute(
            "CREATE TABLE IF NOT EXISTS records (fingerprint TEXT, attempt TEXT, status TEXT, "
            "digest TEXT, weights TEXT, fault TEXT, modified INTEGER, size INTEGER, "
            "beside_modified INTEGER, beside_size INTEGER, "
            "PRIMARY KEY (fingerprint, attempt)) WITHOUT ROWID"
        )
        yield connection


def _insert(index: sqlite3.Connection, rows: Mapping[Key, tuple[Entry, Stamp]]) -> None:
    flat: Iterable[tuple[str | int, ...]] = (
        (*key, *astuple(entry), *stamp) for key, (entry, stamp) in rows.items()
    )
    index.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", flat)
