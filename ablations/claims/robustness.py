"""Robustness: whether headline claims keep their sign under other conditions.

The headline claim of a document is the first one in the ledger's order that compares arms trained
on sudokus or on the regression task and isn't itself about a size, the boards or the learning rate.
This rule was fixed before any variant was run. Each headline claim has four variants, which change
one thing in all its arms: half the width, twice the width, boards of another size, and the other
training recipe (a falling rate, or a constant one with averaged weights). Together with the claim's
own runs, this gives three widths, two sizes of boards and two recipes. Few seeds are run; variants
decide nothing and take no place in the family.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ablations.claims.controls import Control
from ablations.claims.family import one_each
from ablations.claims.ledger import Entry, Figure
from ablations.claims.sets import ClaimSet
from ablations.specs.arms import Arm
from ablations.specs.claim import Claim, Statistical, Tier, differences
from ablations.specs.protocols import Protocol
from ablations.specs.tests import Both
from hrm.codec import Json
from hrm.config.parts import Part

PREFIX = "robustness/"
SEEDS = 8
COST = 5.0  # CPU seconds of a run until one is stored: the mean of the first 672
_itself = re.compile(r"width|inner|layers|boards|schedule|learning_rate|ema|size|updates|depths")
Edit = Callable[[dict[str, Json]], dict[str, Json]]  # of one encoded part

# Sizes of inputs and outputs of a model that is as wide as its boards.
_SUDOKU = ({"size": 4, "cells": 80}, {"size": 6, "cells": 252, "clues": [18, 24, 30]})
_FOLDS = ({"size": 16}, {"size": 24})


@dataclass(frozen=True, kw_only=True)
class Beside(ClaimSet):
    """Variants of claims, without controls of their own, since they decide nothing."""

    def controls(self, chosen: Iterable[Claim] | None = None) -> tuple[Control, ...]:
        return ()


def beside(of: ClaimSet) -> Beside:
    """Return the variants of a set's headline claims as a set."""
    found = [one for claim in headlines(of) for one in variants(claim).values()]
    entries = {one.id: _entry(one, of.ledger[one.id.rpartition("/")[2]]) for one in found}
    return Beside(
        name=f"robustness of {of.name}",
        specs=tuple(found),
        ledger=entries,
        family=one_each(found),
        compiled=of.compiled,
    )


def _entry(variant: Statistical, of: Entry) -> Entry:
    """Return the entry of a variant, without the documented figure."""
    claim = f"{of.claim} ({_label(variant.id)})"
    return replace(of, id=variant.id, claim=claim, documented="", figure=Figure())


def headlines(of: ClaimSet) -> tuple[Statistical, ...]:
    """Return the headline claims: the first eligible one of each document."""
    found: dict[str, Statistical] = {}
    for claim in of.specs:
        if isinstance(claim, Statistical) and _eligible(claim):
            found.setdefault(of.ledger[claim.id].document, claim)
    return tuple(found.values())


def variants(claim: Statistical) -> Mapping[str, Statistical]:
    """Return the variants of a claim by the condition that differs."""
    boards = _root(claim.cells[0].protocol).to_json()["boards"]["task"]
    training = _root(claim.cells[0].protocol).to_json()["training"]
    sudoku = boards["kind"] == "Sudoku"
    falling = training["schedule"]["kind"] != "Constant"
    edits: dict[str, Edit] = {
        "half as wide": lambda part: _scaled(part, 0.5),
        "twice as wide": lambda part: _scaled(part, 2.0),
        "6×6 boards" if sudoku else "folds of 24": _larger_sudoku if sudoku else _larger_folds,
        "constant rate, averaged weights" if falling else "falling rate": (
            _constant if falling else _falling
        ),
    }
    return {label: _variant(claim, label, edit) for label, edit in edits.items()}


def _eligible(claim: Statistical) -> bool:
    cells = claim.compared
    if not all(_root(cell.protocol).weights for cell in cells) or isinstance(claim.test, Both):
        return False
    if len({cell.arm.part for cell in cells}) < 2:
        return False
    roots = [_root(cell.protocol).to_json() for cell in cells]
    tasks = {root.get("boards", {}).get("task", {}).get("kind") for root in roots}
    vectors = all(_embedding(cell.arm.part) == "Vector" for cell in cells)
    about = any(
        _itself.search(path) and len(set(values[: len(cells)])) > 1
        for path, values in differences(claim).items()
    )
    return vectors and not about and bool(tasks) and tasks <= {"Sudoku", "Regression"}


def _variant(claim: Statistical, label: str, edit: Edit) -> Statistical:
    cells = tuple(
        replace(
            cell,
            arm=Arm(cell.arm.label, _edited(cell.arm.part, edit)),
            protocol=_edited(cell.protocol, edit),
        )
        for cell in claim.compared
    )
    return replace(
        claim,
        id=f"{PREFIX}{label.replace(' ', '-').replace(',', '')}/{claim.id}",
        cells=cells,
        arms=(),
        protocol=None,
        beside=(),
        unskilled=tuple(cell.label for cell in cells),
        schedule=dict.fromkeys(Tier, SEEDS),
        cost=COST,
    )


def _label(name: str) -> str:
    return name.removeprefix(PREFIX).rpartition("/")[0].replace("-", " ")


def _root(protocol: Protocol) -> Protocol:
    while protocol.parent is not None:
        protocol = protocol.parent
    return protocol


def _embedding(part: Part) -> str:
    return str(part.to_json().get("model", {}).get("embedding", {}).get("kind"))


# -- what is changed ------------------------------------------------------------------------------
def _edited(part: Any, edit: Edit) -> Any:
    """Return a part with an edit made to each encoded part within it."""

    def walk(data: Json) -> Json:
        if isinstance(data, list):
            return [walk(each) for each in data]
        if isinstance(data, dict):
            return edit({key: walk(value) for key, value in data.items()})
        return data

    return Part.from_json(walk(part.to_json()))


def _scaled(part: dict[str, Json], factor: float) -> dict[str, Json]:
    return part | {
        name: round(factor * part[name]) for name in ("width", "inner") if part.get(name)
    }


def _larger_sudoku(part: dict[str, Json]) -> dict[str, Json]:
    here, there = _SUDOKU
    match part["kind"]:
        case "Sudoku":
            return part | {"size": there["size"], "clues": there["clues"]}
        case "Vector" | "Readout" if part["size"] == here["cells"]:
            return part | {"size": there["cells"]}
    return part


def _larger_folds(part: dict[str, Json]) -> dict[str, Json]:
    here, there = _FOLDS
    if part["kind"] in ("Regression", "Vector") and part["size"] == here["size"]:
        return part | there
    return part


def _constant(part: dict[str, Json]) -> dict[str, Json]:
    if part["kind"] != "Training":
        return part
    return part | {"schedule": {"kind": "Constant"}, "ema": 0.99}


def _falling(part: dict[str, Json]) -> dict[str, Json]:
    if part["kind"] != "Training":
        return part
    return part | {"schedule": {"kind": "Cosine", "floor": 0.05}, "ema": None}
