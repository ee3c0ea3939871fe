"""Demonstrations: one document each, on a model trained for it in less than a minute.

Each module has `UPDATES`, and `run(seed, updates, say)`, which returns a `Shown`. The numbers are
those of the run: equal arguments give equal ones, but for times.
"""
