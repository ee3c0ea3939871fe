"""Records: what the harness keeps as JSON."""

from hrm.system.codec import Json, Record

__all__ = ["Json", "Record"]
