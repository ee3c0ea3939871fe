"""Protocols: the code that trials run. There is one module per protocol, loaded only by the runner.

A module has a function `run(inputs)`, which takes `base.Inputs` and returns a `base.Outcome`.
"""
