"""What is kept of a commit: its benchmarks' numbers and its verdicts; one small file each.

Files lie in `evidence/history`, named by commit and by the digest of the sources there, so that a
clone has the history. All numbers are better when lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hrm.codec import Record

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Measured(Record):
    """One benchmark at one commit.

    Args:
        unit: Of the values: "seconds", "bytes", "ratio".
        version: Values of different versions aren't comparable.
        values: By the parameters' values, "" without parameters; None where it failed.
    """

    unit: str
    version: str
    values: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Conditions(Record):
    """How a commit's benchmarks were run.

    Args:
        machine: Processor, cores, system.
        load: Processes that wanted a core, for each core; above 0.5 times say little. None if it
            wasn't noted.
        quick: Whether each time is that of a single sample.
        note: Further remarks.
    """

    machine: str
    load: float | None
    quick: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Commit(Record):
    """What is known of a commit.

    Args:
        commit: Its hash.
        date: When it was committed, ISO 8601 in UTC.
        subject: Subject of its message.
        place: Number of commits in its history, itself included.
        sources: SHA-256 over the Python files of our packages and their contents.
        conditions: None without benchmarks.
        benchmarks: By asv's name.
        tier: Up to which pairs the verdicts read, "" without verdicts.
        claims: The group of each claim that was judged there, by its id.
    """

    commit: str
    date: str
    place: int
    subject: str
    sources: str
    conditions: Conditions | None = None
    benchmarks: Mapping[str, Measured] = field(default_factory=dict)
    tier: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def order(self) -> tuple[str, int, str]:
        """What commits are sorted by, the oldest first."""
        return self.date, self.place, self.commit

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.commit[:12]}-{self.sources[:12]}.json"


@dataclass(frozen=True, kw_only=True)
class Step(Record):
    """A level that a series stays at.

    Args:
        first: First commit of the level.
        last: Last commit of the level.
        level: The series' middle there.
    """

    first: str
    last: str
    level: float


@dataclass(frozen=True, kw_only=True)
class Steps(Record):
    """The levels of all series, found by asv's step detection.

    Args:
        found: By benchmark, then by parameters, in order.
        by: Program that found them.
    """

    found: Mapping[str, Mapping[str, tuple[Step, ...]]]
    by: str


@dataclass(frozen=True, kw_only=True)
class History(Record):
    """All that is kept.

    Args:
        commits: From the oldest to the newest.
        steps: Steps of their benchmarks.
    """

    commits: tuple[Commit, ...]
    steps: Steps
