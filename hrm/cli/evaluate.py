"""`hrm eval CHECKPOINT TASK`: score what a run has learned."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hrm.cli import options, scores
from hrm.config.parts import require
from hrm.errors import UserError

LINE = "score a run's checkpoints on a task"
TEXT = """\
Score checkpoints on a task's test boards: by default those that the run itself was scored on. A
run's folder stands for its best and its last checkpoint.

In evaluation some systems take all steps, and some stop a batch as one, as documented; with
--halting each board stops for itself, and so many boards take so many steps.

  hrm eval runs/act sudoku
  hrm eval runs/act/best.safetensors sudoku --halting
  hrm eval runs/act sudoku --task-set clues=6 --data-seed 7 --json
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm eval`."""
    parser = options.command(subparsers, "eval", LINE, TEXT)
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="a run's folder, or a file in it"
    )
    options.add_task(parser)
    parser.add_argument("--halting", action="store_true", help="let each board stop for itself")
    options.add_settings(parser, "--task-set", "a field of the task (as trained)")
    options.add_numbers(
        parser,
        ("--data-seed", None, "of the boards (as trained)"),
        ("--test", None, "test boards (as trained)"),
    )
    options.add_device(parser)
    options.add_json(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Score, and print it."""
    from dataclasses import replace

    from hrm.data import cache
    from hrm.system import distributed
    from hrm.training import margins, runs

    device = distributed.on(asked.device)
    found = runs.stored(asked.checkpoint)
    plan = found.plan
    settings: list[str] = []
    own = type(plan.task).__name__.lower()
    if own == asked.task:
        fields = plan.task.to_json()
        settings = [f"{name}={json.dumps(fields[name])}" for name in fields if name != "kind"]
    try:
        task = options.task_of(asked.task, [*settings, *asked.task_set], "--task-set")
    except UserError as error:
        if own == asked.task:
            raise
        raise UserError(
            f"{str(asked.checkpoint)!r} was trained on {own}; name that, or all of another task of "
            f"its shapes: {error}"
        ) from error
    seed = plan.data_seed if asked.data_seed is None else asked.data_seed
    test = plan.test if asked.test is None else asked.test
    require(test >= 1, "--test", test, "1 or more", "leave it out for as many as trained")
    splits = cache.load(task, seed, plan.train, plan.validation, test)
    result = runs.evaluated(found, task, splits, halt=asked.halting, device=device)
    scored = {name: found.checkpoints[name] for name in result["checkpoints"]}
    apart, taken = {}, {}
    kept = replace(found, checkpoints=scored)
    if asked.halting:
        taken = margins.steps_taken(kept, task, splits, device)
    else:
        apart = margins.margins(kept, task, splits, device)
    if asked.json:
        sys.stdout.write(
            json.dumps({**result, "margins": apart, "boards_by_steps": taken}, indent=2) + "\n"
        )
    else:
        scores.show(result)
        if apart:
            sys.stdout.write(margins.line(apart) + "\n")
        if taken:
            counts = ", ".join(f"{steps}: {boards}" for steps, boards in taken.items())
            sys.stdout.write(f"boards by halting steps: {counts}\n")
    return 0
