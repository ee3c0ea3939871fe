"""Concurrent use of a store: any number of runs, or one process that maintains it.

Runs share the store's lock, and lease each trial while they run it. Both are file locks of the
kernel, released when their process ends, however it ends. On a network file system they are as
reliable as its locks. If they fail, a trial may run twice, which is harmless: the first finished
attempt counts.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from hrm.errors import UserError

LOCK, PID, LEASES = "lock", "lock.pid", "leases"


@contextlib.contextmanager
def working(folder: Path, tidy: Callable[[], None], *, alone: bool) -> Iterator[None]:
    """Hold a store's lock.

    Args:
        folder: Folder of the store.
        tidy: Called first if no other process has the lock, so that nobody writes meanwhile.
        alone: Whether to exclude all other processes until the end.

    Raises:
        UserError: If another process holds it exclusively, or holds it at all and `alone` is true.
        OSError: If the lock can't be taken.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        first = _taken(handle, fcntl.LOCK_EX)
        if first:
            tidy()
        if (alone and not first) or not (alone or _taken(handle, fcntl.LOCK_SH)):
            raise UserError(
                f"store {str(folder)!r} is in use by process id {_holder(folder)}; allowed is "
                f"{'no other process' if alone else 'no merge, repair or gc'} at a time; wait for "
                "it or stop it, or give another store with --store"
            )
        (folder / PID).write_text(f"{os.getpid()}\n")
        yield
    finally:
        os.close(handle)


def _holder(folder: Path) -> str:
    with contextlib.suppress(OSError):
        return (folder / PID).read_text().strip() or "unknown"
    return "unknown"


def _taken(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Leases:
    """Leases of the trials that this process is running: for each a locked byte of one file."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / LEASES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def take(self, fingerprint: str) -> bool:
        """Lease a trial; return False if another process has leased it."""
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(fingerprint))
        except BlockingIOError:
            return False
        return True

    def give_back(self, fingerprint: str) -> None:
        """Release a trial for other processes."""
        fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, _offset(fingerprint))

    def close(self) -> None:
        """Release all trials."""
        os.close(self._handle)


def _offset(fingerprint: str) -> int:
    """Return the byte of a trial; if two trials share a byte, one waits for the other."""
    return int(fingerprint[:15], 16)
