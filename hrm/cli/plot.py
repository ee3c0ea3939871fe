"""`hrm plot RUN`: draw the pictures of a run."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from hrm.cli import options, progress
from hrm.errors import UserError

NAMES = ("training", "halting", "signals", "efficiency", "puzzle", "states", "architecture")
FORMATS = ("png", "svg")
LINE = "draw pictures of a run"
TEXT = """\
Draw pictures of a run into RUN/pictures: its curve as it was tracked, the rest from its best
checkpoint and its test boards. A run that is still going on can be drawn too.

  training      losses, validation score and halting steps, beside trivial methods
  halting       halting steps by difficulty
  signals       the halting signal at each step
  efficiency    cost of lockstep, masked and compacted execution
  puzzle        a test board, the answer after each segment, the solution
  states        principal components, residuals, participation ratios
  architecture  blocks with their parameters

If a picture can't be drawn for the run, the reason is printed. --json prints `drawn`, the file of
each picture, and `lacking`, the reason for each missing one.

  hrm plot runs/act
  hrm plot runs/act --only puzzle --board 3
  hrm plot runs/act --only training --only halting --format svg --output figures
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm plot`."""
    parser = options.command(subparsers, "plot", LINE, TEXT)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
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
        ("--boards", 256, "test boards looked at, at most"),
        ("--board", 0, "the test board of the puzzle"),
    )
    options.add_data(parser, "test boards of your own, of the size of the run's")
    options.add_json(parser, "what was drawn")
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Draw the pictures, and print their files."""
    from hrm.plots import stored, style

    assert stored.NAMES == NAMES
    pictures = stored.Pictures(asked.run, boards=asked.boards, board=asked.board, data=asked.data)
    folder = asked.output or asked.run / "pictures"
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
                        f"--only {name}: this run can't give that picture ({found}); allowed is "
                        f"one that it can; leave --only out for all of those"
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
