"""A store's attempts as one table, for other programs: CSV, or Parquet by pyarrow.

Each row is an arm of an attempt. Observations that are single values have a column of their own,
named ``observed.NAME``; arrays and nested observations aren't exported.
"""

import csv
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ablations.records.trials import Result
from ablations.runs.store import Store
from hrm.codec import Json
from hrm.config.parts import type_key
from hrm.errors import UserError
from hrm.system.files import whole

ROWS = 10_000  # rows in memory at a time
OBSERVED: Final = "observed."
columns: Mapping[str, type] = {
    "fingerprint": str, "attempt": str, "stands": bool, "status": str, "error": str,
    "protocol": str, "protocol_json": str, "arm": int, "arm_json": str, "seed": int,
    "device": str, "started": str, "wall_seconds": float, "cpu_seconds": float,
    "peak_memory_bytes": int, "deaths": int, "cpu": str, "accelerator": str, "threads": int,
    "load": float, "versions": str, "sources": str, "commit": str, "dirty": bool,
}  # fmt: skip


def export(store: Store, path: Path, kind: str) -> int:
    """Write all readable attempts to a file, atomically, and return the number of rows.

    Args:
        store: The store.
        path: The file; it replaces an older one.
        kind: "csv" or "parquet".

    Raises:
        UserError: If the format's package isn't installed, or the file can't be written.
    """
    write = {"csv": _csv, "parquet": _parquet}[kind]
    every = {**columns, **_observed(store)}
    try:
        with whole(path) as temporary:
            return write(temporary, every, _rows(store))
    except OSError as error:
        raise UserError(
            f"--output is {str(path)!r}, which can't be written ({error.strerror or error}); "
            "allowed is a file in a folder that you may write, on a disk with room; name another"
        ) from error


def _rows(store: Store) -> Iterator[dict[str, Json]]:
    """Yield a row for each arm of each attempt, in order of fingerprint and attempt."""
    for fingerprint in store.fingerprints():
        standing = store.get(fingerprint)
        for result in store.attempts(fingerprint):
            stands = standing is not None and standing.attempt == result.attempt
            yield from _arms(result, stands)


def _arms(result: Result, stands: bool) -> Iterator[dict[str, Json]]:
    trial, machine = result.trial, result.machine
    shared: dict[str, Json] = {
        "fingerprint": result.fingerprint, "attempt": result.attempt, "stands": stands,
        "status": result.status.value, "error": result.error,
        "protocol": trial.protocol.get(type_key), "protocol_json": _text(trial.protocol),
        "seed": trial.seed, "device": trial.device, "started": result.started,
        "wall_seconds": result.wall_seconds, "cpu_seconds": result.cpu_seconds,
        "peak_memory_bytes": result.peak_memory_bytes, "deaths": result.deaths,
        "cpu": machine.cpu, "accelerator": machine.accelerator, "threads": machine.threads,
        "load": machine.load, "versions": _text(dict(result.versions)),
        "sources": result.sources, "commit": result.commit, "dirty": result.dirty,
    }  # fmt: skip
    for number in range(max(len(trial.arms), 1)):
        arm = trial.arms[number] if number < len(trial.arms) else None
        left = result.observations[number] if number < len(result.observations) else {}
        yield {
            **shared,
            "arm": number,
            "arm_json": None if arm is None else _text(arm),
            **{OBSERVED + name: value for name, value in left.items() if _is_plain(value)},
        }


def _observed(store: Store) -> dict[str, type]:
    """Return the columns of single-valued observations, each with its type."""
    found: dict[str, type] = {}
    for row in _rows(store):
        for name, value in row.items():
            if name.startswith(OBSERVED) and value is not None:
                found[name] = _joint(found.get(name, type(value)), type(value))
    return dict(sorted(found.items()))


def _joint(one: type, other: type) -> type:
    """Return a type for values of both types."""
    if one is other:
        return one
    return float if {one, other} == {int, float} else str


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _text(data: Json) -> str:
    return json.dumps(data, sort_keys=True)


# -- formats --------------------------------------------------------------------------------------
def _csv(path: Path, every: Mapping[str, type], rows: Iterator[Mapping[str, Json]]) -> int:
    number = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(every), restval="", lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows, 1):  # noqa: B007 (the number of the last one)
            writer.writerow({name: "" if v is None else v for name, v in row.items()})
    return number


def _parquet(path: Path, every: Mapping[str, type], rows: Iterator[Mapping[str, Json]]) -> int:
    try:
        arrow, parquet = (importlib.import_module(n) for n in ("pyarrow", "pyarrow.parquet"))
    except ImportError as error:
        raise UserError(
            f"--format parquet needs the package pyarrow ({error}); allowed without it is csv; "
            "pip install -c constraints.txt -e '.[parquet]'"
        ) from error
    kinds = {
        bool: arrow.bool_(), int: arrow.int64(), float: arrow.float64(), str: arrow.string(),
    }  # fmt: skip
    schema = arrow.schema([(name, kinds[kind]) for name, kind in every.items()])
    number = 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := [row for _, row in zip(range(ROWS), rows, strict=False)]:
            number += len(batch)
            table = {
                name: arrow.array([_as(kind, row.get(name)) for row in batch], kinds[kind])
                for name, kind in every.items()
            }
            writer.write_table(arrow.table(table, schema=schema))
    return number


def _as(kind: type, value: Json) -> Any:
    return None if value is None else kind(value)
