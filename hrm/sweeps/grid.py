"""Grids: every recipe trained on every task, by itself and jointly, beside trivial methods.

    folder/<recipe>/<task>    a run of its own, which `hrm eval` and `hrm plot` take
    folder/<recipe>/joint     one run on all tasks at once, scored by task

A cell whose run is finished is read and not trained again, so that an interrupted grid resumes, and
an extended one trains only its new cells.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hrm import recipes
from hrm.config.learning import Training
from hrm.config.parts import require
from hrm.model import HRM
from hrm.recipes import sizing
from hrm.system import extensions
from hrm.tasks.mixture import Mixture
from hrm.training import checkpoint, runs, tracking

JOINT = "joint"
_steps = ("max_steps", "max_cycles")  # what recipes call halting steps
Say = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The size of a grid.

    Args:
        recipes: Recipes, if the command names none.
        tasks: Tasks with their fields, if the command names none.
        updates: Updates of each run; a joint run takes as many for each task.
        batch: Boards per update.
        train: Training boards of each task.
        test: Test boards of each task.
        learning_rate: Peak learning rate.
        steps: Largest number of halting steps; None for that of each recipe.
    """

    recipes: tuple[str, ...]
    tasks: Mapping[str, Mapping[str, Any]]
    updates: int
    batch: int
    train: int
    test: int
    learning_rate: float
    steps: int | None


