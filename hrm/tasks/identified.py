"""Patterns whose answer depends on the puzzle identity of the board.

    answer of identity g:  y' = (1 + g mod (p − 1)) y + ⌊g / (p − 1)⌋   modulo p

Here y is an element of the plain sequence, shown or continued; identity 0, the blank one, leaves it
unchanged. Different identities below p (p − 1) permute the elements differently. Therefore the
input alone doesn't determine the answer in any cell; the identity is needed, as in data sets where
each puzzle has a rule of its own.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hrm.config.parts import require
from hrm.tasks import Boards, Bools, Ints, Scores, Splits
from hrm.tasks.board import unshifted
from hrm.tasks.pattern import Pattern


@dataclass(frozen=True, kw_only=True)
class Identified(Pattern):
    """`Pattern` in which the identity of a board, from 1 on, permutes the elements of its answer.

    Inputs are those of `Pattern`. All cells of the answer are unknown, since the input determines
    none of them: shown elements have to be permuted, asked ones continued and permuted. Scores
    compare with the stored answer; a prediction is valid if it is the answer of any identity.

    Args:
        identities: Number of identities, the blank one included.
        redundant: Whether the identity is a function of the input, 1 + its first element modulo
            their number; otherwise it is drawn at random.
    """

    identities: int = 9
    redundant: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        most = self.modulus * (self.modulus - 1)
        require(
            2 <= self.identities <= most,
            "identities",
            self.identities,
            f"2 to {most}, the blank one included",
            "use 9",
        )

    def generate(self, seed: int, train: int, validation: int, test: int) -> Splits:
        """Return disjoint boards; see `Task.generate`. No input has two identities.

        Raises:
            UserError: If a number is negative, or so many different boards can't be found.
        """
        plain = super().generate(seed, train, validation, test)
        sets = (plain.test, plain.validation, plain.train)
        named = [self._named(boards, [seed, place]) for place, boards in enumerate(sets)]
        return Splits(test=named[0], validation=named[1], train=named[2])

    def permuted(self, targets: Ints, identities: NDArray[Any]) -> Ints:
        """Return the answers [N, cells] for identities [N], from the plain answers."""
        factor, shift = 1 + identities % (self.modulus - 1), identities // (self.modulus - 1)
        answers: Ints = (factor[:, None] * targets + shift[:, None]) % self.modulus
        return answers

    def unknown(self, inputs: Ints) -> Bools:
        """Return that all cells are open."""
        return np.ones_like(inputs, dtype=np.bool_)

    def score(self, boards: Boards, predictions: Ints) -> Scores:
        """Compare cells with the stored answer; `valid` accepts the answer of any identity."""
        found = super().score(boards, predictions)
        valid = self._identity(boards.inputs, predictions) > 0
        return replace(found, valid=valid.astype(np.float64))

    def check(self, board: Ints, prediction: Ints) -> bool:
        """Return whether the cells hold the answer of some identity."""
        return bool(self._identity(board[None], prediction[None])[0])

    def from_public(self, inputs: Ints, labels: Ints) -> Boards:
        """Return boards from public inputs and labels; a board gets the first identity that fits.

        Raises:
            UserError: If they aren't boards of this task with the answer of some identity.
        """
        tokens = unshifted("inputs", inputs, self.cells, self.vocabulary)
        plain = super().from_public(inputs, self._answer(tokens).targets + 1)
        targets = unshifted("labels", labels, self.cells, self.classes)
        identities = self._identity(tokens, targets)
        if not (identities > 0).all():
            row = int((identities > 0).argmin())
            raise self._refusal(f"the label of row {row}", "the answer of some identity")
        return replace(plain, targets=targets, identities=identities)

    def _compared(self, board: Ints, prediction: Ints) -> Ints:
        """Return the answer of the identity that fits a prediction, the plain one if none does."""
        identity = self._identity(board[None], prediction[None])
        answer: Ints = self.permuted(self._answer(board[None]).targets, identity)[0]
        return answer

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        wrong: Ints = (predictions != targets).sum(axis=1)
        return wrong

    def _named(self, boards: Boards, seed: list[int]) -> Boards:
        count = self.identities - 1
        drawn = np.random.Generator(np.random.PCG64(seed)).integers(count, size=len(boards))
        identities = 1 + (boards.inputs[:, 0] % count if self.redundant else drawn)
        targets = self.permuted(boards.targets, identities)
        return replace(boards, targets=targets, identities=identities.astype(np.int64))

    def _identity(self, inputs: Ints, predictions: Ints) -> Ints:
        """Return the first identity whose answer predictions are, 0 if none, [N]."""
        plain = self._answer(inputs).targets
        found = np.zeros(len(inputs), dtype=np.int64)
        for g in range(self.identities - 1, 0, -1):
            fits = (predictions == self.permuted(plain, np.full(len(inputs), g))).all(axis=1)
            if self.redundant:
                fits &= inputs[:, 0] % (self.identities - 1) == g - 1
            found[fits] = g
        return found
