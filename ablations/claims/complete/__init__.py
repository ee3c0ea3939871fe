"""Document complete: a transformer HRM with adaptive steps, for several tasks."""

from ablations.claims.complete import stability, steps, supervision, tasks

CLAIMS = (*supervision.CLAIMS, *stability.CLAIMS, *steps.CLAIMS, *tasks.CLAIMS)
