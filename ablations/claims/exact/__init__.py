"""Functions of exact claims: from the arms' systems and a seed to checks. Torch is imported inside.

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
"""
