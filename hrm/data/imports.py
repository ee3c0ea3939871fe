"""Convert a user's own files of several formats to the public format.

In a folder, names decide which files are for training (``train...``) and which for testing
(``test...``, ``eval...``). Without such names, a tenth of the boards, drawn at random, is for
testing. The tests of ARC tasks are those in the files.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from hrm.config.parts import require
from hrm.data import forms, public
from hrm.data.arcs import ArcFiles
from hrm.data.fetch import write_arc
from hrm.data.forms import Problem, problems, refused
from hrm.data.public import SPLITS
from hrm.data.tables import Table, chosen, drawn
from hrm.data.writing import augmented, nothing, vacant, write
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Task
from hrm.tasks.arc.task import Arc
from hrm.tasks.asking import Asking
from hrm.tasks.board import randomness
from hrm.tasks.grids import solutions
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku

_piece = 1_000  # boards encoded at a time
_least = {"variables": 4, "vertices": 6}  # smallest task sizes, also for smaller problems
_form = "sudoku lines or CSV, mazes, .cnf, .col, ARC's JSON, or a folder of one of these"


def guess(path: Path) -> tuple[str | None, dict[str, Any]]:
    """Return the name of the task of some files, or None if unclear, and the fields that it needs.

    Raises:
        UserError: If there are no files, they can't be read, or they belong to several tasks.
    """
    if public.splits(path):
        return None, {}
    found = [each for file in files(path) if (each := forms.guessed(file)) is not None]
    names = sorted({name for name, _ in found})
    if len(names) > 1:
        raise refused(path, f"it has boards of {', '.join(names)}", "those of one task", "part it")
    fields: dict[str, Any] = {}
    for _, said in found:
        for name, value in said.items():
            fields[name] = max(value, fields.get(name, _least.get(name, 1)))
    return (names[0] if names else None), fields


def fields_of(path: Path, name: str) -> dict[str, Any]:
    """Return the fields that a task needs to read boards of files or of a public folder, or {}."""
    if not (there := public.splits(path)):
        guessed, fields = guess(path)
        return fields if guessed == name else {}
    data = public.read(path, there[0])
    vocabulary, cells = data.vocabulary, data.positions
    match name:
        case "sudoku" | "maze":
            return {"size": math.isqrt(cells)}
        case "logic":
            variables = (vocabulary - 3) // 2
            return {"variables": variables, "clauses": (cells - variables) // 3}
        case "coloring":
            return {"vertices": (math.isqrt(8 * cells + 1) - 1) // 2}
    return {}


def bring_in(
    path: Path,
    folder: Path,
    task: Task,
    *,
    train: int | None = None,
    test: int | None = None,
    augment: int = 0,
    seed: int = 0,
    testing: bool = False,
) -> None:
    """Write the boards of files to a folder in the public format, completely or not at all.

    Args:
        path: A file, or a folder of files.
        folder: The folder to write, which must be new or empty.
        task: The task of the boards.
        train: Number of training boards, drawn at random; None for all.
        test: Number of test boards, if file names don't determine them; None for a tenth.
        augment: Number of random versions of each training board, or of each task of ARC.
        seed: Seed of all draws.
        testing: Whether all boards are for testing, whatever their files are named; ARC excepted.

    Raises:
        UserError: If a file can't be read or is malformed, a board isn't one of the task, a number
            is out of range, or the folder isn't empty or can't be written.
    """
    vacant(folder)
    if isinstance(task, Arc):
        require(train is None and test is None, "boards of arc", (train, test), "all", "leave out")
        arc = ArcFiles(
            folder=str(path),
            augmentations=augment or task.augmentations,
            translate=task.translate,
            training_tests=True,
        )
        write_arc(folder, arc, seed)
        return
    parts = {"all": files(path)} if testing else _parted(path)
    random = randomness(seed)
    whole = {name: _pieces(those, task) for name, those in parts.items()}
    counts = {name: _count(those, task, whole[name]) for name, those in parts.items()}
    if "all" in parts:
        count = counts["all"]
        held = max(min(1, count - 1), count // 10) if test is None else test
        held = count if testing else held
        allowed = f"0 to {count - 1}"
        require(testing or 0 <= held < count, "test boards", held, allowed, "ask for fewer")
        order = random.permutation(count)
        rows = {"test": np.sort(order[:held]), "train": np.sort(order[held:])}
        pieces = {name: chosen(whole["all"](), rows[name]) for name in rows}
        counts["train"] = count - held
    else:
        require(test is None, "test boards", test, "those that are named so", "leave it out")
        pieces = {name: whole[name]() for name in parts}
    if train is not None:
        pieces["train"] = drawn(pieces["train"], train, counts["train"], random)
    more = (augmented(task, boards, augment, random) for boards in pieces["train"])
    splits = {"train": chain.from_iterable(more), "test": pieces["test"]}
    write(folder, task, {split: chain([nothing(task)], splits[split]) for split in SPLITS})


def sources(path: Path) -> list[Path]:
    """Return all files that `bring_in` reads."""
    return sorted(path.rglob("*")) if path.is_dir() else [path]


def _parted(path: Path) -> dict[str, list[Path]]:
    """Return the files for ``train`` and ``test``, or for ``all`` if names don't tell."""
    parts: dict[str, list[Path]] = {"train": [], "test": []}
    for file in files(path):
        inside = file.relative_to(path).parts if path.is_dir() else ()
        for name, beginnings in (("train", ("train",)), ("test", ("test", "eval"))):
            if any(part.lower().startswith(beginnings) for part in inside):
                parts[name].append(file)
    return parts if all(parts.values()) else {"all": files(path)}


