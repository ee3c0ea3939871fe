"""Benchmarks for asv; the same code decides the timing claims (`bench.turns`)."""
