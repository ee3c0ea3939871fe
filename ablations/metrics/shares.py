"""Shares: the saving by a faster part of a timed whole, and the share of checks that hold."""

from dataclasses import dataclass
from typing import ClassVar

from ablations.metrics.base import Metric, Observations
from ablations.metrics.timing import Milliseconds, Timed
from ablations.metrics.value import Value, number


@dataclass(frozen=True, kw_only=True)
class Saved(Timed):
    """Saving by a faster part: calls · (1 − 1 / speedup) · t(part) / t(whole).

    Both times are medians over the rounds of one process, so that its speed cancels.

    Args:
        target: The timed function of the part, "module:function".
        whole: The timed function of the whole, in the same process.
        calls: Number of calls of the part by the whole.
        speedup: Factor by which the part would be faster.
    """

    whole: str
    calls: int
    speedup: float

    @property
    def quantity(self) -> str:
        return f"share of the pass that a {self.speedup:g}x part saves, at batch {self.batch}"

    def read(self, found: Observations) -> Value:
        part, whole = (
            Milliseconds(target=target, batch=self.batch).read(found).mean
            for target in (self.target, self.whole)
        )
        return number(self.calls * (1 - 1 / self.speedup) * part / whole)


@dataclass(frozen=True, kw_only=True)
class Held(Metric):
    """Share of the checks of the protocol `Check` that hold."""

    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def quantity(self) -> str:
        return "share of exact checks that hold"

    def read(self, found: Observations) -> Value:
        holds = [bool(check["holds"]) for check in found["checks"]]
        return number(sum(holds) / len(holds))
