"""Regression on vectors: a recurrence whose number of steps is the difficulty.

Each output starts from a value of its own and adds further values one after the other; the input
says after how many steps k to stop:

    y_0 = start        y_j = T(y_{j-1} + x_j), j = 1 ... k        T(z) = 1 - 2 |z - 2 round(z / 2)|

T is the triangle wave with period 2: T(0) = 1, T(1) = -1. One step is easily learnt. Each further
step doubles the slope and the number of bends of the function, but needs only one more step of
recursion (M. Telgarsky, "Benefits of depth in neural networks", COLT 2016, for the tent map).
Starts and values are independent and uniform on [-1, 1], and so is every y_j. Therefore all
difficulties have the same standard deviation, 1 / sqrt(3), and for k >= 1 no linear function of the
input explains any variance. There is no noise.

Values are multiples of 2^-20, so that every sum is exact, also in single precision.

Shapes: N boards, O outputs, K the largest number of steps; features F = O + 2 K: starts, values,
and indicators of k = 1 ... K. An input repeats its features until its `size` is filled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import Part, require
from hrm.errors import UserError
from hrm.tasks import Boards, Bools, Floats, Ints, Scores, Splits
from hrm.tasks.board import randomness, split

_batch = 1024  # boards drawn at once: the stream of a seed depends on it
_patience = 64  # batches without a new board that end a search
_grid = 2**20  # values are integers over this


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Errors of predictions.

    Attributes:
        squared: Mean squared error over the outputs, per board, [N].
        explained: R^2, 1 - (sum of squared errors) / (that of predicting the targets' mean).
    """

    squared: Floats
    explained: float


