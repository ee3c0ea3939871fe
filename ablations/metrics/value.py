"""The value of a metric for one run: a number, an interval, or unknown."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Value:
    """One run's value of a metric, known up to an interval.

    Args:
        low: Lower end of the interval; equal to `high` for a number, infinite if open.
        high: Upper end of the interval.
        mean: The number for a mean over runs; for a run that diverged, the worst value of the
            metric; NaN if there is no such value.
        failed: Whether the run diverged, exceeded its time limit, or never reached the target.
    """

    low: float
    high: float
    mean: float
    failed: bool = False

    @property
    def known(self) -> bool:
        """Whether the value is one finite number."""
        return self.low == self.high and math.isfinite(self.low)


def number(value: float) -> Value:
    """Return a finite number as a value; NaN is unknown."""
    return UNKNOWN if math.isnan(value) else Value(low=value, high=value, mean=value)


def beyond(cap: float) -> Value:
    """Return the value of a run that hadn't reached the target at the cap: it is larger."""
    return Value(low=cap, high=math.inf, mean=cap, failed=True)


def diverged(*, higher_is_better: bool, worst: float = math.nan) -> Value:
    """Return the value of a run that diverged: the worst outcome on its side.

    Args:
        higher_is_better: Whether larger values of the metric are better.
        worst: The worst value that the metric can have, NaN if it is unbounded.
    """
    end = -math.inf if higher_is_better else math.inf
    return Value(low=end, high=end, mean=worst, failed=True)


UNKNOWN = Value(low=-math.inf, high=math.inf, mean=math.nan)
