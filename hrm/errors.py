"""The errors that cross module borders: the user's, divergence, and a process that is gone."""

from collections.abc import Mapping, Sequence
from typing import Any


class UserError(Exception):
    """A mistake in what was asked for: its message says what, the value, what is allowed, the mend.

    Command lines catch it once, print its message on one line and exit with status 2.
    """


class Diverged(Exception):  # noqa: N818 (a finding, not an error)
    """Training left the numbers: a NaN or infinite loss. A finding, which the harness counts.

    Args:
        step: The update at which it was seen.
        reason: What was seen there, on one line.
        metrics: What is known up to there, one mapping per arm.
    """

    def __init__(self, step: int, reason: str, metrics: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(f"diverged at step {step}: {reason}")
        self.step = step
        self.reason = reason
        self.metrics = tuple(metrics)


class Lost(Exception):  # noqa: N818 (it happens to a job, and is nobody's mistake here)
    """Another process of a job has ended, or doesn't answer; what it was is said by itself."""
