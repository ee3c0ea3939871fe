"""What follows from stored runs: a verdict, the row that a report shows of it, and the report.

Every number of a contrast is in the reader's unit: a ratio itself rather than its logarithm, in the
direction in which the document counts. JSON has no infinities, so an open end is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ablations.records.checks import Check
from ablations.records.origins import Origin
from ablations.records.pictures import Picture
from ablations.records.plans import Planning
from ablations.records.replications import Replication
from ablations.rule.outcomes import Group, Word
from hrm.codec import Json, Record

SCHEMA = 3  # of report.json; `reports/schemas` has a JSON Schema of each


@dataclass(frozen=True, kw_only=True)
class Exceptions(Record):
    """How many pairs lie on one side of an edge; all others are exceptions.

    Args:
        edge: In the reader's unit; None where it is infinite.
        side: "above" or "below", as the reader sees it.
        pairs: Those that lie there.
        of: Pairs read.
        exceptions: The others: on the other side, on the edge, or unknown.
        established: Whether the exceptions are few enough for the statement about the median.
    """

    edge: float | None
    side: str
    pairs: int
    of: int
    exceptions: int
    established: bool


@dataclass(frozen=True, kw_only=True)
class Verdict(Record):
    """The documented, stable keys of `ablations verdicts --json`.

    Args:
        id, document, section, documented: Of the claim, as the ledger has them.
        form: How it is decided.
        estimate: Median of the pairs read; None for exact claims, and where nothing is known.
        low, high: Ends of the median's interval, None where it is open.
        n: Pairs that there are.
        tier: Up to which pairs are read.
        verdict: The word.
        reason: Why, in a sentence with the counts.
        group: What the word means for the claim.
        look: The last look reached, 0 before the first.
        exceptions: The counts on both sides of each edge.
        sentence: What the counts alone say, whatever faults or controls take away.
        settled: Whether further pairs can't change the group.
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
    group: Group
    look: int = 0
    exceptions: tuple[Exceptions, ...] = ()
    sentence: str = ""
    settled: bool = False


@dataclass(frozen=True, kw_only=True)
class Point(Record):
    """One pair.

    Args:
        seed: Its seed.
        values: Of each cell, by label: the number, the cap that a run didn't reach, or None.
        low, high: The contrast lies between them; equal where it is known, None where an end is
            open.
        infinite: +1 or -1 where the contrast lies beyond every number on that side, since the run
            of one cell diverged; both ends are None then.
        failed: Labels of the cells whose run diverged, ran over its time or never arrived.
        read: Whether the pair counts: those beyond the last look reached don't.
        note: What is missing, "" if nothing is.
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
    """What was fixed before the run, for an axis to be drawn.

    Args:
        unit: What is counted. log: Whether contrasts are ratios, on a logarithmic axis.
        neutral: No effect: 1 for ratios, 0 for differences.
        sign: -1 if the document claims less, else 1.
        two_sided: Whether an effect on either side is claimed.
        null: The null zone, lower end first; None for claims about nearly all pairs.
        because: Why that zone or margin.
        band: The claimed size, None where an end is open; None as a whole where none is claimed.
        band_because: Where it comes from.
        edge: For claims about nearly all pairs, what they should lie beyond.
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
    """One thing that a statistical claim says; a conjunction has several, all others one.

    Args:
        verdict: Its word by itself. sentence: With the counts.
        estimate, low, high: The median and its interval.
        mean: Of the contrasts, None where it has no value.
        look: The last look reached. exceptions: On both sides of each edge.
        scale: The zones. points: One a pair.
        settled_at: The first look from which further pairs can't change the group, None before.
        needed: Pairs that would settle it at the observed shares, None if out of reach or settled.
        seen: The smallest median, in the claimed direction, that pairs scattered as these are would
            have established at this look; None before the first look, or where none would do.
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


@dataclass(frozen=True, kw_only=True)
class Beside(Record):
    """Another reading of the same runs: shown, never a verdict.

    Args:
        label: What is read. unit: What is counted. log: Whether it is a ratio.
        estimate, low, high: The median over pairs, and its interval by the rule of the verdict.
        n: Pairs that have a value.
        note: Why there is none, "" if there is.
    """

    label: str
    unit: str
    log: bool
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Failures(Record):
    """Runs of one cell that diverged, ran over their time or never arrived.

    Args:
        label: Of the cell. failed: How many. of: Runs read.
        low, high: The share's exact interval (Clopper-Pearson, 95 %).
    """

    label: str
    failed: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Skill(Record):
    """By how much the runs of a cell beat the best trivial method.

    Args:
        label: Of the cell. margin: Mean over runs, in the score's unit.
        error: Standard error of that mean. n: Runs.
        needed: Whether the claim needs it.
        passed: Whether the margin exceeds three standard errors.
    """

    label: str
    margin: float
    error: float
    n: int
    needed: bool
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Garden(Record):
    """A version of a claim's spec that was judged: what it would have been taken for.

    Args:
        claim: The claim's id. spec: Digest of its test, zones and cells.
        look: Pairs at which it was judged. word: What came out.
    """

    claim: str
    spec: str
    look: int
    word: Word


@dataclass(frozen=True, kw_only=True)
class Difference(Record):
    """One value in which arms' configurations differ: one text an arm."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Record):
    """A claim under other conditions: shown beside the family, never a verdict.

    Args:
        label: What is different. log: Whether it is a ratio.
        estimate: The median over pairs. low, high: Their range, None where an end is open.
        n: Pairs.
        sign: "keeps" or "turns", where the whole range lies on the side of the claim's own median
            or on the other; else "unclear".
    """

    label: str
    log: bool
    estimate: float | None
    low: float | None
    high: float | None
    n: int
    sign: str


