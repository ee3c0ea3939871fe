"""The origin of a claim's word."""

from collections.abc import Mapping
from dataclasses import dataclass

from hrm.codec import Record


@dataclass(frozen=True, kw_only=True)
class Origin(Record):
    """The inputs of a claim's runs, by which reports are compared.

    Args:
        spec: Digest of what the verdict depends on: test, zones and cells, or the check.
        sources: Digests of the sources that the runs rest on.
        commits: Commits of the runs.
        machines: Machines of the runs.
        versions: Versions of the libraries; several of one are joined by a comma.
        first: Day on which the first run began, "2026-11-29".
        last: Day on which the last run began.
    """

    spec: str
    sources: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    versions: Mapping[str, str]
    first: str = ""
    last: str = ""
