"""The peak memory and the operations of a training update."""

from collections.abc import Callable

import torch
from torch import Tensor

from ablations.protocols import ours
from hrm.config import Series, Tokens
from hrm.config.learning import System
from hrm.model import HRM, cost
from hrm.model.execution import Batch
from hrm.model.registry import built
from hrm.training.objectives import Objective


def bytes_of_update(system: System, seed: int, batch: int) -> int:
    """Return the peak of an update's forward and backward pass, gradients included.

    It is measured on a second update, so that memory that the first one keeps isn't included, and
    on one thread. Parameters and an optimiser's moments exist before and don't count.
    """
    model = ours.initial(system, seed).train()
    return second(updating(model, system, batch, seed))


def second(update: Callable[[], None]) -> int:
    """Return the peak of an update's second call; it sets gradients to None before it computes."""
    with cost.one_thread():
        update()
        return cost.peak_memory(update)


def operations_of_update(system: System, batch: int) -> cost.Count:
    """Return the floating-point operations of an update, counted without computing."""
    with torch.device("meta"):
        model = HRM(system.model).train()
    update = updating(model, system, batch, 0)
    return cost.operations(update)


def updating(model: HRM, system: System, batch: int, seed: int) -> Callable[[], None]:
    """Return an update without its optimiser: one halting step, or a whole run, and its gradients.

    On random inputs; where places are carried, all of them begin.
    """
    objective: Objective = built(system.objective)
    noise, offered = drawn(model, system, batch, seed)

    def update() -> None:
        model.zero_grad(set_to_none=True)
        objective.losses(model, offered, noise, None)[0]["loss"].backward()

    return update


def drawn(model: HRM, system: System, batch: int, seed: int) -> tuple[Tensor, Batch]:
    """Return halting's noise and a random batch for an update of a model with positions."""
    objective: Objective = built(system.objective)
    device = model.start_low.value.device
    generator = torch.Generator().manual_seed(seed)
    noise = model.draw(batch, generator, steps=1 if objective.one_step else None)
    return noise.to(device), Batch(*(t.to(device) for t in _random(system, batch, generator)))


def gradients(system: System, seed: int, batch: int) -> list[Tensor]:
    """Return every parameter's gradient of one such update."""
    model = ours.initial(system, seed).train()
    with cost.one_thread():
        updating(model, system, batch, seed)()
    return [p.grad for p in model.parameters() if p.grad is not None]


def _random(system: System, batch: int, noise: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Return random inputs, identities and targets of a model with positions."""
    part = system.model.embedding
    assert isinstance(part, Tokens | Series)
    shape = (batch, part.positions)
    if isinstance(part, Tokens):
        inputs = torch.randint(part.vocabulary, shape, generator=noise)
    else:
        inputs = torch.randn(*shape, part.size, generator=noise)
    targets = torch.randint(system.model.readout.size, shape, generator=noise)
    return inputs, torch.zeros(batch, dtype=torch.int64), targets
