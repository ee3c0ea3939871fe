"""The store: one immutable JSON record per attempt, and an index over them that can be lost.

    folder/store.json                             {"format": "hrm-ablations", "version": 1}
    folder/runs/<fingerprint>/<attempt>.json      a Result, written once
    folder/designs/<claim>.json                   a Design, written once, before its first run
    folder/index.sqlite                           what each record's status is; rebuilt at need
    folder/lock, folder/lock.pid                  who runs trials into this store now

A record is written beside its place, synced and renamed, so that it is whole or absent whatever
happens. The records are the truth: the index is compared with the files whenever a store is opened,
and only records that are new to it are read.

JSON has no NaN and no infinity; a metric that isn't finite is stored as ``{"float": "nan"}``,
``{"float": "inf"}`` or ``{"float": "-inf"}``.

A record's ``sha256`` is that of its other fields' JSON: one that was changed by a hand or by a disk
is refused. Records that were written before there was one are taken as they are.
"""

import contextlib
import hashlib
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import filelock

from ablations.records import Design, Result, Status
from hrm.errors import UserError

marker = {"format": "hrm-ablations", "version": 1}
finished = (Status.OK, Status.DIVERGED)

type_key = "float"
digest_key = "sha256"
Key = tuple[str, str]
Stamp = tuple[int, int]


class Store:
    """Results by fingerprint. Any number of readers; one coordinator adds, within `coordinate`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._attempts: dict[str, dict[str, Status]] = {}
        self._refresh()

    def _refresh(self) -> None:
        self._attempts.clear()
        for (fingerprint, attempt), status in _statuses(self.folder):
            self._attempts.setdefault(fingerprint, {})[attempt] = status

    @classmethod
    def open(cls, folder: Path | str, *, create: bool = False) -> Self:
        """Open a store; with `create`, make it where there is nothing or an empty folder.

        Raises:
            UserError: If the folder is missing, no folder, not a store, of a newer version or
                unreadable, or holds a corrupt record.
        """
        folder = Path(folder)
        try:
            _check(folder, create)
            return cls(folder)
        except OSError as error:
            raise _unusable(folder, error) from error

    def get(self, fingerprint: str) -> Result | None:
        """Return what stands for a fingerprint: its last finished attempt, or else its last.

        Raises:
            UserError: If the record is corrupt or can't be read.
        """
        attempts = self._attempts.get(fingerprint)
        if not attempts:
            return None
        standing = [a for a, status in attempts.items() if status in finished] or list(attempts)
        return _read(_path(self.folder, (fingerprint, max(standing))))

    def results(self) -> Iterator[Result]:
        """Yield the result that stands for each fingerprint, in order of fingerprint.

        Raises:
            UserError: If a record is corrupt or can't be read.
        """
        for fingerprint in sorted(self._attempts):
            result = self.get(fingerprint)
            assert result is not None
            yield result

    def is_finished(self, fingerprint: str) -> bool:
        """Tell whether a trial needn't be run: one attempt came to its end, or diverged."""
        return any(status in finished for status in self._attempts.get(fingerprint, {}).values())

    def deaths(self, fingerprint: str) -> int:
        """Return how many attempts at a trial the machine killed."""
        return list(self._attempts.get(fingerprint, {}).values()).count(Status.DIED)

    def add(self, result: Result) -> None:
        """Write a record, whole and synced before this returns.

        Raises:
            UserError: If it can't be written, as on a full disk; nothing half-written stays.
        """
        key = result.fingerprint, result.attempt
        path = _path(self.folder, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, encode(result))
            stamp = _stamp(path.stat())
        except OSError as error:
            raise _refused(
                f"record {str(path)!r} can't be written ({_said(error)})",
                "a store with room that you may write",
                "mend that and run the same command again: finished runs are kept",
            ) from error
        self._attempts.setdefault(result.fingerprint, {})[result.attempt] = result.status
        with contextlib.suppress(sqlite3.Error), _index(self.folder) as index:
            _insert(index, [(key, result.status, stamp)])

    def design(self, claim: str) -> Design | None:
        """Return that a claim is looked at several times, None if it is looked at once.

        Raises:
            UserError: If what is written there can't be read.
        """
        path = self._design(claim)
        try:
            found = Design.from_json(json.loads(path.read_bytes()))
            if found.claim != claim:
                raise ValueError(f"it is of {found.claim}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise _refused(
                f"design {str(path)!r} can't be read ({' '.join(str(error).split())})",
                "what `ablations run --until-decided` wrote there",
                "restore it, or begin a new store: without it nobody knows how often was looked",
            ) from error
        return found

    def declare(self, design: Design) -> None:
        """Write that a claim is looked at several times, once and for all.

        Raises:
            UserError: If it can't be written.
        """
        assert self.design(design.claim) is None, design
        path = self._design(design.claim)
        try:
            path.parent.mkdir(exist_ok=True)
            _write(path, json.dumps(design.to_json()))
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _design(self, claim: str) -> Path:
        return self.folder / "designs" / f"{claim.replace('/', ' ')}.json"

    @contextlib.contextmanager
    def coordinate(self) -> Iterator[None]:
        """Be the one process that adds to this store.

        Raises:
            UserError: If another process is, or the lock can't be taken.
        """
        with contextlib.ExitStack() as held:
            self._take(held)
            yield

    def _take(self, held: contextlib.ExitStack) -> None:
        pid = self.folder / "lock.pid"
        try:
            held.enter_context(filelock.FileLock(self.folder / "lock", timeout=0))
            pid.write_text(f"{os.getpid()}\n")
            for left in self.folder.glob("runs/*/*.tmp"):
                left.unlink()
            self._refresh()
        except filelock.Timeout as error:
            holder = pid.read_text().strip() if pid.exists() else "unknown"
            raise _refused(
                f"store {str(self.folder)!r} is in use by the run with process id {holder}",
                "one run at a time",
                "wait for it or stop it, or give another with --store",
            ) from error
        except OSError as error:
            raise _unusable(self.folder, error) from error


