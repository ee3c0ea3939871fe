"""Margins: the difference between a model's score and those of trivial methods, with errors.

Scores are paired by board: d_i is the model's share of right unknown cells on board i, less that of
the method. Over N boards,

    difference = mean d    error = sqrt(sum (d_i − mean d)² / (N − 1) / N)

A model counts as having learned something if, for every method, the difference is at least three
standard errors.
"""

from collections import Counter
from collections.abc import Mapping

import torch

from hrm.tasks import Floats, Splits, Task
from hrm.tasks.margin import paired
from hrm.training.runs import Stored
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
        found: From `stored.stored`; the first checkpoint of a run's folder is the best one.
        task: The task of the boards.
        splits: The boards.
        device: Device of the computation.
        steps: Halting steps that every board takes; None to let halting decide.
    """
    system = found.plan.system
    model = found.model(system.model, device)
    seen, boards = readable(system, task, splits.test)
    answered, _ = answers(model, system, seen, boards, steps=steps)
    return beside(task, splits, seen.score(boards, answered).unknown)


def steps_taken(
    found: Stored, task: Task, splits: Splits, device: torch.device | str = "cpu"
) -> dict[int, int]:
    """Return the number of test boards for each number of halting steps, each halting on its own.

    The weights are those of the first checkpoint, which in a run's folder is the best one.

    Raises:
        UserError: As `hrm.training.scoring.halting`.
    """
    system = halting(found.plan.system)
    model = found.model(system.model, device)
    seen, boards = readable(system, task, splits.test)
    steps = answers(model, system, seen, boards)[1].astype(int).tolist()
    return dict(sorted(Counter(steps).items()))


def beside(task: Task, splits: Splits, scores: Floats) -> dict[str, dict[str, float]]:
    """Return ``difference`` and ``error`` of scores on the test boards, by trivial method.

    Args:
        task: The task of the boards.
        splits: The boards.
        scores: Share of right unknown cells of each test board, [N].
    """
    return {
        name: paired(scores - task.score(splits.test, guess).unknown)
        for name, guess in task.baselines(splits.train, splits.test).items()
    }


def line(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return a sentence with the margin over the best trivial method."""
    name = min(found, key=lambda method: found[method]["difference"])
    difference, error = found[name]["difference"], found[name]["error"]
    return (
        f"unknown cells, beside the best trivial method, {name}: {difference:+.1%}, "
        f"standard error {error:.1%}"
    )
