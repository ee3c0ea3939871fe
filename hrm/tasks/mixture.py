"""Several tasks at once, with boards padded to one size.

Each task's tokens have a range of their own, so that a token identifies its task:

    token of task k = its own token + sum of the vocabularies of tasks 0 ... k - 1

and the last token is padding, which follows the cells of smaller boards. Answers keep their
classes, which the tasks share; the last class is that of padding and isn't learned.

Shapes: N boards, T tasks.
"""

import itertools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Ints, Scores, Splits, Task
from hrm.tasks.board import one_hot


@dataclass(frozen=True, kw_only=True)
class Mixture(Part):
    """Boards of several tasks in turn: board i of a split is of task i mod T.

    The boards of a task are those that it generates alone for the same seed and its share of the
    numbers. Scores are those of the tasks, on their own cells. The natural form of a problem is a
    pair: the index of its task, and its natural form there.

    Args:
        tasks: T tasks with classes as answers and without puzzle identities.
    """

    tasks: tuple[Part, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        fitting = [
            isinstance(t, Task) and t.classes > 0 and not hasattr(t, "ignored") for t in self.tasks
        ]
        require(
            bool(fitting) and all(fitting),
            "tasks",
            self.tasks,
            "one or more tasks that answer all their cells with classes",
            "leave out those with real numbers or padding of their own",
        )

    @property
    def cells(self) -> int:
        """Cells of the largest board."""
        return max(task.cells for task in self._tasks)

    @property
    def vocabulary(self) -> int:
        """Number of tokens: those of all tasks, and padding."""
        return sum(task.vocabulary for task in self._tasks) + 1

    @property
    def classes(self) -> int:
        """The largest number of classes of a task, plus one for padding."""
        return self.ignored + 1

    @property
    def ignored(self) -> int:
        """The class of padding."""
        return max(task.classes for task in self._tasks)

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return boards of all tasks in turn, disjoint as each task's are; see `Task.generate`.

        Raises:
            UserError: If a number is negative, or so many different boards can't be found.
        """
        count = len(self.tasks)

        def shares(size: int) -> list[int]:
            return [len(range(k, size, count)) if size >= 0 else size for k in range(count)]

        sizes = zip(shares(train), shares(validation), shares(test), strict=True)
        dealt = [task.generate(seed, *own) for task, own in zip(self._tasks, sizes, strict=True)]
        names = [field.name for field in fields(Splits)]
        return Splits(**{name: self._mixed([getattr(d, name) for d in dealt]) for name in names})

    def kinds(self, inputs: Ints) -> Ints:
        """Return the index of each board's task, [N]."""
        found: Ints = (inputs[:, :1] >= self._starts).sum(axis=1) - 1
        return found

    def encode(self, problem: Any) -> Ints:
        """Return the input [cells] of a pair: a task's index, and a problem in its natural form.

        Raises:
            UserError: If it isn't such a pair.
        """
        fits = isinstance(problem, tuple | list) and len(problem) == 2
        if not fits or problem[0] not in range(len(self.tasks)):
            raise UserError(
                f"Mixture can't use {problem!r}; allowed is a task's place, 0 to "
                f"{len(self.tasks) - 1}, and a problem of that task; give both"
            )
        k = int(problem[0])
        own = self._tasks[k].encode(problem[1]) + self._starts[k]
        padding = np.full(self.cells - len(own), self.vocabulary - 1, dtype=np.int64)
        return np.concatenate([own, padding])

    def decode(self, board: Ints, prediction: Ints | None = None) -> tuple[int, Any]:
        """Return the index of a board's task, and its problem or, with a prediction, the answer."""
        k, own, answer = self._one(board, prediction)
        return k, self._tasks[k].decode(own, answer)

    def unknown(self, inputs: Ints) -> Bools:
        """Return a mask of the cells that the tasks leave open, without padding."""
        found = np.zeros(inputs.shape, dtype=np.bool_)
        for k, task in enumerate(self._tasks):
            mine = self.kinds(inputs) == k
            found[mine, : task.cells] = task.unknown(inputs[mine, : task.cells] - self._starts[k])
        return found

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Score the boards of each task as that task does, on its own cells."""
        found = {field.name: np.ones(len(boards)) for field in fields(Scores)}
        for k, task in enumerate(self._tasks):
            mine = self.kinds(boards.inputs) == k
            scores = task.score(self._own(boards, k, mine), predictions[mine, : task.cells])
            for name, values in found.items():
                values[mine] = getattr(scores, name)
        return Scores(**found)

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return every combination of the tasks' methods, by names such as "corner + last".

        If all tasks use the same method, its name stands alone, as in ``copy`` and ``frequent``.
        """
        sets = (train, boards)
        methods: list[dict[str, Ints]] = []
        for k, task in enumerate(self._tasks):
            methods.append(
                task.baselines(*(self._own(s, k, self.kinds(s.inputs) == k) for s in sets))
            )
        found: dict[str, Ints] = {}
        for names in itertools.product(*methods):
            guess = np.full(boards.inputs.shape, self.ignored, dtype=np.int64)
            for k, name in enumerate(names):
                mine = self.kinds(boards.inputs) == k
                guess[mine, : self._tasks[k].cells] = methods[k][name]
            found[names[0] if len(set(names)) == 1 else " + ".join(names)] = guess
        return found

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether a prediction [cells] is a valid answer to its task's board."""
        k, own, answer = self._one(board, prediction)
        assert answer is not None
        return self._tasks[k].check(own, answer)

    @property
    def public_vocabulary(self) -> int:
        """0, since the public format holds a single task per folder."""
        return 0

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Refuse: the field's files hold one task each.

        Raises:
            UserError: Always.
        """
        raise _no_files()

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Refuse: the field's files hold one task each.

        Raises:
            UserError: Always.
        """
        raise _no_files()

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return the board's picture, as its task draws it."""
        k, own, answer = self._one(board, prediction)
        return self._tasks[k].draw(own, answer)

    @property
    def _tasks(self) -> tuple[Task, ...]:
        return self.tasks  # type: ignore[return-value]  # parts that are tasks, see __post_init__

    @property
    def _starts(self) -> Ints:
        """The first token of each task and, last, that of padding, [T + 1]."""
        starts: Ints = np.cumsum([0, *(task.vocabulary for task in self._tasks)])
        return starts

    def _mixed(self, dealt: list[Boards]) -> Boards:
        """Return the boards of all tasks in turn, padded and with the mixture's tokens."""
        size, count = sum(map(len, dealt)), len(dealt)
        inputs = np.full((size, self.cells), self.vocabulary - 1, dtype=np.int64)
        targets = np.full((size, self.cells), self.ignored, dtype=np.int64)
        difficulty = np.zeros(size)
        for k, boards in enumerate(dealt):
            cells = self._tasks[k].cells
            inputs[k::count, :cells] = boards.inputs + self._starts[k]
            targets[k::count, :cells] = boards.targets
            difficulty[k::count] = boards.difficulty
        return Boards(inputs=inputs, targets=targets, difficulty=difficulty)

    def _own(self, boards: Boards, k: int, mine: Bools) -> Boards:
        """Return the boards where `mine` is true, without padding and in the tokens of task k."""
        cells = self._tasks[k].cells
        return Boards(
            inputs=boards.inputs[mine, :cells] - self._starts[k],
            targets=boards.targets[mine, :cells],
            difficulty=boards.difficulty[mine],
        )

    def _one(self, board: Ints, prediction: Ints | None) -> tuple[int, Ints, Ints | None]:
        """Return the index of a board's task, and input and prediction in that task's own form."""
        k = int(self.kinds(board[None])[0])
        cells = self._tasks[k].cells
        answer = None if prediction is None else prediction[:cells]
        return k, board[:cells] - self._starts[k], answer


def _no_files() -> UserError:
    return UserError(
        "a Mixture can't be written to or read from the field's files; allowed are tasks by "
        "themselves; use one of its tasks"
    )
