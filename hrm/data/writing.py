"""Writes folders in the public format, which `hrm.data.public` describes."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hrm.config.parts import require
from hrm.data.public import ARRAYS, BLANK, SPLITS, ZERO, Indices, Split, path_of
from hrm.errors import UserError
from hrm.system.files import whole
from hrm.tasks import Boards, Ints, Task

_piece = 10_000  # boards augmented at a time


def write(
    folder: Path,
    task: Task,
    splits: Mapping[Split, Iterable[Boards]],
    identifiers: Sequence[str] = (BLANK,),
) -> None:
    """Write a folder completely or not at all.

    Args:
        folder: The folder to write, which must be new or empty.
        task: The task of the boards.
        splits: Boards of `train` and `test`, each in one piece or several.
        identifiers: Names of the puzzle identities; a board's identity is an index of this list.

    Raises:
        UserError: If the task has no public format, or the folder isn't empty or can't be written.
    """
    vacant(folder)
    if not task.public_vocabulary:
        raise UserError(
            f"{type(task).__name__} has no public format; allowed is a task of tokens; "
            "choose another task"
        )
    try:
        with whole(folder) as temporary:
            temporary.mkdir()
            _dump(temporary / "identifiers.json", list(identifiers))
            for split in SPLITS:
                (temporary / split).mkdir()
                _write(temporary, split, task, splits[split], len(identifiers))
    except OSError as error:
        raise UserError(
            f"folder {str(folder)!r} can't be written ({error.strerror or error}); allowed is a "
            "place with room that you may write; free some, or give another"
        ) from error


def augmented(
    task: Task, boards: Boards, copies: int, random: np.random.Generator
) -> Iterator[Boards]:
    """Yield boards in pieces, each board followed by `copies` random versions, as one group.

    Raises:
        UserError: If the number is negative, or the task has no augmentations.
    """
    require(copies >= 0, "versions of each board", copies, "0 or more", "ask for fewer or none")
    if copies == 0 or len(boards) == 0:
        yield boards
        return
    augment = getattr(task, "augment", None)
    if augment is None:
        raise UserError(
            f"{type(task).__name__} doesn't make versions of its boards, {copies} of each were "
            "asked for; allowed is 0; ask for none"
        )
    size = max(1, _piece // (copies + 1))
    for start in range(0, len(boards), size):
        rows = np.arange(start, min(start + size, len(boards)))
        yield augment(taken(boards, rows), random, copies)


def nothing(task: Task) -> Boards:
    """Return zero boards of a task, for an empty split."""
    none = np.zeros((0, task.cells), dtype=np.int64)
    return Boards(inputs=none, targets=none, difficulty=np.zeros(0))


def taken(boards: Boards, rows: Ints) -> Boards:
    """Return some of the boards."""
    return Boards(**{f.name: getattr(boards, f.name)[rows] for f in fields(Boards)})


def vacant(folder: Path) -> None:
    """Refuse a folder that isn't empty, before any work is done for it.

    Raises:
        UserError: If it isn't empty.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(
            f"{str(folder)!r} exists; allowed is a new folder, or an empty one; give another name, "
            "or remove it"
        )


def _write(
    folder: Path, split: Split, task: Task, pieces: Iterable[Boards], identities: int
) -> None:
    """Write one split piece by piece, with one piece in memory at a time."""
    tokens = np.min_scalar_type(task.public_vocabulary - 1)
    found: dict[str, list[Indices]] = {name: [] for name in ARRAYS[2:]}
    boards = puzzles = positions = 0
    with (
        _rows(path_of(folder, split, "inputs"), tokens) as write_inputs,
        _rows(path_of(folder, split, "labels"), tokens) as write_labels,
    ):
        for piece in pieces:
            inputs, labels = task.to_public(piece)
            write_inputs(inputs)
            write_labels(labels)
            puzzle, group = _starts(piece.puzzles), _starts(piece.groups)
            assert np.isin(group, puzzle).all(), "a puzzle is of one group"
            assert np.isin(_starts(piece.identities), puzzle).all(), "a puzzle has one identity"
            found["puzzle_identifiers"].append(piece.identities[puzzle])
            found["puzzle_indices"].append(boards + puzzle)
            found["group_indices"].append(puzzles + np.searchsorted(puzzle, group))
            boards, puzzles, positions = (
                boards + len(piece),
                puzzles + len(puzzle),
                inputs.shape[1],
            )
    found["puzzle_indices"].append(np.array([boards]))
    found["group_indices"].append(np.array([puzzles]))
    arrays = {name: np.concatenate(parts).astype(np.int32) for name, parts in found.items()}
    assert arrays["puzzle_identifiers"].max(initial=0) < identities
    for name, array in arrays.items():
        np.save(path_of(folder, split, name), array, allow_pickle=False)
    described = {
        "pad_id": ZERO,
        "ignore_label_id": ZERO,
        "blank_identifier_id": ZERO,
        "vocab_size": task.public_vocabulary,
        "seq_len": positions,
        "num_puzzle_identifiers": identities,
        "total_groups": len(arrays["group_indices"]) - 1,
        "total_puzzles": puzzles,
        "mean_puzzle_examples": boards / max(puzzles, 1),
        "sets": ["all"],
    }
    _dump(folder / split / "dataset.json", described)


@contextlib.contextmanager
def _rows(path: Path, kind: np.dtype[Any]) -> Iterator[Callable[[Ints], None]]:
    """Yield a function that appends rows to a ``.npy`` file.

    The header reserves space for the number of rows; it is written first and corrected at the end.
    """
    shape = [0, 0]

    def head(file: BinaryIO) -> None:
        said = {"descr": kind.str, "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, said)

    def append(rows: Ints) -> None:
        if not file.tell():
            shape[1] = rows.shape[1]
            head(file)
        file.write(np.ascontiguousarray(rows, dtype=kind).tobytes())
        shape[0] += len(rows)

    with path.open("xb") as file:
        yield append
        assert shape[1], "at least one piece, if only an empty one"
        file.seek(0)
        head(file)


def _starts(numbers: Ints) -> Ints:
    """Return the indices of the first of each run of equal numbers."""
    return np.flatnonzero(np.diff(numbers, prepend=numbers[:1] - 1))


def _dump(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data) + "\n", encoding="utf-8")
