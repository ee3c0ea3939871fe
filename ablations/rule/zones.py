"""Zones, fixed before a claim is tested: which effects count, and which sizes are claimed.

Zones are in units of contrasts: logarithms for ratios, with the claimed direction positive.
Documents and readers use ratios, and either direction; `value` and `contrast` convert. Build zones
with `ratio`, `difference`, `either_side`, `not_worse` and `reliable`: they take the reader's unit,
and refuse zones that are impossible.
"""

import math
from dataclasses import dataclass

from hrm.errors import UserError

ROUNDING = 1e-9  # of the smallest effect worth having: 0.9 - 0.7 isn't beyond 0.2


@dataclass(frozen=True, kw_only=True)
class Zones:
    """Zones of a contrast, the claimed direction positive.

    Args:
        null: w > 0: effects within [-w, w] aren't worth having; None for claims about nearly all
            pairs.
        because: Reason for the size of w or of the margin.
        band: Weak and strong edge of the claimed size, 0 < w ≤ weak < strong; strong is infinite
            for "at least"; None where no size is claimed.
        nearly_all: For claims about nearly all pairs (not worse, reliable): the edge beyond which
            they should lie.
        two_sided: Whether an effect on either side is what is claimed.
        sign: -1 if the claim is that the treatment has less, else 1.
        log: Whether the contrast is the logarithm of a ratio.
        unit: Of the reader's values, for sentences: "%", "points".
    """

    because: str
    null: float | None = None
    band: tuple[float, float] | None = None
    nearly_all: float | None = None
    two_sided: bool = False
    sign: int = 1
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        assert (self.null is None) != (self.nearly_all is None), self
        assert self.null is None or 0 < self.null < math.inf, self
        assert self.nearly_all is None or math.isfinite(self.nearly_all), self
        assert self.sign in (-1, 1), self
        if self.band is not None:
            assert self.null is not None and not self.two_sided, self
            assert self.null <= self.band[0] < self.band[1], self

    @property
    def at_least(self) -> bool:
        """Whether the claimed size has no upper end."""
        return self.band is not None and self.band[1] == math.inf

    @property
    def margin(self) -> float | None:
        """How much worse "not worse" allows, None for all other claims."""
        return -self.nearly_all if self.nearly_all is not None and self.nearly_all < 0 else None

    @property
    def edges(self) -> tuple[float, ...]:
        """Every edge that a word can depend on, ascending, as contrasts."""
        if self.nearly_all is not None:
            return (self.nearly_all,)
        assert self.null is not None
        band = () if self.band is None else tuple(e for e in self.band if e < math.inf)
        return tuple(sorted({-self.null, 0.0, self.null, *band}))

    @property
    def rounding(self) -> float:
        """How near to an edge a pair lies on it: errors of floating point, not effects."""
        return ROUNDING * abs(self.null if self.null is not None else self.nearly_all or 0.0)

    def value(self, contrast: float) -> float:
        """Return a contrast in the reader's unit and direction."""
        turned = contrast * self.sign
        if not self.log:
            return turned
        return math.exp(turned) if turned < 700 else math.inf

    def contrast(self, value: float) -> float:
        """Return a value in the reader's unit and direction as a contrast."""
        return _log(value) * self.sign if self.log else value * self.sign


def ratio(
    *,
    null: float,
    because: str,
    fewer: bool = False,
    about: tuple[float, float] | None = None,
    at_least: float | None = None,
) -> Zones:
    """Return the zones of a ratio, treatment over baseline.

    Args:
        null: The smallest change worth having, as a share: 0.05 is 5 %; a ratio of 0.95 for
            "fewer" and of 1.05 for "more" is where it begins.
        because: Reason for that size.
        fewer: Whether the claim is that the ratio is below 1.
        about: The claimed ratio, from and to: 0.6 to 0.8 is a saving of 20 % to 40 %.
        at_least: The claimed ratio or a stronger one.

    Raises:
        UserError: For what isn't finite, on the wrong side or within the null zone.
    """
    w = _share("the null zone", null, fewer)
    given = Zones(null=w, because=because, sign=-1 if fewer else 1, log=True)
    return _with_band(given, about, at_least)


def difference(
    *,
    null: float,
    because: str,
    fewer: bool = False,
    about: tuple[float, float] | None = None,
    at_least: float | None = None,
    unit: str = "",
) -> Zones:
    """Return the zones of a difference, treatment minus baseline, or of one value per pair.

    Args:
        null: The smallest difference worth having, above 0.
        because: Reason for that size.
        fewer: Whether the claim is that the difference is below 0.
        about: The claimed difference, from and to, both below 0 for "fewer".
        at_least: The claimed difference or a stronger one.
        unit: Unit of the values, for sentences.

    Raises:
        UserError: As `ratio`.
    """
    w = _positive("the null zone", null)
    given = Zones(null=w, because=because, sign=-1 if fewer else 1, unit=unit)
    return _with_band(given, about, at_least)


