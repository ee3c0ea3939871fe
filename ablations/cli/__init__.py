"""The command line: `ablations list | show | plan | run | verdicts | report | ...`."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from ablations.cli.arguments import Commands, claims, commits, rule, stores
from hrm.system.command import Parser, run

DESCRIPTION = """\
Every documented claim about Hierarchical Reasoning Models, as an ablation.

  ablations list                    list the claims
  ablations show controller-speed   show what one of them says, and how it is decided
  ablations plan                    show which runs are due, their cost, and what they can decide
  ablations run                     run what isn't stored yet; after Ctrl-C the same command resumes
  ablations status                  show the progress of a run, from another terminal
  ablations verdicts                decide the claims from the stored runs
  ablations report                  show the verdicts, with pictures, in one HTML file
  ablations compare A B             show which verdicts differ between two stores or reports
  ablations findings                write the results of the evidence into the README and the docs
  ablations calibrate               measure by simulation how often verdicts are wrong
  ablations judge FILE              decide a claim by the same rule from your own numbers
  ablations store check             check that a store's records are unchanged
  ablations history add             record asv's results of commits, for reports
  ablations bench-compare A B       check whether one commit's benchmarks are slower than another's
"""
EPILOG = """\
Exit status: 0 on success (a contradicted claim isn't a failure), 2 for a mistake in the arguments
or files, 1 for an internal error or, from `bench-compare`, for an established slowdown, 130 after
Ctrl-C, 143 after SIGTERM.
"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its status."""

    def job() -> int:
        asked = parser().parse_args(arguments)
        return int(asked.function(asked))

    run("ablations", job, "stopped; finished runs are stored, the same command resumes")


def parser() -> argparse.ArgumentParser:
    """Build the parser of all commands."""
    top = Parser(
        prog="ablations",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = Commands(top, "command")
    for room in (claims, rule, stores, commits):
        room.add(commands)
    return top