_own: Mapping[str, Any] = {"pattern": {}, "hanoi": {}, "logic": {}, "coloring": {}}
_small = {"logic": {"variables": 5, "clauses": 10}, "coloring": {"vertices": 6, "colors": 4}}
SETTINGS: Mapping[str, Setting] = {
    "small": Setting(
        recipes=("complete-tiny", "complete-small", "complete-medium"),
        tasks={"sudoku": {"size": 4}, "maze": {"size": 5}, **_own, **_small},
        updates=100,
        batch=16,
        train=400,
        test=100,
        learning_rate=3e-3,
        steps=4,
    ),
    "full": Setting(
        recipes=("complete-tiny", "complete-small", "complete-medium", "complete-paper"),
        tasks={"sudoku": {"size": 9}, "maze": {"size": 15}, **_own},
        updates=2000,
        batch=32,
        train=1000,
        test=400,
        learning_rate=1e-3,
        steps=None,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a grid: a recipe on one task, or jointly on several."""

    recipe: str
    tasks: tuple[str, ...]
    plan: runs.Plan
    joint: bool = False

    @property
    def name(self) -> str:
        """The name of its task, or "joint" for several tasks."""
        return JOINT if self.joint else self.tasks[0]

    @property
    def parameters(self) -> int:
        """Number of the model's parameters."""
        with torch.device("meta"):
            return sum(p.numel() for p in HRM(self.plan.system.model).parameters())


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The score of one recipe on one task.

    Args:
        recipe: Name of the recipe.
        task: Name of the task.
        training: "single", or "joint" with the other tasks.
        parameters: Number of the model's parameters, which depends on the task's shapes.
        unknown: Share of right unknown cells on the test boards, of the best checkpoint; None if
            training diverged.
        valid: Share of valid answers on the test boards, of the best checkpoint; None if training
            diverged.
        trivial: Share of right unknown cells of the best trivial method.
        method: Name of that method.
    """

    recipe: str
    task: str
    training: str
    parameters: int
    unknown: float | None
    valid: float | None
    trivial: float | None
    method: str | None

    @property
    def difference(self) -> float | None:
        """`unknown` minus `trivial`; None if training diverged."""
        if self.unknown is None or self.trivial is None:
            return None
        return self.unknown - self.trivial


def cells(
    setting: Setting,
    named: Sequence[str] = (),
    tasks: Sequence[str] = (),
    *,
    joint: bool = False,
    updates: int | None = None,
    seed: int = 0,
) -> list[Cell]:
    """Return the runs of a grid, recipe by recipe.

    Args:
        named: Names of recipes; empty for those of the setting.
        tasks: Names of tasks; empty for those of the setting.
        joint: Whether each recipe is also trained on all tasks at once.
        updates: Updates of each run; None for those of the setting.

    Raises:
        UserError: If a recipe doesn't suit a task, or there is only one for a joint run.
    """
    chosen = list(dict.fromkeys(tasks)) or list(setting.tasks)
    require(
        not joint or len(chosen) > 1,
        "tasks of a joint run",
        ", ".join(chosen),
        "two or more",
        "name more of them, or leave --joint out",
    )
    made = {name: extensions.task(name)(**setting.tasks.get(name, {})) for name in chosen}
    found = []
    for recipe in dict.fromkeys(named or setting.recipes):
        for name, task in made.items():
            plan = _plan(setting, recipe, task, 1, updates, seed)
            found.append(Cell(recipe=recipe, tasks=(name,), plan=plan))
        if joint:
            mixed = Mixture(tasks=tuple(made.values()))
            plan = _plan(setting, recipe, mixed, len(made), updates, seed)
            found.append(Cell(recipe=recipe, tasks=tuple(made), plan=plan, joint=True))
    return found


def run(grid: Sequence[Cell], folder: Path, say: Say = lambda *_: None) -> Iterator[list[Entry]]:
    """Train each cell, or read the scores of a finished one, and yield its entries.

    Raises:
        KeyboardInterrupt: After Ctrl-C; completed work is kept.
        UserError: If a cell's folder is that of another run.
    """
    for i, cell in enumerate(grid):

        def report(point: runs.Point, i: int = i, cell: Cell = cell) -> None:
            done = (i + point.update / point.updates) / len(grid)
            unknown = point.metrics["unknown"]
            say(done, f"{cell.recipe} on {cell.name}: update {point.update}, {unknown:.1%} unknown")

        yield entries(cell, _summary(cell, folder / cell.recipe / cell.name, report))


def entries(cell: Cell, summary: Mapping[str, Any]) -> list[Entry]:
    """Return the scores of a run on each of its tasks, from its summary."""
    found = []
    for task in cell.tasks:
        suffix = f" {task}" if cell.joint else ""
        best = summary.get("checkpoints", {}).get("best", {})
        trivial = {
            name: scores[f"unknown{suffix}"]
            for name, scores in summary.get("baselines", {}).items()
        }
        method = max(trivial, key=trivial.__getitem__) if trivial else None
        found.append(
            Entry(
                recipe=cell.recipe,
                task=task,
                training=JOINT if cell.joint else "single",
                parameters=cell.parameters,
                unknown=best.get(f"unknown{suffix}"),
                valid=best.get(f"valid{suffix}"),
                trivial=trivial[method] if method else None,
                method=method,
            )
        )
    return found


def _summary(cell: Cell, folder: Path, report: Callable[[runs.Point], None]) -> Mapping[str, Any]:
    """Return the summary of a cell's run, which is trained first if it isn't finished."""
    ended = tracking.ended(folder)
    if ended is not None and ended["status"] in ("finished", "diverged"):
        stored = runs.planned(folder)
        assert stored is not None, "a finished run has a plan"
        checkpoint.same(folder / "run.json", stored, cell.plan)
        return ended
    return runs.execute(cell.plan, folder, report=report)


def _plan(
    setting: Setting, recipe: str, task: Any, count: int, updates: int | None, seed: int
) -> runs.Plan:
    """Return the plan of a recipe on one task, or on a mixture of several."""
    own = inspect.signature(recipes.named[recipe].make).parameters
    steps = next((name for name in _steps if name in own), None)
    chosen = {steps: setting.steps} if steps is not None and setting.steps is not None else {}
    total = count * (setting.updates if updates is None else updates)
    return runs.Plan(
        recipe=recipe,
        system=sizing.sized(recipe, chosen, task, task.generate(0, 0, 0, count).test),
        task=task,
        train=count * setting.train,
        validation=count * setting.test,
        test=count * setting.test,
        training=Training(
            updates=total,
            batch=setting.batch,
            learning_rate=setting.learning_rate,
            clip=1.0,
            evaluate_every=max(1, total // 2),
        ),
        seed=seed,
        data_seed=seed,
    )


def to_json(found: Sequence[Entry]) -> str:
    """Return the entries as JSON, with their differences from trivial methods."""
    said = [{**vars(entry), "difference": entry.difference} for entry in found]
    return json.dumps({"cells": said}, indent=2)
