"""Runs: from claims to trials, and from trials to stored results."""
