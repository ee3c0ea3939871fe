"""What exact claims stand on; apart from the other records, since every result rests on it."""

from dataclasses import dataclass

from ablations.records.plain import Json, Record

__all__ = ["Check", "Json"]


@dataclass(frozen=True, kw_only=True)
class Check(Record):
    """One equality that an exact or consistency claim stands on.

    Args:
        what: What is compared.
        documented, observed: Both values, as text.
        holds: Whether they agree, under `rule`.
        rule: How they were compared ("to rounding, 1e-12", "truncates to the printed 19 %").
        primary: Whether it carries the verdict, or is only shown.
    """

    what: str
    documented: str
    observed: str
    holds: bool
    rule: str
    primary: bool = True
