"""The main findings: five claims, chosen by a rule that is the same for every report."""

import re
from collections import Counter

from ablations.records.rows import Report, Row
from ablations.rule.outcomes import Group
from reports.sayings import decided, strength

MOST = 5
OF_ONE_DOCUMENT = 2
RULE = (
    "By turns a claim that fails, one that holds and one that holds partly; first those with a "
    "printed figure and counted pairs, then those with the largest effect relative to their null "
    "zone; at most two per document."
)
_TURNS = (Group.FAILS, Group.HOLDS, Group.PARTLY)


def chosen(report: Report) -> list[Row]:
    """Return at most five rows, by `RULE`; ties in the order of the report."""
    queues = {
        group: sorted((r for r in report.rows if r.verdict.group is group), key=_order)
        for group in _TURNS
    }
    found: list[Row] = []
    used: Counter[str] = Counter()
    while len(found) < MOST and any(queues.values()):
        for group in _TURNS:
            queue = queues[group]
            while queue and used[queue[0].verdict.document] >= OF_ONE_DOCUMENT:
                queue.pop(0)
            if queue and len(found) < MOST:
                row = queue.pop(0)
                assert decided(row), row.verdict.id
                used[row.verdict.document] += 1
                found.append(row)
    return found


def _order(row: Row) -> tuple[bool, bool, float]:
    printed = re.search(r"\d", row.verdict.documented) is not None
    return not printed, not row.parts, -strength(row)
