"""From stores to evidence: the readings of each run are added, and never changed.

The first attempt that was compacted counts. A metric whose code has changed since is read again if
the full records still exist. If the values are the same, the new digest is added to theirs;
otherwise the new values are stored beside the earlier ones.
"""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablations.evidence import files, series
from ablations.evidence.asked import Asked, asked, digest_of, normal
from ablations.evidence.book import Book, Summary, alone, load, require_small, write
from ablations.evidence.files import LOST, Runs
from ablations.evidence.kept import Evidence
from ablations.judging import garden, readings
from ablations.judging.cells import Reader, Run, value_of
from ablations.metrics.base import Metric
from ablations.records.rows import Garden
from ablations.records.trials import Result, Status
from ablations.runs import fingerprints
from ablations.runs.fingerprints import kind
from ablations.runs.journal import Journal
from ablations.runs.store import Store
from ablations.runs.trials import Slot, pilots, plan, seeds, with_parents
from ablations.runs.upkeep import require_whole
from ablations.specs.claim import Claim, Tier
from hrm.codec import Json
from hrm.errors import UserError


def compact(
    folder: Path,
    stores: Sequence[Store],
    claims: Sequence[Sequence[Claim]],
    seen: Callable[[Evidence], Iterable[Garden]] = lambda _: (),
) -> Summary:
    """Add the readings that claims need of the runs of some stores to evidence.

    New evidence is created. After an interruption, the same call continues: every file is either
    complete or absent.

    Args:
        folder: Folder of the evidence.
        stores: The stores whose records are read.
        claims: All claims and controls: first as specified, then in other modes of execution.
        seen: Judges the evidence, for the garden of spec versions.

    Raises:
        UserError: If two records of one attempt differ, or two attempts that must be equal; if a
            journal is broken; if the folder can't be written, isn't evidence, or would exceed its
            limit.
    """
    with alone(folder):
        book, journal = load(folder), Journal(folder / "journal.jsonl")
        wanted, kinds = asked(itertools.chain(*claims)), dict[str, str]()
        before = len(book.known)
        for store in stores:
            require_whole(store)
            _compact(book, store, wanted, kinds)
            if store.faults:
                _note_lost(book, store, itertools.chain(*claims))
        book.summary.new = len(book.known) - before
        text = {name: book.files[name].text() for name in book.changed}
        require_small(folder, text)
        write(folder, journal, text, book, stores, claims)
        evidence = Evidence.open(folder)
        words = [one for store in stores for one in garden.read(store.folder)]
        garden.add(folder, [*words, *seen(evidence)])
        book.summary.bytes = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        book.summary.runs, book.summary.head = len(book.known), journal.head
        return book.summary


# -- reading --------------------------------------------------------------------------------------
def _compact(book: Book, store: Store, wanted: Mapping[str, Asked], kinds: dict[str, str]) -> None:
    """Add a store's runs.

    Args:
        book: The evidence.
        store: The store.
        wanted: The readings that claims need, by the kind of trial.
        kinds: Kinds that this release gives recorded trials, by their recorded kinds, so far.
    """
    together: dict[str, list[tuple[Result, bool]]] = {}
    called = {file: name for name, file in book.names.items()}
    for fingerprint in store.fingerprints():
        runs = book.files[book.known[fingerprint]] if fingerprint in book.known else None
        if runs is not None:
            name = called[runs.name]
            line = runs.runs[fingerprint]
            complete = name not in wanted or _complete(runs, line, wanted[name])
            if complete and store.standing(fingerprint) == (line["attempt"], line["sha256"]):
                continue
        result = store.get(fingerprint)
        if result is None or not result.status.finished:
            book.summary.unfinished += result is not None
            continue
        recorded = kind(result.trial)
        if recorded not in kinds:
            kinds[recorded] = kind(normal(result.trial))
        name = kinds[recorded]
        if name not in wanted:
            book.summary.unread += 1
            continue
        together.setdefault(name, []).append((result, fingerprint in book.known))
    for name, results in together.items():
        _add(book, store, wanted[name], results)


def _complete(runs: Runs, line: Mapping[str, Json], one: Asked) -> bool:
    """Return whether all required readings of a run were made by the present code."""
    if line["status"] == LOST:
        return False
    return {str(arm) for arm in one.skilled} <= set(line.get("skill", ())) and all(
        any(
            key in line["values"] and digest_of(metric) in runs.readings[key]["sources"]
            for key in runs.keys(arm, text)
        )
        for (arm, text), metric in one.metrics.items()
    )


