"""The command line: `ablations list | show | plan | run | verdicts | report | ...`."""

import argparse
from collections.abc import Sequence
from typing import NoReturn

from ablations.cli.arguments import Commands, claims, commits, rule, stores
from hrm.system.command import Parser, run

DESCRIPTION = """\
Every documented claim about Hierarchical Reasoning Models, as an ablation.

  ablations list                    which claims there are
  ablations show controller-speed   what one of them says, and how it is decided
  ablations plan                    what would run, and how long it takes
  ablations run                     run what isn't stored yet; Ctrl-C, and the same command resumes
  ablations status                  how far a run is, from another terminal
  ablations verdicts                what follows from the stored runs
  ablations report                  the same as one HTML file
  ablations compare A B             which claims moved between two stores, reports or commits
  ablations findings                what the committed evidence gives, in the README and the docs
  ablations calibrate               how often the verdicts would be wrong where the truth is known
  ablations judge FILE              the rule for your own numbers
  ablations store check             whether a store's records are as they were written
  ablations history add             keep what asv measured at commits, for reports to show
  ablations bench-compare A B       whether one commit's benchmarks are slower than another's
"""
EPILOG = """\
Exit status: 0 when the job did its work (a contradicted claim is no failure), 2 for a mistake in
what was asked for, 1 for a failure of ours or, of `bench-compare`, for a slowdown that is
established, 130 after Ctrl-C, 143 after SIGTERM.
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
