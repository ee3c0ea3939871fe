"""Measured pairs: one contrast per pair, known exactly, within limits, or not at all."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Values = npt.ArrayLike


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Contrasts of n pairs in an order fixed beforehand, the claimed direction positive.

    The arrays may have leading dimensions: many samples of one size.

    Args:
        low: (..., n), lower limits of the contrasts; -∞ if nothing is known or the treatment
            diverged.
        high: (..., n), upper limits; equal to `low` if the contrast is known, ∞ if nothing is
            known, -∞ if the treatment diverged.
        mean_value: (..., n), the values for the mean of contrasts; a diverged run has the worst
            value of its score, and NaN is left out.
        failed: (..., n, 2), whether a run diverged, or never reached the target, in a way that
            counts for the claim, as a baseline's does, and in one that counts against it.
    """

    low: Array
    high: Array
    mean_value: Array
    failed: Bools

    def __post_init__(self) -> None:
        assert self.low.shape == self.high.shape == self.mean_value.shape, self.low.shape
        assert self.failed.shape == (*self.low.shape, 2), self.failed.shape
        assert bool((self.low <= self.high).all()), "low above high, or NaN"
        assert not bool(np.isinf(self.mean_value).any()), "an infinite value has no mean"

    @classmethod
    def exact(
        cls, contrasts: Values, *, mean_value: Values | None = None, failed: Values | None = None
    ) -> Self:
        """Return pairs whose contrasts are known, NaN where they aren't."""
        x = np.asarray(contrasts, dtype=np.float64)
        if not np.isnan(x).any():
            return cls._made(x, x, mean_value, failed)
        return cls.within(x, x, mean_value=mean_value, failed=failed)

    @classmethod
    def within(
        cls,
        low: Values,
        high: Values,
        *,
        mean_value: Values | None = None,
        failed: Values | None = None,
    ) -> Self:
        """Return pairs whose contrasts lie within limits; a NaN limit is no limit."""
        a, b = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        a = np.where(np.isnan(a), -math.inf, a)
        b = np.where(np.isnan(b), math.inf, b)
        return cls._made(a, b, mean_value, failed)

    @classmethod
    def _made(
        cls, low: Array, high: Array, mean_value: Values | None, failed: Values | None
    ) -> Self:
        if mean_value is None:
            known = np.isfinite(low) & (low == high)
            mean: Array = np.where(known, low, math.nan)
        else:
            mean = np.asarray(mean_value, dtype=np.float64)
            mean = np.where(np.isfinite(mean), mean, math.nan)
        none = np.broadcast_to(np.False_, (*low.shape, 2))
        fails: Bools = none if failed is None else np.asarray(failed, dtype=bool)
        return cls(low=low, high=high, mean_value=mean, failed=fails)

    @property
    def n(self) -> int:
        """The number of pairs."""
        return int(self.low.shape[-1])

    @property
    def known(self) -> bool:
        """Whether every contrast is known exactly, by construction: one array serves as both."""
        return self.low is self.high

    @property
    def unknown(self) -> Bools:
        """(..., n), of which pairs nothing is known."""
        found: Bools = (self.low == -math.inf) & (self.high == math.inf)
        return found

    def first(self, n: int) -> Self:
        """Return the first n pairs."""
        low = self.low[..., :n]
        return dataclasses.replace(
            self,
            low=low,
            high=low if self.known else self.high[..., :n],
            mean_value=self.mean_value[..., :n],
            failed=self.failed[..., :n, :],
        )

    def many(self) -> Self:
        """Return one sample as many samples, of which there is one; many stay as they are."""
        if self.low.ndim > 1:
            return self
        low = self.low[None]
        return dataclasses.replace(
            self,
            low=low,
            high=low if self.known else self.high[None],
            mean_value=self.mean_value[None],
            failed=self.failed[None],
        )

    def turned(self) -> Self:
        """Return the pairs with their arms exchanged."""
        low = -self.high
        return dataclasses.replace(
            self,
            low=low,
            high=low if self.known else -self.low,
            mean_value=-self.mean_value,
            failed=self.failed[..., ::-1],
        )

    def beyond(self, edge: float, side: int, rounding: float = 0.0) -> Bools:
        """Return (..., n), which pairs lie wholly beyond an edge; on the edge isn't beyond it.

        Args:
            edge: A contrast.
            side: +1 for above it, -1 for below it.
            rounding: How near to the edge a pair lies on it.
        """
        found: Bools = self.low > edge + rounding if side > 0 else self.high < edge - rounding
        return found