def _add(book: Book, store: Store, one: Asked, results: Sequence[tuple[Result, bool]]) -> None:
    """Add new runs of one kind, and new readings of recorded ones."""
    runs = book.of(one.trial)
    reader = Reader(store)
    read: dict[str, dict[tuple[int, str], tuple[Json, str]]] = {}
    fresh: dict[str, dict[str, Json]] = {}
    for result, there in results:
        sha = store.standing(result.fingerprint)[1]
        if there and _repeated(book, runs, result, sha, one, reader):
            continue
        fresh[result.fingerprint] = _line(runs, result, sha, one, reader)
        read[result.fingerprint] = {
            key: _read(result, key[0], metric, reader) for key, metric in one.metrics.items()
        }
    for fingerprint, line in fresh.items():
        old = runs.runs.get(fingerprint)
        if old is None or old["status"] == LOST:
            book.put(runs, line)
        else:
            old |= {name: line[name] for name in ("checks", "series") if name in line}
            if "skill" in line:
                old["skill"] = {**line["skill"], **old.get("skill", {})}
            book.summary.reread += 1
            book.changed.add(runs.name)
    for (arm, text), metric in one.metrics.items():
        _merge(runs, arm, text, metric, {f: found[arm, text] for f, found in read.items()})


def _merge(
    runs: Runs, arm: int, text: str, metric: Metric, found: Mapping[str, tuple[Json, str]]
) -> None:
    """Add the readings of a metric of one arm to the recorded ones."""
    if not found:
        return
    key = _column(runs, arm, text, metric, {name: value for name, (value, _) in found.items()})
    for fingerprint, (value, end) in found.items():
        line = runs.runs[fingerprint]
        line["values"] = dict(sorted({**line["values"], key: value}.items()))
        if end:
            line["ends"] = dict(sorted({**line.get("ends", {}), key: end}.items()))


def _column(runs: Runs, arm: int, text: str, metric: Metric, values: Mapping[str, Json]) -> str:
    """Return the key for the present values of a metric."""
    digest = digest_of(metric)
    keys = sorted(runs.keys(arm, text), key=lambda key: runs.readings[key]["order"])
    for key in keys:
        if digest in runs.readings[key]["sources"]:
            return key
    if keys:
        last = keys[-1]
        before = {n: r["values"][last] for n, r in runs.runs.items() if last in r["values"]}
        if all(name in values and values[name] == value for name, value in before.items()):
            runs.readings[last]["sources"].append(digest)
            return last
    made = {"arm": arm, "metric": metric.to_json(), "sources": [digest], "order": len(keys)}
    key = files.short(made, 6)
    runs.readings[key] = made
    return key


def _read(result: Result, arm: int, metric: Metric, reader: Reader) -> tuple[Json, str]:
    """Return the reading of a metric as JSON, and the end of its scale at which it lies."""
    if result.status is not Status.OK:
        return files.packed(metric.of_diverged()), ""
    run = _run(result, arm)
    value, _, fault = value_of(run, metric, reader, readings.CELL)
    end = ""
    with contextlib.suppress(ArithmeticError, LookupError, TypeError, UserError, ValueError):
        end = readings.extreme(metric, reader.observed(run))
    return ({"fault": fault} if fault else files.packed(value)), end


def _run(result: Result, arm: int) -> Run:
    return Run(trial=result.trial, arm=arm, result=result, status=result.status, lost=False)


def _line(runs: Runs, result: Result, sha: str, one: Asked, reader: Reader) -> dict[str, Json]:
    """Return a run's line, without values."""
    line: dict[str, Json] = {
        "seed": result.trial.seed,
        "fingerprint": result.fingerprint,
        "attempt": result.attempt,
        "status": result.status.value,
        "sha256": sha,
        "where": _where(runs, result),
        "cpu": round(result.cpu_seconds, 3),
        "wall": round(result.wall_seconds, 3),
        "memory": result.peak_memory_bytes,
        "load": result.machine.load,
        "values": {},
    }
    if result.deaths:
        line["deaths"] = result.deaths
    if result.error:
        line["error"] = result.error
    observed = [reader.observed(_run(result, arm)) for arm in range(len(result.observations))]
    line |= series.kept(runs, observed)
    if result.status is Status.OK:
        if any("checks" in found for found in observed):
            line["checks"] = [found.get("checks", []) for found in observed]
        line |= _skill(one, observed)
    elif one.skilled:
        line["skill"] = {str(arm): None for arm in sorted(one.skilled)}
    return line


