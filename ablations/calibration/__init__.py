"""Calibration: the rule's theorem, checked by simulation through the engine itself.

`noises` says how pairs scatter, and `questions` what is asked and where the truth lies.
`populations` makes pairs whose truth is known by construction, and `truths` says which words are
false there. `samples` draws and judges, `filling` does all of it. `artefact` keeps what came of it,
and holds it against the bounds; `document` tells it.
"""
