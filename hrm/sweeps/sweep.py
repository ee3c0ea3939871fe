"""The definition of a sweep: arms with equal budgets, boards and seeds, and a search space."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hrm.config.parts import require
from hrm.errors import UserError
from hrm.sweeps.space import Space, to_json
from hrm.training import runs

Fields = Mapping[str, Any]
Configure = Callable[[Fields], runs.Plan]
_budget = ("training.updates", "training.batch", "training.evaluate_every", "train", "validation")
_shared = (*_budget, "test", "task", "data_seed", "seed")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The definition of a sweep.

    Args:
        arms: By name, the function from the values of some fields to a plan; without fields it
            returns the arm's own plan.
        space: The fields to search.
        trials: Number of trials of each arm.
        prune: Whether a trial ends early if its score is below the median of earlier trials at the
            same update.

    Raises:
        UserError: If budgets, boards or seeds differ between arms, a field doesn't exist, or a
            value is refused.
    """

    arms: Mapping[str, Configure]
    space: Space
    trials: int
    prune: bool = False

    def __post_init__(self) -> None:
        require(self.trials >= 1, "trials", self.trials, "1 or more", "ask for 20")
        require(
            not self.prune or len(self.arms) == 1,
            "prune",
            self.prune,
            "false for several arms, whose budgets would differ",
            "leave it out, or sweep one arm",
        )
        first, *others = self.plans.items()
        for name, plan in others:
            for path in _shared:
                here, there = _at(plan, path), _at(first[1], path)
                require(
                    here == there,
                    f"{path} of arm {name!r}",
                    here,
                    f"{there}, that of arm {first[0]!r}",
                    "give all arms equal budgets, boards and seeds",
                )
        for arm, configure in self.arms.items():
            for field, part in self.space.items():
                for value in part.values:
                    self._check(arm, configure, field, value)

    def _check(self, arm: str, configure: Configure, field: str, value: Any) -> None:
        try:
            plan = configure({field: value})
        except UserError as error:
            raise UserError(f"space {field} has {value!r} (arm {arm!r}): {error}") from error
        own = self.plans[arm]
        for path in _shared:
            require(
                _at(plan, path) == _at(own, path),
                f"space {field}",
                value,
                "a field that changes neither budget, boards nor seeds",
                f"leave it out, and set {path} once for all trials",
            )

    @functools.cached_property
    def plans(self) -> Mapping[str, runs.Plan]:
        """The arms' own plans.

        Raises:
            UserError: If an arm has none.
        """
        found = {}
        for name, configure in self.arms.items():
            try:
                found[name] = configure({})
            except UserError as error:
                raise UserError(f"arm {name!r}: {error}") from error
        return found

    def to_json(self) -> dict[str, Any]:
        """Return everything that the trials depend on."""
        return {
            "arms": {name: plan.to_json() for name, plan in self.plans.items()},
            "space": to_json(self.space),
            "trials": self.trials,
            "prune": self.prune,
        }

    def budget(self) -> dict[str, int]:
        """Return the budget of the sweep: numbers of arms, trials, updates and training boards."""
        training = next(iter(self.plans.values())).training
        updates = len(self.arms) * self.trials * training.updates
        return {
            "arms": len(self.arms),
            "trials": self.trials,
            "updates": training.updates,
            "batch": training.batch,
            "total_updates": updates,
            "total_boards": updates * training.batch,
        }


def _at(plan: runs.Plan, path: str) -> Any:
    found: Any = plan
    for name in path.split("."):
        found = getattr(found, name)
    return found
