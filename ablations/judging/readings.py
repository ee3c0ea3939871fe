"""Readings of a run: from its observations, or from evidence."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ablations.metrics.base import Metric, Observations
from ablations.metrics.scores import skill
from ablations.metrics.value import Value

CELL = "cell"  # stands for a cell's label in what is said of a run


class Fault(Exception):  # noqa: N818 (our code's, found when the run was read)
    """An error of our own code when it read a run that no longer exists."""

    def of(self, label: str) -> str:
        """Return what it got wrong, with a cell's label."""
        return str(self).replace(repr(CELL), repr(label))


class Kept(Mapping[str, Any]):
    """An arm of a run whose observations are gone and whose readings were kept."""

    @abstractmethod
    def value(self, metric: Metric) -> Value:
        """Return what a metric read.

        Raises:
            UserError: If it wasn't read while the whole record was there.
            Fault: If it couldn't be read.
        """

    @abstractmethod
    def extreme(self, metric: Metric) -> str:
        """Return at which end of the metric's scale the run lies, "" if at none."""

    @abstractmethod
    def margin(self) -> tuple[float, float]:
        """Return the margin over the best trivial method, and its error over boards.

        Raises:
            KeyError: If the run wasn't scored.
        """


def value(metric: Metric, found: Observations) -> Value:
    """Return what a metric reads of a run."""
    return found.value(metric) if isinstance(found, Kept) else metric.read(found)


def extreme(metric: Metric, found: Observations) -> str:
    """Return in words at which end of a metric's scale a run lies, "" if at none."""
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
