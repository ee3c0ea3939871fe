"""Overlap between the boards of a folder, and between inputs and answers, which inflates scores."""

import numpy as np
from numpy.typing import NDArray

from hrm.data.public import PublicData

_chunk = 1 << 16  # boards read at a time


def shared(boards: PublicData, others: PublicData) -> int:
    """Return the number of boards whose input occurs among those of the others."""
    if boards.positions != others.positions:
        return 0
    return int(np.isin(_keys(boards), _keys(others)).sum())


def copied(data: PublicData) -> float:
    """Return the share of labelled cells whose label equals the input; 0 without labelled cells.

    The clues of a sudoku are such cells. If all cells are, there is nothing to learn.
    """
    same = labelled = 0
    for start in range(0, len(data), _chunk):
        rows = slice(start, start + _chunk)
        has = ~data.unlabelled(rows)
        labelled += int(has.sum())
        same += int((has & (data.inputs[rows] == data.labels[rows])).sum())
    return same / max(labelled, 1)


def _keys(data: PublicData) -> NDArray[np.uint64]:
    """Return a hash of each input: equal inputs have equal hashes, others almost never.

    It is Σ_i token_i · w_i mod 2⁶⁴ with random odd w, which takes 8 bytes per board.
    """
    random = np.random.Generator(np.random.PCG64(0))
    weights = random.integers(0, 1 << 63, data.positions, dtype=np.uint64) * 2 + 1
    pieces = [
        (data.inputs[start : start + _chunk].astype(np.uint64) * weights).sum(axis=1)
        for start in range(0, len(data), _chunk)
    ]
    return np.concatenate(pieces or [np.zeros(0, dtype=np.uint64)])
