"""Straight-line references of the documented systems, with which the model is compared.

Each is written only from the equations of a document, as straight-line code, and imports only torch
and the standard library: it shares no code with `hrm` or any other of our packages.
"""
