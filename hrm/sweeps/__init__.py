"""Sweeps: the search for the configuration that scores best on the validation boards.

search   one sweep in a folder; `Sweep`, `execute`
space    what may be tried
study    what was tried; knows Optuna
trial    one run in a process of its own
"""
