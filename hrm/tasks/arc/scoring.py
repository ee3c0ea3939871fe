"""ARC's official scoring: votes, two attempts per test input, the submission file.

An attempt counts if it equals the output in every cell, size included. A task's score is the share
of its test inputs that one of two attempts solves, a collection's the mean over its tasks.

    {task: [{"attempt_1": grid, "attempt_2": grid}, one per test input, in order], ...}

ARC Prize's own benchmarking scores in this way (github.com/arcprize/arc-agi-benchmarking). Its
contests on Kaggle use the same file format, but take the mean over test inputs instead of tasks.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from hrm.errors import UserError
from hrm.system.files import whole
from hrm.tasks import Boards, Floats, Ints
from hrm.tasks.arc.data import ArcTask, Grid, as_grid
from hrm.tasks.arc.task import Arc
from hrm.tasks.arc.tokens import cut_out

Submission = dict[str, list[dict[str, list[list[int]]]]]

ATTEMPTS = ("attempt_1", "attempt_2")
NOTHING = np.zeros((1, 1), dtype=np.uint8)  # an attempt has to be a grid

_mend = "write the file with `write_submission`"


def ranked(votes: Sequence[tuple[Grid, float]]) -> list[Grid]:
    """Return the different grids, ordered by their votes, most votes first.

    Ties are broken by mean confidence, then by the order of the first votes. Votes for grids
    without a cell don't count.

    Args:
        votes: Grids, each with the confidence in it, in any unit.
    """
    ballots: dict[bytes, tuple[Grid, list[float]]] = {}
    for grid, confidence in votes:
        if grid.size:
            key = bytes(grid.shape) + grid.tobytes()
            ballots.setdefault(key, (grid, []))[1].append(confidence)
    order = sorted(ballots.values(), key=lambda b: (-len(b[1]), -float(np.mean(b[1]))))
    return [grid for grid, _ in order]


def attempts(grids: Sequence[Grid]) -> dict[str, list[list[int]]]:
    """Return the two best of ranked grids; a single grid twice; one black cell if there is none."""
    two = [*grids[:2], *grids[:1], NOTHING, NOTHING]
    return {name: grid.tolist() for name, grid in zip(ATTEMPTS, two, strict=False)}


def vote(
    arc: Arc, seed: int, boards: Boards, predictions: Ints, confidence: Floats | None = None
) -> Submission:
    """Vote over all versions of each test input, and return two attempts for each.

    Args:
        arc: The task of the boards.
        seed: The data seed of the boards, which determines their augmentations.
        boards: Test boards, one for each prediction.
        predictions: Predicted classes, [N, 900].
        confidence: Confidence in each prediction, [N], which breaks ties between grids with equal
            votes, see `ranked`. Remaining ties go to the version with the smaller identity.

    Returns:
        An entry for each evaluation task, with two single black cells where nothing was predicted.

    Raises:
        UserError: If a board is no version of an evaluation test under this seed.
    """
    assert predictions.shape == boards.inputs.shape
    sure = np.zeros(len(boards)) if confidence is None else confidence
    training = len(arc.tasks) - len(arc.evaluation_tasks)
    votes: list[list[list[tuple[Grid, float]]]]
    votes = [[[] for _ in task.tests] for task in arc.evaluation_tasks]
    owners, numbers = np.divmod(boards.identities - 1, arc.augmentations + 1)
    order = np.argsort(boards.identities, kind="stable").tolist()
    grids = cut_out(boards.inputs, boards.inputs)
    answers = cut_out(boards.inputs, predictions)
    for index, members in groupby(order, key=owners.tolist().__getitem__):
        made = arc.versions(seed, index)[0] if training <= index < len(arc.tasks) else []
        for i in members:
            version = made[numbers[i]] if numbers[i] < len(made) else None
            test = version.test(grids[i]) if version else None
            if version is None or test is None:
                raise UserError(
                    f"board {i}, with identity {boards.identities[i]}, is no test of an "
                    f"evaluation task under seed {seed}; allowed are test boards of {arc}; "
                    "pass those, and the seed that made them"
                )
            answer = version.augmentation.undo(answers[i])
            votes[index - training][test].append((answer, float(sure[i])))
    return {
        task.name: [attempts(ranked(test)) for test in its]
        for task, its in zip(arc.evaluation_tasks, votes, strict=True)
    }


def task_scores(submission: Mapping[str, Any], tasks: Iterable[ArcTask]) -> dict[str, float]:
    """Return the share of each task's test inputs that are solved, by name.

    Raises:
        UserError: If the submission isn't one for these tasks: a task is missing or unknown, has
            another number of tests, lacks an attempt, or an attempt is no grid.
    """
    tasks = tuple(tasks)
    if not isinstance(submission, Mapping):
        raise UserError(f"the submission is no object; allowed is one entry per task; {_mend}")
    unknown = sorted(set(submission) - {task.name for task in tasks})
    if unknown:
        raise UserError(
            f"the submission has an entry {unknown[0]!r}; allowed are the {len(tasks)} tasks that "
            "it is scored on; choose their collection, or take the entry out"
        )
    return {task.name: _task_score(submission, task) for task in tasks}


def score_submission(submission: Mapping[str, Any], tasks: Iterable[ArcTask]) -> float:
    """Return the official score, 0 ... 1: the mean over tasks.

    Raises:
        UserError: As `task_scores`.
    """
    return float(np.mean(list(task_scores(submission, tasks).values())))


def write_submission(path: Path, submission: Submission) -> None:
    """Write a submission file, completely or not at all.

    Raises:
        UserError: If it can't be written.
    """
    try:
        path.parent.stat()  # a folder that isn't there is a mistake, not one to be made
        with whole(path) as temporary:
            temporary.write_text(json.dumps(submission), encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{str(path)!r} can't be written ({error.strerror}); allowed is a name in a folder "
            "with room that you may write; give another"
        ) from error


def read_submission(path: Path) -> Submission:
    """Return the content of a submission file, which is checked when it is scored.

    Raises:
        UserError: If it can't be read, or isn't JSON.
    """
    try:
        submission: Submission = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"{str(path)!r} can't be read ({error.strerror}); allowed is a submission file; {_mend}"
        ) from error
    except ValueError as error:
        raise UserError(
            f"{str(path)!r} isn't JSON ({error}); allowed is a submission file; {_mend}"
        ) from error
    return submission


def _task_score(submission: Mapping[str, Any], task: ArcTask) -> float:
    if task.name not in submission:
        raise UserError(
            f"the submission lacks task {task.name!r}; allowed is an entry for each task; give two "
            "attempts per test input, whatever they are"
        )
    entries = submission[task.name]
    found = len(entries) if isinstance(entries, list) else "no list"
    if found != len(task.tests):
        raise UserError(
            f"entries of task {task.name!r} are {found}; allowed is {len(task.tests)}, one per "
            "test input, in order; give two attempts for each"
        )
    solved = []
    for number, (entry, test) in enumerate(zip(entries, task.tests, strict=True)):
        where = f"task {task.name!r}, test {number}"
        if not isinstance(entry, Mapping) or set(entry) != set(ATTEMPTS):
            keys = sorted(map(str, entry)) if isinstance(entry, Mapping) else "no object"
            raise UserError(f"keys of {where} are {keys}; allowed is {list(ATTEMPTS)}; {_mend}")
        grids = [as_grid(entry[name], f"{where}, {name}") for name in ATTEMPTS]
        solved.append(any(np.array_equal(grid, test.output) for grid in grids))
    return float(np.mean(solved))
