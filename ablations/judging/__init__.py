<<<<<<< HEAD
"""From a claim's stored runs to a verdict, and to the row that a report shows of it.

cells        what each cell of each seed gave, and the contrasts of the seeds that are complete
faults       what makes a claim INVALID, whatever its contrasts say
case         the rule, applied to a claim
controls     measurements whose truth is known, and the claims that they guard
rows         everything that a report shows of one claim
report       everything that a report is rendered from
garden       every version of a spec that was judged
"""
=======
"""Judging: from stored results to contrasts, faults and verdicts. Nothing here needs torch."""
>>>>>>> claims
