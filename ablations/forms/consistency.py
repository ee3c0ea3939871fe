"""`consistency`: the document's own numbers, recomputed from their parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.base import Form, Metrics
from ablations.records import Check

Derive = Callable[[Sequence[Sequence[Metrics]], float], tuple[tuple[Check, ...], str]]


@dataclass(frozen=True, kw_only=True)
class Consistency(Form):
    """The document's own numbers recomputed from their parts, or from another measurement.

    >>> from ablations.rounding import prints_as
    >>> prints_as(100 * (1 - 18 / 32), "45%"), prints_as(100 * (1 - 38 / 64), "40%")
    (False, True)

    Args:
        derive: Makes the checks from the metrics of all seeds, at the level of all intervals; None
            where the workload makes them. What the measurement can't decide it says in the second
            value returned.
    """

    name: ClassVar[str] = "consistency"
    derive: Derive | None = None
