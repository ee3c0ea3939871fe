"""Document gru: policy ACT and meta-RL on two GRU levels."""

from ablations.claims.gru import allocation, gradients, mechanics

CLAIMS = (*mechanics.CLAIMS, *allocation.CLAIMS, *gradients.CLAIMS)
