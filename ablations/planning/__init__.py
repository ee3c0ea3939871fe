"""Plans: the expected results and costs of claims, before they are run.

chances      the chance that a claim settles by each look, and with which group
pilots       spreads, hopeless designs and costs, from seeds that no verdict reads
costs        CPU seconds of trials
forecast     wall seconds of trials, and which of them claims that settle early don't need
next         which trials are due, and in which order
"""
