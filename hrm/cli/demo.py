"""`hrm demo DOCUMENT`: demonstrate a document on a model that is trained in a minute."""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from hrm.cli import options, progress
from hrm.errors import Diverged, UserError

DOCUMENTS = ("v2", "gru", "amulgent", "act-v1", "complete")
LINE = "demonstrate a document on a model that is trained now"
TEXT = """\
Train a small model as a document describes it, in less than a minute, and show its main features:

  v2        the computation that per-sample halting saves: the same weights and held-out boards are
            executed as in the original, where a batch continues until all its samples decide to
            stop in the same cycle, and with each sample stopping on its own
  gru       the printed training step; halting as a batch, and each sample on its own
  amulgent  baseline and enhancements, feature by feature, with the agent's learning metrics
  act-v1    the carry, halting, and evaluation with all steps and with halting
  complete  training on several tasks, the steps of each board, and the document's pictures

All numbers are measured in this run; equal arguments give equal numbers, except for seconds.

  hrm demo v2 --seed 2 --batch 32
  hrm demo gru
  hrm demo amulgent --output pictures
  hrm demo act-v1 --json
  hrm demo complete --output pictures
  hrm demo v2 --json
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm demo`."""
    parser = options.command(subparsers, "demo", LINE, TEXT)
    parser.add_argument(
        "document", choices=DOCUMENTS, metavar="DOCUMENT", help=", ".join(DOCUMENTS)
    )
    options.add_numbers(
        parser,
        ("--seed", None, "seed of all random draws (1 for v2, else 0)"),
        ("--updates", None, "optimiser steps (as many as take less than a minute)"),
        ("--batch", None, "for v2: held-out boards per batch (4)"),
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for pictures (default: demo-DOCUMENT)"
    )
    options.add_json(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Train, measure, and print the results."""
    import torch

    torch.set_num_threads(1)  # as fast at this size, and sums don't depend on the machine's cores
    if asked.batch is not None and asked.document != "v2":
        raise UserError(
            f"--batch is {asked.batch}; allowed is that option for v2 only; leave it out"
        )
    try:
        text, data = _v2(asked) if asked.document == "v2" else _shown(asked)
    except Diverged as error:
        sys.stderr.write(f"hrm: training {error}; try another --seed\n")
        return 1
    sys.stdout.write(json.dumps(data, indent=2) + "\n" if asked.json else text)
    return 0


def _v2(asked: argparse.Namespace) -> tuple[str, Any]:
    """Return the output of document v2's demonstration, which has no pictures."""
    from hrm.documented.demos import v2
    from hrm.training import loop

    updates = v2.UPDATES if asked.updates is None else asked.updates
    batch = v2.BATCH if asked.batch is None else asked.batch
    with progress.lines() as say:

        def report(moment: loop.Moment, _: int) -> None:
            say(
                moment.update / updates,
                f"update {moment.update} of {updates}  error {-moment.score:.3f}  "
                f"cycles {moment.steps:.2f}",
            )

        seed = 1 if asked.seed is None else asked.seed
        found = v2.v2(seed=seed, updates=updates, batch=batch, report=report)
    return v2.text(found), found.to_json()


def _shown(asked: argparse.Namespace) -> tuple[str, Any]:
    """Return the output of another document's demonstration, after drawing its pictures."""
    from hrm.plots import style

    module: Any = importlib.import_module(
        f"hrm.documented.demos.{asked.document.replace('-', '_')}"
    )
    updates = module.UPDATES if asked.updates is None else asked.updates
    with progress.lines() as say:
        found = module.run(0 if asked.seed is None else asked.seed, updates, say)
    folder = asked.output or Path(f"demo-{asked.document}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"output is {str(folder)!r}, a file; allowed is a folder; name another")
    paths = {name: folder / f"{name}.png" for name in found.figures}
    for name, figure in found.figures.items():
        style.save(figure, paths[name])
    drawn = {name: str(path) for name, path in paths.items()}
    lines = "".join(f"{name:18}  {path}\n" for name, path in drawn.items())
    return f"{found.text}\n{lines}", {**found.data, "pictures": drawn}
