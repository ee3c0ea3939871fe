"""Plans: everything that a run's curve depends on, stored as JSON in the run's folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrm.config.learning import System, Training
from hrm.config.parts import Part, require
from hrm.data import cache, own
from hrm.data.own import OwnData
from hrm.errors import UserError
from hrm.model import narrow as narrow  # registers a part that a plan may have
from hrm.system import extensions
from hrm.tasks import Splits
from hrm.training import tracking
from hrm.training.loop import Seeds


@dataclass(frozen=True, kw_only=True)
class Plan(Part):
    """Everything that a run's curve depends on, except for the machine.

    Args:
        recipe: Name of the recipe that the system was made with, for people.
        system: The system that is trained.
        task: The task, which must also be a `Part`.
        data_seed: Seed of the boards.
        train: Number of training boards; of a folder, those that training uses after the
            validation boards are held out.
        validation: Number of validation boards.
        test: Number of test boards.
        training: How the system is trained.
        seed: Seed of the weights, and of dropout.
        order_seed: Seed of the boards' order and of the halting noise; None for `seed`.
        data: The folder of the boards; None for boards that the task generates.
        start: SHA-256 of the checkpoint with the initial weights; None for drawn ones.
    """

    recipe: str
    system: System
    task: Part
    data_seed: int = 0
    train: int = 1000
    validation: int = 200
    test: int = 400
    training: Training
    seed: int = 0
    order_seed: int | None = None
    data: OwnData | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for seed in (self.seed, self.order_seed or 0):
            require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
        for name in ("validation", "test"):
            value = getattr(self, name)
            require(value >= 1, f"{name} boards", value, "1 or more", "ask for some")
        require(
            self.train >= self.training.batch,
            "train boards",
            self.train,
            f"a batch or more, {self.training.batch}",
            "ask for more boards, or a smaller batch",
        )

    @property
    def identities(self) -> int | None:
        """The number of puzzle identities of a folder's boards; None where the task has its own."""
        return None if self.data is None else self.data.identities

    @property
    def seeds(self) -> Seeds:
        """The seeds of what training draws."""
        order = self.seed if self.order_seed is None else self.order_seed
        return Seeds(weights=self.seed, order=order)

    def splits(self) -> Splits:
        """Return the boards, from the cache if it has them.

        Of a folder's training boards, which may not fit into memory, only the first ones are
        returned.
        """
        task: Any = self.task
        if self.data is not None:
            return own.splits(self.data, task, self.data_seed, self.validation, self.test)
        return cache.load(task, self.data_seed, self.train, self.validation, self.test)


def planned(folder: Path) -> Plan | None:
    """Return the plan of a run's folder; None if there is no run.

    Raises:
        UserError: If the plan is damaged, or was written by another version of this project.
    """
    said = tracking.described(folder)
    if said is None:
        return None
    try:
        return plan_from(said["configuration"])
    except UserError as error:
        needed = [name for each in said["environments"] for name in each.get("included", [])]
        lacking = dict.fromkeys(name for name in needed if name not in extensions.included())
        if not lacking:
            raise tracking.foreign(folder, error) from error
        raise UserError(
            f"{folder / 'run.json'} has parts of a module that isn't included ({error}); it was "
            f"trained with {' '.join(f'--include {name}' for name in lacking)}; give that here, too"
        ) from error


def plan_from(data: Any) -> Plan:
    """Return a plan from its JSON, importing its task.

    Raises:
        UserError: If it isn't one.
    """
    task = data.get("task") if isinstance(data, dict) else None
    extensions.known(task)
    return Plan.from_json(data)
