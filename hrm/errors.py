"""Errors that cross module borders: mistakes of the user, divergence, and a lost process."""

from collections.abc import Mapping, Sequence
from typing import Any


class UserError(Exception):
    """A mistake of the user. The message says what is wrong, the value, what is allowed, the mend.

    The command lines catch it in one place, print the message on one line and exit with status 2.
    """


class Diverged(Exception):  # noqa: N818 (a finding, not an error)
    """Training diverged: the loss is NaN or infinite. The harness counts this as a result.

    Args:
        step: The update at which it was detected.
        reason: What was detected, on one line.
        metrics: The measurements up to that update, one mapping per arm.
    """

    def __init__(self, step: int, reason: str, metrics: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(f"diverged at step {step}: {reason}")
        self.step = step
        self.reason = reason
        self.metrics = tuple(metrics)


class Lost(Exception):  # noqa: N818 (it happens to a job, and is nobody's mistake here)
    """Another process of a job has ended or doesn't answer; it reports its own error itself."""
