"""Sweeps: the search for the configuration that scores best on the validation boards.

sweep    the definition of a sweep: `Sweep`
search   its execution in a folder: `execute`
space    the search space
study    the trials so far; uses Optuna
trial    one run in a process of its own
"""
