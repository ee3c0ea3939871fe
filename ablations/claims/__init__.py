"""The claims, and the ledger that contains them.

    from ablations import claims

    claims.specs()             every documented claim that has a spec
    claims.choose(["halt-*"])  some of them
    claims.guards()            the controls beside them
    claims.load("mine.py")     a set of own ones

A name of `__all__` is loaded at its first use. The functions of exact claims are in this package,
too, and their fingerprints shouldn't depend on every spec.
"""

import importlib
from typing import Any

__all__ = ["ClaimSet", "choose", "documents", "guards", "load", "ours", "specs"]


def __getattr__(name: str) -> Any:
    """Return an exported name from `ablations.claims.sets`."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("ablations.claims.sets"), name)
