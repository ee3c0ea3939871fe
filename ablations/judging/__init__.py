"""Judging: from stored results to contrasts, faults and verdicts. Nothing here needs torch."""
