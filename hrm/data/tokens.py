"""Boards in the tokens of the public format, which models of the public code read.

The public format numbers tokens differently, with 0 for padding (see `Task.to_public`), and a
public model answers in that numbering. Its answers are translated to our classes to be scored.
"""

from dataclasses import replace

import numpy as np

from hrm.tasks import Boards, Ints, Scores, Task


class PublicBoards:
    """Boards of a task in public tokens, and the scores of answers to them.

    A token that has no class in its cell (padding; in a maze, a wall on a free cell) is a wrong
    answer: such a board is neither exact nor valid. Cells without a label count as right.

    Args:
        task: The task of the boards.
        boards: Boards in the task's own tokens.

    Attributes:
        boards: The same boards in public tokens.
        vocabulary: Number of public tokens.
        classes: Number of classes that a model predicts.
        cells: Cells per board.
        ignored: The class that isn't learned.
        identities: Number of puzzle identities.
    """

    def __init__(self, task: Task, boards: Boards) -> None:
        self._task, self._own = task, boards
        inputs, self._labels = task.to_public(boards)
        self.boards = replace(boards, inputs=inputs, targets=self._labels)
        self.vocabulary = self.classes = task.public_vocabulary
        self.cells, self.ignored = task.cells, 0
        self.identities = getattr(task, "identities", 1)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare predicted tokens [N, cells] with the answers, by the task's own rules."""
        assert boards is self.boards
        found = classes(self._task)[self._own.inputs, predictions]
        found = np.where(self._labels == 0, self._own.targets, found)
        none = found < 0
        instead = (self._own.targets + 1) % self._task.classes
        scores = self._task.score(self._own, np.where(none, instead, found))
        sound = ~none.any(axis=1)
        return replace(scores, exact=scores.exact * sound, valid=scores.valid * sound)


def classes(task: Task) -> Ints:
    """Return the class of each public label in a cell with each input token, −1 for none.

    The table is [vocabulary, public vocabulary].
    """
    tokens, found, _, labels = _written(task)
    table = np.full((task.vocabulary, task.public_vocabulary), -1)
    table[tokens, labels] = found
    return table


def tokens(task: Task) -> Ints:
    """Return the input token of each public token, −1 for none, [public vocabulary]."""
    own, _, inputs, _ = _written(task)
    table = np.full(task.public_vocabulary, -1)
    table[inputs] = own
    return table


def _written(task: Task) -> tuple[Ints, Ints, Ints, Ints]:
    """Return each pair of token and class, with the public input and label that encode it."""
    own, found = np.indices((task.vocabulary, task.classes)).reshape(2, -1)
    every = [np.tile(values[:, None], task.cells) for values in (own, found)]
    boards = Boards(inputs=every[0], targets=every[1], difficulty=np.zeros(len(own)))
    inputs, labels = task.to_public(boards)
    return own, found, inputs[:, -1], labels[:, -1]
