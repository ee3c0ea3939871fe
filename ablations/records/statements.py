"""The statements of a claim, as a report shows them: zones, pairs and counts.

Units and open ends are as in `ablations.records.rows`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.rule.outcomes import Word
from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Exceptions(Record):
    """How many pairs lie on one side of an edge; all others are exceptions.

    Args:
        edge: The edge in the reader's unit; None if it is infinite.
        side: "above" or "below", in the reader's direction.
        pairs: Number of pairs on that side.
        of: Number of pairs read.
        exceptions: Number of other pairs: on the other side, on the edge, or unknown.
        established: Whether the exceptions are few enough for the statement about the median.
    """

    edge: float | None
    side: str
    pairs: int
    of: int
    exceptions: int
    established: bool


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """One pair.

    Args:
        seed: Seed of the pair.
        values: Value of each cell by label: the number, the cap within which a run didn't reach the
            target, or None.
        low: Lower limit of the contrast; equal to `high` if it is known, None if open.
        high: Upper limit of the contrast; None if open.
        infinite: +1 or -1 if the contrast is infinite on that side because the run of one cell
            diverged; both limits are None then.
        failed: Labels of the cells whose run diverged, exceeded its time or never reached the
            target.
        read: Whether the pair counts; pairs beyond the last look reached don't.
        note: What is missing; "" if nothing is.
    """

    seed: int
    values: Mapping[str, float | None]
    low: float | None
    high: float | None
    infinite: int = 0
    failed: tuple[str, ...] = ()
    read: bool = True
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Scale(Record):
    """The zones that were fixed before the run, for an axis.

    Args:
        unit: Unit of the contrasts.
        log: Whether contrasts are ratios, on a logarithmic axis.
        neutral: The value of no effect: 1 for ratios, 0 for differences.
        sign: -1 if the document claims less, else 1.
        two_sided: Whether an effect on either side is claimed.
        null: The null zone, lower end first; None for claims about nearly all pairs.
        because: Reason for that zone or margin.
        band: The claimed size, with None for an open end; None if no size is claimed.
        band_because: Source of the band.
        edge: For claims about nearly all pairs, the edge beyond which they should be.
    """

    unit: str
    log: bool
    neutral: float
    sign: int
    two_sided: bool
    null: tuple[float, float] | None
    because: str
    band: tuple[float | None, float | None] | None = None
    band_because: str = ""
    edge: float | None = None


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    """One statement of a statistical claim; a conjunction has several, all others have one.

    Args:
        verdict: The word of this statement.
        sentence: The reason, with the counts.
        estimate: The median.
        low: Lower end of the median's interval; None if open.
        high: Upper end of the median's interval; None if open.
        mean: Mean of the contrasts; None if it has no value.
        look: The last look reached.
        exceptions: The counts on both sides of each edge.
        scale: The zones.
        points: One point per pair.
        settled_at: The first look from which further pairs can't change the group; None before.
        needed: Pairs that would settle it at the observed shares; None if out of reach or settled.
        seen: The smallest median, in the claimed direction, that pairs with this scatter would have
            established at this look; None before the first look, or if there is none.
        sd: Standard deviation of the finite contrasts that were read, for ratios that of their
            logarithms; None with fewer than two. It describes the pairs and decides nothing.
    """

    verdict: Word
    sentence: str
    estimate: float | None
    low: float | None
    high: float | None
    mean: float | None
    look: int
    exceptions: tuple[Exceptions, ...]
    scale: Scale
    points: tuple[Point, ...]
    settled_at: int | None
    needed: int | None
    seen: float | None = None
    sd: float | None = None


@dataclass(frozen=True, kw_only=True)
class Beside(Record):
    """Another reading of the same runs: shown, never a verdict.

    Args:
        label: Name of the reading.
        unit: Unit of its values.
        log: Whether it is a ratio.
        estimate: The median over pairs.
        low: Lower end of the median's interval, by the rule of the verdict.
        high: Upper end of the median's interval.
        n: Number of pairs that have a value.
        note: Why there is no estimate; "" if there is one.
    """

    label: str
    unit: str
    log: bool
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""
