"""Claims as specs, run as paired trials, decided by one rule."""
