"""The journal: one line for everything that was planned and stored, chained by digests.

Each line is a JSON object whose "previous" is the SHA-256 of the line before it, zeros for the
first. A line that is changed, removed or slipped in breaks the chain at the next one. Lines removed
at the end don't: for that, the head is kept elsewhere too (it is committed with the evidence).
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hrm.codec import Json

ROOT = "0" * 64


class Journal:
    """Lines in a file. Whoever appends must hold the store's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> Iterator[Mapping[str, Json]]:
        """Yield every line that can be read, in order; an unfinished last line isn't one."""
        for line in self._lines():
            entry = _parsed(line)
            if entry is not None:
                yield entry

    @property
    def head(self) -> str:
        """The digest of the last line: equal heads, equal journals."""
        lines = self._lines()
        return _digest(lines[-1]) if lines else ROOT

    def append(self, entries: Iterable[Mapping[str, Json]]) -> None:
        """Write lines and sync them; what a killed writer left of a line is cut off first.

        Raises:
            OSError: If they can't be written; then none of them is.
        """
        text, previous = [], self.head
        for entry in entries:
            line = json.dumps({"previous": previous, **entry}, allow_nan=False).encode()
            previous = _digest(line)
            text.append(line + b"\n")
        if not text:
            return
        end = sum(len(line) + 1 for line in self._lines())
        with self.path.open("ab") as file:
            file.truncate(end)
            try:
                file.write(b"".join(text))
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(end)
                raise

    def verify(self, head: str | None = None) -> str | None:
        """Return what is wrong with the first broken line, None if the chain holds.

        Args:
            head: An earlier head, which must be the digest of one of the lines.
        """
        previous, digests = ROOT, {ROOT}
        for number, line in enumerate(self._lines(), 1):
            entry = _parsed(line)
            if entry is None:
                return f"line {number} of {str(self.path)!r} isn't a JSON object"
            if entry.get("previous") != previous:
                return f"line {number} of {str(self.path)!r} doesn't follow from the one before it"
            previous = _digest(line)
            digests.add(previous)
        if head is not None and head not in digests:
            return f"no line of {str(self.path)!r} has the digest {head}: lines were removed"
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
