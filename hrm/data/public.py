"""The public format: folders that the public trainers read, and that ours reads.

    folder/identifiers.json                       names of the identities, blank first; optional
    folder/{train,test}/dataset.json              sizes and special tokens, of all sets of a split
    folder/{train,test}/all__inputs.npy           tokens [N, S]
    folder/{train,test}/all__labels.npy           answers [N, S]; an ignored label is none
    folder/{train,test}/all__puzzle_indices.npy   first board of each puzzle, then N: [P + 1]
    folder/{train,test}/all__puzzle_identifiers.npy    identity of each puzzle [P]
    folder/{train,test}/all__group_indices.npy    first puzzle of each group, then P: [G + 1]

N boards of S positions form P puzzles in G groups; token 0 is padding. A split may be missing, or
may have several sets, whose names replace ``all``. All arrays are checked before use. Tokens are
read from memory maps, so that folders may be larger than memory.

This is what the loaders of the public HRM and one-tiny-network code read. Sources:
github.com/sapientinc/HRM, puzzle_dataset.py and dataset/common.py;
github.com/SamsungSAILMontreal/TinyRecursiveModels, the same files.
"""

import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
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
IGNORED = -100  # label that losses ignore
BLANK = "<blank>"

ZERO = 0  # padding, ignored label and blank identity of every folder that we write
_chunk = 1 << 16  # boards read at a time


def files(folder: Path, split: Split, of: str = "all") -> list[Path]:
    """Return the files of a split's set, in a fixed order."""
    arrays = (path_of(folder, split, name, of) for name in ARRAYS)
    return [folder / split / "dataset.json", *arrays]


