"""Document complete: a transformer HRM with deep supervision."""

from ablations.claims.complete import sizes, supervision, tables, tasks, training

CLAIMS = (
    *sizes.CLAIMS,
    *training.CLAIMS,
    *supervision.CLAIMS,
    *tasks.CLAIMS,
    *tables.CLAIMS,
)
