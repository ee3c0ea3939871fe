"""Straight-line references of the documented systems, by which the configurable model is judged.

Each is written from a document's equations alone, top to bottom, and imports torch and the standard
library only: it shares no code with `hrm`, nor with anything else here.
"""
