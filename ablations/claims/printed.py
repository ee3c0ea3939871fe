"""Whether a computed value is what a document prints: "115K", "500K+", "~19%", "844,610", "5x".

A document rarely says how it shortened a figure. So a printed figure matches a value that rounds to
it (halves up or down) or truncates to it (towards zero) at the last place that is printed. "~" and
"≈" give no more room than the digits do; "+" means at least, without any room below.
"""

import math
import re

_printed = re.compile(
    r"[~≈]?\s*(?P<sign>[-+−]?)(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?"
    r"\s?(?P<scale>[KkMB]?)\s?[%x×]?(?P<least>\+?)"
)
_scales = {"": 1.0, "K": 1e3, "k": 1e3, "M": 1e6, "B": 1e9}
_noise = 1e-9  # of a unit in the last place: floating-point error of the value, not a difference


def parse(printed: str) -> tuple[float, float]:
    """Return the printed number and the size of its last place.

    "4.5" is (4.5, 0.1), "27M" is (27e6, 1e6), "40 %" is (40, 1), "5x" is (5, 1).

    Raises:
        ValueError: If the text isn't one figure.
    """
    match = _match(printed)
    decimals = match["decimals"] or ""
    scale = _scales[match["scale"]]
    number = float(f"{match['digits'].replace(',', '')}.{decimals}0") * scale
    return -number if match["sign"] in ("-", "−") else number, scale / 10 ** len(decimals)


def prints_as(value: float, printed: str) -> bool:
    """Return whether `value` is what the document prints.

    It is if it rounds or truncates to the figure, or reaches it where the figure ends in "+".

    Args:
        value: In the figure's own unit: percent for "40%", parameters for "115K". NaN and
            infinities match nothing.
        printed: The figure as the document prints it.

    Raises:
        ValueError: If the printed text isn't one figure.
    """
    number, place = parse(printed)
    if not math.isfinite(value):
        return False
    places, digits = value / place, round(number / place)
    if abs(places - round(places)) < _noise:
        places = float(round(places))
    if _match(printed)["least"]:
        return places >= digits
    return math.trunc(places) == digits or abs(places - digits) <= 0.5 + _noise


def _match(printed: str) -> re.Match[str]:
    match = _printed.fullmatch(printed.strip())
    if match is None:
        raise ValueError(
            f"{printed!r} isn't one figure; allowed are digits, and optionally ~, commas between "
            "thousands, decimals, K, M or B, % or x, and + for at least"
        )
    return match
