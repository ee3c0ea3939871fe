"""Maintenance of stores: merge several, check one, and remove unneeded weights."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ablations.runs import index, sidecars, weights
from ablations.runs.index import Key
from ablations.runs.store import Store
from hrm.codec import Json
from hrm.errors import UserError
from hrm.system.files import whole


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something in a store that isn't as it was written.

    Args:
        path: The file.
        what: The fault.
        repaired: Whether it was repaired: an unusable file was moved away, and its run counts as
            unknown.
    """

    path: Path
    what: str
    repaired: bool = False


def prune(store: Store, needed: Iterable[str]) -> int:
    """Remove weights that no trial will start from, and return the number of bytes that were freed.

    If missing weights are needed later, the trial that made them is run again.

    Args:
        store: The store.
        needed: Fingerprints of the trials whose weights others start from.
    """
    with store.coordinate(alone=True):
        kept = {store.weights(fingerprint) for fingerprint in needed}
        freed = 0
        for path in store.folder.glob("weights/*.safetensors"):
            if path.stem not in kept:
                freed += path.stat().st_size
                path.unlink()
        return freed


def merge(store: Store, others: Iterable[Store]) -> int:
    """Copy the records of other stores into one, and return the number of new records.

    The lines of their journals are added to this one's, each with its store, so that a run that is
    lost there is unknown here. Everything is compared before anything is copied.

    Raises:
        UserError: If two stores have one attempt with different bytes, if a journal is broken, if
            the store is in use or can't be written.
    """
    others = list(others)
    with store.coordinate(alone=True):
        for other in others:
            require_whole(other)
        new = [(other, _new(store, other)) for other in others]
        _require_equal(new)
        for other, keys in new:
            for key in keys:
                _copy(store, other, key)
            with store.writing(store.journal.path):
                store.journal.append(_lines(store, other))
            store.refresh()
            with store.writing(store.journal.path):
                store.adopt(source=other.folder.name)
        return len({key for _, keys in new for key in keys})


def check(store: Store, *, repair: bool = False) -> tuple[Fault, ...]:
    """Read a whole store again and return its faults; the index is rebuilt.

    Args:
        store: The store.
        repair: Whether to move unusable files into the store's folder "quarantine".

    Raises:
        UserError: If it is to be repaired and is in use, or can't be written.
    """
    if not repair:
        index.forget(store.folder)
        store.refresh()
        return tuple(_faults(store))
    with store.coordinate(alone=True):
        index.forget(store.folder)
        store.refresh()
        found = [_repaired(store, fault) for fault in _faults(store)]
        store.refresh()
        return tuple(found)


# -- merging --------------------------------------------------------------------------------------
def require_whole(store: Store) -> None:
    """Refuse a store whose journal isn't as it was written.

    Raises:
        UserError: If its chain of digests is broken.
    """
    broken = store.journal.verify()
    if broken is not None:
        raise UserError(
            f"the journal of store {str(store.folder)!r} is broken: {broken}; allowed is the "
            "journal that `ablations run` wrote; restore the file from a copy"
        )


def _new(store: Store, other: Store) -> list[Key]:
    """Return the records of another store that one lacks; the others must be equal in both."""
    found = []
    for key, _ in index.listing(other.folder / "runs"):
        if other.path(key) in other.faults:
            continue
        for suffix in (".json", ".safetensors"):
            here, there = store.path(key, suffix), other.path(key, suffix)
            if here.exists() and there.exists() and here.read_bytes() != there.read_bytes():
                raise _unequal(here, there)
        if not store.path(key).exists():
            found.append(key)
    return sorted(found)


def _require_equal(new: Iterable[tuple[Store, list[Key]]]) -> None:
    """Refuse an attempt whose bytes differ between two of the other stores."""
    seen: dict[Key, Path] = {}
    for other, keys in new:
        for key in keys:
            path = other.path(key)
            first = seen.setdefault(key, path)
            if first != path and first.read_bytes() != path.read_bytes():
                raise _unequal(first, path)


def _unequal(here: Path, there: Path) -> UserError:
    return UserError(
        f"{str(here)!r} and {str(there)!r} are records of one attempt with different bytes; "
        "allowed is one record per attempt; run `ablations store check` on both stores, and remove "
        "the record that was changed"
    )


def _copy(store: Store, other: Store, key: Key) -> None:
    result, _ = other.read(key)
    wanted = [(other.path(key, s), store.path(key, s)) for s in (".safetensors", ".json")]
    if result.weights is not None:
        places = (weights.path(s.folder, result.weights) for s in (other, store))
        wanted.insert(0, (next(places), next(places)))
    for there, here in wanted:
        if there.exists() and not here.exists():
            with store.writing(here), whole(here) as temporary:
                temporary.write_bytes(there.read_bytes())


def _lines(store: Store, other: Store) -> list[dict[str, Json]]:
    """Return the lines of another journal that one lacks, with the store that they come from."""

    def plain(line: Mapping[str, Json]) -> dict[str, Json]:
        return {key: value for key, value in line.items() if key not in ("previous", "source")}

    def text(line: Mapping[str, Json]) -> str:
        return json.dumps(plain(line), sort_keys=True)

    known = {text(line) for line in store.journal.entries()}
    new = [
        {**plain(line), "source": line.get("source", other.folder.name)}
        for line in other.journal.entries()
        if text(line) not in known
    ]
    merged = {"what": "merged", "source": other.folder.name, "head": other.journal.head}
    return [*new, merged] if new else []


# -- checking -------------------------------------------------------------------------------------
def _faults(store: Store) -> list[Fault]:
    found = [Fault(path=path, what=what) for path, what in store.faults.items()]
    broken = store.journal.verify()
    if broken is not None:
        found.append(Fault(path=store.journal.path, what=broken))
    found.extend(
        Fault(path=path, what="its record is missing")
        for path in sorted(store.folder.glob("runs/*/*.safetensors"))
        if not path.with_suffix(".json").exists()
    )
    for path in sorted(store.folder.glob("weights/*.safetensors")):
        try:
            sidecars.verified(path, path.stem)
        except ValueError as error:
            found.append(Fault(path=path, what=str(error)))
    return found


def _repaired(store: Store, fault: Fault) -> Fault:
    if fault.path == store.journal.path or not fault.path.exists():
        return fault
    aside = store.folder / "quarantine" / fault.path.relative_to(store.folder)
    moved = [fault.path]
    if fault.path.suffix == ".json":
        moved.append(fault.path.with_suffix(".safetensors"))
    with store.writing(aside):
        aside.parent.mkdir(parents=True, exist_ok=True)
        for path in moved:
            if path.exists():
                path.replace(aside.with_name(path.name))
    return Fault(path=fault.path, what=fault.what, repaired=True)
