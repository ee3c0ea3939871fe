"""Evidence: what was read of runs, kept in the repository when the runs themselves are not.

files        the format: one text file for each kind of trial
asked        what the claims read of which kind of trial
compact      from stores to evidence; readings are only ever added
book         all evidence while it is added to
series       what pictures are drawn from
kept         evidence as a store that judging reads
"""
