"""Forward pass and training step of every recipe, at one small size.

Sixteen cells of five classes, batches of 32, width 64 (complete: 32 and 16), one thread. Values are
comparable between commits, but not between recipes, whose depths differ.

- `Forward.time_forward`: seconds of a pass through all halting steps, without gradient.
- `Update.time_update`: seconds of one `Learner.update`: forward pass, loss, backward pass and
  optimiser. It is one halting step if the recipe carries states between updates, otherwise a run.
- `Tracked.track_peak`: peak of the bytes that an update allocates; exact.
- `Tracked.track_operations`: floating-point operations of a forward pass; exact.
- `Tracked.track_parameters`: number of trained parameters; exact.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench import controller, loop, memory
from bench.timed import Suite, Timed
from hrm import recipes
from hrm.config import Tokens
from hrm.config.learning import System, Training
from hrm.model import HRM, cost
from hrm.model.execution import Batch

cells, classes, batch, width = 16, 5, 32, 64
_vectors: dict[str, Any] = {"inputs": cells * classes, "outputs": cells * classes}
_blocks: dict[str, Any] = {"width": width, "h_layers": 1, "l_layers": 1}
_tokens: dict[str, Any] = {"vocabulary": classes, "positions": cells, "width": width, "heads": 4}

systems: dict[str, Callable[[], System]] = {
    "gru": lambda: loop.system("gru"),
    "v2": lambda: loop.system("v2"),
    "amulgent-baseline": lambda: recipes.amulgent(**_vectors, **_blocks, max_steps=4),
    "amulgent-enhanced": lambda: recipes.amulgent_enhanced(**_vectors, **_blocks, max_steps=4),
    "act-v1": lambda: loop.system("act-v1"),
    "act-v1-puzzles": lambda: recipes.act_v1(
        **_tokens, h_layers=1, l_layers=1, puzzle_size=width, identities=64
    ),
    "act-v1-vector": lambda: recipes.act_v1_vector(**_vectors, width=width),
    "complete": lambda: recipes.complete(
        outputs=classes, positions=cells, h_dim=32, l_dim=16, h_layers=1, max_steps=4
    ),
    "tiny-network": lambda: loop.system("tiny-network"),
    "plain-transformer": lambda: recipes.plain_transformer(**_tokens, layers=2),
}


class Forward(Suite):
    """A forward pass in evaluation mode, through all halting steps."""

    params = (tuple(systems),)
    param_names = ("recipe",)

    @classmethod
    def make(cls, recipe: str) -> Timed:
        torch.set_num_threads(1)
        (call,) = controller.forward([systems[recipe]()], batch)
        return call

    def time_forward(self, recipe: str) -> None:
        """Run all samples to the last halting step."""
        self.call()


class Update(Suite):
    """One update in training mode."""

    params = (tuple(systems),)
    param_names = ("recipe",)

    @classmethod
    def make(cls, recipe: str) -> Timed:
        torch.set_num_threads(1)
        return learner(recipe)[1]

    def time_update(self, recipe: str) -> None:
        """Forward pass, loss, backward pass, optimiser."""
        self.call()


class Tracked:
    """Memory, operations and parameters: exact numbers, which are the same in every run."""

    params = (tuple(systems),)
    param_names = ("recipe",)
    timeout = 120.0
    version = "1"

    def track_peak(self, recipe: str) -> int:
        """Return the peak of allocated bytes."""
        return memory.peak(*learner(recipe))

    def track_operations(self, recipe: str) -> int:
        """Return the operations of a forward pass of one batch."""
        (call,) = controller.forward([systems[recipe]()], batch)
        return cost.operations(call).total

    def track_parameters(self, recipe: str) -> int:
        """Return the number of trained parameters."""
        return sum(p.numel() for p in loop.build(systems[recipe]()).parameters())


Tracked.track_peak.unit = "bytes"  # type: ignore[attr-defined]
Tracked.track_operations.unit = "operations"  # type: ignore[attr-defined]
Tracked.track_parameters.unit = "parameters"  # type: ignore[attr-defined]


def learner(recipe: str) -> tuple[HRM, Callable[[], object]]:
    """Return a recipe's model, and an update with a rate that is too small to change it."""
    from hrm.training.learner import Learner

    made = systems[recipe]()
    model, offered = loop.build(made), data(made)
    training = Training(updates=1_000_000, batch=batch, learning_rate=1e-9)
    taught = Learner(model, made, training, torch.Generator().manual_seed(0))
    return model, lambda: taught.update(offered)


def data(made: System) -> Batch:
    """Return random inputs for a system, and targets [B, cells]."""
    noise = torch.Generator().manual_seed(1)
    shape = (batch, *loop.build(made).example(1).shape[1:])
    part = made.model.embedding
    inputs: Tensor
    if isinstance(part, Tokens):
        inputs = torch.randint(0, part.vocabulary, shape, generator=noise)
    else:
        inputs = torch.randn(shape, generator=noise)
    return Batch(inputs, targets=torch.randint(1, classes, (batch, cells), generator=noise))
