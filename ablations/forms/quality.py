"""`quality`: paired difference of a score."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.paired import Paired


@dataclass(frozen=True, kw_only=True)
class Quality(Paired):
    """θ = mean (treatment − baseline) of a score.

    >>> from ablations.records import Zones
    >>> form = Quality(metric="score", zones=Zones(null=0.02, null_reason="2 points"))
    >>> [c.theta for c in form.contrasts([{"score": 0.5}, {"score": 0.75}])]
    [0.25]
    >>> form.pairs_needed(sd=0.01, level=1 - 0.05 / 79)
    25
    >>> twins = Quality(metric="score", zones=form.zones, symmetry="both arms are one recipe")
    >>> twins.pairs_needed(sd=0.01, level=1 - 0.05 / 79)
    13

    The planning rule: sd √(2(1 - ρ)) from one arm's sd over seeds.
    """

    name: ClassVar[str] = "quality"
