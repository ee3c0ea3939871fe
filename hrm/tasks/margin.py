"""Differences of scores over the same boards, and their standard errors."""

from hrm.tasks import Floats


def paired(differences: Floats) -> dict[str, float]:
    """Return the mean of differences of scores, one per board, [N], and its standard error.

        difference = mean d    error = sqrt(Σ (dᵢ − mean d)² / (N − 1) / N)

    The error of a single difference is 0.
    """
    count = len(differences)
    error = float(differences.std(ddof=1) / count**0.5) if count > 1 else 0.0
    return {"difference": float(differences.mean()), "error": error}
