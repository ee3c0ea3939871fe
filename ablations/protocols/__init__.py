"""Protocols: what a trial does. One module a protocol, loaded by the runner alone.

A module has one function, `run(inputs)`, which takes `base.Inputs` and returns a `base.Outcome`.
"""
