"""The count rule: from pairs, and zones that were fixed beforehand, to a word about a claim.

`table` says how many exceptions a statement may have, `zones` what was fixed beforehand, `pairs`
what was measured, `interval` what that establishes, `verdict` which word follows, `words` says it
in a sentence, and `needs` how many pairs it would take.
Everything here is numpy alone, and holds for one sample and for many at once.
"""

from ablations.rule.needs import further
from ablations.rule.outcomes import Count, Group, Joint, Tally, Verdict, Word, group_of
from ablations.rule.pairs import Pairs
from ablations.rule.table import LADDER, SHARE_TABLE, Table, table_for
from ablations.rule.verdict import Words, conjunction, judge, judge_many
from ablations.rule.zones import Zones

__all__ = [
    "LADDER",
    "SHARE_TABLE",
    "Count",
    "Group",
    "Joint",
    "Pairs",
    "Table",
    "Tally",
    "Verdict",
    "Word",
    "Words",
    "Zones",
    "conjunction",
    "further",
    "group_of",
    "judge",
    "judge_many",
    "table_for",
]
