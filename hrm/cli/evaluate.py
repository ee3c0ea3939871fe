"""`hrm eval CHECKPOINT TASK`: score the checkpoints of a run on test boards."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import options, overlaps, scores
from hrm.config.parts import require
from hrm.errors import UserError

if TYPE_CHECKING:
    from hrm.tasks import Splits
    from hrm.training.runs import Stored

LINE = "score a run's checkpoints on a task"
TEXT = """\
Score checkpoints on a task's test boards, by default on those of the run itself. A run's folder
stands for its best and its last checkpoint.

In evaluation, as documented, some systems take all steps, and some stop a batch as a whole. With
--halting, each board stops on its own, and the number of boards for each number of steps is
printed. With --steps, every board takes that many steps, which may be more than in training.
--curve also scores the answers after each step, up to --steps or to twice the number of steps in
training. If the model has no learned positions, boards may have another size than in training.

  hrm eval runs/act sudoku
  hrm eval runs/act/best.safetensors sudoku --halting
  hrm eval runs/act sudoku --task-set clues=6 --data-seed 7 --json
  hrm eval runs/act sudoku --data puzzles.csv --json
  hrm eval runs/maze maze --steps 32 --curve
  hrm eval runs/maze maze --task-set size=12

--json prints `checkpoints`, each with its scores and its `update`; `baselines`, the scores of the
trivial methods; `margins`, `difference` and `error` beside each of these; with --halting,
`boards_by_steps`, the number of boards for each number of steps; with --curve, `curve`, for each
checkpoint a list with `step` and the scores after that step.
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm eval`."""
    parser = options.command(subparsers, "eval", LINE, TEXT)
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="a run's folder, or a file in it"
    )
    options.add_task(parser)
    options.add_data(parser, "test boards of your own")
    parser.add_argument("--curve", action="store_true", help="score after each step, too")
    parser.add_argument("--halting", action="store_true", help="let each board stop on its own")
    options.add_settings(parser, "--task-set", "a field of the task (default: as in training)")
    options.add_numbers(
        parser,
        ("--data-seed", None, "seed of the boards (as in training)"),
        ("--test", None, "number of test boards (as in training; with --data, all)"),
        ("--steps", None, "halting steps of every board (as in the run's own evaluation)"),
    )
    options.add_device(parser)
    options.add_json(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Score the checkpoints, and print the scores."""
    from dataclasses import replace

    from hrm.system import distributed
    from hrm.training import margins, runs, stored

    device = distributed.on(asked.device)
    steps = asked.steps
    require(steps is None or steps >= 1, "--steps", steps, "1 or more", "leave it out")
    if steps is not None and asked.halting:
        raise UserError(
            f"--steps is {steps} with --halting, under which each board decides on its steps; "
            f"allowed is one of both options; leave one out"
        )
    found = runs.stored(asked.checkpoint)
    task = task_of(found, asked)
    splits, identities = _boards(found, task, asked)
    found = stored.resized(found, task.cells)
    curve = None
    if asked.curve:
        curve = steps or 2 * found.plan.system.model.halting.max_steps
    how = {"device": device, "steps": steps}
    result = runs.evaluated(
        found, task, splits, halt=asked.halting, identities=identities, curve=curve, **how
    )
    scored = {name: found.checkpoints[name] for name in result["checkpoints"]}
    kept = replace(found, checkpoints=scored)
    apart, taken = {}, {}
    if asked.halting:
        taken = margins.steps_taken(kept, task, splits, device)
    else:
        apart = margins.margins(kept, task, splits, **how)
    if asked.json:
        shown = {**result, "margins": apart, "boards_by_steps": taken}
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        scores.show(result)
        if apart:
            sys.stdout.write(margins.line(apart) + "\n")
        if taken:
            counts = ", ".join(f"{steps}: {boards}" for steps, boards in taken.items())
            sys.stdout.write(f"boards by halting steps: {counts}\n")
        for name, points in result.get("curve", {}).items():
            scores.show_curve(name, points, found.plan.system.model.halting.max_steps)
    return 0


def task_of(found: "Stored", asked: argparse.Namespace) -> Any:
    """Return the task to score on: that of the run, with the changes of the command line.

    Raises:
        UserError: If there is no such field, or it is another task and lacks a required field.
    """
    plan = found.plan
    settings: list[str] = []
    own = type(plan.task).__name__.lower()
    if own == asked.task:
        settings = options.settings_of(plan.task.to_json())
    if asked.data is not None and asked.task in ("sudoku", "maze"):  # the size is the boards'
        from hrm.data import imports

        settings += options.settings_of(imports.fields_of(asked.data, asked.task))
    try:
        return options.task_of(asked.task, [*settings, *asked.task_set], "--task-set")
    except UserError as error:
        if own == asked.task:
            raise
        raise UserError(
            f"{str(asked.checkpoint)!r} was trained on {own}; allowed is that task, or another one "
            f"of equal shapes with all its fields; {error}"
        ) from error


def _boards(found: "Stored", task: Any, asked: argparse.Namespace) -> tuple["Splits", int | None]:
    """Return the boards to score on, and their number of identities if the task doesn't fix it.

    Raises:
        UserError: If the boards can't be read or generated.
    """
    from dataclasses import replace

    from hrm.data import cache, own

    plan = found.plan
    seed = plan.data_seed if asked.data_seed is None else asked.data_seed
    if asked.data is not None:
        data = own.opened(asked.data, task, seed, testing=True)
        overlaps.warn(asked.data, data, plan.data)
        return own.tested(data, task, asked.test, plan.splits().train), data.identities
    test = plan.test if asked.test is None else asked.test
    require(test >= 1, "--test", test, "1 or more", "leave it out for as many as trained")
    if plan.data is not None and not (asked.task_set or asked.data_seed is not None):
        return replace(plan, test=test).splits(), plan.identities
    return cache.load(task, seed, plan.train, plan.validation, test), None
