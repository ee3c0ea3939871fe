"""`exact`: an equality or identity, without a p-value."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.base import Form


@dataclass(frozen=True, kw_only=True)
class Exact(Form):
    """Equality: the workload makes the checks, and `verdict.decide_checks` the word.

    >>> from ablations.checks import Check
    >>> from ablations.verdict import decide_checks
    >>> size = Check(what="size", documented="4", observed="5", holds=False, rule="equal")
    >>> decide_checks([size])
    (<Word.MISMATCH: 'MISMATCH'>, 'size: documented 4, observed 5 (equal)')
    """

    name: ClassVar[str] = "exact"
