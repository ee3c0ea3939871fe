"""Results of stored runs: a verdict, the row of a report that shows it, and the report.

All numbers of contrasts are in the reader's unit: ratios rather than their logarithms, in the
direction in which the document counts. Since JSON has no infinities, an open end is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.records.checks import Check
from ablations.records.origins import Origin
from ablations.records.pictures import Picture
from ablations.records.plans import Planning
from ablations.records.replications import Replication
from ablations.records.statements import Beside, Exceptions, Part
from ablations.rule.outcomes import Group, Word
from hrm.codec import Json, Record

SCHEMA = 4  # of report.json; `reports/schemas` has a JSON Schema of each


@dataclass(frozen=True, kw_only=True)
class Verdict(Record):
    """The documented, stable keys of `ablations verdicts --json`.

    Args:
        id: Id of the claim.
        document: Key of its document.
        section: Section of the document.
        documented: The documented figure, as in the ledger.
        form: How the claim is decided.
        estimate: Median of the pairs read; None for exact claims, or if it is unknown.
        low: Lower end of the median's interval; None if open.
        high: Upper end of the median's interval; None if open.
        n: Number of pairs.
        tier: The tier up to which pairs are read.
        verdict: The word.
        reason: The reason, in a sentence with the counts.
        group: The group of the word.
        look: The last look reached; 0 before the first.
        exceptions: The counts on both sides of each edge.
        sentence: The result by counts only, without faults and controls.
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
class Failures(Record):
    """Runs of one cell that diverged, exceeded their time or never reached the target.

    Args:
        label: Label of the cell.
        failed: Number of failed runs.
        of: Number of runs read.
        low: Lower end of the share's exact interval (Clopper-Pearson, 95 %).
        high: Upper end of that interval.
    """

    label: str
    failed: int
    of: int
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Skill(Record):
    """The margin of a cell's runs over the best trivial method.

    Args:
        label: Label of the cell.
        margin: Mean margin over runs, in the unit of the score.
        error: Standard error of that mean.
        n: Number of runs.
        needed: Whether the claim needs the margin to be positive.
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
    """A version of a claim's spec that was judged, with its word.

    Args:
        claim: Id of the claim.
        spec: Digest of its test, zones and cells.
        look: Number of pairs at which it was judged.
        word: The word.
    """

    claim: str
    spec: str
    look: int
    word: Word


@dataclass(frozen=True, kw_only=True)
class Difference(Record):
    """One value in which the configurations of arms differ, with one text per arm."""

    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Elsewhere(Record):
    """A claim under other conditions: shown beside the family, never a verdict.

    Args:
        label: The condition that differs.
        log: Whether the contrast is a ratio.
        estimate: The median over pairs.
        low: Lower end of the range of all pairs; None if open.
        high: Upper end of the range of all pairs; None if open.
        n: Number of pairs.
        sign: "keeps" if the whole range is on the same side of no effect as the claim's own median,
            "turns" if it is on the other side, otherwise "unclear".
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
        verdict: The verdict.
        statement: The claim in our words.
        reading: How the spec interprets the claim, and why.
        labels: Names of the cells, baseline first; for an exact claim those of the arms.
        differences: Values in which the configurations of the arms differ.
        noun: What a pair is, in the plural.
        parts: Statements of a statistical claim; empty for others.
        checks: Checks of exact and consistency claims.
        beside: Other readings of the same runs.
        failures: Failed runs of each cell.
        skill: Margin of each trained cell over trivial methods.
        controls: Ids of the controls that guard it (see the report's `controls`).
        garden: Every version of the spec that was judged.
        faults: Reasons why it is INVALID.
        notes: Further remarks for the reader.
        planned: Number of trials of the tier.
        stored: Number of these that have finished.
        command: The command that runs this claim.
        cost_seconds: CPU time of its runs.
        machine: Where they ran; None without runs.
        planning: The plan; None for claims without a spread.
        pictures: Data of its pictures.
        origin: Inputs of the runs; None without runs.
        replication: Agreement of the runs on this machine with the evidence; None if not compared.
        elsewhere: The claim under other conditions, for headline claims only.
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
    """A control: a measurement with a known truth.

    Args:
        row: The measurement.
        planted: The planted effect; "" for equal arms.
        expected: The word that it should have.
        passed: Whether it passed; None if undecided.
        claims: Ids of the claims of this report that it guards.
    """

    row: Row
    planted: str
    expected: Word
    passed: bool | None
    claims: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Family(Record):
    """The results of the family's members, which share the error of a report.

    Args:
        members: Number of all members.
        holds: Number of judged members that hold.
        partly: Number of judged members that hold partly.
        fails: Number of judged members that fail.
        open: Number of judged members that are open.
        not_run: Number of members with a spec that weren't run or weren't requested.
        without_spec: Number of members without a spec.
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
    """Everything that a report is rendered from; equal reports give equal bytes.

    All data come from stored runs, never from the clock or the machine that renders.

    Args:
        tier: The tier up to which pairs are read.
        looks: Pairs at each look, with the exceptions that a statement may have there.
        shares: The same for claims about nearly all pairs.
        tally: Number of claims by word.
        groups: Number of claims by group.
        commits: Commits of the runs.
        dirty: Whether a run was made from a tree with changes.
        machines: Machines of the runs.
        versions: Versions of the libraries.
        runs: Number of runs.
        cpu_seconds: CPU time of all runs.
        calibration: Summary of the committed calibration; None if there is none.
        first: Day on which the first run began; "" without runs.
        last: Day on which the last run began; "" without runs.
        replication: Summary of the replication of the evidence (`judging.replication.summary`);
            empty if there is no evidence yet, None if not compared.
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
    schema: int = SCHEMA
