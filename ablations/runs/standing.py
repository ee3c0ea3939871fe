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
    """A trial that is being run, since when."""

    name: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Standing(Record):
    """The progress of a run.

    Args:
        host: Host of its process.
        pid: Id of its process.
        engine: Where trials are run.
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
