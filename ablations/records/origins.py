"""Where a claim's word comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

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
