"""The check that a folder is a store, and the errors for folders that aren't or can't be used."""

import json
from pathlib import Path

from hrm.errors import UserError
from hrm.system.files import whole

marker = {"format": "hrm-ablations", "version": 2}


def check(folder: Path, create: bool) -> None:
    """Refuse what isn't a store of this version; make a new one if asked.

    Raises:
        OSError: If it can't be read or made.
        UserError: If it is missing, no folder, not a store, or of another version.
    """
    name, another = f"store {str(folder)!r}", "give another folder with --store"
    ours = "a folder made by `ablations run`"
    if not folder.exists() and not create:
        raise refused(f"{name} doesn't exist", ours, "run that command first")
    if folder.exists() and not folder.is_dir():
        raise refused(f"{name} is a file", "a folder", another)
    path = folder / "store.json"
    if not path.exists():
        held = sorted(folder.iterdir()) if folder.exists() else []
        foreign = [p.name for p in held if not p.name.startswith(".")]
        if foreign or not create:
            holds = f"holds {foreign[0]!r} but no store.json" if foreign else "is empty"
            allowed = f"{ours}, or a new or empty one" if create else ours
            raise refused(f"{name} isn't a store: it {holds}", allowed, another)
        try:
            with whole(path) as temporary:
                temporary.write_text(json.dumps(marker))
        except FileNotFoundError:  # another process has created the store, and removed this file
            if not path.exists():
                raise
    try:
        found = json.loads(path.read_bytes())
        version = found["version"] if found["format"] == marker["format"] else None
    except (ValueError, LookupError, TypeError):
        version = None
    if not isinstance(version, int):
        raise refused(f"{name} isn't a store: its store.json differs", json.dumps(marker), another)
    if version != marker["version"]:
        mend = f"use the release that wrote it, or {another}"
        raise refused(f"{name} has version {version}", f"version {marker['version']}", mend)


def unusable(folder: Path, error: OSError) -> UserError:
    """Return the error for a store that can't be read or written."""
    return refused(
        f"store {str(folder)!r} can't be used ({said(error)})",
        "a folder that you may read and write",
        "mend its permissions, or give another store with --store",
    )


def refused(what: str, allowed: str, mend: str) -> UserError:
    """Return a user's error, from what is wrong, what is allowed, and how to mend it."""
    return UserError(f"{what}; allowed is {allowed}; {mend}")


def said(error: OSError) -> str:
    """Return the operating system's message of an error, or the name of its type."""
    return error.strerror or type(error).__name__
