"""`timing`: paired fresh processes."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.paired import Paired


@dataclass(frozen=True, kw_only=True)
class Timing(Paired):
    """θ = mean log(treatment / baseline) over pairs of fresh processes in random ABBA order.

    >>> from ablations.records import Zones
    >>> form = Timing(metric="s", zones=Zones(null=0.1, null_reason="10 %", sign=-1, log=True))
    >>> block = [{"s": [5.0, 5.2]}, {"s": [1.0, 1.3]}]  # two processes an arm
    >>> [round(c.theta, 3) for c in form.contrasts(block)]
    [-1.609, -1.386]
    >>> form.pairs_needed(sd=form.spread(0.05), level=1 - 0.05 / 79)
    17
    >>> Timing(metric="s", zones=form.zones, symmetry="").pairs_needed(0.0707, 1 - 0.05 / 79)
    33

    The planning rule is that of a ratio, sd being that between processes: more samples within a
    process don't lower it.
    """

    name: ClassVar[str] = "timing"
    symmetry: str = "the machine disturbs both arms alike: one code times them, in a drawn order"
