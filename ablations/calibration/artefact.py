"""The results of a calibration, and their comparison with the bounds of the theorem.

A member of a family of 89 may have a false word at any look with a probability of 0.05 / 89, half
of it for each side of an edge; the exact probability of the table is slightly smaller. A count of
false words exceeds its bound if a binomial count with that probability would exceed it once in
100,000 times. About 570 counts are compared.
"""

import functools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ablations.calibration.noises import NOISES
from ablations.calibration.questions import SHARE, TESTS, Place, edges
from ablations.calibration.samples import Cell, Power, far_samples
from ablations.rule.table import FAMILY_ERROR, TABLES, error
from ablations.runs import sources
from hrm.codec import Json, Record
from hrm.errors import UserError

MEMBERS = TABLES[-1].members
PLACE = float(FAMILY_ERROR) / MEMBERS  # the chance that a member may have a false word
UNLIKELY = 1e-5  # that a count exceeds what is allowed of it, were the chance at its bound
FAMILIES = (77, MEMBERS)  # members of whole reports
WITHHELD = 0.05  # the share of samples that may stay open although the claim holds beyond doubt
POINTS = 0.03  # how far a share may lie from the chance that a plan promises
NAME = "artefact.json"
_folder = resources.files("ablations.calibration")
_engine = (
    "ablations.judging.case", "ablations.metrics.value", "ablations.planning.chances",
    "ablations.specs.contrasts", "ablations.specs.tests",
)  # fmt: skip
_drawn = ("noises", "populations", "questions", "samples", "truths")


@dataclass(frozen=True, kw_only=True)
class Calibration(Record):
    """The results of a calibration.

    Args:
        digest: Digest of the calibrated sources.
        replicates: Samples at each place.
        cells: Results for each test and noise.
        powers: Results for each plan.
    """

    digest: str
    replicates: int
    cells: tuple[Cell, ...]
    powers: tuple[Power, ...]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A count of false words against its bound.

    Args:
        what: The quantity, for the reader.
        false: Number of samples with a false word at any look.
        samples: Number of all samples.
        bound: Upper bound of the probability of a false word.
    """

    what: str
    false: int
    samples: int
    bound: float

    @property
    def rate(self) -> float:
        """The share of samples with a false word."""
        return self.false / self.samples

    @property
    def allowed(self) -> int:
        """The largest count that is allowed: one at the bound exceeds it once in 100,000 times."""
        return most(self.samples, self.bound)

    @property
    def within(self) -> bool:
        """Whether the count is allowed."""
        return self.false <= self.allowed


@functools.cache
def most(n: int, chance: float) -> int:
    """Return the smallest k that a binomial count of n exceeds with at most `UNLIKELY`."""
    from scipy.special import bdtrik  # scipy.stats takes a second to load

    found: int = math.ceil(bdtrik(1 - UNLIKELY, n, chance))
    return found


@functools.cache
def bound(place: Place) -> float:
    """Return the chance of a false word at a place: the table's, at most what a member may have.

    An interval can also be empty, which takes two contradicting statements; that is left out, since
    its chance is some 1e-6.
    """
    table = TABLES[-1]
    exceptions, share = (table.shares, SHARE) if place.share == SHARE else (table.exceptions, 0.5)
    return place.sides * min(PLACE / 2, float(error(exceptions, share)))


def places(made: Calibration) -> Iterator[tuple[Cell, Place, Checked]]:
    """Yield every place with its count."""
    for cell in made.cells:
        for place in edges(TESTS[cell.test]):
            yield (
                cell,
                place,
                Checked(
                    what=f"{cell.test}, {cell.noise}, truth at {place.name}",
                    false=len(cell.false[place.name]),
                    samples=made.replicates,
                    bound=bound(place),
                ),
            )


def pooled(made: Calibration, name: Callable[[Cell, Place], str]) -> list[Checked]:
    """Return the counts of places together, for each name that they are given."""
    groups: dict[str, list[Checked]] = {}
    for cell, place, checked in places(made):
        groups.setdefault(name(cell, place), []).append(checked)
    return [
        Checked(
            what=what,
            false=sum(one.false for one in group),
            samples=sum(one.samples for one in group),
            bound=sum(one.bound for one in group) / len(group),
        )
        for what, group in groups.items()
    ]


def reports(made: Calibration, members: int, *, tails: bool = False) -> Checked:
    """Return how many whole reports, with every member at an edge, have any false word.

    The n-th samples of `members` places are one report; each place is in one group. A conjunction
    takes two places of the family.

    Args:
        made: The results of the calibration.
        members: Number of members of the family.
        tails: Whether the tails of all members are long in the claimed direction, where no mean
            speaks against a false word.
    """
    kept = [
        (cell, place)
        for cell, place, _ in places(made)
        if not tails or NOISES[cell.noise].towards > 0
    ]
    false, number, taken = 0, 0, 0
    wrong: set[int] = set()
    for cell, place in kept:
        wrong |= set(cell.false[place.name])
        taken += len(place.medians)
        if taken >= members:
            false, number = false + len(wrong), number + made.replicates
            wrong, taken = set(), 0
    what = f"reports of {members} members" + (", tails on their worse side" if tails else "")
    return Checked(what=what, false=false, samples=number, bound=float(FAMILY_ERROR))


def whole(made: Calibration) -> list[Checked]:
    """Return the counts of whole reports, of each size that the samples suffice for."""
    found = [reports(made, n, tails=tails) for tails in (False, True) for n in FAMILIES]
    return [checked for checked in found if checked.samples]


def withheld(made: Calibration) -> list[Cell]:
    """Return the cells in which claims that hold beyond doubt stay open."""
    return [c for c in made.cells if c.open > WITHHELD * far_samples(made.replicates)]


def problems(made: Calibration) -> list[str]:
    """Return what contradicts the theorem, or a promise; nothing if all is well."""
    counts: Iterable[Checked] = (
        *(checked for _, _, checked in places(made)),
        *pooled(made, lambda cell, _: f"all of {cell.test}"),
        *pooled(made, lambda cell, _: f"all {cell.noise} noise"),
        *pooled(made, lambda _, place: f"all truths at {place.name}"),
        *pooled(made, lambda *_: "all places"),
        *whole(made),
    )
    return [
        *(
            f"{one.what}: {one.false} of {one.samples} have a false word; {one.allowed} are "
            "what the bound allows"
            for one in counts
            if not one.within
        ),
        *(
            f"{cell.test}, {cell.noise}: {cell.open} of {far_samples(made.replicates)} stay open "
            "although the claim holds beyond doubt"
            for cell in withheld(made)
        ),
        *(
            f"a plan for {one.zones!r} at a deviation of {one.sd:.3g} promises {one.group} by "
            f"{one.look} pairs with {one.promised:.1%}; {one.found:.1%} of samples are"
            for one in made.powers
            if abs(one.promised - one.found) > POINTS
        ),
    ]


# -- kept -----------------------------------------------------------------------------------------
def digest() -> str:
    """Return the SHA-256 of the rule, of contrasts, of plans' promises and of what is drawn."""
    rule = [
        f"ablations.rule.{Path(file.name).stem}"
        for file in resources.files("ablations.rule").iterdir()
        if file.name.endswith(".py") and file.name != "__init__.py"
    ]
    return sources.of_files(
        [*rule, *_engine, *(f"ablations.calibration.{name}" for name in _drawn)]
    )


