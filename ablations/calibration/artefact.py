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
PLACE = float(FAMILY_ERROR) / MEMBERS  # bound of the probability that a member has a false word
UNLIKELY = 1e-5  # probability that a count at its bound exceeds the allowed number
FAMILIES = (77, MEMBERS)  # members of whole reports
WITHHELD = 0.05  # largest share of samples that may stay open although the claim clearly holds
POINTS = 0.03  # largest difference between a plan's probability and the share of samples
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
    from scipy.special import bdtrik  # scipy.stats takes a second to import

    found: int = math.ceil(bdtrik(1 - UNLIKELY, n, chance))
    return found


@functools.cache
def bound(place: Place) -> float:
    """Return the bound of the probability of a false word at a place, from the table.

    It is at most a member's share of the family's error. An empty interval, which takes two
    contradicting statements, is left out, because its probability is about 1e-6.
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
    """Return the summed counts of places, grouped by a name."""
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
    """Return how many simulated reports contain a false word, and how many there are.

    In these reports the truth of every member lies at an edge. Report n of a group of places takes
    the n-th sample of each place in the group; a place belongs to one group, and a group has as
    many places as make `members` members. A conjunction counts as two members.

    Args:
        made: The results of the calibration.
        members: Number of members of the family.
        tails: Whether the distributions of all members have their long tail in the claimed
            direction, so that no mean contradicts a false word.
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
    """Return the counts of whole reports, for each size with enough samples."""
    found = [reports(made, n, tails=tails) for tails in (False, True) for n in FAMILIES]
    return [checked for checked in found if checked.samples]


def withheld(made: Calibration) -> list[Cell]:
    """Return the cells in which claims that clearly hold stay open too often."""
    return [c for c in made.cells if c.open > WITHHELD * far_samples(made.replicates)]


def problems(made: Calibration) -> list[str]:
    """Return sentences about violated bounds and unmet promises; empty if there are none."""
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
            f"{one.what}: {one.false} of {one.samples} samples have a false word; the bound allows "
            f"{one.allowed}"
            for one in counts
            if not one.within
        ),
        *(
            f"{cell.test}, {cell.noise}: {cell.open} of {far_samples(made.replicates)} samples "
            "stay open although the claim clearly holds"
            for cell in withheld(made)
        ),
        *(
            f"a plan for {one.zones!r} with a standard deviation of {one.sd:.3g} promises "
            f"{one.group} by {one.look} pairs with probability {one.promised:.1%}; the share of "
            f"samples is {one.found:.1%}"
            for one in made.powers
            if abs(one.promised - one.found) > POINTS
        ),
    ]


# -- storing --------------------------------------------------------------------------------------
def digest() -> str:
    """Return the SHA-256 over the code of the rule, contrasts, plans and simulated samples."""
    rule = [
        f"ablations.rule.{Path(file.name).stem}"
        for file in resources.files("ablations.rule").iterdir()
        if file.name.endswith(".py") and file.name != "__init__.py"
    ]
    return sources.of_files(
        [*rule, *_engine, *(f"ablations.calibration.{name}" for name in _drawn)]
    )


def text(made: Calibration) -> str:
    """Return a calibration as JSON, with a line for each cell."""
    data = made.to_json()
    lists = {name: data.pop(name) for name in ("cells", "powers")}
    head = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items())
    body = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
        for name, rows in lists.items()
    )
    return f"{{\n{head},\n{body}\n}}\n"


def load(path: Path) -> Calibration:
    """Return the calibration in a file.

    Raises:
        UserError: If the file wasn't written by `text`.
    """
    try:
        return Calibration.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{str(path)!r} isn't a calibration ({' '.join(str(error).split())}); allowed is a "
            "file that `ablations calibrate` wrote; run that again"
        ) from error


def committed() -> Mapping[str, Json] | None:
    """Return a summary of the committed calibration for reports, None if there is none.

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
        and `bound` refer to false words over all samples; `worst` is the place closest to its
        bound; `power` is the largest difference between a share and a plan's probability.
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