@dataclass(frozen=True, kw_only=True)
class Regression(Part):
    """Vectors with real targets; inputs [N, size], targets [N, O], no tokens and no classes.

    The difficulty is k; every split has equal numbers of boards (up to one) of each, in turn. An
    output is right if its error is at most `tolerance` standard deviations; a prediction is valid
    and exact if all outputs are right. The natural form of a problem is (starts, values, k); that
    of an answer is the list of outputs.

    Args:
        size: Length of the input vector, at least F.
        outputs: O.
        depth: K, the largest number of steps.
        tolerance: Largest error of a right output, in standard deviations of the targets, 1 /
            sqrt(3).
    """

    size: int = 1024
    outputs: int = 1
    depth: int = 4
    tolerance: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("outputs", "depth"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more", "use 1 or 4")
        require(
            self.size >= self._features,
            "size",
            self.size,
            f"{self._features} or more, outputs + 2 * depth",
            "use longer vectors, or fewer outputs or steps",
        )
        require(
            0 < self.tolerance < 1, "tolerance", self.tolerance, "a number in 0 ... 1", "use 0.1"
        )

    @property
    def cells(self) -> int:
        """Length of the input vector; the answer has `outputs` values."""
        return self.size

    @property
    def vocabulary(self) -> int:
        """No tokens."""
        return 0

    @property
    def classes(self) -> int:
        """No classes."""
        return 0

    @property
    def public_vocabulary(self) -> int:
        """No tokens."""
        return 0

    @property
    def _features(self) -> int:
        """F, the number of features."""
        return self.outputs + 2 * self.depth

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return disjoint boards; see `Task.generate`.

        Raises:
            UserError: If a number is negative.
        """
        dealt = split(
            self._stream(randomness(seed)),
            cells=self.outputs + self.depth + 1,
            train=train,
            validation=validation,
            test=test,
            patience=_patience,
            strata=[(k, k) for k in range(1, self.depth + 1)],
        )
        return Splits(
            train=self._boards(dealt.train),
            validation=self._boards(dealt.validation),
            test=self._boards(dealt.test),
        )

    def encode(self, problem: Any) -> Floats:
        """Return the input [size] of starts, values and a number of steps.

        Raises:
            UserError: If it isn't a problem of this task.
        """
        fits = isinstance(problem, list | tuple) and len(problem) == 3
        starts, values, steps = problem if fits else ((), (), 0)
        lists = all(isinstance(part, list | tuple) for part in (starts, values))
        if not (
            lists
            and (len(starts), len(values)) == (self.outputs, self.depth)
            and all(type(v) in (int, float) and -1 <= v <= 1 for v in (*starts, *values))
            and type(steps) is int
            and 1 <= steps <= self.depth
        ):
            raise UserError(
                f"Regression can't use {str(problem)[:80]}; allowed is (starts, values, k) with "
                f"{self.outputs} and {self.depth} numbers in -1 ... 1 and k in 1 ... {self.depth}; "
                f"give all values, used or not"
            )
        numbers = np.array([[*starts, *values]], dtype=np.float64)
        board: Floats = self._vectors(numbers, np.array([steps]))[0]
        return board

    def decode(self, board: Floats, prediction: Floats | None = None) -> Any:
        """Return (starts, values, k), or the outputs of a prediction."""
        if prediction is not None:
            return prediction.tolist()
        starts, values, steps = self._parts(board[None])
        return starts[0].tolist(), values[0].tolist(), int(steps[0])

    def unknown(self, inputs: Floats) -> Bools:
        """Return that all outputs are open, [N, O]."""
        return np.ones((len(inputs), self.outputs), dtype=np.bool_)

    def one_hot(self, inputs: Floats) -> NDArray[np.float32]:
        """Return the inputs in single precision, [N, size]; nothing is lost."""
        return inputs.astype(np.float32)

    def score(self, boards: Boards, predictions: Floats) -> Scores:
        """Return the shares of outputs within the tolerance, and whether all are."""
        assert predictions.shape == boards.targets.shape
        right = self._right(boards.targets, predictions)
        share, every = right.mean(axis=1), right.sum(axis=1) == self.outputs
        return Scores(
            tokens=share,
            unknown=share,
            exact=every.astype(np.float64),
            valid=every.astype(np.float64),
        )

    def errors(self, boards: Boards, predictions: Floats) -> Errors:
        """Return the squared errors, and the share of the targets' variance that is explained."""
        squared = (predictions - boards.targets) ** 2
        spread = (boards.targets - boards.targets.mean(axis=0)) ** 2
        return Errors(
            squared=squared.mean(axis=1), explained=float(1 - squared.sum() / spread.sum())
        )

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Floats]:
        """Return ``copy`` (the starts), ``frequent`` (the mean), ``linear`` and ``nearest``.

        ``linear`` is least squares on starts and values, with a constant, separately for each
        number of steps. ``nearest`` copies the answer of the nearest training board with the same
        number of steps. If the training set has no such board, both answer the mean.
        """
        from scipy.spatial import cKDTree  # slow to import, and needed only here

        assert len(train) > 0
        mean = np.tile(train.targets.mean(axis=0), (len(boards), 1))
        linear, nearest = mean.copy(), mean.copy()
        known, known_steps = self._numbers(train.inputs)
        asked, asked_steps = self._numbers(boards.inputs)
        for k in np.intersect1d(known_steps, asked_steps):
            seen, here = known_steps == k, asked_steps == k
            targets = train.targets[seen]
            weights = np.linalg.lstsq(_with_constant(known[seen]), targets, rcond=None)[0]
            linear[here] = _with_constant(asked[here]) @ weights
            nearest[here] = targets[cKDTree(known[seen]).query(asked[here])[1]]
        return {
            "copy": self._parts(boards.inputs)[0],
            "frequent": mean,
            "linear": linear,
            "nearest": nearest,
        }

    def check(self, board: Floats, prediction: Floats) -> bool:
        """Return whether all outputs are within the tolerance."""
        return bool(self._right(self._fold(board[None])[0], prediction).all())

    def to_public(self, boards: Boards) -> tuple[Ints, Ints]:
        """Refuse: the field's files hold tokens.

        Raises:
            UserError: Always.
        """
        raise _no_files()

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Refuse: the field's files hold tokens.

        Raises:
            UserError: Always.
        """
        raise _no_files()

    def draw(self, board: Floats, prediction: Floats | None = None) -> str:
        """Return starts and added values; with predictions, ``!`` and the truth where wrong."""
        starts, values, steps = self.decode(board)
        taken = ", ".join(f"{v:.3f}" for v in values[:steps])
        lines = [f"{start:.3f} folded with {taken}" for start in starts]
        if prediction is not None:
            truth = self._fold(board[None])[0]
            right = self._right(truth, prediction)
            for o, (found, true) in enumerate(zip(prediction, truth, strict=True)):
                lines[o] += f": {found:.3f}" + ("" if right[o] else f"! not {true:.3f}")
        return "\n".join(lines)

    def _stream(self, random: np.random.Generator) -> Iterator[Boards]:
        """Yield boards of integers: starts and values on the grid, then the number of steps."""
        while True:
            shape = (_batch, self.outputs + self.depth)
            numbers = random.integers(-_grid, _grid, size=shape, endpoint=True)
            steps = random.integers(1, self.depth, size=_batch, endpoint=True)
            whole = np.concatenate([numbers, steps[:, None]], axis=1)
            yield Boards(inputs=whole, targets=whole, difficulty=steps.astype(np.float64))

    def _boards(self, dealt: Boards) -> Boards:
        inputs = self._vectors(dealt.inputs[:, :-1] / _grid, dealt.inputs[:, -1])
        return Boards(inputs=inputs, targets=self._fold(inputs), difficulty=dealt.difficulty)

    def _vectors(self, numbers: Floats, steps: Ints) -> Floats:
        """Return inputs [N, size] from starts and values [N, O + K] and steps [N]."""
        counts = np.arange(1, self.depth + 1) == steps[:, None]
        features = np.concatenate([numbers, counts.astype(np.float64)], axis=1)
        return features[:, np.arange(self.size) % self._features]

    def _numbers(self, inputs: Floats) -> tuple[Floats, Ints]:
        """Return starts and values [N, O + K], and steps [N]."""
        end = self.outputs + self.depth
        return inputs[:, :end], inputs[:, end : end + self.depth].argmax(axis=1) + 1

    def _parts(self, inputs: Floats) -> tuple[Floats, Floats, Ints]:
        """Return starts [N, O], values [N, K] and steps [N]."""
        numbers, steps = self._numbers(inputs)
        return numbers[:, : self.outputs].copy(), numbers[:, self.outputs :], steps

    def _fold(self, inputs: Floats) -> Floats:
        """Return the answers [N, O]."""
        y, values, steps = self._parts(inputs)
        for j in range(self.depth):
            distance = np.abs(y + values[:, j : j + 1])  # <= 2; then from the next even number
            folded = 1 - 2 * np.minimum(distance, 2 - distance)
            y = np.where(j < steps[:, None], folded, y)
        return y

    def _right(self, targets: Floats, predictions: Floats) -> Bools:
        right: Bools = np.abs(predictions - targets) <= self.tolerance * 3**-0.5
        return right


def _with_constant(numbers: Floats) -> Floats:
    return np.concatenate([numbers, np.ones((len(numbers), 1))], axis=1)


def _no_files() -> UserError:
    return UserError(
        "Regression has real values, and the field's files hold tokens; allowed are tasks on "
        "boards of tokens; choose one of these, or generate regression from its seed"
    )
