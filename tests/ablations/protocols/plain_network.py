"""Another model under the protocols: a plain torch module, and an adapter for it.

`Perceptron` doesn't depend on `hrm`. `PerceptronAdapter` builds, trains and evaluates it;
`PlainNetwork` is the arm of a claim:

    arms = vary(PlainNetwork(), {"narrow": {"width": 32}, "wide": {"width": 128}})
    boards = Boards(task=Sudoku(size=4), train=16_384)
    protocol = Train(boards=boards, training=Training(updates=300))
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablations.protocols.adapter import Adapter, Answers, Foreign, Progress
from hrm.config.learning import AdamW, Training
from hrm.config.parts import require
from hrm.tasks import Boards, Task


class Perceptron(nn.Module):
    """One hidden layer from one-hot cells to logits of each cell's class, [N, cells, classes]."""

    def __init__(self, inputs: int, width: int, cells: int, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, width)
        self.out = nn.Linear(width, cells * classes)
        self.shape = cells, classes

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.hidden(x))).unflatten(-1, self.shape)


class PerceptronAdapter(Adapter):
    """Runs a `Perceptron` on a task whose answers are classes."""

    def __init__(self, width: int) -> None:
        self.width = width

    def build(self, task: Task, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.task, self.device = task, device
        size = task.cells * task.vocabulary
        self.model = Perceptron(size, self.width, task.cells, task.classes).to(device)

    def train(self, training: Training, boards: Boards, seed: int, progress: Progress) -> None:
        adam = training.optimiser
        require(isinstance(adam, AdamW), "optimiser", adam, "AdamW here", "use the default")
        optimiser = torch.optim.AdamW(
            self.model.parameters(), training.learning_rate, weight_decay=training.weight_decay
        )
        inputs = self._inputs(boards)
        targets = torch.from_numpy(boards.targets).to(self.device)
        order = torch.Generator().manual_seed(seed)
        for _ in range(training.updates):
            rows = torch.randint(len(boards), (training.batch,), generator=order)
            loss = F.cross_entropy(self.model(inputs[rows]).transpose(1, 2), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(self.model.parameters(), training.clip or torch.inf)
            optimiser.step()
            progress.updated(float(loss.detach()), norm=float(norm))
            if progress.due:
                progress.evaluated(self.answer)

    def answer(self, boards: Boards) -> Answers:
        with torch.no_grad():
            predictions = self.model(self._inputs(boards)).argmax(-1).cpu().numpy()
        return Answers(predictions=predictions, steps=np.ones(len(boards)))

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    def report(self) -> Mapping[str, float]:
        return {"hidden_norm": self.model.hidden.weight.norm().item()}

    def weights(self) -> Mapping[str, Tensor]:
        return self.model.state_dict()

    def load(self, weights: Mapping[str, Tensor]) -> None:
        self.model.load_state_dict(weights)

    def _inputs(self, boards: Boards) -> Tensor:
        return torch.from_numpy(self.task.one_hot(boards.inputs)).to(self.device)


@dataclass(frozen=True, kw_only=True)
class PlainNetwork(Foreign):
    """The arm: a perceptron with one hidden layer.

    Args:
        width: Width of the hidden layer.
    """

    width: int = 64

    def adapter(self) -> Adapter:
        return PerceptronAdapter(self.width)
