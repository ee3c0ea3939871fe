"""The store: one immutable JSON record per attempt, with a journal of all that were made.

    folder/store.json                                 {"format": "hrm-ablations", "version": 2}
    folder/runs/<fingerprint>/<attempt>.json          a Result, written once
    folder/runs/<fingerprint>/<attempt>.safetensors   its arrays, written before it
    folder/weights/<sha256>.safetensors               weights that other trials start from
    folder/journal.jsonl                              what was planned and stored, in order
    folder/index.sqlite                               summaries of records; rebuilt if needed
    folder/lock, folder/lock.pid, folder/leases       locks of running processes and their trials
    folder/progress/                                  progress of each run, see `standing`
    folder/quarantine/                                unusable records, moved there by a repair

Files are written to a temporary name, synced and renamed, so that they are always complete. The
first finished attempt at a trial counts. A record that can't be used affects only its own trial:
that trial is unknown, as is one that is in the journal but not in the store.
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from ablations.records.trials import Result, Status
from ablations.runs import folders, index, sharing, sidecars, weights
from ablations.runs.encoding import decode, encode
from ablations.runs.index import Entry, Key
from ablations.runs.journal import Journal
from ablations.runs.sharing import Leases
from hrm.codec import Json
from hrm.system.files import whole

MOST_DEATHS = 2
LOST = "it is in the journal, but not in the store"
OTHER = "it differs from the record in the journal"


class Store:
    """Results by fingerprint, with any number of readers; writers use `coordinate`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = Journal(folder / "journal.jsonl")
        self.refresh()

    def refresh(self, torn: list[str] | None = None) -> None:
        """Read the list of records again; paths of incomplete files are added to `torn`."""
        self._entries: dict[str, dict[str, Entry]] = {}
        found = index.entries(self.folder, self._examine, torn)
        for (fingerprint, attempt), entry in found.items():
            self._entries.setdefault(fingerprint, {})[attempt] = entry
        self._journaled = set[Key]()
        self.journal = Journal(self.journal.path)
        for line in self.journal.news():
            self._compare(line)

    def sync(self) -> None:
        """Read the lines that other processes have added to the journal, and their records."""
        self._take_in(self.journal.news())

    def look(self, fingerprint: str) -> None:
        """Read additions of other processes, and records of a trial that aren't in the journal.

        Only for the process that has leased the trial, so that nobody else writes its records. A
        killed process may have left a record without its line in the journal.
        """
        self.sync()
        for key in index.of(self.folder, fingerprint):
            if key not in self._journaled and not (entry := self._examine(key)).fault:
                self._entries.setdefault(key[0], {})[key[1]] = entry
                self._journaled.add(key)
                with self.writing(self.journal.path):
                    self._take_in(self.journal.append([_line(key, entry)]))

    def _take_in(self, lines: Iterable[Mapping[str, Json]]) -> None:
        for line in lines:
            key = str(line.get("fingerprint")), str(line.get("attempt"))
            if index.is_key(key) and key not in self._journaled and self.path(key).exists():
                self._entries.setdefault(key[0], {})[key[1]] = self._examine(key)
            self._compare(line)

    def _compare(self, line: Mapping[str, Json]) -> None:
        """Compare a stored record with its line in the journal."""
        key = str(line.get("fingerprint")), str(line.get("attempt"))
        if line.get("what") != "stored" or not index.is_key(key):
            return  # the line isn't about a record
        entries = self._entries.setdefault(key[0], {})
        entry, digest, status = entries.get(key[1]), line.get("sha256"), str(line.get("status"))
        if entry is None or entry.digest != digest or entry.status != status:
            with contextlib.suppress(ValueError):
                fault = LOST if entry is None else entry.fault or OTHER * (entry.digest != digest)
                entries[key[1]] = Entry(
                    status=Status(status),
                    digest=str(digest),
                    weights="" if entry is None else entry.weights,
                    fault=fault,
                )
        self._journaled.add(key)

    @classmethod
    def open(cls, folder: Path | str, *, create: bool = False) -> Self:
        """Open a store; with `create`, make one if the folder is missing or empty.

        Raises:
            UserError: If the folder is missing, no folder, not a store, of a newer version or
                unreadable.
        """
        folder = Path(folder)
        try:
            folders.check(folder, create)
            return cls(folder)
        except OSError as error:
            raise folders.unusable(folder, error) from error

    # -- reading ----------------------------------------------------------------------------------
    def get(self, fingerprint: str) -> Result | None:
        """Return the attempt at a trial that counts: the first finished one, or else the last one.

        None if there is none, or if the attempt that counts can't be used (see `unknown`).
        """
        standing = self._standing(fingerprint)
        if standing is not None:
            return self._usable(fingerprint, standing)
        others = reversed(self.attempts(fingerprint))
        return next(others, None)

    def unknown(self, fingerprint: str) -> bool:
        """Return whether a trial has no known result, which further runs don't change.

        It finished, but its record is lost or can't be used; or the machine killed every attempt.
        """
        standing = self._standing(fingerprint)
        if standing is None:
            return self.quarantined(fingerprint)
        return bool(self._entries[fingerprint][standing].fault)

    def is_finished(self, fingerprint: str) -> bool:
        """Return whether an attempt at a trial finished, with a known result or not."""
        return self._standing(fingerprint) is not None

    def attempts(self, fingerprint: str) -> tuple[Result, ...]:
        """Return all attempts at a trial that can be used, in order."""
        made = sorted(self._entries.get(fingerprint, {}))
        found = (self._usable(fingerprint, attempt) for attempt in made)
        return tuple(result for result in found if result is not None)

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of all trials with a present or lost record, in order."""
        return sorted(self._entries)

    def results(self) -> Iterator[Result]:
        """Yield the result that counts of each trial, in order of fingerprint."""
        for fingerprint in self.fingerprints():
            result = self.get(fingerprint)
            if result is not None:
                yield result

    def standing(self, fingerprint: str) -> tuple[str, str]:
        """Return the attempt at a trial that finished first and its digest, "" for neither."""
        attempt = self._standing(fingerprint)
        if attempt is None:
            return "", ""
        return attempt, self._entries[fingerprint][attempt].digest

    def observations(self, result: Result) -> tuple[Mapping[str, Any], ...]:
        """Return a result's observations, one mapping per arm; arrays are loaded when read.

        Raises:
            UserError: When an array is read, if the sidecar was lost since the store was opened.
        """

        @functools.cache
        def arrays() -> Mapping[str, Any]:
            assert result.sidecar is not None, result
            path = self.path((result.fingerprint, result.attempt), ".safetensors")
            try:
                return sidecars.load(path, result.sidecar)
            except ValueError as error:
                raise folders.refused(
                    f"store {str(self.folder)!r} has a record whose sidecar {error}",
                    "the sidecar that was written with the record",
                    "run the same command again: the trial then counts as unknown",
                ) from error

        return tuple(sidecars.Lazy(plain, arrays) for plain in result.observations)

    def statuses(self) -> Mapping[str, Status | None]:
        """Return the status of each trial: of the attempt that counts, or else of the last one.

        It is None if the record can't be used.
        """
        found = {}
        for fingerprint, made in self._entries.items():
            entry = made[self._standing(fingerprint) or max(made)]
            found[fingerprint] = None if entry.fault else entry.status or None
        return found

    def deaths(self, fingerprint: str) -> int:
        """Return the number of attempts at a trial that the machine ended."""
        made = self._entries.get(fingerprint, {}).values()
        return sum(entry.status is Status.DIED for entry in made)

    def quarantined(self, fingerprint: str) -> bool:
        """Return whether the machine ended so many attempts that no further one is made."""
        return not self.is_finished(fingerprint) and self.deaths(fingerprint) >= MOST_DEATHS

    def weights(self, fingerprint: str) -> str | None:
        """Return the digest of a trial's weights, None if there are none in the store."""
        for entry in self._entries.get(fingerprint, {}).values():
            if entry.weights and weights.path(self.folder, entry.weights).is_file():
                return entry.weights
        return None

    @property
    def faults(self) -> Mapping[Path, str]:
        """Faults of records that can't be used, by path; each affects only its own trial."""
        return {
            self.path((fingerprint, attempt)): entry.fault
            for fingerprint, made in sorted(self._entries.items())
            for attempt, entry in sorted(made.items())
            if entry.fault
        }

    def path(self, key: Key, suffix: str = ".json") -> Path:
        """Return the file of a record, or with another suffix that of its sidecar."""
        fingerprint, attempt = key
        return Path(self.folder, "runs", fingerprint, attempt + suffix)

    def _standing(self, fingerprint: str) -> str | None:
        """Return the first attempt that finished, or whose record is lost and may have finished."""
        made = self._entries.get(fingerprint, {})
        over = [a for a, e in made.items() if (e.status.finished if e.status else e.fault)]
        return min(over, default=None)

    def _usable(self, fingerprint: str, attempt: str) -> Result | None:
        """Return a result, None if its record can't be used."""
        entry = self._entries[fingerprint][attempt]
        if entry.fault:
            return None
        try:
            return self.read((fingerprint, attempt), entry.digest)[0]
        except ValueError as error:
            spoiled = Entry(status=entry.status, digest=entry.digest, fault=str(error))
            self._entries[fingerprint][attempt] = spoiled
            return None

    def read(self, key: Key, known: str | None = None) -> tuple[Result, str]:
        """Return a record and its digest, without checking its sidecar.

        Args:
            key: The record's key.
            known: Its digest if it was read before, so that its fields needn't be checked again.

        Raises:
            ValueError: If the record can't be read, or isn't what was written.
        """
        try:
            result, digest = decode(self.path(key).read_bytes(), known)
        except OSError as error:
            raise ValueError(f"it can't be read ({folders.said(error)})") from error
        if (result.fingerprint, result.attempt) != key:
            raise ValueError(f"it is the record of {result.fingerprint}/{result.attempt}")
        return result, digest

    def _examine(self, key: Key) -> Entry:
        """Return the summary of a record, after verifying its sidecar."""
        try:
            result, digest = self.read(key)
            if result.sidecar is not None:
                sidecars.verified(self.path(key, ".safetensors"), result.sidecar)
        except ValueError as error:
            return Entry(fault=" ".join(str(error).split()))
        return Entry(status=result.status, digest=digest, weights=result.weights or "")

    # -- adding -----------------------------------------------------------------------------------
    def add(self, result: Result) -> None:
        """Write a record atomically, sync it, and add its line to the journal.

        Its sidecar and weights must have been written before.

        Raises:
            UserError: If it can't be written, as on a full disk; no incomplete file is left.
        """
        key = result.fingerprint, result.attempt
        assert index.is_key(key), key
        text = encode(result)
        _, digest = decode(text)
        entry = Entry(status=result.status, digest=digest, weights=result.weights or "")
        with self.writing(self.path(key)):
            with whole(self.path(key)) as temporary:
                temporary.write_text(text)
            others = self.journal.append([_line(key, entry)])
        self._entries.setdefault(result.fingerprint, {})[result.attempt] = entry
        self._journaled.add(key)
        index.add(self.folder, key, entry)
        self._take_in(others)

    def note(self, what: str, **data: Json) -> None:
        """Add a line to the journal, `{"what": what, …}`.

        Raises:
            UserError: If it can't be written.
        """
        assert what != "stored", "such a line is written together with the record"
        with self.writing(self.journal.path):
            self._take_in(self.journal.append([{"what": what, **data}]))

    @contextlib.contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Turn an `OSError` while writing into a `UserError`."""
        try:
            yield
        except OSError as error:
            raise folders.refused(
                f"record {str(path)!r} can't be written ({folders.said(error)})",
                "a store that you may write, on a disk with room",
                "mend that and run the same command again: finished runs are kept",
            ) from error

    @contextlib.contextmanager
    def coordinate(self, *, alone: bool = False) -> Iterator[Leases]:
        """Register this process as a writer of the store, or with `alone` as the only one.

        If no other process is at work, incomplete files of killed processes are removed first, and
        records that aren't in the journal yet are added to it. Yields the leases of trials.

        Raises:
            UserError: If another process excludes it, or the lock can't be taken.
        """
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(sharing.working(self.folder, self._tidy, alone=alone))
                self.sync()
                leases = Leases(self.folder)
            except OSError as error:
                raise folders.unusable(self.folder, error) from error
            held.callback(leases.close)
            yield leases

    def _tidy(self) -> None:
        torn: list[str] = []
        self.refresh(torn)
        names = (".*.tmp", "weights/.*.tmp", "progress/*")
        others = (path for name in names for path in self.folder.glob(name))
        for left in (*map(Path, torn), *others):
            left.unlink()
        self.adopt()

    def adopt(self, source: str | None = None) -> None:
        """Add records to the journal that it lacks, with the store that they come from.

        Raises:
            OSError: If the journal can't be written.
        """
        new = {
            (fingerprint, attempt): entry
            for fingerprint, made in self._entries.items()
            for attempt, entry in made.items()
            if not entry.fault and (fingerprint, attempt) not in self._journaled
        }
        more = {} if source is None else {"source": source}
        by_time = sorted(new.items(), key=lambda item: item[0][1])
        self._take_in(self.journal.append(_line(key, entry) | more for key, entry in by_time))
        self._journaled |= set(new)


def _line(key: Key, entry: Entry) -> dict[str, Json]:
    return {
        "what": "stored",
        "fingerprint": key[0],
        "attempt": key[1],
        "status": str(entry.status),
        "sha256": entry.digest,
    }
