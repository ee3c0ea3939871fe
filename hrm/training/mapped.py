"""Training on a folder in the public format, which may be larger than memory.

Boards are read batch by batch and converted to the task's own tokens and classes, so that the
trained model is used like any other model of the task. Cells without a label in the files aren't
learned.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hrm.config.learning import System
from hrm.data.batches import Grouped
from hrm.data.own import Held
from hrm.data.public import PublicData, owners
from hrm.data.tokens import classes, tokens
from hrm.errors import UserError
from hrm.model.execution import Batch
from hrm.tasks import Boards, Task
from hrm.training import checkpoint, loop
from hrm.training.order import Order
from hrm.training.stablemax import IGNORED


class Mapped:
    """The training boards of a folder.

    Args:
        system: The system that is trained.
        task: The task of the boards.
        data: The training split.
        held: Which boards training takes, and which are held out.
        device: Device of the batches.

    Raises:
        UserError: If the boards aren't the task's.
    """

    def __init__(
        self,
        system: System,
        task: Task,
        data: PublicData,
        held: Held,
        device: torch.device | str = "cpu",
    ) -> None:
        data.suits(task)
        self.system, self.task, self.data, self.held = system, task, data, held
        self.device = device
        self._tokens, self._classes = tokens(task), classes(task)
        answer = getattr(system.objective, "answer", None)
        self._unlabelled = IGNORED if getattr(answer, "ignores", False) else 0

    def batch(self, rows: Tensor) -> Batch:
        """Return some boards as a batch.

        Raises:
            UserError: If one isn't a board of the task.
        """
        which = rows.numpy()
        inputs = self._tokens[self.data.inputs[which]]
        without = self.data.unlabelled(which)
        labels = np.where(without, 0, self.data.labels[which])
        targets = np.where(without, self._unlabelled, self._classes[inputs, labels])
        wrong = (inputs < 0) | ((targets < 0) & ~without)
        if wrong.any():
            row, cell = np.argwhere(wrong)[0].tolist()
            raise UserError(
                f"{str(self.data.folder)!r}: training board {which[row]} has input "
                f"{self.data.inputs[which[row], cell]} and label {labels[row, cell]} at position "
                f"{cell}; allowed is what {type(self.task).__name__} writes; build the folder again"
            )
        owner = owners(self.data.puzzle_indices, which)
        boards = Boards(
            inputs=inputs,
            targets=targets,
            difficulty=np.zeros(len(which)),
            identities=self.data.puzzle_identifiers[owner].astype(np.int64),
        )
        encoded = loop.encode(self.system, self.task, boards, self.device)
        return encoded.batch(torch.arange(len(which)))

    def order(self, batch: int, seed: int) -> Order:
        """Return the public loaders' order: one puzzle of each group per epoch, see `Grouped`."""
        return _Dealt(Grouped(self.data, self.held, batch, seed))


class _Dealt(Order):
    """`Grouped` as an `Order`: its batches are tensors of rows."""

    def __init__(self, dealt: Grouped) -> None:
        self._dealt = dealt

    def __next__(self) -> Tensor:
        return torch.from_numpy(self._dealt.rows())

    def state(self) -> checkpoint.Tree:
        return self._dealt.state()

    def load(self, state: Any) -> None:
        self._dealt.load(state)
