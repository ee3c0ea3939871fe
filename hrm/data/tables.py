"""Boards in CSV files: one board per line, with its question and its answer row by row.

Two kinds of columns are known: ``source,question,answer,rating`` of public sets on the hub, and
``quizzes,solutions`` of sudoku collections. Other columns are ignored; the headings may be missing.
A cell is one character: ``.`` or ``0`` for a blank in a sudoku; ``#``, space, ``S`` and ``G`` in a
maze, and ``o`` on its path. Characters are mapped to tokens directly, since `Task.encode` would
prove for each of millions of boards that its solution is unique.
"""

import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from hrm.config.parts import require
from hrm.data.writing import taken
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Task
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku

_log = logging.getLogger(__name__)
_questions = ("question", "quizzes", "quiz", "puzzle", "puzzles")
_answers = ("answer", "solutions", "solution")


@dataclass(frozen=True, kw_only=True)
class _Form:
    """The characters in which the boards of a task are written.

    Args:
        question: The character of each input token, in order; the first one is that of open cells.
        answer: The characters of an answer; those that the question has too stand at the same
            places.
        targets: Maps the places of an answer's characters to classes.
    """

    question: str
    answer: str
    targets: Callable[[Ints], Ints]


_maze = _Form(
    question=" #SG",
    answer=" #SGo",
    targets=lambda answers: (answers == len(" #SG")).astype(np.int64),
)


class Table:
    """A CSV file of sudokus or mazes.

    Args:
        path: The file.
        task: The task of the boards.
        mend: Advice for the error message of a file that is refused.
        strict: Whether invalid answers are refused; otherwise a warning counts them.

    Raises:
        UserError: If the task has no such format.
    """

    def __init__(self, path: Path, task: Task, mend: str, *, strict: bool = False) -> None:
        self.path, self.task, self.mend, self.strict = path, task, mend, strict
        if isinstance(task, Sudoku):
            digits = ".123456789"[: task.vocabulary]
            self.form = _Form(question=digits, answer=digits, targets=lambda answers: answers)
        elif isinstance(task, Maze):
            self.form = _maze
        else:
            raise UserError(
                f"{str(path)!r} is a table, and {type(task).__name__} has none; allowed is a "
                f"sudoku or a maze; give its boards in another form"
            )

    def count(self) -> int:
        """Return the number of boards, that is, of non-empty lines without headings."""
        with self.path.open("rb") as file:
            first = file.readline().decode("utf-8-sig", "replace").strip()
            headings = self.columns(next(csv.reader([first]), []))[2]
            return sum(1 for line in file if line.strip()) + (bool(first) and not headings)

    def columns(self, first: Sequence[str]) -> tuple[int, int, bool]:
        """Return the columns of question and answer, and whether a first line is headings."""
        names = [name.strip().lower() for name in first]
        places = [
            next((i for i, name in enumerate(names) if name in known), -1)
            for known in (_questions, _answers)
        ]
        question = 0 if len(first) == 2 else 1  # columns of both kinds
        if min(places) >= 0:
            return places[0], places[1], True
        lengths = [len(text) for text in first[question : question + 2]]
        return question, question + 1, lengths != [self.task.cells] * 2

    def boards(self, piece: int = 10_000) -> Iterator[tuple[Boards, int]]:
        """Yield boards in pieces, each with the number of bytes of the file read so far.

        Raises:
            UserError: If the file is malformed; it names the file and the line.
        """
        with self.path.open("rb") as file:
            text = TextIOWrapper(file, "utf-8-sig", newline="")
            for boards in self._boards(text, piece):
                yield boards, file.tell()

    def _boards(self, file: TextIO, piece: int) -> Iterator[Boards]:
        rows: Iterator[list[str]] = csv.reader(file)
        line, count, invalid = 2, 0, 0
        try:
            first = next(rows, [])
            question, answer, headings = self.columns(first)
            if not headings:
                rows, line = chain([first], rows), 1
            while several := list(islice(rows, piece)):
                boards = self._converted(several, line, len(first), question, answer)
                wrong = self.task.score(boards, boards.targets).valid < 1
                if self.strict and wrong.any():
                    number = count + int(wrong.argmax()) + 1
                    found = f"the answer of board {number} is no solution of its question"
                    raise self._refused(line, found, "a valid answer to each")
                invalid += int(wrong.sum())
                line, count = line + len(several), count + len(boards)
                yield boards
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._refused(line, str(error), "CSV in UTF-8") from error
        if count == 0:
            raise self._refused(line, "there's no board", "a board a line, under the headings")
        if invalid:
            _log.warning("%s: %d of %d answers aren't valid", self.path, invalid, count)

    def _converted(
        self, rows: Sequence[Sequence[str]], line: int, columns: int, question: int, answer: int
    ) -> Boards:
        cells, form = self.task.cells, self.form
        numbers = [line + i for i, row in enumerate(rows) if row]  # empty lines aren't boards
        rows = [row for row in rows if row]
        for number, row in zip(numbers, rows, strict=True):
            if len(row) != columns or [len(row[i]) for i in (question, answer)] != [cells] * 2:
                found = f"its fields have {', '.join(str(len(text)) for text in row)} characters"
                allowed = (
                    f"source, question, answer and rating, or quiz and solution, both boards of "
                    f"{cells} characters"
                )
                raise self._refused(number, found, allowed)
        zero = form.question[0]
        inputs = _places([row[question].replace("0", zero) for row in rows], form.question)
        answers = _places([row[answer] for row in rows], form.answer)
        for what, places, symbols in (
            ("question", inputs, form.question),
            ("answer", answers, form.answer),
        ):
            foreign = (places < 0).any(axis=1)
            if foreign.any():
                found = f"the {what} has another character"
                number = numbers[int(foreign.argmax())]
                raise self._refused(number, found, f"those of {symbols!r}")
        lost = ((inputs != answers) & (inputs != 0)).any(axis=1)
        if lost.any():
            found = "the answer changes a cell that the question gives"
            raise self._refused(numbers[int(lost.argmax())], found, "an answer to the question")
        targets = form.targets(answers)
        return Boards(inputs=inputs, targets=targets, difficulty=np.zeros(len(rows)))

    def _refused(self, line: int, found: str, allowed: str) -> UserError:
        return UserError(
            f"{str(self.path)!r}, line {line}: {found}; allowed is {allowed}; {self.mend}"
        )


def drawn(
    pieces: Iterable[Boards], number: int, count: int, random: np.random.Generator
) -> Iterator[Boards]:
    """Return `number` of `count` boards, drawn at random, in order.

    Raises:
        UserError: If there are fewer.
    """
    require(
        0 <= number <= count, "training boards", number, f"0 to {count}", "ask for fewer, or all"
    )
    return chosen(pieces, np.sort(random.choice(count, number, replace=False)))


def chosen(pieces: Iterable[Boards], rows: Ints) -> Iterator[Boards]:
    """Yield some boards, in order; `rows` ascend."""
    start = 0
    for boards in pieces:
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(boards))]
        yield taken(boards, here - start)
        start += len(boards)


def _places(texts: Sequence[str], symbols: str) -> Ints:
    """Return the place of each character in `symbols`, -1 where it isn't there, [texts, cells]."""
    places = np.full(256, -1)
    places[list(symbols.encode("ascii"))] = np.arange(len(symbols))
    codes = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
    return places[codes].reshape(len(texts), -1)
