"""Functions of exact claims: from the arms' systems and a seed to checks. Torch is imported inside.

halting       batch_waits, stopped_idle, individual, rule, maximum
policy        unbiased, reward
attention     single_key, formula
controller    equivalent, tensors, memory
parameters    printed, bounded, increase
printed       demonstration
"""
