"""A user's own boards for training and evaluation: a folder in the public format.

Files of other formats are converted to it first, in the cache. Training reads the folder's training
boards group by group from memory maps, as the public loaders do. The data seed decides which boards
are held out for validation:

- whole groups, if the boards have no puzzle identities;
- otherwise the last board of each puzzle in some groups, because a model knows a puzzle only
  through its other boards. Validation uses that of the first puzzle of a group.
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

_shown = 10_000  # largest number of training boards for trivial methods
_version = 2  # version of converted boards; another number makes them be converted again


@dataclass(frozen=True, kw_only=True)
class OwnData(Part):
    """A folder in the public format.

    Args:
        folder: Path of the folder.
        sha256: Digest of its files.
    """

    folder: str
    sha256: str

    def read(self, split: Split) -> PublicData:
        """Open and check a split.

        Raises:
            UserError: If it is missing or malformed, or has changed since its digest was taken.
        """
        return _read(self, split)

    @property
    def identities(self) -> int:
        """The number of puzzle identities, the blank one included."""
        return len(self.read(public.splits(Path(self.folder))[0]).identifiers)

    def tests(self, number: int | None = None) -> int:
        """Return the number of test boards to use; None stands for all.

        Raises:
            UserError: If there are fewer boards.
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
        """Return the first `number` test boards; None for all.

        Raises:
            UserError: If there are fewer boards, or they aren't boards of this task.
        """
        return self.read("test").boards(task, np.arange(self.tests(number)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """The division of a folder's boards into training and validation.

    Args:
        groups: The groups that training uses, ascending.
        ends: For each puzzle, the index after the last board that training uses, [P].
        validation: The boards that are held out, ascending.
    """

    groups: Ints
    ends: Ints
    validation: Ints

    def rows(self, data: PublicData) -> Ints:
        """Return all boards that training uses."""
        of = np.repeat(np.arange(data.groups), np.diff(data.group_indices))
        puzzles = np.flatnonzero(np.isin(of, self.groups))
        starts = data.puzzle_indices[puzzles]
        lengths = self.ends[puzzles] - starts
        begin = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        return np.asarray(begin + np.arange(lengths.sum()), dtype=np.int64)


def opened(path: Path, task: Task, seed: int = 0, *, testing: bool = False) -> OwnData:
    """Return a folder in the public format; other files are converted to one first.

    Args:
        path: A folder in that format, or a file or folder that `imports.bring_in` reads.
        task: The task of the boards.
        seed: Seed for drawing the test boards, if file names don't determine them.
        testing: Whether all boards of files are for testing.

    Raises:
        UserError: As `imports.bring_in`, or if there is no folder for a cache.
    """
    folder = path.resolve()
    if not public.splits(path):
        from hrm.data import imports  # imports all tasks

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
    return public.digest(
        file
        for split in public.splits(folder)
        for file in public.files(folder, split, public.sets(folder, split)[0])
    )


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
    """Hold out `number` boards; None for a tenth of the groups, at most 200.

    Raises:
        UserError: If there are fewer.
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
    random = np.random.Generator(np.random.PCG64([seed, 2]))  # a separate stream of random draws
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
    """Return test boards, and training boards for trivial methods: the folder's, or others.

    Args:
        own: The folder.
        task: The task of the boards.
        number: Number of test boards; None for all.
        known: Training boards to use if the folder has none.

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
    """Return validation and test boards, and the first 10,000 training boards.

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
