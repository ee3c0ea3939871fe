"""The garden: every version of a claim's spec that was judged, with its word.

The name is that of the "garden of forking paths": a spec that is changed after its runs were seen
could be changed until its word suits. Therefore every judgement at a look is recorded in the store:
the digest of the test, its zones and cells, the number of pairs, and the word. Lines are only ever
added, and a report lists them.
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablations.judging.case import Case
from ablations.judging.cells import parts_of
from ablations.records.rows import Garden
from ablations.runs.fingerprints import sha256
from ablations.specs.claim import Statistical
from ablations.specs.tests import Test
from hrm.codec import Json
from hrm.config.parts import Part
from hrm.errors import UserError

FILE = "garden.jsonl"


def digest(claim: Statistical) -> str:
    """Return the SHA-256 of what a claim's verdict depends on: test, zones, cells, block.

    Texts for readers, labels and the schedule don't count.
    """
    data = {
        "tests": [[described(test), list(reads)] for test, reads in parts_of(claim)],
        "block": claim.block,
        "cells": [list(cell.data.values()) for cell in claim.cells],
    }
    return sha256(data)


def seen(case: Case) -> Garden | None:
    """Return the spec's version and its word, as judged now; None before the first look."""
    if not case.look:
        return None
    return Garden(claim=case.claim.id, spec=digest(case.claim), look=case.look, word=case.word)


def read(folder: Path) -> tuple[Garden, ...]:
    """Return the judged versions of specs that a store has recorded, in order.

    Raises:
        UserError: If the file can't be read.
    """
    path = folder / FILE
    try:
        lines = path.read_text("utf-8").splitlines()
        return tuple(Garden.from_json(json.loads(line)) for line in lines if line.strip())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())
        raise UserError(
            f"{str(path)!r} can't be read ({said}); allowed are the lines that this program added; "
            "restore the file from a copy of the store"
        ) from error


def add(folder: Path, found: Iterable[Garden | None]) -> tuple[Garden, ...]:
    """Record judgements that are new, and return all that a store has recorded.

    Raises:
        UserError: If the file can't be read or written.
    """
    known = read(folder)
    fresh = [one for one in dict.fromkeys(found) if one is not None and one not in set(known)]
    if fresh:
        try:
            with (folder / FILE).open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(one.to_json()) + "\n" for one in fresh)
        except OSError as error:
            raise UserError(
                f"{str(folder / FILE)!r} can't be written ({error.strerror}); allowed is a store "
                "that you may write; mend its permissions or make room"
            ) from error
    return (*known, *fresh)


def by_claim(found: Iterable[Garden]) -> Mapping[str, tuple[Garden, ...]]:
    """Return judged versions by claim, sorted, so that equal gardens give equal reports."""
    claims: dict[str, list[Garden]] = {}
    for one in found:
        claims.setdefault(one.claim, []).append(one)
    return {name: tuple(sorted(seen, key=_order)) for name, seen in claims.items()}


def _order(one: Garden) -> tuple[str, int, str]:
    return one.spec, one.look, one.word


def described(test: Test) -> Json:
    """Return a test's name and numbers, without reasons."""
    fields = {
        f.name: _plain(getattr(test, f.name))
        for f in dataclasses.fields(test)
        if not f.name.endswith("because")
    }
    return {"test": type(test).__name__, **fields}


def _plain(value: Json) -> Json:
    if isinstance(value, Part):
        return value.to_json()
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
