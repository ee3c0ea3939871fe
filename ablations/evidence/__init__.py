"""Evidence: the readings of runs, which the repository keeps without the runs themselves.

files        the format: one text file for each kind of trial
asked        the readings that claims need of each kind of trial
compact      from stores to evidence; readings are only ever added
book         all evidence while readings are added
series       the series from which pictures are drawn
kept         evidence as a store that judging reads
"""
