"""The progress of runs into a store; each run reports it in a file of its own.

The file is ``progress/<host>-<process id>.json`` in the folder of the store, rewritten every few
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
    """A running trial, and when it started."""

    name: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Standing(Record):
    """The progress of a run.

    Args:
        host: Host of its process.
        pid: Id of its process.
        engine: Description of where trials are run.
        started: Time at which it began.
        updated: Time of this report.
        trials: Number of trials to run.
        done: Number of finished trials.
        failed: Number of failed trials.
        running: The trials that are running.
        expected_end: Expected end; None if unknown.
        changed: Claims that changed their group during the run, and how.
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
        """Whether it has ended without a report, as after being killed."""
        if self.host == platform.node():
            with contextlib.suppress(PermissionError):  # the process exists, under another user
                try:
                    os.kill(self.pid, 0)
                except ProcessLookupError:
                    return True
            return False
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(self.updated)
        return age.total_seconds() > SILENT


def now() -> str:
    """Return the present time in the format of these files."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Teller:
    """Writes the progress of this process; a disk that can't be written is ignored.

    Args:
        folder: Folder of the store.
    """

    def __init__(self, folder: Path) -> None:
        host = re.sub(r"[^A-Za-z0-9._-]", "_", platform.node())
        self.path = folder / "progress" / f"{host}-{os.getpid()}.json"
        self._told = 0.0

    def due(self) -> bool:
        """Return whether it is time to write again."""
        return time.monotonic() - self._told >= EVERY

    def tell(self, standing: Standing) -> None:
        """Write the file atomically."""
        self._told = time.monotonic()
        with contextlib.suppress(OSError), whole(self.path) as temporary:
            temporary.write_text(json.dumps(standing.to_json()))

    def end(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def read(folder: Path) -> Iterator[Standing]:
    """Yield the progress of each run into a store, sorted by file name."""
    for path in sorted((folder / "progress").glob("*.json")):
        if not path.name.startswith("."):
            with contextlib.suppress(OSError, ValueError):
                yield Standing.from_json(json.loads(path.read_bytes()))
