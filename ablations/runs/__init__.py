"""Runs: from claims' cells to trials, and from trials to stored results."""
