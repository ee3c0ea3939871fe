"""The public builders' format: folders that the field's trainers read, and that ours reads.

    folder/identifiers.json                       names of the puzzle identities, blank first
    folder/{train,test}/dataset.json              sizes and special tokens
    folder/{train,test}/all__inputs.npy           tokens [N, S]
    folder/{train,test}/all__labels.npy           answers [N, S]; an ignored label is none
    folder/{train,test}/all__puzzle_indices.npy   first board of each puzzle, then N: [P + 1]
    folder/{train,test}/all__puzzle_identifiers.npy    identity of each puzzle [P]
    folder/{train,test}/all__group_indices.npy    first puzzle of each group, then P: [G + 1]

N boards of S positions make P puzzles in G groups; the token 0 is padding. Nothing is read that
wasn't checked, and tokens are streamed from memory maps, so that folders larger than memory work.
"""

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Task

Split = Literal["train", "test"]
Indices = NDArray[np.integer[Any]]

SPLITS: tuple[Split, ...] = ("train", "test")
ARRAYS = ("inputs", "labels", "puzzle_identifiers", "puzzle_indices", "group_indices")
IGNORED = -100  # what losses leave out
BLANK = "<blank>"

ZERO = 0  # padding, ignored label and blank identity of every folder that we write
_chunk = 1 << 16  # boards looked at once


def files(folder: Path, split: Split) -> list[Path]:
    """Return the files of a split, in a fixed order."""
    return [folder / split / "dataset.json", *(path_of(folder, split, name) for name in ARRAYS)]


def path_of(folder: Path, split: Split, name: str) -> Path:
    """Return the file of one of `ARRAYS`."""
    return folder / split / f"all__{name}.npy"


