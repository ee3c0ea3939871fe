"""Commits over time: records of measurements by commit, and comparisons of two commits."""
