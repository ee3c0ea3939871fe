"""Readings of a run: from its observations, or from evidence."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ablations.metrics.base import Metric, Observations
from ablations.metrics.scores import skill
from ablations.metrics.value import Value

CELL = "cell"  # placeholder for a cell's label in messages


class Fault(Exception):  # noqa: N818 (an error of our own code, found when the run was read)
    """A recorded error of our own code when it read a run whose full record is gone."""

    def of(self, label: str) -> str:
        """Return the message, with a cell's label."""
        return str(self).replace(repr(CELL), repr(label))


class Kept(Mapping[str, Any]):
    """An arm of a run whose observations are gone and whose readings were kept."""

    @abstractmethod
    def value(self, metric: Metric) -> Value:
        """Return the recorded value of a metric.

        Raises:
            UserError: If no value was recorded while the full record existed.
            Fault: If the metric failed.
        """

    @abstractmethod
    def extreme(self, metric: Metric) -> str:
        """Return the end of the metric's scale at which the run lies, "" if at none."""

    @abstractmethod
    def margin(self) -> tuple[float, float]:
        """Return the margin over the best trivial method, and its error over boards.

        Raises:
            KeyError: If the run wasn't scored.
        """


def value(metric: Metric, found: Observations) -> Value:
    """Return the value of a metric of a run."""
    return found.value(metric) if isinstance(found, Kept) else metric.read(found)


def extreme(metric: Metric, found: Observations) -> str:
    """Return the end of a metric's scale at which a run lies, in words; "" if at none."""
    return found.extreme(metric) if isinstance(found, Kept) else metric.extreme(found)


def margin(found: Observations) -> tuple[float, float]:
    """Return a run's margin over the best trivial method, and its error over boards.

    Raises:
        KeyError: If the run wasn't scored.
    """
    if isinstance(found, Kept):
        return found.margin()
    scored = skill(found)
    return scored.margin, scored.error
