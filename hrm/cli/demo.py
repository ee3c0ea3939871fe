"""`hrm demo v2`: what per-sample halting saves, on a model that is trained for it in a minute."""

import argparse
import json
import sys
from typing import Any

from hrm.cli import options, progress
from hrm.errors import Diverged

LINE = "see what per-sample halting saves, on a model trained for it now"
TEXT = """\
Train a small v2 model to halt, in less than a minute, and run it on held-out boards twice, with the
same weights: as the original does, where a batch goes on until all its samples want to stop in the
same cycle, and each sample for itself. Prints cycles, operations, errors and what is saved: the
numbers of this run. Equal arguments give equal ones, but for the seconds.

  hrm demo v2
  hrm demo v2 --seed 2 --batch 32
  hrm demo v2 --json
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm demo`."""
    parser = options.command(subparsers, "demo", LINE, TEXT)
    parser.add_argument("document", choices=("v2",), metavar="v2", help="the document")
    options.add_numbers(
        parser,
        ("--seed", 1, "of all randomness"),
        ("--updates", None, "optimiser steps (800)"),
        ("--batch", None, "held-out boards a batch (4)"),
    )
    options.add_json(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Train, measure, print."""
    import torch

    from hrm.documented import demo
    from hrm.training import loop

    torch.set_num_threads(1)  # as fast at this size, and the same sums everywhere
    updates = demo.UPDATES if asked.updates is None else asked.updates
    batch = demo.BATCH if asked.batch is None else asked.batch
    with progress.lines() as say:

        def report(moment: loop.Moment, _: int) -> None:
            say(
                moment.update / updates,
                f"update {moment.update} of {updates}  error {-moment.score:.3f}  "
                f"cycles {moment.steps:.2f}",
            )

        try:
            found = demo.v2(seed=asked.seed, updates=updates, batch=batch, report=report)
        except Diverged as error:
            sys.stderr.write(f"hrm: training {error}; another --seed may do\n")
            return 1
    if asked.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        sys.stdout.write(demo.text(found))
    return 0
