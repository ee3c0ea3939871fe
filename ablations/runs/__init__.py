"""Runs: from claims to trials, from trials to stored results."""
