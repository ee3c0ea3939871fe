"""Metrics of returns: the reward of a policy, R = −ℓ − λ · steps, and its regret."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ablations.metrics.base import Metric, Observations
from ablations.metrics.value import Value, number
from hrm.config.parts import require


@dataclass(frozen=True, kw_only=True)
class Return(Metric):
    """Mean over test boards of −ℓ − λ · steps, ℓ being the squared error.

    Args:
        cost: λ.
    """

    cost: float

    @property
    def quantity(self) -> str:
        return f"return at a price of {self.cost:g} a step"

    def read(self, found: Observations) -> Value:
        error, steps = (np.asarray(found[name], dtype=np.float64) for name in ("error", "steps"))
        return number(float((-error - self.cost * steps).mean()))


@dataclass(frozen=True, kw_only=True)
class Regret(Metric):
    """Mean over test boards of the return at the best step minus that at the chosen step.

    It is read from `Evaluate(mode=Forced(...))`, which stores the error after each step.

    Args:
        cost: λ, as in `Return`.
        chosen: "policy" for the steps after which the policy would stop, "fixed" for one step for
            all boards, that with the best mean return on the validation boards.
    """

    higher_is_better: ClassVar[bool] = False
    cost: float
    chosen: str = "policy"

    def __post_init__(self) -> None:
        super().__post_init__()
        allowed = ("policy", "fixed")
        require(self.chosen in allowed, "chosen", self.chosen, " or ".join(allowed), "use one")

    @property
    def quantity(self) -> str:
        return f"return forgone against each board's best step, at a price of {self.cost:g} a step"

    def read(self, found: Observations) -> Value:
        returns = self._returns(found["error_by_step"])  # [K, N]
        if self.chosen == "policy":
            step = np.asarray(found["wanted"], dtype=np.int64) - 1
        else:
            best = int(self._returns(found["validation_error"]).argmax())
            step = np.full(returns.shape[1], best)
        got = returns[step, np.arange(returns.shape[1])]
        return number(float((returns.max(0) - got).mean()))

    def _returns(self, errors: object) -> NDArray[np.float64]:
        found = np.asarray(errors, dtype=np.float64)
        steps = np.arange(1, len(found) + 1).reshape(-1, *[1] * (found.ndim - 1))
        returns: NDArray[np.float64] = -found - self.cost * steps
        return returns
