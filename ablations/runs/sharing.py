"""Concurrent use of a store: any number of runs, or one process that maintains it.

Runs share the store's lock, and lease each trial while they run it. Both are locks of the kernel,
freed when their process ends, however it ends. On a file system of several machines they hold as
far as its own locks do; where they don't, a trial may run twice, which harms nothing: the first
finished attempt stands.
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
        folder: The store's.
        tidy: Called first where nobody else has the lock: nobody writes meanwhile.
        alone: Whether nobody else may have it until the end.

    Raises:
        UserError: If it is held alone by another process, or at all where `alone` is asked for.
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
                f"{'nobody else' if alone else 'no merge, repair or gc'} at a time; wait for it "
                "or stop it, or give another with --store"
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
    """Trials that a process of this store runs now: a byte of one file each, locked meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / LEASES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def take(self, fingerprint: str) -> bool:
        """Lease a trial; False if another process has it."""
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(fingerprint))
        except BlockingIOError:
            return False
        return True

    def give_back(self, fingerprint: str) -> None:
        """Let others have a trial."""
        fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, _offset(fingerprint))

    def close(self) -> None:
        """Let others have all."""
        os.close(self._handle)


def _offset(fingerprint: str) -> int:
    """Return a trial's byte; two trials that share one merely wait for each other."""
    return int(fingerprint[:15], 16)
