"""Files and folders that are whole or absent, whatever happens; one guard to read ours with."""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from hrm.errors import UserError

LOCK = ".lock"  # in a folder that belongs to one process


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


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes from running in a folder, which is made, and rid of torn files.

    Raises:
        UserError: If it is in use, or a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"output is {str(folder)!r}, a file; allowed is a folder; name another")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            for left in folder.glob(".*.tmp"):  # by a writer that was killed
                left.unlink()
            yield
    except filelock.Timeout as error:
        raise UserError(
            f"output is {str(folder)!r}, in which another process is training; allowed is a "
            f"folder that is free; wait for it, or name another"
        ) from error


def read_json(path: Path, by: str, mend: str) -> dict[str, Any]:
    """Return the JSON object of a file of ours.

    Args:
        by: Who wrote it.
        mend: What to do where it is damaged.

    Raises:
        UserError: If it can't be read, or holds anything else.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(path, error, by, mend) from error
    if not isinstance(found, dict):
        raise damaged(path, f"it holds a {type(found).__name__}, no object", by, mend)
    return found


def read_lines(path: Path, by: str, mend: str, *names: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a file of ours with one on each line.

    What follows the last newline is left out: a process that was killed may have torn it.

    Args:
        by: Who wrote it.
        mend: What to do where it is damaged.
        names: What each object holds.

    Raises:
        UserError: If it can't be read, or a whole line holds anything else; names the line.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise damaged(path, error, by, mend) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            each = json.loads(line)
        except ValueError as error:
            what = f"line {number}: {error if line.strip() else 'it is blank'}"
            raise damaged(path, what, by, mend) from error
        if not isinstance(each, dict) or not each.keys() >= set(names):
            what = f"line {number}: it holds no object with {', '.join(names) or 'fields'}"
            raise damaged(path, what, by, mend)
        found.append(each)
    return found


def damaged(path: Path, why: object, by: str, mend: str) -> UserError:
    """Return what is said of a file of ours that can't be used."""
    return UserError(f"{str(path)!r} can't be read ({why}); allowed is what {by} wrote; {mend}")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
