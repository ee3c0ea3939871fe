"""Document amulgent: a decision model with RMSNorm, SwiGLU, two Q heads and refinement segments."""

from ablations.claims.amulgent import blocks, exactly, halting, refinement

CLAIMS = (*exactly.CLAIMS, *blocks.CLAIMS, *halting.CLAIMS, *refinement.CLAIMS)
