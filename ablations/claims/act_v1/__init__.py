"""Document act-v1: a transformer HRM that halts by Q-learning."""

from ablations.claims.act_v1 import guide, halting, memory, precision

CLAIMS = (*halting.CLAIMS, *guide.CLAIMS, *memory.CLAIMS, *precision.CLAIMS)
