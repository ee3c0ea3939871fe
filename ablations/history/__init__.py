"""Commits over time: records of what was measured at each, and two commits' benchmarks by turns."""
