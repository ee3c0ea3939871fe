"""ARC-AGI-1 and -2: predict the output grid of a test input from a few demonstrations.

Boards are in the public format, see `hrm.tasks.arc.tokens`. As in the public builder, pairs of
training boards are placed at random offsets at which both grids fit, except for one pair of each
puzzle, which is placed top left, as are all pairs of validation and test boards.

Demonstrations aren't part of a board: a model recognises a task by its identity, whose embedding it
learns from the demonstrations. Each augmented version of a task is a puzzle with an identity of its
own, and all versions of a task form a group. Identity 0 is blank. Task t (of n, training tasks
before evaluation tasks) in version v = 0 ... A has identity 1 + t * (A + 1) + v; version 0 is the
task itself.

Source: github.com/sapientinc/HRM, dataset/build_arc_dataset.py. Shapes: N boards, 900 cells.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Ints, Scores, Splits, Values
from hrm.tasks.arc.baselines import recoloured
from hrm.tasks.arc.data import ArcTask, as_grid, follows, load, versions
from hrm.tasks.arc.tokens import (
    CELLS,
    FIRST,
    PADDING,
    VOCABULARY,
    cut_out,
    drawn_offset,
    embedded,
    malformed,
    numbered,
)
from hrm.tasks.board import most_frequent, one_hot, randomness, share

Role = Literal["train", "validation", "test"]
_roles: tuple[Role, ...] = ("train", "validation", "test")
_leaks = {("40853293", 2), ("caa06a1f", 2)}  # equal a test of another task, up to colours


class _Row(NamedTuple):
    input: Ints
    target: Ints
    cells: int
    identity: int


@dataclass(frozen=True, kw_only=True)
class Arc(Part):
    """Boards of ARC's pairs of grids; the natural form of a problem is its grid, a list of lists.

    Test boards are the test inputs of the evaluation tasks. Training boards are the demonstrations
    of all tasks, as in the public recipe. The public recipe also trains on the tests of training
    tasks; here they are the validation boards. No pair of a test or validation board is in the
    training set. For this reason two pairs of training tasks that are a test of another task are
    left out (in ARC-AGI-1 the public recipe trains on both), and so are versions of demonstrations
    that equal a version of their own task's test.

    An input doesn't determine the size of its answer, so all cells are unknown. The score counts
    the cells of the answer and its end markers. Padding is the ignored label of the public format:
    models aren't trained to predict it, and it would dominate the score of small answers. The
    difficulty is the number of cells of the answer.

    Args:
        version: 1 or 2, the version of ARC-AGI.
        augmentations: A, the number of augmented versions of each task; symmetric tasks have fewer.
        translate: Whether training boards are placed at random offsets.
        evaluation_demonstrations: Whether training includes the demonstrations of evaluation tasks;
            without them, the identities of test boards aren't trained.
        training_tests: Whether training includes the tests of training tasks, as in the public
            recipe; then there is no validation set.
    """

    version: int = 1
    augmentations: int = 0
    translate: bool = True
    evaluation_demonstrations: bool = True
    training_tests: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.version in (1, 2), "version", self.version, "1 or 2", "use 1 for ARC-AGI-1")
        require(
            self.augmentations >= 0,
            "augmentations",
            self.augmentations,
            "0 or more",
            "use 0 for the tasks as they are",
        )

    @property
    def cells(self) -> int:
        """Cells per board, 30 * 30."""
        return CELLS

    @property
    def vocabulary(self) -> int:
        """Number of tokens: padding, end marker and ten colours."""
        return VOCABULARY

    @property
    def classes(self) -> int:
        """Number of classes; token and class of a number mean the same."""
        return self.vocabulary

    @property
    def ignored(self) -> int:
        """The class of padding, which isn't learned."""
        return PADDING

    @property
    def public_vocabulary(self) -> int:
        """Number of tokens in the public format, in which the boards already are."""
        return self.vocabulary

    @property
    def tasks(self) -> tuple[ArcTask, ...]:
        """All tasks, those for training before those for evaluation.

        Raises:
            UserError: As `load`.
        """
        training, evaluation = load(self.version)
        return training + evaluation

    @property
    def evaluation_tasks(self) -> tuple[ArcTask, ...]:
        """The tasks that a submission answers.

        Raises:
            UserError: As `load`.
        """
        return load(self.version)[1]

    @property
    def identities(self) -> int:
        """Number of puzzle identities, the blank one included."""
        return 1 + len(self.tasks) * (self.augmentations + 1)

    # -- boards ------------------------------------------------------------------------------------
    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return boards of tasks in random order, all boards of one before the next; see `Task`.

        Inputs that occurred before, which some tasks share, are left out here, but not in
        `everything`.

        Raises:
            UserError: If a number is negative, or there aren't enough boards; or as `load`.
        """
        wanted: dict[Role, int] = {"test": test, "validation": validation, "train": train}
        for role, size in wanted.items():
            require(size >= 0, f"{role} boards", size, "0 or more", "ask for fewer or none")
        order = randomness(seed).permutation(len(self.tasks)).tolist()
        seen: set[bytes] = set()

        def new(rows: Iterable[_Row]) -> Iterator[_Row]:
            for row in rows:
                if (key := row.input.tobytes()) not in seen:
                    seen.add(key)
                    yield row

        dealt = {}
        for role, size in wanted.items():
            rows = chain.from_iterable(self._rows(seed, index, role) for index in order)
            dealt[role] = self._boards(list(islice(new(rows), size)))
            require(
                len(dealt[role]) == size,
                f"{role} boards",
                size,
                f"up to {len(dealt[role])} of {self}",
                "ask for fewer, or for more augmentations",
            )
        return Splits(**dealt)

    def everything(self, seed: int) -> Splits:
        """Return all boards, in order of identities; the seed draws augmentations and offsets.

        Raises:
            UserError: If the seed is negative; or as `load`.
        """
        whole = {}
        for role in _roles:
            rows = chain.from_iterable(
                self._rows(seed, index, role) for index in range(len(self.tasks))
            )
            whole[role] = self._boards(list(rows))
        return Splits(**whole)

    def stream(self, seed: int, role: Role) -> Iterator[Boards]:
        """Yield the boards of one set of `everything` task by task, for sets larger than memory.

        Raises:
            UserError: If the seed is negative; or as `load`.
        """
        for index in range(len(self.tasks)):
            if rows := list(self._rows(seed, index, role)):
                yield self._boards(rows)

    def identifiers(self, seed: int) -> list[str]:
        """Return the name of each identity, as the public builder forms them.

        An identity without a version, because its task is symmetric, is called blank, like 0.

        Raises:
            UserError: If the seed is negative; or as `load`.
        """
        names = ["<blank>"] * self.identities
        for index in range(len(self.tasks)):
            for number, version in enumerate(self.versions(seed, index)[0]):
                names[self._identity(index, number)] = version.name
        return names

    def versions(self, seed: int, index: int) -> tuple[list[ArcTask], np.random.Generator]:
        """Return the versions of a task, the plain one first, and their random generator.

        Each task has a random stream of its own, so that its versions don't depend on other tasks.

        Raises:
            UserError: If the seed is negative; or as `load`.
        """
        randomness(seed)  # refuses a negative one
        random = randomness((seed + 1 << 32) + index)
        return versions(self.tasks[index], self.augmentations, random), random

    def encode(self, problem: Any) -> Values:
        """Return the input [900] of a grid, a list of rows of colours, top left.

        Raises:
            UserError: If it isn't a grid.
        """
        return embedded(as_grid(problem, "the grid"))

    def decode(self, board: Values, prediction: Values | None = None) -> list[list[int]]:
        """Return a board's grid, or the grid that a prediction gives at the place of the board's.

        It is the largest rectangle without padding and end markers, as in the public evaluator;
        among equally large ones, that with the fewest rows. It is [] if the first cell has no
        colour.
        """
        tokens = board if prediction is None else prediction
        rows: list[list[int]] = cut_out(board[None], tokens[None])[0].tolist()
        return rows

    # -- scores ------------------------------------------------------------------------------------
    def unknown(self, inputs: Ints) -> Bools:
        """Return all cells: an input shows none of its answer, not even the size."""
        return np.ones(inputs.shape, dtype=np.bool_)

    def one_hot(self, inputs: Ints) -> NDArray[np.float32]:
        """Return [N, cells * vocabulary] for vector models."""
        return one_hot(inputs, self.vocabulary)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare predictions with the answer, which is the only valid one.

        `tokens` counts all cells, padding included; `unknown` counts the cells of the answer and
        its end markers. `exact` requires all cells of the latter, as the public trainer does.
        `valid` requires the grid that `decode` returns, which is ARC's own criterion; it tolerates
        padding in the place of an end marker.
        """
        assert predictions.shape == boards.inputs.shape
        right = predictions == boards.targets
        labelled = boards.targets != PADDING
        found, answers = (cut_out(boards.inputs, t) for t in (predictions, boards.targets))
        valid = [np.array_equal(*grids) for grids in zip(found, answers, strict=True)]
        return Scores(
            tokens=right.mean(axis=1),
            unknown=share((right & labelled).sum(axis=1), labelled.sum(axis=1)),
            exact=(right | ~labelled).all(axis=1).astype(np.float64),
            valid=np.array(valid, dtype=np.float64),
        )

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether a prediction is the answer to a board's input.

        A board doesn't contain its answer. Therefore this searches for a pair of the collection
        such that one augmentation maps it to both the board and the prediction.

        Raises:
            UserError: If the board's grid is no version of any input in the collection.
        """
        grid, answer = cut_out(np.stack([board, board]), np.stack([board, prediction]))
        pairs = chain.from_iterable(task.pairs for task in self.tasks)
        verdicts = {follows(pair, grid, answer) for pair in pairs}
        if verdicts == {None}:
            raise UserError(
                f"the board's grid of {grid.shape[0]} x {grid.shape[1]} cells is no version of an "
                f"input of ARC-AGI-{self.version}, so that its answer isn't known; pass a board of "
                "this task"
            )
        return True in verdicts

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy``, ``frequent`` and ``recolour``.

        ``frequent`` excludes padding, which would be the most frequent class nearly everywhere.
        ``recolour`` maps colours as the demonstrations do, see `recoloured`.
        """
        labels = np.where(train.targets == PADDING, -1, train.targets)
        return {
            "copy": boards.inputs.copy(),
            "frequent": most_frequent(labels, self.classes, len(boards)),
            "recolour": recoloured(train, boards),
        }

    # -- formats -----------------------------------------------------------------------------------
    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Return inputs and targets as they are."""
        return boards.inputs, boards.targets

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards from file inputs and labels.

        Raises:
            UserError: If a row isn't one grid with its end markers and padding, or its label isn't
                at the same offset.
        """
        for name, tokens in (("inputs", inputs), ("labels", labels)):
            require(
                tokens.ndim == 2 and tokens.shape[1] == self.cells,
                f"shape of {name}",
                tokens.shape,
                f"[boards, {self.cells}]",
                "pass boards of ARC",
            )
            wrong = malformed(inputs, tokens)
            if wrong.any():
                raise UserError(
                    f"row {int(wrong.argmax())} of {name} is no board of ARC; allowed is one grid "
                    "of tokens 2 to 11, with end markers, at the offset of its input; build the "
                    "data again"
                )
        difficulty = (labels >= FIRST).sum(axis=1).astype(np.float64)
        return Boards(inputs=inputs, targets=labels, difficulty=difficulty)

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return the grid of a board as rows of digits, and below it that of a prediction."""
        grids = [self.decode(board)]
        if prediction is not None:
            grids.append(self.decode(board, prediction))
        return "\n\n".join("\n".join(" ".join(map(str, row)) for row in grid) for grid in grids)

    # -- how boards are made -----------------------------------------------------------------------
    def _rows(self, seed: int, index: int, role: Role) -> Iterator[_Row]:
        """Yield one task's boards for one set, version by version."""
        roles = self._pair_roles(index)
        if role not in roles:
            return
        made, random = self.versions(seed, index)
        held_out = {
            pair.key
            for version in made
            for pair, its in zip(version.pairs, roles, strict=True)
            if its in ("validation", "test")
        }
        for number, version in enumerate(made):
            chosen = [pair for pair, its in zip(version.pairs, roles, strict=True) if its == role]
            if role == "train":
                chosen = [pair for pair in chosen if pair.key not in held_out]
            fixed = random.integers(max(len(chosen), 1))
            for i, pair in enumerate(chosen):
                moved = role == "train" and self.translate and i != fixed
                offset = drawn_offset(random, pair.input, pair.output) if moved else (0, 0)
                yield _Row(
                    input=embedded(pair.input, offset),
                    target=embedded(pair.output, offset),
                    cells=pair.output.size,
                    identity=self._identity(index, number),
                )

    def _pair_roles(self, index: int) -> list[Role | None]:
        """Return which set each pair of a task belongs to, if any."""
        task = self.tasks[index]
        shown: Role | None = "train"
        asked: Role = "train" if self.training_tests else "validation"
        if index >= len(self.tasks) - len(self.evaluation_tasks):
            shown, asked = ("train" if self.evaluation_demonstrations else None), "test"
        roles = [shown] * len(task.demonstrations) + [asked] * len(task.tests)
        return [None if (task.name, i) in _leaks else role for i, role in enumerate(roles)]

    def _identity(self, index: int, number: int) -> int:
        return 1 + index * (self.augmentations + 1) + number

    def _boards(self, rows: Sequence[_Row]) -> Boards:
        identities = np.array([row.identity for row in rows], dtype=np.int64)
        return Boards(
            inputs=np.array([row.input for row in rows], dtype=np.int64).reshape(-1, CELLS),
            targets=np.array([row.target for row in rows], dtype=np.int64).reshape(-1, CELLS),
            difficulty=np.array([row.cells for row in rows], dtype=np.float64),
            identities=identities,
            puzzles=numbered(identities),
            groups=numbered((identities - 1) // (self.augmentations + 1)),
        )
