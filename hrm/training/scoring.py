"""Answers of a model on the boards of a task, and their scores."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hrm.config import Compacted, Fixed, Policy, QLearning
from hrm.config.learning import System
from hrm.data.tokens import PublicBoards
from hrm.errors import UserError
from hrm.model import HRM
from hrm.recipes.sizing import sizes
from hrm.tasks import Boards, Floats, Scores, Task, Values
from hrm.tasks.board import share
from hrm.training import loop
from hrm.training.learner import evaluating


def answers(
    model: HRM,
    system: System,
    task: Task,
    boards: Boards,
    batch: int = 256,
    *,
    steps: int | None = None,
) -> tuple[Values, Floats]:
    """Return the answers of a model, [N, cells], and its numbers of halting steps, [N].

    Answers are classes, or numbers for tasks with real-valued answers; there is no halting noise.
    Every board takes `steps` halting steps; with None, halting decides.
    """
    data = loop.encode(system, task, boards, next(model.parameters()).device)
    return loop.answers(model, system, data, batch, numbers=task.classes == 0, steps=steps)


def score(
    model: HRM, system: System, task: Task, boards: Boards, steps: int | None = None
) -> dict[str, float]:
    """Return a model's mean scores on boards, `accuracy`, and its mean number of halting steps."""
    found, taken = answers(model, system, task, boards, steps=steps)
    return {**_means(task, boards, found), "steps": float(taken.mean())}


def by_step(
    model: HRM, system: System, task: Task, boards: Boards, steps: int, batch: int = 64
) -> list[dict[str, float]]:
    """Return the mean scores of a model after each of `steps` halting steps, ignoring halting.

    Args:
        model: A model whose readout keeps the answer of each step.
        system: Its system.
        task: The task of the boards.
        boards: The boards.
        steps: Number of halting steps, which may be larger than in training.
        batch: Boards per batch.
    """
    assert model.config.readout.each_step
    data = loop.encode(system, task, boards, next(model.parameters()).device)
    cells, found = data.targets.shape[1], []
    with evaluating(model):
        for rows in torch.arange(len(data)).split(batch):
            part = data.batch(rows)
            drafts = model(part.inputs, identities=part.identities, steps=steps).run.drafts[:, -1]
            if model.config.readout.average:  # like an answer that stops at that step
                count = torch.arange(1, steps + 1, device=drafts.device)
                drafts = drafts.cumsum(0) / count.view(-1, *[1] * (drafts.dim() - 1))
            found.append(
                torch.stack(
                    [loop.answered(system, y, cells, numbers=task.classes == 0) for y in drafts]
                )
            )
    every = torch.cat(found, dim=1).cpu().numpy()
    return [{"step": k, **_means(task, boards, answer)} for k, answer in enumerate(every, 1)]


def baselines(task: Task, training: Boards, boards: Boards) -> dict[str, dict[str, float]]:
    """Return the mean scores of the task's trivial methods."""
    return {
        name: _means(task, boards, found)
        for name, found in task.baselines(training, boards).items()
    }


def halting(system: System) -> System:
    """Return a system in which each sample halts on its own in evaluation.

    Some documented systems take all steps in evaluation; others stop a batch as a whole.

    Raises:
        UserError: If the system doesn't halt at all.
    """
    part = system.model.halting
    if isinstance(part, Fixed) or (isinstance(part, Policy) and not part.obeyed):
        raise UserError(
            f"halting is {type(part).__name__}, whose steps are always {part.max_steps}; allowed "
            f"is a system that halts; leave --halting out"
        )
    if isinstance(part, QLearning):
        alone = part.exploration is None or not part.exploration.of_batch
        part = replace(
            part,
            halt_in_evaluation=True,
            batch_mean=False,
            exploration=part.exploration if alone else None,  # used only in training
        )
    model = replace(system.model, halting=part, evaluation=Compacted())
    return replace(system, model=model)


def readable(system: System, task: Task, boards: Boards) -> tuple[Task, Boards]:
    """Return task and boards in the tokens that a model reads, the task's or the public ones."""
    own = sizes(system.model).get("vocabulary", task.vocabulary)
    if task.vocabulary != own == task.public_vocabulary:
        public: Any = PublicBoards(task, boards)  # a model for the public tokens
        return public, public.boards
    return task, boards


def accuracy(task: Task, boards: Boards, found: Values) -> float:
    """Return the public code's ``accuracy``: the mean share of labelled cells that are as stored.

    A board's `tokens` are above it where several answers are valid, as in a maze with several
    optimal paths. Source: github.com/sapientinc/HRM, models/losses.py.
    """
    ignored = getattr(task, "ignored", None)
    labelled = np.ones(found.shape, bool) if ignored is None else boards.targets != ignored
    right = ((found == boards.targets) & labelled).sum(axis=1)
    return float(share(right, labelled.sum(axis=1)).mean())


def by_task(task: Task, boards: Boards) -> dict[str, NDArray[np.bool_]]:
    """Return for each task of a mixture which boards [N] are its own; {} for other tasks."""
    kinds = getattr(task, "kinds", None)
    if kinds is None:
        return {}
    places, parts = kinds(boards.inputs), getattr(task, "tasks", ())
    names = [type(part).__name__.lower() for part in parts]
    return {
        name if names.count(name) == 1 else f"{name} {k + 1}": places == k
        for k, name in enumerate(names)
        if (places == k).any()
    }


def _means(task: Task, boards: Boards, found: Values) -> dict[str, float]:
    scores = task.score(boards, found)
    means = {field.name: float(np.mean(getattr(scores, field.name))) for field in fields(Scores)}
    for name, mine in by_task(task, boards).items():
        for metric in ("unknown", "valid"):
            means[f"{metric} {name}"] = float(np.mean(getattr(scores, metric)[mine]))
    if task.classes:  # otherwise answers are numbers
        means["accuracy"] = accuracy(task, boards, found)
    return means
