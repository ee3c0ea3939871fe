"""The journal: a line for every planned trial and every stored record, chained by digests.

Each line is a JSON object whose "previous" is the SHA-256 of the line before it, zeros for the
first. A line that is changed, removed or inserted breaks the chain at the next one. Removing lines
at the end doesn't break it; therefore the digest of the last line is also stored elsewhere (it is
committed with the evidence).
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hrm.codec import Json

ROOT = "0" * 64


@dataclass(frozen=True)
class _Place:
    """The start and end of the last line that was read, and its digest."""

    begin: int = 0
    end: int = 0
    head: str = ROOT


class Journal:
    """Lines in a file. Several processes may append to it: each line is written under a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = _Place()  # the place up to which this object has read the file

    def entries(self) -> Iterator[Mapping[str, Json]]:
        """Yield every readable line in order, except an incomplete last one."""
        for line in self._lines():
            entry = _parsed(line)
            if entry is not None:
                yield entry

    def news(self) -> Iterator[Mapping[str, Json]]:
        """Yield the lines that this object neither wrote nor read before, in order.

        A file that was replaced or shortened is read from its start.
        """
        try:
            with self.path.open("rb") as file:
                lines = self._after(file)
        except FileNotFoundError:
            self._place = _Place()
            return
        for line in lines:
            entry = _parsed(line)
            if entry is not None:
                yield entry

    @property
    def head(self) -> str:
        """The digest of the last line: equal heads, equal journals."""
        lines = self._lines()
        return _digest(lines[-1]) if lines else ROOT

    def append(self, entries: Iterable[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
        """Append lines and sync them, after removing an incomplete line of a killed process.

        Returns the lines that other processes have written since this object last read the file.

        Raises:
            OSError: If they can't be written; then none is.
        """
        entries = list(entries)
        if not entries:
            return []
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed or the process ends
            others = [e for e in map(_parsed, self._after(file)) if e is not None]
            end, previous = self._place.end, self._place.head
            text = []
            for entry in entries:
                line = json.dumps({"previous": previous, **entry}, allow_nan=False).encode()
                previous = _digest(line)
                text.append(line + b"\n")
            file.truncate(end)
            try:
                file.write(b"".join(text))
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise
            written = end + sum(map(len, text))
            self._place = _Place(written - len(text[-1]), written, previous)
        return others

    def _after(self, file: BinaryIO) -> list[bytes]:
        """Return the complete lines after the current place, and advance the place."""
        size = file.seek(0, os.SEEK_END)
        if size < self._place.end or not self._is_last(file):
            self._place = _Place()
        file.seek(self._place.end)
        data = file.read()
        lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
        if lines:
            end = self._place.end + sum(len(line) + 1 for line in lines)
            self._place = _Place(end - len(lines[-1]) - 1, end, _digest(lines[-1]))
        return lines

    def _is_last(self, file: BinaryIO) -> bool:
        """Return whether the line that was read last is still at its place."""
        place = self._place
        file.seek(place.begin)
        line = file.read(place.end - place.begin)
        return not place.end or (line[-1:] == b"\n" and _digest(line[:-1]) == place.head)

    def verify(self) -> str | None:
        """Return the fault of the first broken line, None if the chain is intact."""
        previous = ROOT
        for number, line in enumerate(self._lines(), 1):
            entry = _parsed(line)
            if entry is None:
                return f"line {number} of {str(self.path)!r} isn't a JSON object"
            if entry.get("previous") != previous:
                return f"line {number} of {str(self.path)!r} doesn't follow from the one before it"
            previous = _digest(line)
        return None

    def _lines(self) -> list[bytes]:
        try:
            return self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _parsed(line: bytes) -> Mapping[str, Json] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
