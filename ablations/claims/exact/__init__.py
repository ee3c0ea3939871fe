"""Functions of exact claims: from the systems of arms and a seed to checks.

Torch is imported inside of the functions. Checks that aren't primary are only shown in the report.

halting       batch_waits, stopped_idle, individual, rule, maximum
policy        unbiased, reward
dilution      zeros, normalised
stopping      accounting, ends, apart
flow          timescales, detached, both_ways, reach
switches      v2_off, independent, amulgent_off
counts        attention, segments
initial       bounds
targets       terminal
attention     single_key, one_step, formula
controller    equivalent, tensors, memory
parameters    printed, bounded, increase, heads, norms, feed_forwards, standard_mlp
printed       demonstration, one_mix
guide         init_continue, learns_halting, maximum_matters, zero_table, own_optimiser, wide_q
memory        cycles, batch_sequence, checkpointing, one_step
numerics      accumulation, scale_free, stablemax
q_halting     trained
tasks         few_clues, optimal_paths
tables        sizes, domains
curriculum    cost
"""