def _skill(one: Asked, observed: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    found: dict[str, list[float] | None] = {}
    for arm in sorted(one.skilled):
        found[str(arm)] = None
        with contextlib.suppress(ArithmeticError, LookupError, TypeError, ValueError):
            ends = readings.margin(observed[arm])
            if all(map(math.isfinite, ends)):
                found[str(arm)] = [float(x) for x in ends]
    return {"skill": found} if found else {}


def _where(runs: Runs, result: Result) -> str:
    return _place(
        runs,
        {
            "class": _class(result),
            "versions": dict(result.versions),
            "machine": _machine(result),
            "sources": result.sources,
            "commit": result.commit,
            "dirty": result.dirty,
        },
    )


def _machine(result: Result) -> dict[str, Json]:
    return {key: value for key, value in result.machine.to_json().items() if key != "load"}


def _place(runs: Runs, where: dict[str, Json]) -> str:
    key = files.short(where)
    runs.where[key] = where
    return key


def _class(result: Result) -> str:
    """Return the class of devices of a result, as in its fingerprint."""
    if result.trial.device != "cpu":
        return f"{result.trial.device} {result.machine.accelerator}"
    alone = fingerprints.protocol_class(result.trial).alone
    return f"cpu {result.machine.cpu}" if alone else "cpu"


# -- repeated attempts ----------------------------------------------------------------------------
def _repeated(book: Book, runs: Runs, result: Result, sha: str, one: Asked, reader: Reader) -> bool:
    """Return whether another attempt at a run is recorded, which counts; if so, record this one.

    Raises:
        UserError: If the recorded one is this attempt with other bytes, or one that must have the
            same values and doesn't.
    """
    line = runs.runs[result.fingerprint]
    if line["status"] == LOST:
        return False
    if line["attempt"] == result.attempt:
        if line["sha256"] != sha:
            raise _conflict(runs, result, "its record isn't the one that was compacted")
        return False
    equal = result.status.value == line["status"] and all(
        value == line["values"][key]
        for (arm, text), metric in one.metrics.items()
        for value in [_read(result, arm, metric, reader)[0]]
        for key in runs.keys(arm, text)
        if key in line["values"] and digest_of(metric) in runs.readings[key]["sources"]
    )
    same = _machine(result) == runs.where[line["where"]]["machine"]
    if same and not equal and not fingerprints.protocol_class(result.trial).alone:
        raise _conflict(runs, result, f"attempt {line['attempt']} gave other values")
    book.summary.repeated += 1
    book.repeats.append(
        {
            "what": "repeated",
            "fingerprint": result.fingerprint,
            "attempt": result.attempt,
            "sha256": sha,
            "equal": equal,
        }
    )
    return True


def _conflict(runs: Runs, result: Result, why: str) -> UserError:
    return UserError(
        f"run {result.fingerprint} (seed {result.trial.seed} of {runs.name}, attempt "
        f"{result.attempt}) conflicts with the evidence: {why}; allowed are equal values for equal "
        "fingerprints on equal machines; check the store that it comes from, and leave it out"
    )


def _note_lost(book: Book, store: Store, claims: Iterable[Claim]) -> None:
    """Note runs that a store had and lost before they were read, or that never could be made."""
    reader = Reader(store)
    for claim in claims:
        asked_for = (*plan(claim, seeds(claim, Tier.FULL)).trials, *pilots(claim).trials)
        for trial in with_parents(asked_for):
            key = fingerprints.fingerprint(trial)
            if key in book.known or not reader.run(Slot(trial=trial, arm=0)).lost:
                continue
            runs = book.of(trial)
            alone = fingerprints.protocol_class(trial).alone
            where = {
                "class": fingerprints.device_class(trial.device, alone=alone),
                "versions": dict(fingerprints.versions()),
                "machine": None,
                "sources": fingerprints.source_digest(trial),
                "commit": None,
                "dirty": None,
            }
            attempt, sha = store.standing(key)
            line = {
                "seed": trial.seed,
                "fingerprint": key,
                "attempt": attempt,
                "status": LOST,
                "sha256": sha,
                "where": _place(runs, where),
            }
            book.put(runs, line)
            book.summary.lost += 1
