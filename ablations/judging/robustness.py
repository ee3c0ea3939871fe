"""Whether the sign of a claim holds under other conditions; these estimates decide nothing."""

import math
from collections.abc import Mapping

from ablations.judging.case import oriented
from ablations.judging.cells import gather, parts_of
from ablations.judging.row import Desk
from ablations.judging.statements import end
from ablations.records.rows import Elsewhere
from ablations.rule import judge
from ablations.runs import trials
from ablations.specs.claim import Statistical

FEWEST = 6  # fewest pairs; their range contains the median with probability 1 − 2 / 2⁶ = 97 %


def elsewhere(
    claim: Statistical, variants: Mapping[str, Statistical], desk: Desk
) -> tuple[Elsewhere, ...]:
    """Return the results of a claim's variants that have pairs.

    The interval is the range of all pairs. It contains the median with probability 1 − 2 / 2ⁿ,
    whatever the noise: 99 % for eight pairs. The sign "keeps" if the whole range lies on the same
    side of no effect as the claim's own median, and "turns" if it lies on the other side.

    Args:
        claim: The claim.
        variants: The variants, by the condition that differs.
        desk: The desk that reads them.
    """
    own = next((verdict.estimate for verdict in desk.case(claim).verdicts), None)
    found = []
    for label, variant in variants.items():
        test = parts_of(variant)[0][0]
        pairs = gather(variant, desk.reader, trials.seeds(variant, desk.tier), desk.device).pairs
        if not pairs:
            continue
        contrasts = oriented([pair.contrasts[0] for pair in pairs], test, test.zones)
        median = judge(contrasts, test.zones, desk.table).estimate
        enough = len(pairs) >= FEWEST
        low = float(contrasts.low.min()) if enough else -math.inf
        high = float(contrasts.high.max()) if enough else math.inf
        ends = sorted(map(test.zones.value, (low, high)))
        found.append(
            Elsewhere(
                label=label,
                log=test.zones.log,
                estimate=None if median is None else end(test.zones.value(median), test.zones),
                low=end(ends[0], test.zones),
                high=end(ends[1], test.zones),
                n=len(pairs),
                sign=sign(own, low, high),
            )
        )
    return tuple(found)


def sign(own: float | None, low: float, high: float) -> str:
    """Return "keeps", "turns" or "unclear": the side of a range, and of the claim's own median."""
    if own is None or own == 0 or low <= 0 <= high:
        return "unclear"
    return "keeps" if (low > 0) == (own > 0) else "turns"
