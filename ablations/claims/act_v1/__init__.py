"""Document act-v1: a transformer HRM that halts by Q-learning."""

from ablations.claims.act_v1 import (
    exploration,
    guide,
    halting,
    memory,
    precision,
    puzzles,
    quality,
)

CLAIMS = (
    *halting.CLAIMS,
    *exploration.CLAIMS,
    *quality.CLAIMS,
    *puzzles.CLAIMS,
    *guide.CLAIMS,
    *memory.CLAIMS,
    *precision.CLAIMS,
)
