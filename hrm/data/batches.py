"""Batches of a folder in the public format, in the order of the public loaders."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hrm.data.own import Held
from hrm.data.public import IGNORED, Indices, PublicData, owners
from hrm.tasks import Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Boards for one step, as models take them.

    Args:
        inputs: Tokens [B, positions].
        labels: Answers [B, positions]; -100 where a position has none.
        identifiers: Puzzle identities [B].
        real: Number of rows that are boards; the rows after them are padding.
    """

    inputs: Ints
    labels: Ints
    identifiers: Ints
    real: int


def batches(
    data: PublicData, batch: int, random: np.random.Generator, *, epochs: int = 1
) -> Iterator[Batch]:
    """Yield full batches for training.

    An epoch visits each group once, in random order, and draws one puzzle of the group. It takes
    the boards of that puzzle in random order, as many as the batch has room for. A batch may span
    two epochs; the last partial batch is dropped.

    Args:
        data: The training split.
        batch: B, boards per batch.
        random: The source of all choices.
        epochs: Number of epochs.
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


class Grouped:
    """An endless iterator over training boards in the order of `batches`, which can be resumed.

    Args:
        data: The training split.
        held: The boards that are held out.
        batch: Boards per batch.
        seed: Seed of all choices; each epoch has a stream of its own.
    """

    def __init__(self, data: PublicData, held: Held, batch: int, seed: int) -> None:
        assert batch > 0
        self.data, self.held, self.batch, self.seed = data, held, batch, seed
        self._start(0)

    def rows(self) -> Ints:
        """Return the boards of the next batch."""
        found: list[int] = []
        while len(found) < self.batch:
            if self.dealt == len(self.puzzles):
                self._start(self.epoch + 1)
            puzzle = self.puzzles[self.dealt]
            start, end = int(self.data.puzzle_indices[puzzle]), int(self.held.ends[puzzle])
            boards = [0]
            if end - start > 1:
                random = np.random.Generator(np.random.PCG64([self.seed, self.epoch, self.dealt]))
                boards = random.permutation(end - start).tolist()
            found += [start + board for board in boards[: self.batch - len(found)]]
            self.dealt += 1
        return np.array(found)

    def state(self) -> dict[str, int]:
        """Return the state that determines the next batches."""
        return {"epoch": self.epoch, "dealt": self.dealt}

    def load(self, state: dict[str, int]) -> None:
        """Continue from a `state`."""
        self._start(state["epoch"])
        self.dealt = state["dealt"]

    def _start(self, epoch: int) -> None:
        random = np.random.Generator(np.random.PCG64([self.seed, epoch]))
        order = random.permutation(self.held.groups)
        indices = self.data.group_indices
        self.puzzles = random.integers(indices[order], indices[order + 1])
        self.epoch, self.dealt = epoch, 0


def evaluation(data: PublicData, batch: int) -> Iterator[Batch]:
    """Yield all boards in order; the last batch is filled with padding.

    Args:
        data: The split to evaluate on.
        batch: B, rows per batch.
    """
    assert batch > 0
    for start in range(0, len(data), batch):
        yield _batch(data, np.arange(start, min(start + batch, len(data))), batch)


def _batch(data: PublicData, rows: Ints, batch: int) -> Batch:
    """Return some boards as a batch, padded to a number of rows."""
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
