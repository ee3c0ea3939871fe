"""Boards of one's own to train and evaluate on: a folder in the public format.

Files of other forms are brought into that format first, in the cache. Training takes the folder's
training boards group by group, as the public loaders do, from memory maps; validation boards are
held out from them by the data seed:

- whole groups, where boards have no identity of their own;
- else the last board of each puzzle of some groups, since a model knows a puzzle by its other
  boards. Validation has that of the group's first puzzle.
"""

import functools
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from hrm.config.parts import Part, canonical, require
from hrm.data import cache, public
from hrm.data.public import PublicData, Split
from hrm.data.writing import nothing
from hrm.errors import UserError
from hrm.tasks import Boards, Ints, Splits, Task

_shown = 10_000  # training boards that trivial methods see, at most
_version = 1  # of what is brought in; another number brings it in anew


@dataclass(frozen=True, kw_only=True)
class OwnData(Part):
    """A folder in the public format.

    Args:
        folder: Where it lies.
        sha256: Of its files.
    """

    folder: str
    sha256: str

    def read(self, split: Split) -> PublicData:
        """Open a split, checked.

        Raises:
            UserError: If it isn't there, isn't as it should be, or has changed since.
        """
        return _read(self, split)

    @property
    def identities(self) -> int:
        """The number of puzzle identities, the blank one included."""
        return len(self.read(public.splits(Path(self.folder))[0]).identifiers)

    def tests(self, number: int | None = None) -> int:
        """Return how many test boards are asked for, None for all.

        Raises:
            UserError: If there aren't so many.
        """
        data = self.read("test")
        count = len(data) if number is None else number
        require(
            1 <= count <= len(data),
            "test boards",
            count,
            f"1 to {len(data)}, those of {self.folder}",
            "leave --test out, or give a folder with more",
        )
        return count

    def test(self, task: Task, number: int | None = None) -> Boards:
        """Return the first so many test boards, None for all.

        Raises:
            UserError: If there aren't so many, or they aren't boards of this task.
        """
        return self.read("test").boards(task, np.arange(self.tests(number)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """What training takes of a folder, and what is held out for validation.

    Args:
        groups: The groups that training takes, ascending.
        ends: The board after the last one that training takes of each puzzle, [P].
        validation: The boards that are held out, ascending.
    """

    groups: Ints
    ends: Ints
    validation: Ints

    def rows(self, data: PublicData) -> Ints:
        """Return all boards that training takes."""
        of = np.repeat(np.arange(data.groups), np.diff(data.group_indices))
        puzzles = np.flatnonzero(np.isin(of, self.groups))
        starts = data.puzzle_indices[puzzles]
        lengths = self.ends[puzzles] - starts
        begin = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        return np.asarray(begin + np.arange(lengths.sum()), dtype=np.int64)


def opened(path: Path, task: Task, seed: int = 0, *, testing: bool = False) -> OwnData:
    """Return a folder in the public format, or what files are brought into.

    Args:
        path: A folder in that format, or a file or folder that `imports.bring_in` reads.
        task: Whose boards they are.
        seed: Of which boards are for testing, where files don't say.
        testing: Whether all boards of files are for testing.

    Raises:
        UserError: As `imports.bring_in`, or if there is no place for a cache.
    """
    folder = path.resolve()
    if not public.splits(path):
        from hrm.data import imports  # which knows all tasks

        part: Any = task
        asked = hashlib.sha256(
            canonical(
                {"version": _version, "task": part.to_json(), "seed": seed, "testing": testing}
            ).encode()
        )
        for file in imports.sources(path):
            if file.is_file():
                asked.update(str(file.relative_to(path)).encode() + file.read_bytes())
        try:
            folder = cache.default_folder() / f"own-{asked.hexdigest()[:24]}"
        except RuntimeError as error:
            raise UserError(
                f"there is no cache folder ({error}); allowed is one that you may write; set "
                f"XDG_CACHE_HOME to one, or use `hrm data import`"
            ) from error
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_suffix(".lock")):
            if not folder.exists():
                imports.bring_in(path, folder, task, seed=seed, testing=testing)
    return OwnData(folder=str(folder), sha256=_digest(folder))


def _digest(folder: Path) -> str:
    """Return the SHA-256 of a folder's files."""
    whole = hashlib.sha256()
    for split in public.splits(folder):
        for file in public.files(folder, split, public.sets(folder, split)[0]):
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
    return whole.hexdigest()


@functools.lru_cache(maxsize=8)  # checking a large folder takes seconds
def _read(data: OwnData, split: Split) -> PublicData:
    folder = Path(data.folder)
    found = public.read(folder, split)
    if _digest(folder) != data.sha256:
        raise UserError(
            f"{data.folder!r} has changed since the run was made; allowed is the folder as it was; "
            f"put it back, or give --data with other boards"
        )
    return found


def held_out(data: PublicData, number: int | None, seed: int) -> Held:
    """Hold so many boards out; None for a tenth of the groups, 200 at most.

    Raises:
        UserError: If there aren't so many.
    """
    groups, starts, ends = np.arange(data.groups), data.puzzle_indices[:-1], data.puzzle_indices[1:]
    known = len(data.identifiers) > 1
    first = data.group_indices[:-1]  # the first puzzle of each group
    able = groups[(ends - starts)[first] > 1] if known else groups
    most = len(able) if known else len(able) - 1
    count = min(200, max(1, math.ceil(len(able) / 10))) if number is None else number
    require(
        1 <= count <= most,
        "validation boards",
        count,
        f"1 to {most} of {data.folder}",
        "ask for fewer, or give a folder with more boards",
    )
    random = np.random.Generator(np.random.PCG64([seed, 2]))  # apart from other draws
    chosen = np.sort(random.choice(able, count, replace=False))
    if not known:
        others = np.setdiff1d(groups, chosen)
        return Held(groups=others, ends=ends.astype(np.int64), validation=starts[first[chosen]])
    of = np.repeat(groups, np.diff(data.group_indices))
    shorter = np.isin(of, chosen) & (ends - starts > 1)
    return Held(
        groups=groups,
        ends=(ends - shorter).astype(np.int64),
        validation=ends[first[chosen]] - 1,
    )


def tested(own: OwnData, task: Task, number: int | None, known: Boards) -> Splits:
    """Return test boards, and what trivial methods see: the folder's training boards, or others.

    Args:
        own: The folder.
        task: Whose boards they are.
        number: How many test boards; None for all.
        known: Training boards for a folder that has none.

    Raises:
        UserError: As `OwnData.test`.
    """
    test = own.test(task, number)
    train = nothing(task)
    if "train" in public.splits(Path(own.folder)) and len(data := own.read("train")):
        train = data.boards(task, np.arange(min(_shown, len(data))))
    elif known.inputs.shape[1] == task.cells:
        train = known
    return Splits(train=train, validation=nothing(task), test=test)


def splits(own: OwnData, task: Task, seed: int, validation: int, test: int) -> Splits:
    """Return validation and test boards, and of the training boards the first 10,000.

    Raises:
        UserError: As `held_out` and `OwnData.test`, or if they aren't boards of this task.
    """
    data = own.read("train")
    held = held_out(data, validation, seed)
    return Splits(
        train=data.boards(task, held.rows(data)[:_shown]),
        validation=data.boards(task, held.validation),
        test=own.test(task, test),
    )
