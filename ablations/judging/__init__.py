"""From a claim's stored runs to a verdict, and to the row that a report shows of it.

readings       what is read of a run: from its observations, or from evidence
cells          the values of each cell at each seed, and the contrasts of complete seeds
faults         faults that make a claim INVALID, whatever its contrasts are
timing         drift and twins of timing claims
case           the rule, applied to a claim
exact          claims that checks decide
controls       measurements with a known truth, and the claims that they guard
statements     verdicts, pairs and zones in the reader's unit
pictures       series of runs for pictures
checked_bytes  pictures of exact claims about memory
row            everything that a report shows of one claim
report         everything that a report is rendered from
garden         every version of a spec that was judged
robustness     headline claims under other conditions
comparing      two reports, claim by claim
replication    runs on this machine beside the evidence
"""
