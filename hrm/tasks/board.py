"""What tasks on boards share: splits without repetition, encodings and counts."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hrm.errors import UserError
from hrm.parts import require
from hrm.tasks import Boards, Ints, Splits

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
) -> Splits:
    """Deal an endless stream of boards into disjoint sets.

    A board whose input was dealt before is dropped, so the sets are disjoint by construction. Test
    is dealt first, then validation, then train: neither changes when the training set grows, and a
    smaller training set is the beginning of a larger one. In every set, board i has a difficulty in
    stratum i mod len(strata), both bounds included.

    Args:
        source: The stream, in batches of any size.
        cells: Cells per board.
        train: Boards in the training set.
        validation: Boards in the validation set.
        test: Boards in the test set.
        patience: So many batches of the stream in a row without a new board are the end.
        strata: Ranges of difficulty that don't overlap.

    Raises:
        UserError: If a size is negative, or the stream has no more new boards to give.
    """
    for name, size in (("train", train), ("validation", validation), ("test", test)):
        require(size >= 0, f"{name} boards", size, "0 or more", "ask for fewer or none")
    sizes = (test, validation, train)
    needed = [sum(len(range(s, size, len(strata))) for size in sizes) for s in range(len(strata))]
    dealt: list[list[tuple[Ints, Ints, float]]] = [[] for _ in strata]
    seen: set[bytes] = set()
    idle = 0
    while any(len(d) < n for d, n in zip(dealt, needed, strict=True)):
        if idle == patience:
            raise UserError(
                f"{sum(sizes)} different boards were asked for, and no new one turns up after "
                f"{sum(map(len, dealt))}; ask for fewer boards, or for larger or less special ones"
            )
        idle += 1
        batch = next(source)
        for board in zip(batch.inputs, batch.targets, batch.difficulty.tolist(), strict=True):
            key = board[0].tobytes()
            for (low, high), kept, enough in zip(strata, dealt, needed, strict=True):
                if low <= board[2] <= high and len(kept) < enough and key not in seen:
                    seen.add(key)
                    kept.append(board)
                    idle = 0
    queues = [iter(d) for d in dealt]
    sets = [_stack([next(queues[i % len(strata)]) for i in range(size)], cells) for size in sizes]
    return Splits(test=sets[0], validation=sets[1], train=sets[2])


def one_hot(inputs: Ints, vocabulary: int) -> NDArray[np.float32]:
    """Return [N, cells * vocabulary] from tokens [N, cells], a cell's indicators side by side."""
    return np.eye(vocabulary, dtype=np.float32)[inputs].reshape(len(inputs), -1)


def most_frequent(targets: Ints, classes: int, boards: int) -> Ints:
    """Return each position's most frequent class, the smallest among equals, [boards, cells]."""
    counts = np.stack([(targets == c).sum(axis=0) for c in range(classes)])
    return np.tile(counts.argmax(axis=0).astype(np.int64), (boards, 1))


def _stack(boards: Sequence[tuple[Ints, Ints, float]], cells: int) -> Boards:
    inputs, targets, difficulty = ([b[i] for b in boards] for i in range(3))
    return Boards(
        inputs=np.array(inputs, dtype=np.int64).reshape(-1, cells),
        targets=np.array(targets, dtype=np.int64).reshape(-1, cells),
        difficulty=np.array(difficulty, dtype=np.float64),
    )
