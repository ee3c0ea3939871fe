"""`hrm predict RUN PUZZLE ...`: answer a user's own puzzles with a trained model."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import options
from hrm.errors import UserError

if TYPE_CHECKING:
    from hrm.data.forms import Problem
    from hrm.training.answering import Answering

_log = logging.getLogger(__name__)
FORMS = ("picture", "text", "json")
LINE = "answer puzzles with a run's model"
TEXT = """\
Answer puzzles with the best checkpoint of a run, or with a given checkpoint. A puzzle is a file, a
folder of files, or the puzzle itself: a sudoku as one line, a maze as rows of text, puzzles of
other tasks as JSON. Files have the formats of `hrm data import`; ARC tasks are JSON.

  picture   the puzzle with its answer drawn in, and whether the answer is valid
  text      the answers in the form of the puzzles, one after the other
  json      a list with `name`, `answer`, `valid` and `steps` of each; for ARC the submission: for
            each task a list of `attempt_1` and `attempt_2`, one for each test

A model knows an ARC task by the identity that it was trained with. Tasks are found by their names,
and all trained versions of a task vote; a task that wasn't trained on gets the blank identity.

  hrm predict runs/sudoku 2.5.1.9..8..2.3..6.3..6..7...1.....68......2......9.7..8...
  hrm predict runs/maze maze.txt --task-set size=12 --steps 32
  hrm predict runs/arc challenges.json --submission submission.json
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm predict`."""
    parser = options.command(subparsers, "predict", LINE, TEXT)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder, or a checkpoint")
    parser.add_argument(
        "puzzles", nargs="+", metavar="PUZZLE", help="a puzzle, a file, or a folder"
    )
    parser.add_argument(
        "--as",
        dest="form",
        choices=FORMS,
        default=FORMS[0],
        help="form of the answers (default: picture)",
    )
    parser.add_argument(
        "--submission",
        type=Path,
        metavar="FILE",
        help="for ARC: also write the submission to this file",
    )
    options.add_settings(parser, "--task-set", "a field of the task (default: as in training)")
    options.add_numbers(parser, ("--steps", None, "halting steps (as in the run's own evaluation)"))
    options.add_device(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Answer the puzzles, and print the answers."""
    from hrm.system import distributed
    from hrm.tasks.arc.task import Arc
    from hrm.training import runs
    from hrm.training.answering import Answering

    device = distributed.on(asked.device)
    found = runs.stored(asked.run)
    settings = options.settings_of(found.plan.task.to_json())
    name = type(found.plan.task).__name__.lower()
    task = options.task_of(name, [*settings, *asked.task_set], "--task-set")
    model = Answering(found, task, steps=asked.steps, device=device)
    if isinstance(task, Arc):
        _arc(asked, model)
        return 0
    if asked.submission is not None:
        raise UserError(
            f"--submission is {str(asked.submission)!r} for task {name}; allowed is that option "
            f"for arc only; leave it out, and use --as json"
        )
    answers = model.problems([problem for text in asked.puzzles for problem in _given(text, task)])
    if asked.form == "json":
        listed = [
            {
                "name": each.name,
                "answer": task.decode(each.board, each.prediction),
                "valid": each.valid,
                "steps": each.steps,
            }
            for each in answers
        ]
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
    elif asked.form == "text":
        for each in answers:
            answer = task.decode(each.board, each.prediction)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            sys.stdout.write(text + ("\n\n" if "\n" in text else "\n"))
    else:
        for each in answers:
            valid = "valid" if each.valid else "not valid"
            sys.stdout.write(f"{each.name}: {valid}, {each.steps:g} steps\n\n")
            sys.stdout.write(task.draw(each.board, each.prediction) + "\n\n")
    return 0


def _given(text: str, task: Any) -> "Sequence[Problem]":
    """Return the problems of an argument: a file, a folder, or the problem itself.

    Raises:
        UserError: If it is neither a path nor a problem, or the file has no problems.
    """
    from hrm.data import forms, imports

    path = Path(text)
    if text.strip() and "\n" not in text and len(text) < 4096 and path.exists():
        found = [each for file in imports.files(path) for each in forms.problems(file, task)]
    elif path.suffix in forms.SUFFIXES:
        raise UserError(
            f"puzzle is {text!r}, and there is no such file; allowed is a puzzle, a file or a "
            f"folder; name another"
        )
    else:
        found = list(forms.text(text, "puzzle", task))
    if not found:
        raise UserError(
            f"puzzle is {text!r}, which holds no puzzle; allowed is one or more; add some"
        )
    return found


def _arc(asked: argparse.Namespace, model: "Answering") -> None:
    from hrm.data import arcs
    from hrm.tasks.arc import scoring

    tasks = [each for text in asked.puzzles for each in arcs.read(Path(text))]
    submission, unknown = model.arc(tasks)
    if unknown:
        _log.warning(
            "the model wasn't trained on %d of %d tasks, such as %s",
            *(len(unknown), len(tasks), unknown[0]),
        )
    if asked.submission is not None:
        scoring.write_submission(asked.submission, submission)
    if asked.form == "json":
        sys.stdout.write(json.dumps(submission) + "\n")
        return
    for each in tasks:
        for number, (entry, pair) in enumerate(
            zip(submission[each.task.name], each.task.tests, strict=True)
        ):
            sys.stdout.write(f"{each.task.name}, test {number}\n\n")
            pictures = [entry[name] for name in scoring.ATTEMPTS]
            if asked.form == "picture":
                pictures.insert(0, pair.input.tolist())
            for rows in pictures:
                sys.stdout.write("\n".join(" ".join(map(str, row)) for row in rows) + "\n\n")
    solved = [each.task for each in tasks if all(pair.output.size for pair in each.task.tests)]
    if solved:
        ours = {task.name: submission[task.name] for task in solved}
        score = scoring.score_submission(ours, solved)
        copied = {
            task.name: [dict.fromkeys(scoring.ATTEMPTS, p.input.tolist()) for p in task.tests]
            for task in solved
        }
        trivial = scoring.score_submission(copied, solved)
        sys.stdout.write(
            f"solved: {score:.1%} of {len(solved)} tasks with known answers, "
            f"trivial {trivial:.1%} (copying the input)\n"
        )
