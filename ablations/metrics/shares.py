"""Metrics of a timing process that relate two of its targets."""

from dataclasses import dataclass

from ablations.metrics.base import Observations
from ablations.metrics.timing import Milliseconds, Timed
from ablations.metrics.value import Value, number


@dataclass(frozen=True, kw_only=True)
class Saved(Timed):
    """What a faster part would save of the whole: calls · (1 − 1 / speedup) · t(part) / t(whole).

    Both times are medians over the rounds of one process, so that its speed cancels.

    Args:
        target: The part.
        whole: What it is part of, timed in the same process.
        calls: How often the whole calls the part.
        speedup: How many times as fast the part would be.
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
