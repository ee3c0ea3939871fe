"""`hrm evaluate`: recipes by tasks, trained and scored, as a table and a heat map."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrm.cli import options, progress
from hrm.errors import UserError
from hrm.system import extensions

if TYPE_CHECKING:
    from hrm.sweeps.grid import Entry

SETTINGS = ("small", "full")
LINE = "train and score recipes on tasks, as a table and a heat map"
TEXT = """\
Train each recipe on each task, score it and the task's trivial methods on the test boards, and
write grid.json, grid.csv and grid.png (a heat map) into the folder. Each cell is a run of its own
in DIR/RECIPE/TASK; finished runs aren't trained again, so that the same command resumes after
Ctrl-C.

  --setting small  the sizes of document complete up to medium, small boards, 100 updates: takes two
                   minutes, which is too short to beat the trivial methods
  --setting full   all four sizes, the documented boards, 2,000 updates: takes hours

With --joint, each recipe is also trained on all tasks at once, with as many updates for each task
as in single-task training, and scored on each task. This takes twice the time.

  hrm evaluate --output runs/grid
  hrm evaluate --recipes complete-tiny,complete-small --tasks maze,pattern --joint --output runs/two
  hrm evaluate --recipes gru,complete-small --tasks maze --updates 500 --output runs/maze --json

--json prints `cells`, each with `recipe`, `task`, `training` (single or joint), `parameters`,
`unknown` and `valid` of the best checkpoint (null where training diverged), `trivial`, the score of
the best trivial method, `method`, its name, and `difference`, which is `unknown` - `trivial`.
"""


def add(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Describe `hrm evaluate`."""
    parser = options.command(subparsers, "evaluate", LINE, TEXT)
    parser.add_argument("--recipes", type=_names, default=[], metavar="NAME,NAME", help="(all)")
    parser.add_argument(
        "--tasks",
        type=_names,
        default=[],
        metavar="NAME,NAME",
        help="(sudoku,maze,pattern,hanoi,logic,coloring)",
    )
    parser.add_argument(
        "--setting",
        choices=SETTINGS,
        default=SETTINGS[0],
        help="sizes and updates (default: small)",
    )
    parser.add_argument("--joint", action="store_true", help="also train on all tasks at once")
    options.add_output(parser, "a new folder, or that of a grid to resume")
    options.add_numbers(
        parser,
        ("--updates", None, "optimiser steps of each run (the setting's)"),
        ("--seed", 0, "seed of weights, order and boards"),
        ("--threads", 1, "number of torch's threads"),
    )
    options.add_json(parser)
    parser.set_defaults(function=run)


def run(asked: argparse.Namespace) -> int:
    """Train the cells that aren't finished, and write and print the table."""
    for name in asked.recipes:
        options.recipe(name)
    for name in asked.tasks:
        if name not in extensions.names():
            known = extensions.names()
            mend = options.did_you_mean(name, known, "name one or more of them")
            raise UserError(f"--tasks has {name!r}; allowed are {', '.join(known)}; {mend}")

    import torch

    from hrm.plots import comparison, style
    from hrm.sweeps import grid

    torch.set_num_threads(asked.threads)
    cells = grid.cells(
        grid.SETTINGS[asked.setting],
        asked.recipes,
        asked.tasks,
        joint=asked.joint,
        updates=asked.updates,
        seed=asked.seed,
    )
    found: list[Entry] = []
    try:
        with progress.lines() as say:
            for entries in grid.run(cells, asked.output, say):
                found += entries
    except KeyboardInterrupt:
        sys.stderr.write(
            f"hrm: stopped; {len(found)} scores are kept; the same command resumes: {asked.line}\n"
        )
        return 130
    (asked.output / "grid.json").write_text(grid.to_json(found) + "\n", encoding="utf-8")
    _write(asked.output / "grid.csv", found)
    style.save(comparison.heat_map(*rows(found)), asked.output / "grid.png")
    sys.stdout.write(grid.to_json(found) + "\n" if asked.json else shown(found))
    return 0


def rows(
    found: "Sequence[Entry]",
) -> tuple[dict[str, dict[str, float | None]], dict[str, float | None]]:
    """Return the scores of each recipe by task, and those of the best trivial method."""
    scores: dict[str, dict[str, float | None]] = {}
    trivial: dict[str, float | None] = {}
    for entry in found:
        name = entry.recipe if entry.training == "single" else f"{entry.recipe}, joint"
        scores.setdefault(name, {})[entry.task] = entry.unknown
        if entry.training == "single":
            trivial.setdefault(entry.task, entry.trivial)
    return scores, trivial


def shown(found: "Sequence[Entry]") -> str:
    """Return the table: unknown cells right, and points above the best trivial method."""
    scores, trivial = rows(found)
    apart = {(e.recipe, e.training, e.task): e.difference for e in found}
    wide = max(14, *map(len, trivial))
    width = max(map(len, (*scores, "unknown cells right", "best trivial method")))
    lines = [f"{'unknown cells right':{width}}" + "".join(f"  {t:>{wide}}" for t in trivial)]
    for name, row in scores.items():
        recipe, _, joint = name.partition(", ")
        cells = [
            _cell(row.get(task), apart.get((recipe, joint or "single", task))) for task in trivial
        ]
        lines.append(f"{name:{width}}" + "".join(f"  {cell:>{wide}}" for cell in cells))
    last = "".join(f"  {_cell(value, None):>{wide}}" for value in trivial.values())
    lines.append(f"{'best trivial method':{width}}{last}")
    return "\n".join(lines) + "\n"


def _cell(value: float | None, apart: float | None) -> str:
    if value is None:
        return "diverged"
    return f"{value:.1%}" if apart is None else f"{value:.1%} ({100 * apart:+.1f})"


def _write(path: Path, found: "Sequence[Entry]") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*vars(found[0]), "difference"])
        writer.writerows([*vars(entry).values(), entry.difference] for entry in found)


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]
