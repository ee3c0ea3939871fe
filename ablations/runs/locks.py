"""The lock of the machine: training shares it, timing holds it exclusively.

It is one file per user in the folder for temporary files. The kernel holds the lock for a process
and those that inherit it, and frees it when the last of them ends, however it ends.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from hrm.errors import UserError


def path() -> Path:
    """Return the lock's file, the same for all of a user's processes."""
    return Path(tempfile.gettempdir(), f"hrm-ablations-{os.getuid()}.lock")


def shared(on_wait: Callable[[], None] = lambda: None) -> AbstractContextManager[int]:
    """Hold the lock shared with other processes; `on_wait` is called if one is timing.

    Yields the open file; a process that inherits it holds the lock until it ends.

    Raises:
        UserError: If the lock's file can't be opened.
    """
    return _held(fcntl.LOCK_SH, on_wait)


def exclusive(on_wait: Callable[[], None] = lambda: None) -> AbstractContextManager[int]:
    """Hold the lock exclusively; `on_wait` is called if it is in use. Yields as `shared` does.

    Raises:
        UserError: If the lock's file can't be opened.
    """
    return _held(fcntl.LOCK_EX, on_wait)


@contextmanager
def _held(kind: int, on_wait: Callable[[], None]) -> Iterator[int]:
    """Yield the locked file; closing it frees the lock."""
    try:
        handle = os.open(path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UserError(
            f"the machine's lock {str(path())!r} can't be opened ({error.strerror}); allowed is a "
            "file that belongs to you; remove it, or set TMPDIR to a folder that you may write"
        ) from error
    try:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, kind)
        yield handle
    finally:
        os.close(handle)
