"""Patterns: continue interleaved sequences.

Elements are integers modulo a prime p, so that a geometric sequence never outgrows its tokens:

    arithmetic   x' = x + d       d != 0                1 parameter
    geometric    x' = r x         r != 0, 1             1 parameter
    mixed        x' = r x + d     r != 0, 1; d != 0     2 parameters

and no sequence is constant. If several are interleaved, each is a *strand*, and strands take turns.

Three elements determine the rule of a strand: since x_1 != x_0, r = (x_2 - x_1) / (x_1 - x_0) and d
= x_1 - r x_0 modulo p; strands with r = 1 are arithmetic, those with d = 0 geometric. Therefore
every continuation is unique.

Shapes: N boards, E elements per strand (shown, then asked), S strands; cells = E * S: all strands'
first elements, then all second ones, and so on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrm.config.parts import require
from hrm.tasks import Boards, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent

_batch = 1024  # boards drawn at once: the stream of a seed depends on it


@dataclass(frozen=True, kw_only=True)
class Pattern(Asking):
    """Interleaved sequences modulo p; tokens 0 ... p - 1 are elements, p is asked.

    Targets are the whole sequences. The kind of each strand is drawn uniformly from the three, then
    its parameters. The difficulty is the total number of parameters, S to 2 S. The natural form of
    a problem is the list of shown elements in turn; that of an answer is the list of asked ones.

    Args:
        modulus: p, a prime. There are p (p - 1)^2 strands, 2 (p - 1)^2 of them with one parameter.
        strands: S, the number of interleaved sequences.
        shown: Number of given elements per strand.
        asked: Number of asked elements per strand.
    """

    modulus: int = 11
    strands: int = 2
    shown: int = 4
    asked: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            5 <= self.modulus < 256 and all(self.modulus % k for k in range(2, self.modulus)),
            "modulus",
            self.modulus,
            "a prime from 5 to 251",
            "use 11 or 97",
        )
        require(self.shown >= 3, "shown", self.shown, "3 or more", "fewer don't determine a rule")
        for name in ("strands", "asked"):
            value = getattr(self, name)
            require(value >= 1, name, value, "1 or more", "there has to be something to continue")

    @property
    def cells(self) -> int:
        """Cells per board, (shown + asked) * S."""
        return (self.shown + self.asked) * self.strands

    @property
    def vocabulary(self) -> int:
        """Number of tokens: the elements, and the mark of an asked one."""
        return self.modulus + 1

    @property
    def classes(self) -> int:
        """Number of classes, one per element; an element has the same number as token and class."""
        return self.modulus

    @property
    def _given(self) -> int:
        """Number of given cells, which come first."""
        return self.shown * self.strands

    def decode(self, board: Ints, prediction: Ints | None = None) -> list[int]:
        """Return the shown elements in turn, or the asked ones of a prediction."""
        found: list[int] = (
            board[: self._given].tolist()
            if prediction is None
            else prediction[self._given :].tolist()
        )
        return found

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        """Return ``copy`` (0 where asked), ``frequent``, ``last`` and ``difference``.

        ``last`` repeats the last shown element of each strand. ``difference`` continues each strand
        with its last difference, as if it were arithmetic.
        """
        shown = self._shown(boards.inputs)
        last, steps = shown[:, -1:], np.arange(1, self.asked + 1)[:, None]
        onward = (last + steps * (last - shown[:, -2:-1])) % self.modulus
        given = boards.inputs[:, : self._given]

        def continued(elements: Ints) -> Ints:
            return np.concatenate([given, elements.reshape(-1, self.cells - self._given)], axis=1)

        return {
            "copy": continued(np.zeros_like(onward)),
            "frequent": most_frequent(train.targets, self.classes, len(boards)),
            "last": continued(np.broadcast_to(last, onward.shape)),
            "difference": continued(onward),
        }

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        """Return a line per strand; ``?`` is asked, ``'`` a right prediction, ``!`` a wrong one."""
        shown = [str(t) for t in board[: self._given].tolist()]
        asked = ["?"] * (self.cells - self._given)
        if prediction is not None:
            right = (prediction == self._compared(board, prediction))[self._given :].tolist()
            marks = zip(self.decode(board, prediction), right, strict=True)
            asked = [f"{element}{chr(39) if fits else '!'}" for element, fits in marks]
        line = [*shown, *asked]
        return "\n".join(" ".join(line[s :: self.strands]) for s in range(self.strands))

    def _compared(self, board: Ints, prediction: Ints) -> Ints:
        """Return the answer [cells] that a prediction is shown against."""
        answer: Ints = self._answer(board[None]).targets[0]
        return answer

    def _row(self, problem: Any) -> Ints:
        fits = isinstance(problem, list | tuple) and all(
            type(e) is int and 0 <= e < self.modulus for e in problem
        )
        if not fits or len(problem) != self._given:
            raise self._refusal(problem, f"{self._given} integers from 0 to {self.modulus - 1}")
        asked = [self.modulus] * (self.cells - self._given)
        return np.array([*problem, *asked], dtype=np.int64)

    def _draw(self, random: np.random.Generator) -> Ints:
        shape = (_batch, self.strands)
        kind = random.integers(3, size=shape)
        factor = np.where(kind == 0, 1, random.integers(2, self.modulus, size=shape))
        step = np.where(kind == 1, 0, random.integers(1, self.modulus, size=shape))
        elements = [random.integers(self.modulus, size=shape)]
        while len(elements) < self.shown:
            elements.append((factor * elements[-1] + step) % self.modulus)
        asked = np.full((_batch, self.asked * self.strands), self.modulus, dtype=np.int64)
        return np.concatenate([*elements, asked], axis=1)

    def _answer(self, inputs: Ints) -> Answers:
        shown, p = self._shown(inputs), self.modulus
        inverse = np.array([0, *(pow(a, -1, p) for a in range(1, p))])  # a constant's r is 0 then
        first, second, third = shown[:, 0], shown[:, 1], shown[:, 2]
        factor = (third - second) * inverse[(second - first) % p] % p
        step = (second - factor * first) % p
        elements = [first]
        while len(elements) < self.shown + self.asked:
            elements.append((factor * elements[-1] + step) % p)
        whole = np.stack(elements, axis=1)
        ruled = (factor > 0) & (whole[:, : self.shown] == shown).all(axis=1)
        parameters = (factor != 1).astype(np.int64) + (step != 0)
        return Answers(
            targets=whole.reshape(inputs.shape),
            difficulty=parameters.sum(axis=1).astype(np.float64),
            solvable=ruled.all(axis=1),
        )

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        wrong: Ints = (predictions != targets)[:, self._given :].sum(axis=1)
        return wrong

    def _shown(self, inputs: Ints) -> Ints:
        """Return the shown elements, [N, shown, S]."""
        return inputs[:, : self._given].reshape(-1, self.shown, self.strands)