def text(made: Calibration) -> str:
    """Return what is kept: JSON, a line for each cell."""
    data = made.to_json()
    lists = {name: data.pop(name) for name in ("cells", "powers")}
    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items())
    body = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in lists.items()
    )
    return f"{{\n{head},\n{body}\n}}\n"


def load(path: Path) -> Calibration:
    """Return what a file keeps.

    Raises:
        UserError: If it isn't what `text` returned.
    """
    try:
        return Calibration.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(path)!r} holds no calibration ({' '.join(str(error).split())}); a file made by "
            "`ablations calibrate` is needed; make it anew"
        ) from error


def committed() -> Mapping[str, Json] | None:
    """Return what a report shows of the calibration that was committed, None if there is none.

    Keys: `current` (whether the rule is still the one that was calibrated), and those of `summary`.
    """
    path = Path(str(_folder / NAME))
    if not path.is_file():
        return None
    made = load(path)
    return {"current": made.digest == digest(), **summary(made)}


def summary(made: Calibration) -> Mapping[str, Json]:
    """Return a calibration in a few numbers.

    Returns:
        {replicates, cells, places, samples, false, rate, bound, worst {test, noise, place, false,
        allowed}, withheld, reports [{what, reports, false, rate, bound}], power, problems}: `rate`
        and `bound` are of false words over all samples; `worst` is the place with the most; `power`
        is the farthest that a share lies from the chance that a plan promised.
    """
    found = list(places(made))
    (all_places,) = pooled(made, lambda *_: "all places")
    cell, place, worst = max(found, key=lambda one: one[2].false / one[2].bound)
    return {
        "replicates": made.replicates,
        "cells": len(made.cells),
        "places": len(found),
        "samples": all_places.samples,
        "false": all_places.false,
        "rate": all_places.rate,
        "bound": all_places.bound,
        "worst": {
            "test": cell.test,
            "noise": cell.noise,
            "place": place.name,
            "false": worst.false,
            "allowed": worst.allowed,
        },
        "withheld": len(withheld(made)),
        "reports": [
            {
                "what": one.what,
                "reports": one.samples,
                "false": one.false,
                "rate": one.rate,
                "bound": one.bound,
            }
            for one in whole(made)
        ],
        "power": max((abs(one.promised - one.found) for one in made.powers), default=0.0),
        "problems": problems(made),
    }