@dataclass(frozen=True, kw_only=True)
class Row(Record):
    """Everything that a report shows of one claim.

    Args:
        statement: What is claimed, in our words.
        reading: How the spec reads it, and why.
        labels: The cells' names, baseline first; the arms' of an exact claim.
        differences: Where the arms' configurations differ.
        noun: What a pair is, in the plural.
        parts: What a statistical claim says; none for all others.
        checks: Of exact and consistency claims.
        beside: Other readings of the same runs.
        failures: Of each cell. skill: Of each trained one.
        controls: Ids of the controls that guard it (see the report's `controls`).
        garden: Every version of the spec that was judged.
        faults: What makes it INVALID.
        notes: What else a reader should know.
        planned: Trials that the tier asks for. stored: How many of them have come to an end.
        command: What runs this claim.
        cost_seconds: CPU time of its runs.
        machine: Where they ran, None if nowhere.
        planning: What a plan can tell, None for claims without a spread.
        pictures: What else the runs left, to be drawn.
        origin: What the runs rest on, None without any.
        replication: How the runs here agree with the evidence, None where nobody asked.
        elsewhere: The claim under other conditions, of headline claims alone.
    """

    verdict: Verdict
    statement: str
    reading: str
    labels: tuple[str, ...]
    differences: tuple[Difference, ...]
    noun: str
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    beside: tuple[Beside, ...]
    failures: tuple[Failures, ...]
    skill: tuple[Skill, ...]
    controls: tuple[str, ...]
    garden: tuple[Garden, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    planned: int
    stored: int
    command: str
    cost_seconds: float
    machine: str | None
    planning: Planning | None = None
    pictures: tuple[Picture, ...] = ()
    origin: Origin | None = None
    replication: Replication | None = None
    elsewhere: tuple[Elsewhere, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Controlled(Record):
    """A control: a measurement whose truth is known.

    Args:
        row: What was measured. planted: The planted effect, "" for equal arms.
        expected: The word that it should have. passed: None if that is undecided.
        claims: The claims of this report that it guards.
    """

    row: Row
    planted: str
    expected: Word
    passed: bool | None
    claims: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Family(Record):
    """What became of the members, which share the error of all statements together.

    Args:
        members: All. holds, partly, fails, open: Those with a spec whose claim was judged.
        not_run: Have a spec and no run, or weren't asked for. without_spec: Have none yet.
    """

    members: int
    holds: int
    partly: int
    fails: int
    open: int
    not_run: int
    without_spec: int


@dataclass(frozen=True, kw_only=True)
class Report(Record):
    """All that a report is rendered from: equal reports give equal bytes.

    Everything is read from stored runs, never from the clock or the machine that renders.

    Args:
        tier: Up to which pairs are read.
        looks: Pairs at each look, with the exceptions that a statement may have there.
        shares: The same for claims about nearly all pairs.
        tally: Claims by word. groups: Claims by group.
        commits, dirty, machines, versions: Of the runs.
        runs: How many. cpu_seconds: Of all of them.
        calibration: What the committed calibration says, None if there is none.
        first, last: The days on which the first and the last run began, "" without any.
        replication: What became of a replication of the evidence (`judging.replication.summary`);
            empty where there is no evidence yet, None where nobody asked.
    """

    tier: str
    looks: Mapping[str, int]
    shares: Mapping[str, int]
    tally: Mapping[str, int]
    groups: Mapping[str, int]
    commits: tuple[str, ...]
    dirty: bool
    machines: tuple[str, ...]
    versions: Mapping[str, str]
    runs: int
    cpu_seconds: float
    rows: tuple[Row, ...]
    controls: tuple[Controlled, ...] = ()
    family: Family | None = None
    calibration: Mapping[str, Json] | None = None
    first: str = ""
    last: str = ""
    replication: Mapping[str, Json] | None = None
    schema: int = field(default=SCHEMA)
