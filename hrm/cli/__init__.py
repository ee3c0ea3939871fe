"""The command line: `hrm summary | train | eval | evaluate | predict | demo | plot | ...`.

Each command is a module with `add(subparsers)`, which adds its parser, and a function that runs it
and returns the exit status. Modules import torch and tasks inside these functions, so that `--help`
is fast.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn

from hrm.cli import (
    configured,
    convert,
    data,
    demo,
    evaluate,
    grid,
    options,
    plot,
    predict,
    summary,
    sweep,
    train,
)
from hrm.system.command import Parser, run

DESCRIPTION = """\
One configurable Hierarchical Reasoning Model, its tasks and its data.

  hrm summary act-v1           modules, shapes, parameters, operations of a documented system
  hrm train gru maze ...       train it on a task, into a run's folder
  hrm eval DIR maze            score a run's checkpoints
  hrm evaluate --output DIR    recipes by tasks, trained and scored, as a table and a heat map
  hrm predict DIR PUZZLE ...   answer puzzles of your own with a run's model
  hrm plot DIR                 draw pictures of a run
  hrm sweep gru maze ...       search for its best configuration
  hrm convert CHECKPOINT DIR   convert a checkpoint of the public code to a run, or back
  hrm demo v2                  demonstrate a document on a model that is trained now
  hrm data show sudoku         what a task looks like
  hrm data build sudoku        write a task's boards in the field's public format
  hrm data import PATH         write boards of your own in that format
  hrm data info DIR            check and describe a folder in that format
  hrm data fetch maze-hard     download a published data set
"""
EPILOG = """\
Exit status: 0 on success, 2 for a mistake in the arguments or files, 1 for an internal error or for
training that diverged, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""

    def job() -> int:
        given = configured.expanded(sys.argv[1:] if arguments is None else arguments)
        options.include(given)
        asked = parser().parse_args(given)
        asked.line = shlex.join(["hrm", *(sys.argv[1:] if arguments is None else arguments)])
        return int(asked.function(asked))

    run("hrm", job, "stopped")


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = Parser(
        prog="hrm",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_include(top)
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (summary, train, evaluate, grid, predict, demo, plot, sweep, convert, data):
        command.add(subparsers)
    return top
