"""Demonstrations: one document each, on a model trained for it in less than a minute.

Each module has `UPDATES`, and `run(seed, updates, say)`, which returns a `Shown`. All numbers are
measured in the run; equal arguments give equal numbers, except for times.
"""
