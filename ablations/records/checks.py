"""Checks of exact claims; separate from the other records, since every result depends on it."""

from dataclasses import dataclass

from hrm.codec import Json, Record

__all__ = ["AtMost", "Check", "Close", "Differ", "Equal", "Holds", "Json"]


@dataclass(frozen=True, kw_only=True)
class Check(Record):
    """One comparison of an exact or consistency claim.

    Args:
        what: The quantity that is compared.
        documented: The documented value, as text.
        observed: The observed value, as text.
        holds: Whether they agree, under `rule`.
        rule: How they were compared ("to rounding, 1e-12", "truncates to the printed 19 %").
        primary: Whether the check decides the verdict; otherwise it is only shown.
    """

    what: str
    documented: str
    observed: str
    holds: bool
    rule: str
    primary: bool = True


class Equal(Check):
    """Two values are the same."""

    def __init__(self, what: str, *, expected: Json, observed: Json, primary: bool = True) -> None:
        super().__init__(
            what=what,
            documented=str(expected),
            observed=str(observed),
            holds=bool(expected == observed),
            rule="equal",
            primary=primary,
        )


class Close(Check):
    """A largest absolute difference is rounding; NaN isn't."""

    def __init__(self, what: str, *, error: float, tolerance: float, primary: bool = True) -> None:
        super().__init__(
            what=what,
            documented="no difference",
            observed=f"{error:.2g}",
            holds=error <= tolerance,
            rule=f"to rounding: at most {tolerance:g}",
            primary=primary,
        )


class Differ(Check):
    """A largest absolute difference is more than rounding; NaN isn't."""

    def __init__(self, what: str, *, error: float, tolerance: float, primary: bool = True) -> None:
        super().__init__(
            what=what,
            documented="a difference",
            observed=f"{error:.2g}",
            holds=error > tolerance,
            rule=f"beyond rounding: more than {tolerance:g}",
            primary=primary,
        )


class AtMost(Check):
    """A number doesn't exceed a limit; NaN does."""

    def __init__(self, what: str, *, limit: float, observed: float, primary: bool = True) -> None:
        super().__init__(
            what=what,
            documented=f"at most {limit:,g}",
            observed=f"{observed:,g}",
            holds=observed <= limit,
            rule=f"at most {limit:g}",
            primary=primary,
        )


class Holds(Check):
    """A statement, whose words and rule are given."""

    def __init__(
        self,
        what: str,
        *,
        documented: str,
        observed: str,
        holds: bool,
        rule: str,
        primary: bool = True,
    ) -> None:
        super().__init__(
            what=what,
            documented=documented,
            observed=observed,
            holds=bool(holds),
            rule=rule,
            primary=primary,
        )
