"""`non-inferior`: nothing is lost beyond a margin fixed beforehand."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.paired import Paired


@dataclass(frozen=True, kw_only=True)
class NonInferior(Paired):
    """θ = mean (treatment − baseline), whose near bound is held against the margin −w.

    >>> from ablations.records import Tier, Zones
    >>> from ablations.verdict import decide
    >>> zones = Zones(null=0.02, null_reason="2 points", margin=True)
    >>> form = NonInferior(metric="score", zones=zones)
    >>> arms = [({"score": 0.8}, {"score": 0.795 + 0.001 * (seed % 5 - 2)}) for seed in range(20)]
    >>> thetas = [c.theta for pair in arms for c in form.contrasts(pair)]
    >>> how = {"tier": Tier.STANDARD, "decides": True, "planned_pairs": 20, "symmetric": False}
    >>> decide(thetas, zones, 1 - 0.05 / 79, **how).word.value
    'CONFIRMED'
    >>> form.pairs_needed(sd=0.01, level=1 - 0.05 / 79)
    25

    The planning rule: the margin itself is what must be told apart, from arms that are equal. A
    positive control, planted at twice the margin, shows that the measurement can see a loss.
    """

    name: ClassVar[str] = "non-inferior"

    def __post_init__(self) -> None:
        """Refuse zones that aren't a margin: a mistake in a spec."""
        assert self.zones.margin, self.zones
