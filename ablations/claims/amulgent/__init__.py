"""Document amulgent: a decision model with RMSNorm, SwiGLU, two Q heads and refinement segments."""

from ablations.claims.amulgent import blocks, halting, refinement, sizes

CLAIMS = (*sizes.CLAIMS, *blocks.CLAIMS, *halting.CLAIMS, *refinement.CLAIMS)
