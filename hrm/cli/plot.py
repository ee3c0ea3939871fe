"""`hrm plot RUN`: draw the pictures of a run."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hrm.cli import options, progress
from hrm.errors import UserError

NAMES = (
    *("training", "halting", "signals", "efficiency", "puzzle", "states"),
    *("communication", "positions", "architecture"),
)
_updates = 8  # optimiser steps of --demo
FORMATS = ("png", "svg")
LINE = "draw pictures of a run"
TEXT = """\
Draw pictures of a run into RUN/pictures: the tracked training curve, and all others from the best
checkpoint and the test boards. A run that is still training can be drawn too.

  training      losses, validation score and halting steps, beside trivial methods
  halting       halting steps by difficulty
  signals       the halting signal at each step
  efficiency    cost of lockstep, masked and compacted execution
  puzzle        a test board, the answer after each segment, the solution
  states        principal components, residuals, participation ratios
  communication what each level passes to the other at each update: its norm and direction
  positions     the halting probability of each position over steps (document complete)
  architecture  blocks with their parameters

If a picture can't be drawn for the run, the reason is printed. --json prints `drawn`, the file of
each picture, and `lacking`, the reason for each missing one.

Without a run, --demo RECIPE trains one on small mazes for a few seconds in DIR/run, and draws it.

  hrm plot runs/act
  hrm plot runs/act --only puzzle --board 3
  hrm plot runs/act --only training --only halting --format svg --output figures
  hrm plot --demo complete-tiny --output pictures
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm plot`."""
    parser = options.command(subparsers, "plot", LINE, TEXT)
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="a run's folder")
    parser.add_argument("--demo", metavar="RECIPE", help="make a short run of this recipe first")
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder (default: RUN/pictures)")
    parser.add_argument(
        "--format", choices=FORMATS, default=FORMATS[0], help="format of the files (default: png)"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=NAMES,
        metavar="NAME",
        help=f"one of {', '.join(NAMES)}; may be repeated (default: all)",
    )
    options.add_numbers(
        parser,
        ("--boards", 256, "largest number of test boards to use"),
        ("--board", 0, "index of the test board in the picture `puzzle`"),
    )
    options.add_data(parser, "test boards of your own, of the size of the run's")
    options.add_json(parser, "what was drawn")
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Draw the pictures, and print their files."""
    from hrm.plots import stored, style

    assert stored.NAMES == NAMES
    if (asked.run is None) == (asked.demo is None):
        raise UserError(
            f"run is {asked.run and str(asked.run)!r} and --demo is {asked.demo!r}; allowed is one "
            f"of both; give a run's folder, or --demo RECIPE"
        )
    source = asked.run if asked.demo is None else _demo(asked)
    pictures = stored.Pictures(source, boards=asked.boards, board=asked.board, data=asked.data)
    folder = asked.output or source / "pictures"
    if folder.exists() and not folder.is_dir():
        raise UserError(f"output is {str(folder)!r}, a file; allowed is a folder; name another")
    drawn: dict[str, str] = {}
    lacking: dict[str, str] = {}
    only = list(dict.fromkeys(asked.only))
    with progress.share("pictures") as step:
        for i, (name, found) in enumerate(pictures.draw(only), 1):
            if isinstance(found, str):
                if only:
                    raise UserError(
                        f"--only is {name}, which can't be drawn for this run ({found}); allowed "
                        f"are other pictures; leave --only out for all that can be drawn"
                    )
                lacking[name] = found
            else:
                path = folder / f"{name}.{asked.format}"
                style.save(found, path)
                drawn[name] = str(path)
            step(i / len(only or NAMES))
    if asked.json:
        sys.stdout.write(json.dumps({"drawn": drawn, "lacking": lacking}, indent=2) + "\n")
        return 0
    said = drawn | {name: f"not drawn: {why}" for name, why in lacking.items()}
    sys.stdout.writelines(f"{name:12}  {said[name]}\n" for name in only or NAMES)
    return 0


def _demo(asked: argparse.Namespace) -> Path:
    """Train a recipe for a few updates and return the run's folder.

    Raises:
        UserError: If there is no such recipe, or no folder is named.
    """
    from hrm.sweeps import grid

    options.recipe(asked.demo)
    if asked.output is None:
        raise UserError("--output is missing; --demo needs a folder to write to; name one")
    cells = grid.cells(grid.SETTINGS["small"], [asked.demo], ["maze"], updates=_updates)
    with progress.lines() as say:
        for _ in grid.run(cells, asked.output / "run", say):
            pass
    cell = cells[0]
    return Path(asked.output) / "run" / cell.recipe / cell.name
