"""Published research on the same models: what it reports, on boards that two cores can learn.

Its figures are of models with 7 to 27 million parameters on full-size boards. They don't transfer,
so that the direction carries a verdict and the figure stands beside, unless a spec says otherwise.
"""

from ablations.claims.research import (
    averages,
    halting,
    identities,
    published,
    recursion,
    segments,
    tiny,
)

CLAIMS = (
    *recursion.CLAIMS,
    *halting.CLAIMS,
    *averages.CLAIMS,
    *identities.CLAIMS,
    *segments.CLAIMS,
    *published.CLAIMS,
    *tiny.CLAIMS,
)
