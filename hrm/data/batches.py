"""Batches of a folder in the public format, as its loaders take them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hrm.data.public import IGNORED, Indices, PublicData, owners
from hrm.tasks import Ints


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
    labels[data.unlabelled(rows)] = IGNORED
    identifiers = data.puzzle_identifiers[owners(data.puzzle_indices, rows)]

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
