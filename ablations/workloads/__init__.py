"""What a trial runs: functions that only the runner calls.

Each takes (arms, settings, seed, device) and returns one mapping of metrics per arm. Nothing here
knows how a claim is decided.
"""
