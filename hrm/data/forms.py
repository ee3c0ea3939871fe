"""Problems in files of several formats; the suffix determines the format.

    .csv            sudokus or mazes, see `hrm.data.tables`
    .cnf            a formula in DIMACS format, for logic
    .col            a graph in DIMACS format, for coloring; vertices from 1
    .json           a list of problems in the task's natural form; for arc see `hrm.data.arcs`
    any other       text: one sudoku per line, with or without its solution; mazes as pictures, an
                    empty line between two

Lines of text that begin with % or // are comments.
"""

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrm.data.tables import Table
from hrm.errors import UserError
from hrm.tasks import Task
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku

SUFFIXES = (".csv", ".txt", ".sdm", ".cnf", ".col", ".json")
_blanks = "0.-_*"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A problem in its natural form.

    Args:
        name: Its place in a file, for messages.
        problem: The problem, in the form that `Task.encode` takes.
        answer: The solution of a sudoku, if the file has it.
    """

    name: str
    problem: Any
    answer: str | None = None


def problems(path: Path, task: Task) -> Iterator[Problem]:
    """Yield the problems of a file, in order.

    Raises:
        UserError: If the file can't be read, or doesn't have the format of its suffix.
    """
    try:
        if path.suffix == ".csv":
            yield from _rows(path, task)
        elif path.suffix == ".cnf":
            yield Problem(name=str(path), problem=clauses(path))
        elif path.suffix == ".col":
            yield Problem(name=str(path), problem=edges(path)[1])
        elif path.suffix == ".json":
            for i, each in enumerate(_list(path), 1):
                yield Problem(name=f"{path}, {i}", problem=each)
        else:
            yield from text(read(path), str(path), task)
    except OSError as error:
        raise refused(path, f"it can't be read ({error.strerror or error})", "a file") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise refused(path, f"it isn't text ({error})", "text in UTF-8") from error


def text(content: str, name: str, task: Task) -> Iterator[Problem]:
    """Yield the problems of a text: one sudoku per line, mazes as pictures, others in JSON."""
    lines = [line.rstrip("\r") for line in content.split("\n")]
    lines = [line for line in lines if not line.startswith(("%", "//"))]
    if isinstance(task, Maze):
        pictures = "\n".join(line if line.strip() else "" for line in lines).split("\n\n")
        for i, picture in enumerate((p for p in pictures if p.strip()), 1):
            yield Problem(name=f"{name}, board {i}", problem=picture.strip("\n"))
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}" if len(lines) > 1 else name
        if isinstance(task, Sudoku):
            puzzle, *rest = line.replace(",", " ").split()
            for blank in _blanks:
                puzzle = puzzle.replace(blank, ".")
            yield Problem(name=where, problem=puzzle, answer=rest[0] if rest else None)
        else:
            try:
                yield Problem(name=where, problem=json.loads(line))
            except ValueError as error:
                raise UserError(
                    f"{where} isn't JSON ({error}); allowed is a problem of "
                    f"{type(task).__name__} in JSON, such as a list; write it so"
                ) from error


def clauses(path: Path) -> list[list[int]]:
    """Return the clauses of a formula in DIMACS format."""
    heading, numbers = False, list[int]()
    for line in read(path).split("\n"):
        words = line.split()
        if not words or words[0] == "c":
            continue
        if words[0] == "%":  # marks the end in SATLIB's files
            break
        if words[0] == "p":
            if words[1:2] != ["cnf"] or len(words) != 4:
                raise refused(path, f"its heading is {line!r}", "p cnf VARIABLES CLAUSES")
            heading = True
            continue
        numbers += _whole(path, words)
    if not heading:
        raise refused(path, "it has no heading", "a line p cnf VARIABLES CLAUSES")
    found: list[list[int]] = [[]]
    for number in numbers:
        if number:
            found[-1].append(number)
        else:
            found.append([])
    return [clause for clause in found if clause]


def edges(path: Path) -> tuple[int, list[tuple[int, int]]]:
    """Return the number of vertices of a graph in DIMACS format, and its edges, from 0."""
    vertices, found = 0, list[tuple[int, int]]()
    for line in read(path).split("\n"):
        words = line.split()
        if not words or words[0] == "c":
            continue
        if words[0] == "p" and len(words) == 4 and words[1] in ("edge", "edges", "col"):
            vertices = _whole(path, words[2:3])[0]
        elif words[0] == "e" and len(words) == 3:
            one, other = _whole(path, words[1:])
            if not (1 <= one <= vertices and 1 <= other <= vertices and one != other):
                raise refused(path, f"it has {line!r}", f"two vertices, 1 to {vertices}")
            found.append((min(one, other) - 1, max(one, other) - 1))
        else:
            raise refused(path, f"it has {line!r}", "p edge VERTICES EDGES, e VERTEX VERTEX")
    if not vertices:
        raise refused(path, "it has no heading", "a line p edge VERTICES EDGES")
    return vertices, list(dict.fromkeys(found))


def guessed(path: Path) -> tuple[str, dict[str, Any]] | None:
    """Return the task of a file, by name, and the fields that it needs; None if it is unclear.

    Raises:
        UserError: If the file can't be read.
    """
    if path.suffix == ".cnf":
        formula = clauses(path)
        most = max((abs(x) for clause in formula for x in clause), default=0)
        return "logic", {"variables": most, "clauses": len(formula)}
    if path.suffix == ".col":
        return "coloring", {"vertices": edges(path)[0]}
    if path.suffix == ".json":
        return "arc", {}
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines = [line.rstrip("\n") for _, line in zip(range(100), file, strict=False)]
    longest = max((word for line in lines for word in line.split(",")), key=len, default="")
    if set("#") & set("".join(lines)):
        size = math.isqrt(len(longest)) if path.suffix == ".csv" else len(longest)
        return "maze", {"size": size}
    cells = max((len(word) for word in longest.split()), default=0)
    size = math.isqrt(cells)
    return ("sudoku", {"size": size}) if size * size == cells and size in (4, 6, 9) else None


def read(path: Path) -> str:
    """Return a file's text."""
    return path.read_text(encoding="utf-8-sig")


def refused(path: Path, found: str, allowed: str, mend: str = "mend the file") -> UserError:
    """Return the error for a file that doesn't have its format."""
    return UserError(f"{str(path)!r}: {found}; allowed is {allowed}; {mend}")


def _rows(path: Path, task: Task) -> Iterator[Problem]:
    table = Table(path, task, "mend the file")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        first = next(rows, [])
        question, answer, headings = table.columns(first)
        for number, row in enumerate([*([] if headings else [first]), *rows], 1 + headings):
            if not row:
                continue
            if len(row) <= question:
                raise refused(path, f"line {number} has {len(row)} fields", "a question in each")
            solution = row[answer] if len(row) > answer else None
            cells = row[question]
            if isinstance(task, Maze):
                size = task.size
                cells = "\n".join(cells[i : i + size] for i in range(0, len(cells), size))
            yield Problem(name=f"{path}, line {number}", problem=cells, answer=solution)


def _list(path: Path) -> list[Any]:
    try:
        found = json.loads(read(path))
    except ValueError as error:
        raise refused(path, f"it isn't JSON ({error})", "JSON in UTF-8") from error
    if not isinstance(found, list):
        raise refused(path, "it holds no list", "a list of problems")
    return found


def _whole(path: Path, words: Sequence[str]) -> list[int]:
    try:
        return [int(word) for word in words]
    except ValueError as error:
        raise refused(path, f"it has {' '.join(words)!r}", "whole numbers") from error
