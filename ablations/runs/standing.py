"""How far the runs into a store are, told by each in a file of its own while it goes on.

The file is ``progress/<host>-<process id>.json`` in the store's folder, written anew every few
seconds and removed at the end.
"""

import contextlib
import datetime
import json
import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hrm.codec import Record
from hrm.system.files import whole

EVERY = 2.0  # seconds between two versions of a file
SILENT = 60.0  # seconds after which a run on another machine has probably ended


@dataclass(frozen=True, kw_only=True)
class Running(Record):
    """A trial that is being run, since when."""

    name: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Standing(Record):
    """How far a run is.

    Args:
        host, pid: The process that runs it.
        engine: Where trials are run.
        started, updated: When it began, and when it said so.
        trials, done, failed: How many it was to run, has run to an end, and saw fail.
        running: What is being run.
        expected_end: When it will end if it goes on like this, None where nobody can tell.
        changed: Which claims changed their group meanwhile, and how.
    """

    host: str
    pid: int
    engine: str
    started: str
    updated: str
    trials: int
    done: int
    failed: int
    running: tuple[Running, ...]
    expected_end: str | None
    changed: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether it has ended without saying so, as a killed one does."""
        if self.host == platform.node():
            with contextlib.suppress(PermissionError):  # then it is there
                try:
                    os.kill(self.pid, 0)
                except ProcessLookupError:
                    return True
            return False
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(self.updated)
        return age.total_seconds() > SILENT


def now() -> str:
    """Return the time as files have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Teller:
    """Writes how far this process is; a disk that refuses harms nothing.

    Args:
        folder: The store's.
    """

    def __init__(self, folder: Path) -> None:
        host = re.sub(r"[^A-Za-z0-9._-]", "_", platform.node())
        self.path = folder / "progress" / f"{host}-{os.getpid()}.json"
        self._told = 0.0

    def due(self) -> bool:
        """Tell whether it is time for another version."""
        return time.monotonic() - self._told >= EVERY

    def tell(self, standing: Standing) -> None:
        """Write a version, whole."""
        self._told = time.monotonic()
        with contextlib.suppress(OSError), whole(self.path) as temporary:
            temporary.write_text(json.dumps(standing.to_json()))

    def end(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def read(folder: Path) -> Iterator[Standing]:
    """Yield how far each run into a store is, those of this machine first by process id."""
    for path in sorted((folder / "progress").glob("*.json")):
        if not path.name.startswith("."):
            with contextlib.suppress(OSError, ValueError):
                yield Standing.from_json(json.loads(path.read_bytes()))
