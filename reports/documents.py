"""The documents whose claims are tested, as the report names them."""

from dataclasses import dataclass

from ablations.records.rows import Report, Row
from ablations.rule.outcomes import Group
from reports.words import decided_first


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document and the claims that it makes.

    Args:
        key: Key of the document in rows.
        name: Name for readers.
        about: Description in a few words.
        rows: Its claims, decided ones first.
    """

    key: str
    name: str
    about: str
    rows: tuple[Row, ...]

    def count(self, group: Group) -> int:
        """Return the number of its claims in a group."""
        return sum(row.verdict.group is group for row in self.rows)


_named = {
    "v2": ("HRM v2 enhancements", "a GRU model with four opt-in enhancements"),
    "amulgent": ("AMULGENT enhancements", "a decision model: RMSNorm, SwiGLU, two Q heads"),
    "gru": ("GRU model", "policy halting and meta-reinforcement learning"),
    "act-v1": ("HRM-ACT-v1", "a transformer that learns when to stop by Q values"),
    "complete": ("Complete implementation", "a transformer: seven tasks, four sizes, a tracker"),
    "research": ("Published research", "papers and write-ups on such models"),
    "research-2026": ("Research of 2026", "later papers on such models"),
    "ours": ("This project", "questions that the documents leave open"),
}


def documents(report: Report) -> list[Document]:
    """Return the documents of a report's rows: known ones in a fixed order, then any others."""
    found: dict[str, list[Row]] = {}
    for row in report.rows:
        found.setdefault(row.verdict.document, []).append(row)
    keys = [key for key in _named if key in found] + [key for key in found if key not in _named]
    return [
        Document(
            key=key,
            name=_named.get(key, (key, ""))[0],
            about=_named.get(key, ("", ""))[1],
            rows=tuple(sorted(found[key], key=lambda row: decided_first[row.verdict.group])),
        )
        for key in keys
    ]
