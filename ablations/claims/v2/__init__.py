"""Document v2: four opt-in enhancements of a GRU model."""

from ablations.claims.v2 import attention, controller, halting, policy, switches

CLAIMS = (*halting.CLAIMS, *policy.CLAIMS, *attention.CLAIMS, *controller.CLAIMS, *switches.CLAIMS)