# -- reading --------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True, eq=False)
class PublicData:
    """One split of a folder, checked; tokens stay on disk.

    Args:
        folder: Where it lies.
        split: Which split it is.
        inputs, labels: File tokens, [N, positions], in memory maps.
        puzzle_identifiers, puzzle_indices, group_indices: [P], [P + 1] and [G + 1], see above.
        identifiers: Names of the identities.
        vocabulary: Number of tokens, padding included.
        positions: S, tokens per board.
        pad: Token of padding.
        ignored: Label that has no answer, or None.
        blank: Identity of padding.
    """

    folder: Path
    split: Split
    inputs: Indices
    labels: Indices
    puzzle_identifiers: Indices
    puzzle_indices: Indices
    group_indices: Indices
    identifiers: tuple[str, ...]
    vocabulary: int
    positions: int
    pad: int
    ignored: int | None
    blank: int

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def puzzles(self) -> int:
        """P."""
        return len(self.puzzle_indices) - 1

    @property
    def groups(self) -> int:
        """G."""
        return len(self.group_indices) - 1

    def labelled(self) -> float:
        """Return the share of positions that have an answer; 1 where there are no boards."""
        starts = range(0, len(self), _chunk)
        ignored = sum(int((self.labels[s : s + _chunk] == self.ignored).sum()) for s in starts)
        return 1 - ignored / max(self.labels.size, 1)

    def boards(self, task: Task) -> Boards:
        """Return all boards, in memory, with their identities, puzzles and groups.

        Raises:
            UserError: If they aren't boards of this task.
        """
        described = (self.vocabulary, self.pad, self.ignored)
        if described != (task.public_vocabulary, ZERO, ZERO):
            raise _refused(
                self.folder / self.split / "dataset.json",
                f"vocab_size, pad_id and ignore_label_id are {described}",
                f"{(task.public_vocabulary, ZERO, ZERO)} for a {type(task).__name__}",
                "name the task that these boards are of",
            )
        inputs, labels = (np.array(a, dtype=np.int64) for a in (self.inputs, self.labels))
        puzzles = _owners(self.puzzle_indices, np.arange(len(self)))
        return replace(
            task.from_public(inputs, labels),
            identities=self.puzzle_identifiers.astype(np.int64)[puzzles],
            puzzles=puzzles,
            groups=_owners(self.group_indices, puzzles),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Boards for one step, as models take them.

    Args:
        inputs: Tokens [B, positions].
        labels: Answers [B, positions]; -100 where there is none.
        identifiers: Puzzle identities [B].
        real: How many rows are boards; those after them are padding.
    """

    inputs: Ints
    labels: Ints
    identifiers: Ints
    real: int


def read(folder: Path, split: Split) -> PublicData:
    """Open one split and check all of it.

    Raises:
        UserError: If a file is missing, unreadable, truncated or of another format, or if it
            contradicts another; names the file and the field.
    """
    described = folder / split / "dataset.json"
    said = _load(described)
    if not isinstance(said, dict):
        raise _refused(described, "it holds no object", "the fields of a data set")
    numbers = {name: _number(described, said, name) for name in _numbers}
    for name, number in (
        ("pad_id", "vocab_size"),
        ("blank_identifier_id", "num_puzzle_identifiers"),
    ):
        if numbers[name] >= numbers[number]:
            allowed = f"less than {number}, {numbers[number]}"
            raise _refused(described, f"{name} is {numbers[name]}", allowed)
    if said.get("sets") != ["all"]:
        raise _refused(described, f"sets is {said.get('sets')!r}", '["all"]')
    identifiers = _identifiers(folder / "identifiers.json", numbers["num_puzzle_identifiers"])
    path = functools.partial(path_of, folder, split)
    arrays = {name: _array(path(name)) for name in ARRAYS}
    data = PublicData(
        folder=folder,
        split=split,
        inputs=arrays["inputs"],
        labels=arrays["labels"],
        puzzle_identifiers=np.array(arrays["puzzle_identifiers"]),
        puzzle_indices=np.array(arrays["puzzle_indices"]),
        group_indices=np.array(arrays["group_indices"]),
        identifiers=identifiers,
        vocabulary=numbers["vocab_size"],
        positions=numbers["seq_len"],
        pad=numbers["pad_id"],
        ignored=None if said.get("ignore_label_id", 0) is None else numbers["ignore_label_id"],
        blank=numbers["blank_identifier_id"],
    )
    _check_shapes(data, path)
    _check_indices(data, path)
    _check_totals(data, described, numbers["total_groups"], said.get("mean_puzzle_examples"))
    _check_tokens(path("inputs"), data.inputs, data.vocabulary)
    _check_tokens(path("labels"), data.labels, data.vocabulary)
    return data


_numbers = {  # each with the least that it may be
    "pad_id": 0,
    "ignore_label_id": 0,
    "blank_identifier_id": 0,
    "vocab_size": 1,
    "seq_len": 1,
    "num_puzzle_identifiers": 1,
    "total_groups": 0,
}


def _number(path: Path, said: Mapping[str, Any], name: str) -> int:
    if name not in said:
        raise _refused(path, f"{name} is missing", "every field of a data set")
    value = said[name]
    if name == "ignore_label_id" and value is None:
        return 0
    least = _numbers[name]
    if type(value) is not int or value < least:
        raise _refused(path, f"{name} is {value!r}", f"a whole number from {least} on")
    return value


def _identifiers(path: Path, number: int) -> tuple[str, ...]:
    names = _load(path)
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise _refused(path, "it holds no list of names", "a name for each puzzle identity")
    if len(names) != number:
        allowed = f"{number}, num_puzzle_identifiers of dataset.json"
        raise _refused(path, f"it holds {len(names)} names", allowed)
    return tuple(names)


def _check_shapes(data: PublicData, path: Callable[[str], Path]) -> None:
    for name, array in (("inputs", data.inputs), ("labels", data.labels)):
        if array.ndim != 2 or array.shape[1] != data.positions:
            allowed = f"[boards, {data.positions}], with the seq_len of dataset.json"
            raise _refused(path(name), f"its shape is {list(array.shape)}", allowed)
    if data.labels.shape != data.inputs.shape:
        allowed = f"{list(data.inputs.shape)}, the shape of all__inputs.npy"
        raise _refused(path("labels"), f"its shape is {list(data.labels.shape)}", allowed)
    for name in ("puzzle_identifiers", "puzzle_indices", "group_indices"):
        array = getattr(data, name)
        if array.ndim != 1:
            raise _refused(path(name), f"its shape is {list(array.shape)}", "one row")


def _check_indices(data: PublicData, path: Callable[[str], Path]) -> None:
    identities = data.puzzle_identifiers
    for name, last, of in (
        ("puzzle_indices", len(data), "boards of all__inputs.npy"),
        ("group_indices", len(data.puzzle_indices) - 1, "puzzles of all__puzzle_indices.npy"),
    ):
        indices = getattr(data, name)
        ends = indices[[0, -1]].tolist() if len(indices) else []
        if ends != [0, last]:
            raise _refused(path(name), f"its ends are {ends}", f"[0, {last}], for the {of}")
        wrong = indices[1:] <= indices[:-1]
        if wrong.any():
            place = int(wrong.argmax()) + 1
            found = f"its value {place} is {indices[place]} after {indices[place - 1]}"
            raise _refused(path(name), found, "ascending values")
    if len(identities) != data.puzzles:
        allowed = f"{data.puzzles}, the puzzles of all__puzzle_indices.npy"
        raise _refused(path("puzzle_identifiers"), f"it holds {len(identities)} values", allowed)
    wrong = (identities < 0) | (identities >= len(data.identifiers))
    if wrong.any():
        found = f"its value {wrong.argmax()} is {identities[wrong.argmax()]}"
        allowed = f"0 to {len(data.identifiers) - 1}, the places in identifiers.json"
        raise _refused(path("puzzle_identifiers"), found, allowed)


def _check_totals(data: PublicData, path: Path, groups: int, mean: Any) -> None:
    if groups != data.groups:
        allowed = f"{data.groups}, the groups of all__group_indices.npy"
        raise _refused(path, f"total_groups is {groups}", allowed)
    true = len(data) / max(data.puzzles, 1)
    if type(mean) not in (int, float) or not math.isclose(mean, true, rel_tol=1e-3):
        raise _refused(path, f"mean_puzzle_examples is {mean!r}", f"{true:g}, boards per puzzle")


def _check_tokens(path: Path, array: Indices, vocabulary: int) -> None:
    for start in range(0, len(array), _chunk):
        piece = array[start : start + _chunk]
        if piece.min() < 0 or piece.max() >= vocabulary:
            row, column = np.argwhere((piece < 0) | (piece >= vocabulary))[0].tolist()
            found = f"token {piece[row, column]} at board {start + row}, position {column}"
            raise _refused(path, found, f"0 to {vocabulary - 1}, the vocab_size of dataset.json")


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:
        raise _refused(path, "it isn't JSON", "JSON in UTF-8") from error


def _array(path: Path) -> Indices:
    """Return whole numbers in a memory map."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, EOFError) as error:
        raise _refused(path, f"it is truncated or no array ({error})", "a .npy file") from error
    if not isinstance(array, np.ndarray):
        raise _refused(path, "it holds several arrays", "a .npy file")
    if array.dtype.kind not in "iu":
        raise _refused(path, f"its type is {array.dtype}", "whole numbers")
    return array


def _unreadable(path: Path, error: OSError) -> UserError:
    return _refused(path, f"it can't be read ({error.strerror or error})", "a file of the format")


def _refused(
    path: Path, found: str, allowed: str, mend: str = "build or fetch the folder again"
) -> UserError:
    return UserError(f"{str(path)!r}: {found}; allowed is {allowed}; {mend}")


# -- batches --------------------------------------------------------------------------------------
def batches(
    data: PublicData, batch: int, random: np.random.Generator, *, epochs: int = 1
) -> Iterator[Batch]:
    """Yield full batches for training.

    One epoch takes each group once, in random order, with one random puzzle of it; of that puzzle
    it takes the boards in random order, as many as the batch has room for. Epochs follow each other
    within a batch; the last partial batch is dropped.

    Args:
        data: What to train on.
        batch: B, boards per batch.
        random: The source of all choices.
        epochs: How many epochs.
    """
    assert batch > 0
    order = np.concatenate([random.permutation(data.groups) for _ in range(epochs)])
    puzzles = random.integers(data.group_indices[order], data.group_indices[order + 1])
    rows: list[int] = []
    for start, end in zip(
        data.puzzle_indices[puzzles].tolist(),
        data.puzzle_indices[puzzles + 1].tolist(),
        strict=True,
    ):
        boards = [0] if end - start == 1 else random.permutation(end - start).tolist()
        rows += [start + board for board in boards[: batch - len(rows)]]
        if len(rows) == batch:
            yield _batch(data, np.array(rows), batch)
            rows = []


def evaluation(data: PublicData, batch: int) -> Iterator[Batch]:
    """Yield all boards in order; the last batch is filled with padding.

    Args:
        data: What to evaluate on.
        batch: B, rows per batch.
    """
    assert batch > 0
    for start in range(0, len(data), batch):
        yield _batch(data, np.arange(start, min(start + batch, len(data))), batch)


def _batch(data: PublicData, rows: Ints, batch: int) -> Batch:
    """Return some boards, and padding up to a number of rows."""
    labels = data.labels[rows].astype(np.int64)
    if data.ignored is not None:
        labels[labels == data.ignored] = IGNORED
    identifiers = data.puzzle_identifiers[_owners(data.puzzle_indices, rows)]

    def with_padding(array: Indices, value: int) -> Ints:
        padded = np.full((batch, *array.shape[1:]), value, dtype=np.int64)
        padded[: len(rows)] = array
        return padded

    return Batch(
        inputs=with_padding(data.inputs[rows], data.pad),
        labels=with_padding(labels, IGNORED),
        identifiers=with_padding(identifiers, data.blank),
        real=len(rows),
    )


def _owners(indices: Indices, members: Ints) -> Ints:
    """Return which range of `indices` each member is in."""
    return np.searchsorted(indices, members, side="right") - 1
