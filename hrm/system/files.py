"""Files and folders that are whole or absent, whatever happens."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield the name of a temporary file or folder, to be made there and renamed to `path`.

    It is synced and takes its place when the block ends; if that fails, or the block does, what was
    made is removed. A file replaces an older one, a folder only an empty one.

    Raises:
        OSError: If it can't be written there, as on a full disk.
    """
    fresh = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        yield temporary
        for made in [temporary, *temporary.rglob("*")]:
            _sync(made)
        temporary.replace(path)
    except BaseException:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)
    if fresh:
        _sync(path.parent.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