def either_side(*, null: float, because: str, log: bool = False, unit: str = "") -> Zones:
    """Return the zones of a claim that there is an effect, on whichever side.

    Args:
        null: The smallest effect worth having; of a ratio, as a share.
        because: Reason for that size.
        log: Whether it is a ratio.
        unit: Unit of the values, for sentences.

    Raises:
        UserError: If the null zone isn't a finite number above 0.
    """
    w = _share("the null zone", null, fewer=False) if log else _positive("the null zone", null)
    return Zones(null=w, because=because, two_sided=True, log=log, unit=unit)


def not_worse(
    *, margin: float, because: str, fewer: bool = False, log: bool = False, unit: str = ""
) -> Zones:
    """Return the zones of a claim that nearly no pair is worse by a margin or more.

    Args:
        margin: How much worse is allowed, above 0; of a ratio, as a share.
        because: Reason for that size.
        fewer: Whether less is better.
        log: Whether it is a ratio.
        unit: Unit of the values, for sentences.

    Raises:
        UserError: If the margin isn't a finite number above 0.
    """
    edge = _share("the margin", margin, not fewer) if log else _positive("the margin", margin)
    return Zones(nearly_all=-edge, because=because, sign=-1 if fewer else 1, log=log, unit=unit)


def reliable(
    *, above: float, because: str, fewer: bool = False, log: bool = False, unit: str = ""
) -> Zones:
    """Return the zones of a claim that nearly all pairs lie beyond a value.

    Args:
        above: The value, in the reader's unit: a ratio itself.
        because: Reason for that size.
        fewer: Whether they should lie below it.
        log: Whether it is a ratio.
        unit: Unit of the values, for sentences.

    Raises:
        UserError: If it isn't finite, or a ratio that isn't above 0.
    """
    if not math.isfinite(above) or (log and above <= 0):
        raise _fault("the value that nearly all pairs should lie beyond", above, _finite(log))
    sign = -1 if fewer else 1
    edge = (math.log(above) if log else above) * sign
    return Zones(nearly_all=edge, because=because, sign=sign, log=log, unit=unit)


def _with_band(given: Zones, about: tuple[float, float] | None, at_least: float | None) -> Zones:
    """Return zones with the band that a document prints, in its own unit and direction."""
    if about is None and at_least is None:
        return given
    if about is not None and at_least is not None:
        raise UserError(
            f"a claim is about {about[0]:g} to {about[1]:g} or at least {at_least:g}, not both; "
            "give one of them"
        )
    ends = about if about is not None else (at_least,)
    for end in ends:
        assert end is not None
        if not math.isfinite(end) or (given.log and end <= 0):
            raise _fault("an end of the claimed size", end, _finite(given.log))
    if about is not None and about[0] >= about[1]:
        raise _fault(
            "the claimed size", f"{about[0]:g} to {about[1]:g}", "from the lower to the higher end"
        )
    assert given.null is not None
    edges = sorted(given.contrast(end) for end in ends if end is not None)
    first = given.value(given.null)
    if edges[0] < given.null - given.rounding:
        side = "below" if given.sign < 0 else "above"
        fault = "on the wrong side" if edges[0] <= 0 else "inside the null zone"
        raise _fault(
            "the claimed size",
            f"{' to '.join(format(end, 'g') for end in ends)} (that lies {fault})",
            f"{first:g} or {side}, where effects worth having begin in the claimed direction",
        )
    strong = edges[1] if about is not None else math.inf
    return Zones(
        null=given.null,
        because=given.because,
        band=(max(edges[0], given.null), strong),
        sign=given.sign,
        log=given.log,
        unit=given.unit,
    )


def _positive(what: str, value: float) -> float:
    if not (0 < value < math.inf):
        raise _fault(what, value, "a finite number above 0")
    return value


def _share(what: str, share: float, fewer: bool) -> float:
    """Return a share of a ratio as the size of a contrast."""
    if not (0 < share < math.inf) or (fewer and share >= 1):
        allowed = "a share above 0" + (" and below 1" if fewer else "")
        raise _fault(what, share, f"{allowed}, such as 0.05 for 5 %")
    return -math.log(1 - share) if fewer else math.log(1 + share)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def _finite(log: bool) -> str:
    return "a finite ratio above 0" if log else "a finite number"


def _fault(what: str, value: object, allowed: str) -> UserError:
    shown = f"{value:g}" if isinstance(value, int | float) else value
    return UserError(f"{what} is {shown}; allowed is {allowed}; mend the figure")
