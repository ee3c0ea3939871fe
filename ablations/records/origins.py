"""Where a claim's word comes from, and whether it came out again elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass

from ablations.rule.outcomes import Group, Word
from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Origin(Record):
    """What the runs of a claim rest on; reports are compared by it.

    Args:
        spec: Digest of what the verdict depends on: test, zones and cells, or the check.
        sources: Digests of the sources that the runs rest on.
        commits, machines: Of the runs.
        versions: Of the libraries; several of one are joined by a comma.
        first, last: The days on which the first and the last run began, "2026-11-29".
    """

    spec: str
    sources: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    versions: Mapping[str, str]
    first: str = ""
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class Replication(Record):
    """What came out where a claim of the evidence was run again.

    Args:
        word, group: What the new runs say by themselves.
        estimate, low, high: As in the verdict, of the new runs.
        n: New pairs.
        agrees: Whether it agrees with the evidence, by the rule fixed beforehand; None if open.
        machine: Where it ran. day: When, "2026-11-29".
        note: By what it agrees, or why it doesn't.
    """

    word: Word
    group: Group
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    agrees: bool | None = None
    machine: str = ""
    day: str = ""
    note: str = ""
