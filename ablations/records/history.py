"""Records of commits: values of benchmarks, and verdicts; one small file per commit.

Files lie in `evidence/history`, so that a clone of the repository has the history. They are named
by the commit and the digest of its sources. Lower is better for all values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hrm.codec import Record

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Measured(Record):
    """One benchmark at one commit.

    Args:
        unit: Unit of the values: "seconds", "bytes", "ratio".
        version: Values of different versions aren't comparable.
        values: Values by the benchmark's parameters, "" without parameters; None if it failed.
    """

    unit: str
    version: str
    values: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Conditions(Record):
    """How a commit's benchmarks were run.

    Args:
        machine: Processor, cores, system.
        load: Running processes per core; above 0.5, times are unreliable. None if unknown.
        quick: Whether each time is that of a single sample.
        note: Further remarks.
    """

    machine: str
    load: float | None
    quick: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Commit(Record):
    """The benchmarks and verdicts of a commit.

    Args:
        commit: Its hash.
        date: When it was committed, ISO 8601 in UTC.
        subject: Subject of its message.
        place: Number of commits in its history, itself included.
        sources: SHA-256 over the Python files of our packages and their contents.
        conditions: None without benchmarks.
        benchmarks: By asv's name.
        tier: The tier at which claims were judged, "" without verdicts.
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
        """The key by which commits are sorted, the oldest first."""
        return self.date, self.place, self.commit

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.commit[:12]}-{self.sources[:12]}.json"


Series = Mapping[str, float | None]  # values of a benchmark with some parameters, by commit


def every_series(commits: Sequence[Commit]) -> Iterator[tuple[str, str, Series]]:
    """Yield name, parameters and values of each benchmark's newest version.

    Values of different versions aren't comparable.
    """
    newest = {name: b.version for commit in commits for name, b in commit.benchmarks.items()}
    for name, version in sorted(newest.items()):
        every = {
            commit.commit: b.values
            for commit in commits
            if (b := commit.benchmarks.get(name)) is not None and b.version == version
        }
        for label in dict.fromkeys(label for values in every.values() for label in values):
            yield name, label, {c: v[label] for c, v in every.items() if label in v}


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