def digest(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of the digests of files."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def path_of(folder: Path, split: Split, name: str, of: str = "all") -> Path:
    """Return the file of one of `ARRAYS`."""
    return folder / split / f"{of}__{name}.npy"


def splits(folder: Path) -> list[Split]:
    """Return the splits of a folder; none if it isn't in this format."""
    return [split for split in SPLITS if (folder / split / "dataset.json").is_file()]


@dataclass(frozen=True, kw_only=True, eq=False)
class PublicData:
    """One checked split of a folder; tokens stay on disk.

    Args:
        folder: Path of the folder.
        split: Name of the split.
        inputs: Input tokens of the files, [N, positions], a memory map.
        labels: Answer tokens of the files, [N, positions], a memory map.
        puzzle_identifiers: Identity of each puzzle, [P].
        puzzle_indices: First board of each puzzle, then N, [P + 1].
        group_indices: First puzzle of each group, then P, [G + 1].
        identifiers: Names of the identities.
        vocabulary: Number of tokens, padding included.
        positions: S, tokens per board.
        pad: Token of padding.
        ignored: Label of positions without an answer, or None; -100 always means no answer.
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
        """Return the share of positions that have an answer; 1 if there are no boards."""
        starts = range(0, len(self), _chunk)
        without = sum(int(self.unlabelled(slice(s, s + _chunk)).sum()) for s in starts)
        return 1 - without / max(self.labels.size, 1)

    def unlabelled(self, rows: slice | Ints) -> NDArray[np.bool_]:
        """Return a mask of the positions without an answer in some boards."""
        labels = self.labels[rows]
        none: NDArray[np.bool_] = labels == IGNORED
        return none if self.ignored is None else none | (labels == self.ignored)

    def suits(self, task: Task) -> None:
        """Refuse a task whose tokens or sizes differ from these.

        Raises:
            UserError: If they do.
        """
        described = (self.vocabulary, self.pad)
        if described != (task.public_vocabulary, ZERO):
            raise _refused(
                self.folder / self.split / "dataset.json",
                f"vocab_size and pad_id are {described}",
                f"{(task.public_vocabulary, ZERO)} for a {type(task).__name__}",
                "name the task that these boards are of",
            )

    def boards(self, task: Task, rows: Ints | None = None) -> Boards:
        """Load boards into memory, with their identities, puzzles and groups.

        Args:
            task: The task of the boards.
            rows: Indices of the boards, ascending; None for all.

        Raises:
            UserError: If they aren't boards of this task.
        """
        self.suits(task)
        if rows is None:
            rows = np.arange(len(self))
        inputs, labels = (a[rows].astype(np.int64) for a in (self.inputs, self.labels))
        labels[self.unlabelled(rows)] = ZERO
        puzzles = owners(self.puzzle_indices, rows)
        return replace(
            task.from_public(inputs, labels),
            identities=self.puzzle_identifiers.astype(np.int64)[puzzles],
            puzzles=puzzles,
            groups=owners(self.group_indices, puzzles),
        )


def sets(folder: Path, split: Split) -> list[str]:
    """Return the names of a split's sets, in the order in which the public loaders take them.

    Raises:
        UserError: If its dataset.json can't be read, or names none.
    """
    said, path = _described(folder, split), folder / split / "dataset.json"
    names = said.get("sets")
    if (
        not isinstance(names, list)
        or not names
        or any(not isinstance(n, str) or not n or Path(n).name != n for n in names)
    ):
        raise _refused(path, f"sets is {names!r}", 'a list of names, such as ["all"]')
    return names


def read(folder: Path, split: Split, of: str | None = None) -> PublicData:
    """Open one set of a split, by default the first, and check all of it.

    Raises:
        UserError: If a file is missing, unreadable, truncated or of another format, or if it
            contradicts another; names the file and the field.
    """
    described, said = folder / split / "dataset.json", _described(folder, split)
    numbers = {name: _number(described, said, name) for name in _numbers}
    for name, number in (
        ("pad_id", "vocab_size"),
        ("blank_identifier_id", "num_puzzle_identifiers"),
    ):
        if numbers[name] >= numbers[number]:
            allowed = f"less than {number}, {numbers[number]}"
            raise _refused(described, f"{name} is {numbers[name]}", allowed)
    every = sets(folder, split)
    if (of := of or every[0]) not in every:
        raise _refused(described, f"sets is {every}", f"a set {of!r}", "name one of these")
    identifiers = _identifiers(folder / "identifiers.json", numbers["num_puzzle_identifiers"])
    path = functools.partial(path_of, folder, split, of=of)
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
    ends = {
        name: sum(len(_array(path_of(folder, split, name, each))) for each in every)
        for name in ("inputs", "puzzle_indices", "group_indices")
    }
    _check_totals(described, said, ends, len(every))
    _check_tokens(path("inputs"), data.inputs, data.vocabulary)
    _check_tokens(path("labels"), data.labels, data.vocabulary, data.ignored, IGNORED)
    return data


def _described(folder: Path, split: Split) -> dict[str, Any]:
    path = folder / split / "dataset.json"
    said = _load(path)
    if not isinstance(said, dict):
        raise _refused(path, "it holds no object", "the fields of a data set")
    return said


_any = -(1 << 31)  # no bound, because an ignored label may have any value
_numbers = {  # each with its smallest allowed value
    "ignore_label_id": _any,
    "pad_id": 0,
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
        bound = f" from {least} on" if least > _any else ""
        raise _refused(path, f"{name} is {value!r}", f"a whole number{bound}")
    return value


def _identifiers(path: Path, number: int) -> tuple[str, ...]:
    if not path.exists():  # the loaders don't need it
        return tuple(map(str, range(number)))
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


def _check_totals(
    path: Path, said: Mapping[str, Any], lengths: Mapping[str, int], sets: int
) -> None:
    """Check dataset.json against the total lengths of the arrays of all sets."""
    puzzles, groups = (lengths[f"{name}_indices"] - sets for name in ("puzzle", "group"))
    for name, true, of in (("groups", groups, "group"), ("puzzles", puzzles, "puzzle")):
        total = said.get(f"total_{name}", true)
        if total != true:
            allowed = f"{true}, the {name} of all__{of}_indices.npy"
            raise _refused(path, f"total_{name} is {total!r}", allowed)
    examples, mean = lengths["inputs"] / max(puzzles, 1), said.get("mean_puzzle_examples")
    if not isinstance(mean, int | float) or not math.isclose(mean, examples, rel_tol=1e-3):
        raise _refused(
            path, f"mean_puzzle_examples is {mean!r}", f"{examples:g}, boards per puzzle"
        )


def _check_tokens(path: Path, array: Indices, vocabulary: int, *others: int | None) -> None:
    for start in range(0, len(array), _chunk):
        piece = array[start : start + _chunk]
        if piece.min() >= 0 and piece.max() < vocabulary:
            continue
        wrong = (piece < 0) | (piece >= vocabulary)
        for other in others:
            wrong &= piece != other
        if wrong.any():
            row, column = np.argwhere(wrong)[0].tolist()
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
    """Return an array of whole numbers as a memory map."""
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


def owners(indices: Indices, members: Ints) -> Ints:
    """Return the range of `indices` that contains each member."""
    return np.searchsorted(indices, members, side="right") - 1