def encode(result: Result) -> str:
    """Return a result as strict JSON text.

    Raises:
        TypeError, ValueError: If a metric isn't JSON.
    """
    data = result.to_json()
    data["metrics"] = _packed(data["metrics"])
    return json.dumps({**data, digest_key: _digest(data)}, allow_nan=False)


def decode(text: str | bytes) -> Result:
    """Return the result that `encode` turned into text.

    Raises:
        ValueError: If the text isn't JSON, or not a result, or was changed since.
    """
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if isinstance(data, dict):
        said = data.pop(digest_key, None)
        if said is not None and said != _digest(data):
            raise ValueError(f"it was changed since it was written: its {digest_key} is another")
        if "metrics" in data:
            data["metrics"] = _unpacked(data["metrics"])
    return Result.from_json(data)


def _digest(data: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record's JSON, which is the same once it has been read again."""
    return hashlib.sha256(json.dumps(data, allow_nan=False).encode()).hexdigest()


def _packed(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return {type_key: str(float(value))}
        case dict():
            return {k: _packed(v) for k, v in value.items()}
        case list():
            return [_packed(v) for v in value]
        case _:
            return value


def _unpacked(value: Any) -> Any:
    match value:
        case {"float": str(text), **others} if not others:
            return float(text)
        case dict():
            return {k: _unpacked(v) for k, v in value.items()}
        case list():
            return [_unpacked(v) for v in value]
        case _:
            return value


def _unusable(folder: Path, error: OSError) -> UserError:
    return _refused(
        f"store {str(folder)!r} can't be used ({_said(error)})",
        "a folder that you may read and write",
        "mend its permissions, or give another with --store",
    )


def _refused(what: str, allowed: str, mend: str) -> UserError:
    return UserError(f"{what}; allowed is {allowed}; {mend}")


# -- files ----------------------------------------------------------------------------------------
def _check(folder: Path, create: bool) -> None:
    """Refuse what isn't a store of this version; make a new one if asked."""
    name, another = f"store {str(folder)!r}", "give another with --store"
    ours = "a folder made by `ablations run`"
    if not folder.exists() and not create:
        raise _refused(f"{name} doesn't exist", ours, "run that first")
    if folder.exists() and not folder.is_dir():
        raise _refused(f"{name} is a file", "a folder", another)
    path = folder / "store.json"
    if not path.exists():
        found = sorted(folder.iterdir()) if folder.exists() else []
        foreign = [p.name for p in found if p.suffix != ".tmp"]
        if foreign or not create:
            holds = f"holds {foreign[0]!r} but no store.json" if foreign else "is empty"
            raise _refused(f"{name} isn't one: it {holds}", f"{ours}, new or empty for it", another)
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(marker))
    try:
        said = json.loads(path.read_bytes())
        version = said["version"] if said["format"] == marker["format"] else None
    except (ValueError, LookupError, TypeError):
        version = None
    if not isinstance(version, int):
        raise _refused(
            f"{name} isn't one: its store.json says otherwise", json.dumps(marker), another
        )
    if version != marker["version"]:
        mend = f"use the release that wrote it, or {another}"
        raise _refused(f"{name} has version {version}", f"version {marker['version']}", mend)


def _write(path: Path, text: str) -> None:
    """Write a file so that it is whole and synced, or absent."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _read(path: Path) -> Result:
    try:
        result = decode(path.read_bytes())
        if (result.fingerprint, result.attempt) != (path.parent.name, path.stem):
            raise ValueError(f"it is of {result.fingerprint}/{result.attempt}")
    except OSError as error:
        raise _refused(
            f"record {str(path)!r} can't be read ({_said(error)})",
            "a file that you may read",
            "mend its permissions",
        ) from error
    except ValueError as error:
        raise _refused(
            f"record {str(path)!r} is corrupt ({' '.join(str(error).split())})",
            "what `ablations run` wrote there",
            "move the file out of the store and run again",
        ) from error
    return result


def _path(folder: Path, key: Key) -> Path:
    fingerprint, attempt = key
    return folder / "runs" / fingerprint / f"{attempt}.json"


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__


# -- index ----------------------------------------------------------------------------------------
def _statuses(folder: Path) -> list[tuple[Key, Status]]:
    """Return each record's status, from the index where it is in step with the files."""
    found = dict(_listing(folder / "runs"))
    known = _load(folder)
    fresh = [
        (key, _read(_path(folder, key)).status, stamp)
        for key, stamp in found.items()
        if key not in known or known[key][1] != stamp
    ]
    gone = [key for key in known if key not in found]
    if fresh or gone:
        with contextlib.suppress(sqlite3.Error), _index(folder) as index:
            index.executemany("DELETE FROM records WHERE fingerprint = ? AND attempt = ?", gone)
            _insert(index, fresh)
    known |= {key: (status, stamp) for key, status, stamp in fresh}
    return [(key, known[key][0]) for key in found]


def _listing(runs: Path) -> Iterator[tuple[Key, Stamp]]:
    if not runs.exists():
        return
    with os.scandir(runs) as folders:
        for folder in folders:
            if not folder.is_dir():
                continue
            with os.scandir(folder) as files:
                for file in files:
                    if file.name.endswith(".json"):
                        yield (folder.name, file.name.removesuffix(".json")), _stamp(file.stat())


def _load(folder: Path) -> dict[Key, tuple[Status, Stamp]]:
    """Return what the index says; an index that can't be read is removed, and built again."""
    try:
        with _index(folder) as index:
            rows = index.execute(
                "SELECT fingerprint, attempt, status, modified, size FROM records"
            ).fetchall()
        return {(f, a): (Status(status), (modified, size)) for f, a, status, modified, size in rows}
    except (sqlite3.Error, ValueError):
        for name in ("index.sqlite", "index.sqlite-journal"):
            with contextlib.suppress(OSError):
                (folder / name).unlink()
        return {}


@contextlib.contextmanager
def _index(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(folder / "index.sqlite")) as connection, connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS records (fingerprint TEXT, attempt TEXT, status TEXT, "
            "modified INTEGER, size INTEGER, PRIMARY KEY (fingerprint, attempt)) WITHOUT ROWID"
        )
        yield connection


def _insert(index: sqlite3.Connection, rows: Iterable[tuple[Key, Status, Stamp]]) -> None:
    flat = [(*key, status.value, *stamp) for key, status, stamp in rows]
    index.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)", flat)