def files(path: Path) -> list[Path]:
    """Return the files of boards at a path.

    Raises:
        UserError: If there are none.
    """
    if not path.exists():
        raise refused(path, "it isn't there", _form, "name another")
    found = [
        f
        for f in sources(path)
        if f.is_file() and not f.name.startswith(".") and (f == path or f.suffix in forms.SUFFIXES)
    ]
    if not found:
        raise refused(path, "there's no file of boards in it", _form, "name another")
    return found


def _pieces(those: Sequence[Path], task: Task) -> Callable[[], Iterator[Boards]]:
    """Return a function that yields the boards of files; tables are read again at each call."""
    tables = [file for file in those if file.suffix == ".csv"]
    others = [file for file in those if file.suffix != ".csv"]
    solved = [boards for file in others for boards in _solved(file, task)]

    def pieces() -> Iterator[Boards]:
        for path in tables:
            for boards, _ in _table(path, task).boards():
                yield boards
        yield from solved

    return pieces


def _count(those: Sequence[Path], task: Task, pieces: Callable[[], Iterator[Boards]]) -> int:
    if all(file.suffix == ".csv" for file in those):
        return sum(_table(file, task).count() for file in those)
    return sum(len(boards) for boards in pieces())


def _table(path: Path, task: Task) -> Table:
    return Table(path, task, "mend the file", strict=True)


def _solved(path: Path, task: Task) -> Iterator[Boards]:
    """Yield the boards of problems; those without a solution in the file are solved."""
    rows: list[tuple[Ints, Ints]] = []
    for problem in problems(path, task):
        rows.append(solved(problem, task))
        if len(rows) == _piece:
            yield _stacked(rows)
            rows = []
    if rows:
        yield _stacked(rows)


def solved(problem: Problem, task: Task) -> tuple[Ints, Ints]:
    """Return the input of a problem and its stored answer, [cells] each.

    Raises:
        UserError: If it isn't a problem of the task, its answer is wrong, or the task has no
            solver.
    """
    try:
        board: Ints = task.encode(problem.problem)
    except UserError as error:
        raise UserError(f"{problem.name}: {error}") from error
    # Private solvers of tasks: renaming them would invalidate all cached boards.
    if isinstance(task, Sudoku):
        if problem.answer is None:
            return board, np.array(solutions(board.tolist(), task.size, 1)[0], dtype=np.int64)
        text = problem.answer.strip()
        digits = np.array([int(c) if c in "0123456789" else 0 for c in text], dtype=np.int64)
        if len(digits) != task.cells or not task.check(board, digits):
            raise UserError(
                f"{problem.name}: the solution is {text!r}; allowed is that of the puzzle, row by "
                f"row; mend it, or leave it out"
            )
        return board, digits
    if isinstance(task, Maze):
        return board, task._canonical(board[None])[0]
    if isinstance(task, Asking):
        return board, task._answer(board[None]).targets[0]
    raise UserError(
        f"{problem.name}: {type(task).__name__} doesn't solve problems; allowed is a sudoku, maze, "
        f"logic or coloring; give boards in the public format"
    )


def _stacked(rows: Sequence[tuple[Ints, Ints]]) -> Boards:
    inputs, targets = (np.stack(each) for each in zip(*rows, strict=True))
    return Boards(inputs=inputs, targets=targets, difficulty=np.zeros(len(rows)))
