"""`ratio`: paired by seed, log-ratio."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.forms.paired import Paired


@dataclass(frozen=True, kw_only=True)
class Ratio(Paired):
    """θ = mean log(treatment / baseline).

    >>> from ablations.records import Zones
    >>> zones = Zones(null=0.1, null_reason="10 %", sign=-1, log=True)
    >>> form = Ratio(metric="bytes", zones=zones)
    >>> pairs = [({"bytes": 8}, {"bytes": 4}), ({"bytes": 9}, {"bytes": 4}), ({"bytes": 8}, None)]
    >>> thetas = [round(c.theta, 3) for arms in pairs for c in form.contrasts(arms)]
    >>> thetas
    [-0.693, -0.811, nan]
    >>> found = form.interval(thetas[:2], 0.5)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.811, -0.693)
    >>> form.pairs_needed(sd=form.spread(0.05), level=0.95)  # log-sd 0.05 an arm, to tell 10 %
    20

    The planning rule: two independent arms give a log-ratio of sd √2 times theirs, arms that share
    a seed's luck with correlation ρ one of √(2(1 - ρ)).
    """

    name: ClassVar[str] = "ratio"
