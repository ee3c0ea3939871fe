"""Functions of exact claims: from the arms' systems and a seed to checks. Torch is imported inside.

halting       batch_waits, stopped_idle, individual, rule, maximum
policy        unbiased, reward
attention     single_key, formula
controller    equivalent, tensors, memory
parameters    printed, bounded, increase
printed       demonstration
guide         init_continue, learns_halting, maximum_matters, zero_table, own_optimiser, wide_q
memory        cycles, batch_sequence, checkpointing, one_step
numerics      accumulation, scale_free, stablemax
q_halting     trained
tasks         few_clues, optimal_paths
tables        sizes, domains
curriculum    cost
"""
