"""Document complete: a transformer HRM with adaptive steps, for several tasks."""

from ablations.claims.complete import (
    accuracies,
    sizes,
    stability,
    steps,
    supervision,
    tables,
    tasks,
    training,
)

CLAIMS = (
    *sizes.CLAIMS,
    *training.CLAIMS,
    *supervision.CLAIMS,
    *stability.CLAIMS,
    *steps.CLAIMS,
    *accuracies.CLAIMS,
    *tasks.CLAIMS,
    *tables.CLAIMS,
)
