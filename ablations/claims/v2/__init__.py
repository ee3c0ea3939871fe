"""Document v2: four opt-in enhancements of a GRU model."""

from ablations.claims.v2 import (
    attention,
    controller,
    halting,
    learning,
    policy,
    savings,
    sequence,
    switches,
)

CLAIMS = (
    *halting.CLAIMS,
    *savings.CLAIMS,
    *policy.CLAIMS,
    *learning.CLAIMS,
    *attention.CLAIMS,
    *sequence.CLAIMS,
    *controller.CLAIMS,
    *switches.CLAIMS,
)
