"""The parser of printed figures under its old name, for workloads that are being replaced."""

from ablations.claims.printed import parse, prints_as

__all__ = ["parse", "prints_as"]
