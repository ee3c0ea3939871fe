"""Calibration: the rule's error bound, checked by simulation with the rule's own code.

`noises` defines distributions of pairs, `questions` the tests and their true effects. `populations`
constructs pairs with a known truth, and `truths` defines which words are false for it. `samples`
draws and judges samples, and `filling` runs all of them. `artefact` stores the counts and compares
them with their bounds; `document` writes the page about them.
"""
