"""Document complete: a transformer HRM with adaptive steps, for several tasks."""

from ablations.claims.complete import accuracies, stability, steps, supervision

CLAIMS = (*supervision.CLAIMS, *stability.CLAIMS, *steps.CLAIMS, *accuracies.CLAIMS)
