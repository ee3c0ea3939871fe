"""What a folder's boards share with each other and with their answers: what makes scores lie."""

import numpy as np
from numpy.typing import NDArray

from hrm.data.public import PublicData

_chunk = 1 << 16  # boards looked at once


def shared(boards: PublicData, others: PublicData) -> int:
    """Return how many boards have an input that is among the others'."""
    if boards.positions != others.positions:
        return 0
    return int(np.isin(_keys(boards), _keys(others)).sum())


def copied(data: PublicData) -> float:
    """Return the share of labelled cells whose label is the input; 0 where there are none.

    Clues of a sudoku are such cells; where all are, there is nothing to learn.
    """
    same = labelled = 0
    for start in range(0, len(data), _chunk):
        rows = slice(start, start + _chunk)
        has = ~data.unlabelled(rows)
        labelled += int(has.sum())
        same += int((has & (data.inputs[rows] == data.labels[rows])).sum())
    return same / max(labelled, 1)


def _keys(data: PublicData) -> NDArray[np.uint64]:
    """Return a number for each input, equal for equal ones and else but by a rare chance.

    Σ_i token_i · w_i mod 2⁶⁴ with random odd w: 8 bytes a board, of millions of boards.
    """
    random = np.random.Generator(np.random.PCG64(0))
    weights = random.integers(0, 1 << 63, data.positions, dtype=np.uint64) * 2 + 1
    pieces = [
        (data.inputs[start : start + _chunk].astype(np.uint64) * weights).sum(axis=1)
        for start in range(0, len(data), _chunk)
    ]
    return np.concatenate(pieces or [np.zeros(0, dtype=np.uint64)])
