"""What follows from results: verdicts, rows and reports, as plain data."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ablations.checks import Check
from ablations.records.plain import Json, Record
from ablations.tables import Calibrated, Family

__all__ = [
    "Beside",
    "Check",
    "Control",
    "Controlled",
    "Design",
    "Difference",
    "Json",
    "Planning",
    "Point",
    "Record",
    "Report",
    "Row",
    "Tier",
    "Verdict",
    "Word",
    "Zones",
]


class Tier(StrEnum):
    """How much is run: quick shows estimates of trained claims, standard and full decide them."""

    QUICK = "quick"
    STANDARD = "standard"
    FULL = "full"


class Word(StrEnum):
    """The verdicts, in their order of precedence."""

    INVALID = "INVALID"
    NOT_RUN = "NOT RUN"
    MISMATCH = "MISMATCH"
    EXACT = "EXACT"
    CONTRADICTED = "CONTRADICTED"
    NO_EFFECT = "NO EFFECT"
    CONFIRMED = "CONFIRMED"
    EXCEEDED = "EXCEEDED"
    WEAKER = "WEAKER"
    DIRECTION_ONLY = "DIRECTION ONLY"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True)
class Zones(Record):
    """What was fixed before the run.

    In the contrast's own unit (log-ratio or difference), with the claimed direction positive.

    Args:
        null: w > 0: effects in [-w, w] aren't worth having.
        null_reason: Why that w.
        band: The tolerance band around the documented figure, None if only a direction is claimed.
        band_reason: Where the band comes from.
        at_least: Whether the claim says "at least" rather than "about".
        sign: +1 if the claim says that the contrast rises, -1 if it falls.
        log: Whether the contrast is the logarithm of a ratio.
        unit: What the contrast counts, for a reader ("x operations", "points of cell accuracy").
        margin: Whether the claim is that nothing is lost beyond w, rather than that something is
            gained; there is no band then.
    """

    null: float
    null_reason: str
    band: tuple[float, float] | None = None
    band_reason: str = ""
    at_least: bool = False
    sign: int = 1
    log: bool = False
    unit: str = ""
    margin: bool = False

    def __post_init__(self) -> None:
        """Refuse zones that no interval could be read against: a mistake in a spec."""
        assert 0 < self.null < math.inf and self.sign in (-1, 1), self
        assert self.band is None or (self.band[0] <= self.band[1] and not self.margin), self


@dataclass(frozen=True, kw_only=True)
class Verdict(Record):
    """The documented, stable keys of `ablations verdicts --json`.

    Estimate, low and high are in the reader's unit (a ratio, not its logarithm; in the direction in
    which the document counts), None for exact and consistency claims.
    """

    id: str
    document: str
    section: str
    form: str
    documented: str
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    tier: str
    verdict: Word
    reason: str


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """One pair: its number (the seed, where a seed makes one pair), each arm's value, the contrast.

    Values are by label, the contrast is in the reader's unit.

    Values and contrast are None where an arm has none (it diverged); `note` says so.
    """

    seed: int
    values: Mapping[str, float | None]
    contrast: float | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Beside(Record):
    """Another reading from the same runs: shown, never a verdict. Same unit rules as a Verdict."""

    label: str
    unit: str
    estimate: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, kw_only=True)
class Control(Record):
    """A control of a claim's measurement, in the reader's unit; passed is None if it is open."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    bound: str
    passed: bool | None


@dataclass(frozen=True, kw_only=True)
class Planning(Record):
    """What a plan for a claim can tell, from a spread that none of its own runs gave.

    Args:
        sd: Standard deviation of a contrast (of the logarithm, for a ratio), None if unknown.
        source: Where it comes from, or why it is unknown.
        pairs: As many as are planned.
        detectable: The distance from an edge that they tell apart with a power of 80 %, in the
            reader's unit; None where no number of that size does, or the spread is unknown.
        effect: The effect whose power is given, in the reader's unit: the documented one, or what
            stands in for it where only a direction is claimed.
        power: The chance of the claim's CONFIRMED if that is the truth.
        pairs_80, pairs_90: What it takes for a power of 80 and 90 %, None if out of reach.
        refusal: Why the plan can't decide anything, "" if it can or if nobody knows.
        could: Seeds that could, None if unknown or out of reach.
    """

    sd: float | None
    source: str
    pairs: int
    detectable: float | None
    effect: float
    power: float | None
    pairs_80: int | None
    pairs_90: int | None
    refusal: str
    could: int | None


@dataclass(frozen=True, kw_only=True)
class Design(Record):
    """That a claim is looked at several times: written into the store before its first run.

    Args:
        claim: The claim's id. looks: The pairs at each look.
        declared: When, as an ISO date. commit: The project's commit then.
    """

    claim: str
    looks: tuple[int, ...]
    declared: str
    commit: str | None


@dataclass(frozen=True, kw_only=True)
class Difference(Record):
    """One value in which two arms' configurations differ."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """Everything that the report shows of one claim.

    Args:
        statement: What is claimed, in our words.
        reading: How the spec reads it, and why.
        labels: The arms' names, baseline first (one or more).
        differences: Where the arms' configurations differ, a value per label.
        null, band: The zones in the reader's unit; None for exact and consistency claims.
        neutral: "No effect" in the reader's unit: 1 for ratios, 0 for differences.
        log: Whether the reader's unit is a ratio, to be drawn on a logarithmic axis.
        needed: Pairs that would decide the claim at the observed spread, None if unknown.
        planned, stored: Trials that the tier asks for, and how many of them have a result.
        command: What runs this claim again.
        cost_seconds: CPU time of its runs.
        planning: What the plan could tell, None for claims without a spread.
    """

    verdict: Verdict
    statement: str
    reading: str
    labels: tuple[str, ...]
    differences: tuple[Difference, ...]
    unit: str
    null: tuple[float, float] | None
    band: tuple[float, float] | None
    neutral: float
    log: bool
    level: float | None
    points: tuple[Point, ...]
    checks: tuple[Check, ...]
    beside: tuple[Beside, ...]
    controls: tuple[Control, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    needed: int | None
    planned: int
    stored: int
    command: str
    cost_seconds: float
    machine: str | None
    planning: Planning | None = None


@dataclass(frozen=True, kw_only=True)
class Controlled(Record):
    """A control that is a spec of its own.

    Args:
        row: What was measured. planted: The planted effect, "" for equal arms.
        expected: The verdict that it should have. passed: None if that is open.
        claims: The claims of this report that share the measurement.
    """

    row: Row
    planted: str
    expected: Word
    passed: bool | None
    claims: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Report(Record):
    """All that a report is rendered from: equal reports give equal bytes.

    Everything is read from the stored runs (never from the clock or the machine that renders).
    """

    tier: str
    members: int
    level: float
    tally: Mapping[str, int]
    commits: tuple[str, ...]
    dirty: bool
    machines: tuple[str, ...]
    versions: Mapping[str, str]
    runs: int
    cpu_seconds: float
    rows: tuple[Row, ...]
    family: Family | None = None
    calibration: Calibrated | None = None
    controls: tuple[Controlled, ...] = ()
    schema: int = field(default=1)
