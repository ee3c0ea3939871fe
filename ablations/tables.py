"""Records of the calibration and of the family: what is stored of them, and what a report shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.plain import Record


@dataclass(frozen=True, kw_only=True)
class Cell(Record):
    """One cell of the calibration's table: how often the rule was wrong there.

    Args:
        form: A form's name. noise: Of a contrast, or of each arm. varies: Which arms have it.
        n: Pairs; the most, where there are several looks.
        looks: Whether the sample was looked at several times.
        level: Of the interval: a verdict that is wrong more often than 1 − level breaks its word.
        replicates: Samples drawn at each place of the truth.
        wrong: By word, how many of them said so falsely, at the place where most did.
        place: By word, that place.
        plain: The most false words if contrasts like these were taken for symmetric; None where
            they are, and for several looks.
    """

    form: str
    noise: str
    varies: str
    n: int
    looks: bool
    level: float
    replicates: int
    wrong: Mapping[str, int]
    place: Mapping[str, str]
    plain: int | None


@dataclass(frozen=True, kw_only=True)
class Whole(Record):
    """Whole reports with every member of the family false.

    Args:
        looks: Whether claims were looked at several times.
        members: In each report. reports: How many were made.
        confirmed: Reports with at least one false CONFIRMED. wrong: With any false verdict.
    """

    looks: bool
    members: int
    reports: int
    confirmed: int
    wrong: int


@dataclass(frozen=True, kw_only=True)
class Power(Record):
    """How often an effect was confirmed at the distance which a plan calls detectable.

    Args:
        symmetric: Whether contrasts are taken for symmetric by construction. n: Pairs.
        distance: From the edge, in standard deviations of a contrast; contrasts are normal.
        promised: The plan's power. samples, confirmed: How many were drawn, and how many confirmed.
    """

    symmetric: bool
    n: int
    level: float
    distance: float
    promised: float
    samples: int
    confirmed: int


@dataclass(frozen=True, kw_only=True)
class Calibration(Record):
    """What the calibration measured.

    Args:
        digest: Of the engine's sources that were measured. level: That of the family then.
        replicates: Samples in a cell, at that level.
    """

    digest: str
    level: float
    replicates: int
    cells: tuple[Cell, ...]
    wholes: tuple[Whole, ...]
    powers: tuple[Power, ...]


@dataclass(frozen=True, kw_only=True)
class Bounded(Record):
    """A cell as the report shows it: multiples of what the level allows.

    Args:
        rate, bound: The share of its worst false verdict, and that share's upper confidence bound.
        plain: That share if contrasts like these were taken for symmetric; None where they
            are, and for several looks.
        within: Whether the bound is at most 1.25 for every word; else verdicts are withheld there.
    """

    form: str
    noise: str
    varies: str
    n: int
    looks: bool
    rate: float
    bound: float
    plain: float | None
    within: bool


@dataclass(frozen=True, kw_only=True)
class Calibrated(Record):
    """The calibration as the report shows it.

    Args:
        current: Whether the engine and the family are those that were measured.
        limit: What `bound` may be at most. whole: Share of whole reports with a false CONFIRMED,
            every member false. whole_bound: Its upper bound; the larger of the designs'.
    """

    current: bool
    replicates: int
    level: float
    limit: float
    cells: tuple[Bounded, ...]
    whole: float
    whole_bound: float


@dataclass(frozen=True, kw_only=True)
class Family(Record):
    """What became of the family's members.

    Args:
        tested: Have a verdict. withheld: Were run, but are INCONCLUSIVE. failed: INVALID.
        not_run: Have a spec and no run, or weren't asked for. without_spec: Have no spec yet.
    """

    members: int
    tested: int
    withheld: int
    failed: int
    not_run: int
    without_spec: int
