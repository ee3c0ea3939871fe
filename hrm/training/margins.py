"""Margins: by how much a model beats a task's trivial methods, and how sure that is.

Paired by board: d_i = (model's share of right unknown cells) − (the method's), over N boards

    difference = mean d    error = sqrt(sum (d_i − mean d)² / (N − 1) / N)

A model has learned something where the difference is at least three errors for every method.
"""

from collections import Counter
from collections.abc import Mapping

import torch

from hrm.model import HRM
from hrm.tasks import Floats, Splits, Task
from hrm.tasks.margin import paired
from hrm.training.runs import Stored, restored
from hrm.training.scoring import answers, halting, readable


def margins(
    found: Stored,
    task: Task,
    splits: Splits,
    device: torch.device | str = "cpu",
    steps: int | None = None,
) -> dict[str, dict[str, float]]:
    """Return ``difference`` and ``error`` of a run's first checkpoint on test boards, by method.

    Args:
        found: From `runs.stored`: of a folder, the best checkpoint is the first.
        device: Where it is computed.
        steps: That every board takes; None for as many as halting says.
    """
    system = found.plan.system
    model = HRM(system.model).to(device)
    restored(next(iter(found.checkpoints.values())), model)
    seen, boards = readable(system, task, splits.test)
    answered, _ = answers(model, system, seen, boards, steps=steps)
    return beside(task, splits, seen.score(boards, answered).unknown)


def steps_taken(
    found: Stored, task: Task, splits: Splits, device: torch.device | str = "cpu"
) -> dict[int, int]:
    """Return how many test boards take so many halting steps, each halting for itself.

    The weights are those of the first checkpoint, of a run's folder the best one.

    Raises:
        UserError: As `hrm.training.scoring.halting`.
    """
    system = halting(found.plan.system)
    model = HRM(system.model).to(device)
    restored(next(iter(found.checkpoints.values())), model)
    seen, boards = readable(system, task, splits.test)
    steps = answers(model, system, seen, boards)[1].astype(int).tolist()
    return dict(sorted(Counter(steps).items()))


def beside(task: Task, splits: Splits, scores: Floats) -> dict[str, dict[str, float]]:
    """Return ``difference`` and ``error`` of scores on the test boards, by trivial method.

    Args:
        scores: [N], share of right unknown cells of each test board.
    """
    return {
        name: paired(scores - task.score(splits.test, guess).unknown)
        for name, guess in task.baselines(splits.train, splits.test).items()
    }


def line(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return in words how far the best trivial method is behind."""
    name = min(found, key=lambda method: found[method]["difference"])
    difference, error = found[name]["difference"], found[name]["error"]
    return (
        f"unknown cells, beside the best trivial method, {name}: {difference:+.1%}, "
        f"standard error {error:.1%}"
    )
