"""Atomic writing of files and folders, locks, and checked reading of our own files."""

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

LOCK = ".lock"  # in a folder that one process has locked


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path, where the block creates a file or folder, to rename it to `path`.

    When the block ends, it is synced and renamed; if this or the block fails, it is removed. A file
    replaces an older file; a folder replaces only an empty one.

    Raises:
        OSError: If it can't be written, as on a full disk.
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
    """Create a folder, lock it for this process, and remove incomplete files in it.

    Raises:
        UserError: If it is in use, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"output is {str(folder)!r}, a file; allowed is a folder; name another")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            for left in folder.glob(".*.tmp"):  # left by a killed process
                left.unlink()
            yield
    except filelock.Timeout as error:
        raise UserError(
            f"output is {str(folder)!r}, in which another process is training; allowed is a "
            f"folder that is free; wait for it, or name another"
        ) from error


def read_json(path: Path, by: str, mend: str) -> dict[str, Any]:
    """Return the JSON object in a file of ours.

    Args:
        path: The file.
        by: The program that wrote it, for error messages.
        mend: Advice for error messages.

    Raises:
        UserError: If it can't be read, or contains anything else.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(path, error, by, mend) from error
    if not isinstance(found, dict):
        raise damaged(path, f"it holds a {type(found).__name__}, no object", by, mend)
    return found


def read_lines(path: Path, by: str, mend: str, *names: str) -> list[dict[str, Any]]:
    """Return the JSON objects in a file of ours with one per line.

    Text after the last newline is ignored, because a killed process may have left it incomplete.

    Args:
        path: The file.
        by: The program that wrote it, for error messages.
        mend: Advice for error messages.
        names: Keys that each object must have.

    Raises:
        UserError: If it can't be read, or a complete line contains anything else; names the line.
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
    """Return the error for a file of ours that can't be used."""
    return UserError(f"{str(path)!r} can't be read ({why}); allowed is what {by} wrote; {mend}")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
