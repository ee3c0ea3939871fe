"""Distributions of pairs about their median: finite populations, whose truth is exact."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from ablations.rule.pairs import Array

SIZE = 1000  # number of pairs in a population, from which samples are drawn with replacement
FAR = 100.0  # distance of far outliers, in standard deviations
OUT = 0.05  # share of pairs that are outliers, have a diverged run, or are missing
CENSORED = 0.2  # share of values beyond the cap


@dataclass(frozen=True, kw_only=True)
class Noise:
    """A distribution of contrasts.

    Args:
        words: Description for the reader.
        shape: Shape of the distribution, a name in `_shapes`.
        towards: 1 if its long tail is in the claimed direction, -1 if in the other one, else 0.
        censored: Share of values that are only known to lie above a cap.
        diverged: Share of pairs, at either end, in which a run diverges.
        unknown: Share of pairs with a missing run: those that speak most against the claim.
    """

    words: str
    shape: str = "normal"
    towards: int = 0
    censored: float = 0.0
    diverged: float = 0.0
    unknown: float = 0.0

    def contrasts(self) -> Array:
        """Return all contrasts of a population, ascending, [SIZE]; their median is 0."""
        z = np.sort(_shapes(self.shape))
        z = -z[::-1] if self.towards < 0 else z
        middle: float = (z[SIZE // 2 - 1] + z[SIZE // 2]) / 2
        return z - middle


NOISES: Mapping[str, Noise] = {
    "normal": Noise(words="normal"),
    "t3": Noise(words="Student's t with 3 degrees of freedom", shape="t3"),
    "Cauchy": Noise(words="Cauchy: neither mean nor variance", shape="Cauchy"),
    "lognormal for": Noise(
        words="lognormal, the tail in the claimed direction", shape="lognormal", towards=1
    ),
    "lognormal against": Noise(
        words="lognormal, the tail in the other direction", shape="lognormal", towards=-1
    ),
    "far for": Noise(
        words="normal, but 5 % of pairs 100 standard deviations out in the claimed direction",
        shape="far",
        towards=1,
    ),
    "far against": Noise(words="the same in the other direction", shape="far", towards=-1),
    "ties": Noise(words="normal, rounded to whole standard deviations", shape="ties"),
    "scores": Noise(words="the difference of two scores of 0 or 1", shape="scores"),
    "censored": Noise(
        words="normal; a fifth of the values are known as above a cap alone", censored=CENSORED
    ),
    "diverged": Noise(words="normal; in 5 % of pairs at either end a run diverges", diverged=OUT),
    "unknown": Noise(
        words="normal; of the 5 % that speak most against the claim a run is missing", unknown=OUT
    ),
}


@functools.cache
def _shapes(shape: str) -> Array:
    """Return (SIZE,), the quantiles of a shape at the middles of SIZE equal shares."""
    p = (np.arange(SIZE) + 0.5) / SIZE
    found: Array
    match shape:
        case "normal":
            found = ndtri(p)
        case "t3":
            found = stdtrit(3, p)
        case "Cauchy":
            found = np.tan(np.pi * (p - 0.5))
        case "lognormal":
            found = np.exp(ndtri(p))
        case "far":
            most = round(SIZE * (1 - OUT))
            inner = ndtri((np.arange(most) + 0.5) / most)
            found = np.concatenate([inner, np.full(SIZE - most, FAR)])
        case "ties":
            found = np.round(ndtri(p))
        case "scores":
            found = np.repeat([-1.0, 0.0, 1.0], [SIZE // 4, SIZE // 2, SIZE // 4])
        case _:
            raise AssertionError(shape)
    return found
