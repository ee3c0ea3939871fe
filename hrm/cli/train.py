"""`hrm train RECIPE TASK`: train a documented system, sized for a task, and score it."""

import argparse
import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import configured, options, plans, progress, scores
from hrm.errors import Lost, UserError

if TYPE_CHECKING:
    import torch

    from hrm.training.runs import Plan, Point

LINE = "train a documented system on a task"
TEXT = """\
Train a documented system, sized for a task, on boards that the task generates. The best checkpoint
is chosen on validation boards. The best and the last checkpoint, and the task's trivial methods,
are scored on test boards.

With --data, boards are read from a folder in the public format, which is streamed from disk, or
from files: sudoku CSV and lines, mazes, DIMACS .cnf and .col, ARC's JSON.

Everything is written to the folder: configuration, environment, curve, checkpoints, scores. After
Ctrl-C the same command resumes and gives the identical curve; a run that was killed resumes from
its last evaluation.

Under torchrun, several processes share each batch of boards and train one model, on CPUs or, with
--device cuda, on one GPU each. Losses equal those of one process up to rounding, except that each
process draws its own dropout masks. If one process ends, all end; the same command resumes, with
any number of processes.

--json prints `folder` and `status` (finished or diverged), and for a finished run the test scores
of its `checkpoints` and of the `baselines`.

--extend N continues an existing run, finished or not, up to N updates in total; all other settings
come from its folder. Learning rates then follow a schedule of N updates.

  hrm train gru maze --task-set size=5 --set hidden_low=64 --set hidden_high=64 --output runs/gru
  hrm train act-v1 sudoku --task-set size=4 --set width=64 --set heads=4 --output runs/act
  hrm train v2 pattern --updates 2000 --training-set ema=0.99 --seed 1 --output runs/v2
  hrm train act-v1 sudoku --data sudoku-extreme-1k --batch 384 --output runs/extreme
  hrm train gru maze --output runs/gru --extend 3000
  torchrun --nproc-per-node 2 -m hrm train act-v1 maze --task-set size=8 --output runs/two
"""
TRACKERS = ("jsonl", "tensorboard", "wandb")


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm train`."""
    parser = options.command(subparsers, "train", LINE, TEXT)
    plans.add_options(parser)
    configured.add(parser)
    parser.add_argument(
        "--tracker",
        choices=TRACKERS,
        default=TRACKERS[0],
        help="tracker of the curve (default: jsonl)",
    )
    parser.add_argument(
        "--project", default="hrm", metavar="NAME", help="project of --tracker wandb (default: hrm)"
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile training steps: a minute at first, then faster, and equal to rounding",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="RUN",
        help="start from the best weights of a run; those that don't fit are reported",
    )
    options.add_json(parser, "the summary")
    options.add_numbers(
        parser,
        (
            "--keep-every",
            None,
            "keep the model of every N-th evaluation (default: the best and the last)",
        ),
        ("--extend", None, "continue the folder's run up to N updates in total"),
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="take all settings except folder and seeds from the best.json of a sweep",
    )
    parser.set_defaults(function=run, default=parser.get_default)


def run(asked: argparse.Namespace) -> int:
    """Train, and print scores."""
    options.recipe(asked.recipe)

    from hrm.system import distributed

    try:
        with distributed.joined(asked.device) as device:
            return _run(asked, device, first=distributed.rank() == 0)
    except Lost as error:
        sys.stderr.write(
            f"hrm: another process of this job has ended ({error}), and so does this one; "
            f"{_again(asked)}\n"
        )
        return 1


def _run(asked: argparse.Namespace, device: "torch.device", *, first: bool) -> int:
    """Train, together with other processes if there are any; the first one prints."""
    from hrm.system import environment
    from hrm.training import runs, tracking

    if asked.compile:
        environment.compiler()
    plan, start = plans.plan_of(asked), None
    if asked.start is not None:
        plan, start = _started(plan, asked.start, said=first)
    trackers = tracking.extras(asked.tracker, asked.output, asked.project) if first else []
    if first:
        sys.stderr.write(_heading(asked, plan))
    trivial = functools.cache(lambda: beside(plan))  # the run generates the boards when it begins
    try:
        with progress.lines() as say:
            found = runs.execute(
                plan,
                asked.output,
                trackers,
                lambda point: say(point.update / point.updates, _line(point, trivial())),
                asked.threads,
                device,
                compiled=asked.compile,
                start=start,
                keep_every=asked.keep_every,
                extended=asked.extend is not None,
            )
    except KeyboardInterrupt:
        if first:
            sys.stderr.write(f"hrm: stopped; {_again(asked)}\n")
        return 130
    if first and asked.json:
        sys.stdout.write(json.dumps({"folder": str(asked.output), **found}, indent=2) + "\n")
    elif first and found["status"] == "finished":
        scores.show(found)
    if found["status"] == "diverged":
        if first:
            said = f"training diverged at update {found['step']}: {found['reason']}"
            sys.stderr.write(f"hrm: {said}\n")
        return 1
    return 0


def _started(plan: "Plan", run: Path, *, said: bool) -> "tuple[Plan, Mapping[str, torch.Tensor]]":
    """Return a plan that starts from a run's weights, and the weights; report those that don't fit.

    Raises:
        UserError: If there is no such run, or none of its weights fit.
    """
    from dataclasses import replace

    import torch

    from hrm.model import HRM
    from hrm.training import runs, transfer

    path = runs.stored(run).first
    update, weights = runs.weights(path)
    with torch.device("meta"):
        found = transfer.compared(HRM(plan.system.model).state_dict(), weights)
    if not found.taken:
        raise UserError(
            f"--from is {str(run)!r}, none of whose weights has the name and shape of one of this "
            f"model's; allowed is a run of a similar system; leave it out"
        )
    if said:
        lines = [f"from {path}, update {update}: {len(found.taken)} tensors copied"]
        lines += [f"  new: {name} ({why})" for name, why in found.fresh.items()]
        lines += [f"  not used: {name}" for name in found.unused]
        sys.stderr.writelines(f"{line}\n" for line in lines)
    return replace(plan, start=runs.digest(path)), weights


def _again(asked: argparse.Namespace) -> str:
    from hrm.training import runs

    update = runs.reached(asked.output)
    kept = (
        f"{asked.output} is complete up to update {update}" if update else "no update is done yet"
    )
    return f"{kept}; the same command resumes: {asked.line}"


def _heading(asked: argparse.Namespace, plan: "Plan") -> str:
    """Return a line that describes the training and the size of the model."""
    import torch

    from hrm.model import HRM
    from hrm.recipes import sizing

    with torch.device("meta"):
        count = sum(p.numel() for p in HRM(plan.system.model).parameters())
    shapes = ", ".join(f"{size:,} {name}" for name, size in sizing.sizes(plan.system.model).items())
    return f"{asked.recipe} on {asked.task}: {count:,} parameters ({shapes})\n"


def beside(plan: "Plan") -> str:
    """Return what the best trivial method scores on a run's validation boards."""
    from hrm.training import scoring

    task: Any = plan.task
    splits = plan.splits()
    return scores.trivial(scoring.baselines(task, splits.train, splits.validation))


def _line(point: "Point", trivial: str) -> str:
    """Return a point in one line.

    Args:
        trivial: The score of the best trivial method, from `beside`.
    """
    m, (minutes, seconds) = point.metrics, divmod(round(point.seconds), 60)
    return (
        f"update {point.update:>{len(str(point.updates))}} of {point.updates}  "
        f"loss {m['loss']:.4f}  unknown {m['unknown']:6.1%}, {trivial}  exact {m['exact']:6.1%}  "
        f"steps {m['steps']:.2f}  {m['samples_per_second']:,.0f} samples/s  "
        f"{minutes}:{seconds:02} left"
    )
