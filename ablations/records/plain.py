"""The codec's old place, for modules that haven't moved yet."""

from ablations.records.plain import Json, Record

__all__ = ["Json", "Record"]
