"""From a claim's stored runs to a verdict, and to the row that a report shows of it.

cells        the values of each cell at each seed, and the contrasts of complete seeds
faults       faults that make a claim INVALID, whatever its contrasts are
timing       drift and twins of timing claims
case         the rule, applied to a claim
exact        claims that checks decide
controls     measurements with a known truth, and the claims that they guard
reading      verdicts, pairs and zones in the reader's unit
row          everything that a report shows of one claim
report       everything that a report is rendered from
garden       every version of a spec that was judged
"""
