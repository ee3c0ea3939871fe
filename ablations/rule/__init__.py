"""The count rule: from pairs, and zones that were fixed beforehand, to a word about a claim.

`table` defines how many exceptions a statement may have, `zones` what is fixed beforehand, and
`pairs` the measured contrasts. `interval` computes what they establish, `verdict` the word that
follows, `words` a sentence about it, and `needs` the number of pairs that would settle a claim.
Everything here needs only numpy, and works for one sample or for many at once.
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
