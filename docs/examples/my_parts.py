"""A task, a core and a recipe of one's own; see docs/your-own-core-and-task.md."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from hrm import config, recipes
from hrm.config.learning import System
from hrm.model.cores import Core
from hrm.model.layers import Linear
from hrm.model.registry import builds
from hrm.tasks import Boards, Ints
from hrm.tasks.asking import Answers, Asking
from hrm.tasks.board import most_frequent


# -- a task: the parity of some bits ---------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Parity(Asking):
    """Whether the number of ones among `bits` is odd; tokens 0 and 1 are given, 2 is asked."""

    bits: int = 8

    @property
    def cells(self) -> int:
        return self.bits + 1

    vocabulary: ClassVar[int] = 3
    classes: ClassVar[int] = 2

    def decode(self, board: Ints, prediction: Ints | None = None) -> Any:
        """The bits as a list, the answer as a number."""
        return board[:-1].tolist() if prediction is None else int(prediction[-1])

    def baselines(self, train: Boards, boards: Boards) -> dict[str, Ints]:
        last = np.where(boards.inputs == 2, boards.inputs[:, :1], boards.inputs)
        frequent = most_frequent(train.targets, 2, len(boards))
        return {"copy": boards.inputs % 2, "frequent": frequent, "first": last}

    def draw(self, board: Ints, prediction: Ints | None = None) -> str:
        answer = "?" if prediction is None else str(prediction[-1])
        return " ".join(map(str, board[:-1].tolist())) + f" -> {answer}"

    def _row(self, problem: Any) -> Ints:
        if not isinstance(problem, list) or [b for b in problem if b not in (0, 1)]:
            raise self._refusal(problem, f"a list of {self.bits} bits")
        return np.array([*problem, 2], dtype=np.int64)

    def _draw(self, random: np.random.Generator) -> Ints:
        bits = random.integers(2, size=(256, self.bits))
        return np.concatenate([bits, np.full((256, 1), 2)], axis=1)

    def _answer(self, inputs: Ints) -> Answers:
        ones = inputs[:, :-1].sum(axis=1)
        targets = np.concatenate([inputs[:, :-1], ones[:, None] % 2], axis=1)
        solvable = np.ones(len(inputs), dtype=np.bool_)
        return Answers(targets=targets, difficulty=ones.astype(np.float64), solvable=solvable)

    def _wrong(self, inputs: Ints, targets: Ints, predictions: Ints) -> Ints:
        return (predictions != targets)[:, -1].astype(np.int64)


# -- a core: leaky units ---------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Leaky(config.Core):
    """Leaky tanh units, which start with the same leak."""

    sequences: ClassVar[bool] = False
    width: int
    leak: float = 0.5


class LeakyCore(Core):
    """z ← (1 − a) z + a tanh(W z + W_i inputs + W_c context), a = σ(α) a learned leak per unit."""

    def __init__(self, part: Leaky, input_width: int, context_width: int | None) -> None:
        super().__init__()
        self.part = part
        self.recurrent = Linear(part.width, part.width)
        self.from_inputs = Linear(input_width, part.width)
        self.from_context = (
            nn.Identity() if context_width is None else Linear(context_width, part.width)
        )
        self.alpha = nn.Parameter(torch.empty(part.width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.alpha, float(np.log(self.part.leak / (1 - self.part.leak))))

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        total = sum((t for t in (inputs, context) if t is not None), self.recurrent(state))
        return torch.lerp(state, torch.tanh(total), torch.sigmoid(self.alpha))


@builds(Leaky)
def _leaky(part: Leaky, positions: int, input_width: int, context_width: int | None) -> Core:
    return LeakyCore(part, input_width, context_width)


# -- a recipe: document gru's system on such cores -------------------------------------------------
def leaky(*, inputs: int = 27, outputs: int = 9, width: int = 32, max_cycles: int = 4) -> System:
    """Document gru's system, each level of leaky units."""
    system = recipes.gru(inputs=inputs, outputs=outputs, max_cycles=max_cycles)
    model = replace(system.model, low=Leaky(width=width), high=Leaky(width=width))
    return replace(system, model=model)


recipes.named["leaky"] = recipes.Named(make=leaky, source="docs/your-own-core-and-task.md")
