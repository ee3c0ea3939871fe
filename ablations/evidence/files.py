"""The format of evidence: sorted lines of JSON, readable in a diff and by a few lines of code.

    folder/evidence.json     {"format", "version", "head", "runs", "cpu_seconds"}
    folder/runs/KIND.jsonl   all runs of one kind of trial, which differ in the seed alone
    folder/claims.jsonl      versions of claims: their tests, and where their cells' readings are
    folder/garden.jsonl      the words that versions of claims had at their looks
    folder/journal.jsonl     files after each compaction, chained by digests

A file of runs has one line for each of

    {"trial": {"protocol", "arms", "device"}}
    {"reading": key, "arm": place, "metric": {...}, "sources": [digest]}
    {"where": key, "class", "versions", "machine", "sources", "commit", "dirty"}
    {"grid": key, "at": [...]}                                the updates of curves
    {"seed", "fingerprint", "attempt", "status", "sha256", "where", "cpu", "wall", "memory",
     "load", "values": {key: value}, ...}                     a run

in this order. A reading's sources are the digests of the metric's code that gave all values under
its key. A run's sha256 is that of its full record. Its status is "ok", "diverged", "timed_out", or
"lost" if the record was lost before it was read. Optional fields of a run are "error", "deaths",
"ends" ({key: text}, the end of a metric's scale at which it lies), "skill" ({arm: [margin, error]},
over the best trivial method; null if it wasn't scored), "checks" (of an exact claim, one list per
arm) and "series" ({arm: {name: values, "at": key of a grid}}, for pictures only).

A value is a number; or [low, high, mean, failed] for an interval or a failed run, with "inf",
"-inf" and "nan" as text; or {"fault": text} if the metric couldn't read the run.
"""

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ablations.judging.readings import Fault
from ablations.metrics.value import Value
from ablations.records.trials import Trial
from hrm.codec import Json
from hrm.config.parts import canonical
from hrm.errors import UserError

FORMAT = {"format": "hrm-ablations-evidence", "version": 1}
LOST = "lost"
MOST = 20_000_000  # largest size of a folder, in bytes


@dataclass(kw_only=True)
class Runs:
    """All runs of one kind of trial.

    Args:
        trial: Protocol, arms and device.
        name: Name of the file, without its suffix.
        readings: By key: arm, metric and sources.
        where: By key: machine, versions, sources and commit.
        grids: By key: updates.
        runs: By fingerprint.
    """

    name: str
    trial: Mapping[str, Json]
    readings: dict[str, dict[str, Json]] = field(default_factory=dict)
    where: dict[str, dict[str, Json]] = field(default_factory=dict)
    grids: dict[str, list[float]] = field(default_factory=dict)
    runs: dict[str, dict[str, Json]] = field(default_factory=dict)
    _places: dict[tuple[int, str], list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _placed: int = field(default=0, init=False, repr=False, compare=False)

    @classmethod
    def of_text(cls, name: str, text: str) -> Self:
        """Return the runs in the text of a file.

        Raises:
            ValueError, LookupError: If it isn't one of these files.
        """
        first, *lines = map(json.loads, text.splitlines())
        found = cls(name=name, trial=first["trial"])
        for line in lines:
            if "seed" in line:
                found.runs[line["fingerprint"]] = line
            elif "reading" in line:
                found.readings[line.pop("reading")] = line
            elif "where" in line:
                found.where[line.pop("where")] = line
            else:
                found.grids[line["grid"]] = line["at"]
        return found

    def text(self) -> str:
        """Return the file's text; equal runs give equal text."""
        lines: list[Json] = [{"trial": self.trial}]
        lines += [{"reading": key, **rest} for key, rest in sorted(self.readings.items())]
        lines += [{"where": key, **rest} for key, rest in sorted(self.where.items())]
        lines += [{"grid": key, "at": at} for key, at in sorted(self.grids.items())]
        lines += sorted(self.runs.values(), key=lambda run: (run["seed"], run["fingerprint"]))
        return "".join(dumped(line) for line in lines)

    def keys(self, arm: int, metric: str) -> list[str]:
        """Return the keys of an arm's readings by a metric, in order.

        Args:
            arm: Index of the arm.
            metric: Canonical JSON of the metric.
        """
        if self._placed != len(self.readings):  # readings are added, never removed or moved
            self._places.clear()
            for key, one in sorted(self.readings.items()):
                place = one["arm"], canonical(one["metric"])
                self._places.setdefault(place, []).append(key)
            self._placed = len(self.readings)
        return self._places.get((arm, metric), [])

    @functools.cached_property
    def first(self) -> Trial:
        """The trial at seed 0, as it was recorded; others differ in the seed alone."""
        return Trial.from_json({**self.trial, "seed": 0})


def read(folder: Path, name: str, digest: str | None) -> Runs:
    """Return a file of runs.

    Args:
        folder: Folder of the evidence.
        name: Name of the file, without its suffix.
        digest: Its SHA-256 in the journal; None to skip that check.

    Raises:
        UserError: If it can't be read, or has another digest.
    """
    path = folder / "runs" / f"{name}.jsonl"
    try:
        data = path.read_bytes()
        if digest is not None and sha256(data) != digest:
            raise ValueError("its SHA-256 isn't the one in the journal")
        return Runs.of_text(name, data.decode())
    except (OSError, ValueError, LookupError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, why: object) -> UserError:
    """Return the error for a file of evidence that isn't as it was written."""
    return UserError(
        f"evidence {str(path)!r} can't be used ({' '.join(str(why).split())}); allowed is a file "
        "that `ablations store compact` wrote; restore it from git, or compact again if that was "
        "interrupted"
    )


def packed(value: Value) -> Json:
    """Return a value as JSON."""
    if value.known and value.mean == value.low and not value.failed:
        return float(value.low)
    return [*map(_number, (value.low, value.high, value.mean)), int(value.failed)]


def unpacked(data: Json) -> Value:
    """Return the value that `packed` turned into JSON.

    Raises:
        Fault: If it is one.
    """
    match data:
        case {"fault": fault}:
            raise Fault(fault)
        case [low, high, mean, failed]:
            return Value(low=float(low), high=float(high), mean=float(mean), failed=bool(failed))
        case _:
            return Value(low=data, high=data, mean=data)


def dumped(line: Json) -> str:
    """Return a line of JSON."""
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n"


def short(data: Json, digits: int = 8) -> str:
    """Return a key for JSON; equal data have equal keys."""
    return sha256(canonical(data).encode())[:digits]


def sha256(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def lines(path: Path) -> list[Mapping[str, Json]]:
    """Return the lines of a file; none if the file doesn't exist.

    Raises:
        UserError: If it can't be read.
    """
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def digests(journal: Iterable[Mapping[str, Json]]) -> dict[str, str]:
    """Return the SHA-256 that a journal has of each file, by the file's name."""
    return {line["file"]: line["sha256"] for line in journal if line["what"] == "written"}


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))
