"""Functions shared by tasks on boards: splits without repetition, encodings and counts."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import require
from hrm.errors import UserError
from hrm.tasks import Boards, Floats, Ints, Splits

Dealt = tuple[Ints, Ints, float]  # input, target, difficulty

everything = ((float("-inf"), float("inf")),)


def randomness(seed: int) -> np.random.Generator:
    """Return the generator of a data seed; its stream is the same on every platform.

    Raises:
        UserError: If the seed is negative.
    """
    require(seed >= 0, "data seed", seed, "0 or more", "choose another seed")
    return np.random.Generator(np.random.PCG64(seed))


def split(
    source: Iterator[Boards],
    *,
    cells: int,
    train: int,
    validation: int,
    test: int,
    patience: int,
    strata: Sequence[tuple[float, float]] = everything,
    measure: Callable[[Boards], Floats] = attrgetter("difficulty"),
    orbits: Callable[[Ints], NDArray[np.uint64]] | None = None,
) -> Splits:
    """Divide an endless stream of boards into disjoint sets.

    A board whose input occurred before is dropped, so that the sets are disjoint. The test set is
    filled first, then the validation set, then the training set. Therefore test and validation sets
    don't change when the training set grows, and a smaller training set is the beginning of a
    larger one. In every set, board i has a measure in stratum i mod len(strata), both bounds
    included.

    With `orbits`, the sets are disjoint up to symmetry, also across seeds: the key of a board
    determines the set to which it may belong. Half of the keys are for training, a quarter each for
    validation and test.

    Args:
        source: The stream, in batches of any size.
        cells: Cells per board.
        train: Boards in the training set.
        validation: Boards in the validation set.
        test: Boards in the test set.
        patience: Number of consecutive batches without a new board after which the search ends.
        strata: Disjoint ranges of the measure; a range that is listed twice counts twice.
        measure: The measure of boards, [N], by default their difficulty.
        orbits: Keys [N] of inputs [N, cells], equal for boards that a symmetry maps to each other.

    Raises:
        UserError: If a size is negative, or the stream has no more new boards.
    """
    for name, size in (("train", train), ("validation", validation), ("test", test)):
        require(size >= 0, f"{name} boards", size, "0 or more", "ask for fewer or none")
    sizes = (test, validation, train)
    lacking = [[len(range(s, size, len(strata))) for s in range(len(strata))] for size in sizes]
    dealt: list[list[list[Dealt]]] = [[[] for _ in strata] for _ in sizes]
    seen: set[bytes] = set()
    idle = 0
    while any(map(any, lacking)):
        if idle == patience:
            raise UserError(
                f"{sum(sizes)} different boards were asked for, and no new one turns up after "
                f"{len(seen)}; ask for fewer boards, or for larger or less special ones"
            )
        idle += 1
        batch = next(source)
        allowed: list[Sequence[int]] = [range(3)] * len(batch)
        if orbits is not None:
            allowed = [(min(key % 4, 2),) for key in orbits(batch.inputs).tolist()]
        for i, value in enumerate(measure(batch).tolist()):
            board = batch.inputs[i], batch.targets[i], float(batch.difficulty[i])
            fitting = [s for s, (low, high) in enumerate(strata) if low <= value <= high]
            places = [(k, s) for k in allowed[i] for s in fitting if lacking[k][s]]
            key = board[0].tobytes()
            if places and key not in seen:
                k, s = places[0]
                seen.add(key)
                dealt[k][s].append(board)
                lacking[k][s] -= 1
                idle = 0
    sets = [
        _stack([queues[i % len(strata)][i // len(strata)] for i in range(size)], cells)
        for queues, size in zip(dealt, sizes, strict=True)
    ]
    return Splits(test=sets[0], validation=sets[1], train=sets[2])


def share(part: Ints, whole: Ints) -> Floats:
    """Return part / whole per board; 1 where the whole is 0, since nothing can be wrong there."""
    found: Floats = np.divide(part, whole, out=np.ones(len(part)), where=whole > 0)
    return found


def one_hot(inputs: Ints, vocabulary: int) -> NDArray[np.float32]:
    """Return one-hot vectors [N, cells * vocabulary] of tokens [N, cells], cell by cell."""
    return np.eye(vocabulary, dtype=np.float32)[inputs].reshape(len(inputs), -1)


def shifted(boards: Boards) -> tuple[Ints, Ints]:
    """Return inputs and targets plus one, for files in which 0 is padding."""
    return boards.inputs + 1, boards.targets + 1


def unshifted(name: str, values: Ints, cells: int, count: int) -> Ints:
    """Return tokens or classes [N, cells] below `count` from a file's, the inverse of `shifted`.

    Raises:
        UserError: If the shape is another, or a value isn't 1 to `count`.
    """
    mend = "use the task that the files were built for"
    require(
        values.ndim == 2 and values.shape[1] == cells and values.dtype.kind in "iu",
        name,
        f"{values.dtype} {list(values.shape)}",
        f"whole numbers [boards, {cells}]",
        mend,
    )
    wrong = values[(values < 1) | (values > count)].tolist()
    require(not wrong, f"a value of {name}", wrong[0] if wrong else None, f"1 to {count}", mend)
    return values.astype(np.int64) - 1


def most_frequent(targets: Ints, classes: int, boards: int) -> Ints:
    """Return each position's most frequent class, the smallest among equals, [boards, cells]."""
    counts = np.stack([(targets == c).sum(axis=0) for c in range(classes)])
    return np.tile(counts.argmax(axis=0).astype(np.int64), (boards, 1))


def _stack(boards: Sequence[Dealt], cells: int) -> Boards:
    inputs, targets, difficulty = ([b[i] for b in boards] for i in range(3))
    return Boards(
        inputs=np.array(inputs, dtype=np.int64).reshape(-1, cells),
        targets=np.array(targets, dtype=np.int64).reshape(-1, cells),
        difficulty=np.array(difficulty, dtype=np.float64),
    )
