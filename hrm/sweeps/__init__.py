"""Sweeps: the search for the configuration that scores best on the validation boards.

sweep    what is asked: `Sweep`
search   its execution in a folder: `execute`
space    what may be tried
study    what was tried; knows Optuna
trial    one run in a process of its own
"""
