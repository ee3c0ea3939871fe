"""Compiled steps: the loss as a pure function, whose graph is shared by all seeds of an arm.

    loss, measured, carry = losses(weights, batch, chance, carry)

The arguments are weights and buffers, a batch, all random draws, and the carry of the places;
nothing else is read, and nothing is changed. Therefore all seeds share one graph, and `vmap` can
stack them. Every sample is computed at every step (`execution.unrolled`), since a graph can't end
early. For systems whose training doesn't halt, losses equal those of the eager step to rounding.
"""

import collections
import types
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hrm.config.learning import Depth, System
from hrm.config.parts import canonical
from hrm.model import HRM
from hrm.model.execution import Batch, Carry
from hrm.model.layers import Dropout
from hrm.model.puzzles import PuzzleTable
from hrm.model.registry import built
from hrm.training.objectives import Objective

KEPT = 4  # number of arms whose graphs are kept


class Chance(NamedTuple):
    """The random draws and the settings of a step.

    Attributes:
        halting: Uniform draws, [steps, B, draws].
        dropout: A mask for each call of a `Dropout`, in the order of the calls.
        shifts: Zeros [B, D] for each puzzle table; their gradients are those of its rows.
        obeys: Whether halting decisions are followed, [].
    """

    halting: Tensor
    dropout: tuple[Tensor, ...]
    shifts: tuple[Tensor, ...]
    obeys: Tensor


class Found(NamedTuple):
    """The loss of a batch and its measurements.

    Attributes:
        loss: The loss to minimise.
        names: Names of the measurements.
        measured: [names], float64: the parts of the loss and, last, the mean number of halting
            steps.
        identities: Identities whose rows of a puzzle table were read, [B]; None without a table.
        carry: The places after the step.
    """

    loss: Tensor
    names: tuple[str, ...]
    measured: Tensor
    identities: Tensor | None
    carry: Carry | None


Call = tuple[int, torch.Size]  # index of a dropout module, and a shape
Losses = Callable[[Mapping[str, Tensor], Batch, Chance, Carry | None], Found]


class Graph(nn.Module):
    """The losses of a system as a function of the weights.

    Attributes:
        losses: The pure function.
        compiled: The compiled function.
    """

    def __init__(self, system: System) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            self.model = HRM(system.model)
        self.model.train()
        self.model.unrolled = True
        self.objective: Objective = built(system.objective)
        self.dropouts = [m for m in self.model.modules() if isinstance(m, Dropout)]
        self.tables = _tables(self.model)
        self.order: tuple[int, ...] = ()  # index of the dropout module of each call
        self.compiled: Losses = torch.compile(_alone(self.losses), dynamic=False)

    def losses(
        self, weights: Mapping[str, Tensor], batch: Batch, chance: Chance, carry: Carry | None
    ) -> Found:
        """Return the loss of a batch.

        Args:
            weights: The model's parameters and buffers, by name.
            batch: A batch with targets.
            chance: The random draws.
            carry: The places; None for objectives without places.
        """
        named = {f"model.{name}": tensor for name, tensor in weights.items()}
        found: Found = torch.func.functional_call(self, named, (batch, chance, carry))
        return found

    def forward(self, batch: Batch, chance: Chance, carry: Carry | None) -> Found:
        """Return the loss of a batch with the weights that are set."""
        model, tables = self.model, self.tables
        for place, mask in zip(self.order, chance.dropout, strict=True):
            self.dropouts[place].given.append(mask)
        for table, shift in zip(tables, chance.shifts, strict=True):
            table.shift = shift
        model.obeys = chance.obeys
        parts, steps, carry = self.objective.losses(model, batch, chance.halting, carry)
        for table in tables:
            table.shift = None
        model.obeys = True
        numbers = [value.detach().double() for value in parts.values()]
        return Found(
            loss=parts["loss"],
            names=(*parts, "cycles_mean"),
            measured=torch.stack([*numbers, steps.sum().double() / len(steps)]),
            identities=_identities(batch, carry) if tables else None,
            carry=carry,
        )

    @torch.no_grad()
    def calls(self, batch: Batch, chance: Chance, carry: Carry | None) -> list[Call]:
        """Return the calls of dropout that a step makes, without computing anything."""
        found: list[tuple[Dropout, torch.Size]] = []
        self.order = ()
        for dropout in self.dropouts:
            dropout.calls = found
        self.forward(*_each(_shape, (batch, chance, carry)))
        for dropout in self.dropouts:
            dropout.calls = None
        places = {id(dropout): place for place, dropout in enumerate(self.dropouts)}
        return [(places[id(dropout)], shape) for dropout, shape in found]


_graphs = collections.OrderedDict[str, Graph]()


def graph(system: System) -> Graph:
    """Return the graph of a system, which is cached in this process."""
    key = canonical(system.to_json())
    if key not in _graphs:
        _graphs[key] = Graph(system)
    _graphs.move_to_end(key)
    while len(_graphs) > KEPT:
        _graphs.popitem(last=False)
    return _graphs[key]


class Compiled:
    """The compiled losses of one model.

    Args:
        model: The model; gradients are written to its parameters and puzzle tables.
        system: The model's system, with its objective.
    """

    def __init__(self, model: HRM, system: System) -> None:
        self.graph, self.model = graph(system), model
        self.weights = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        self.tables = _tables(model)
        self._calls: dict[tuple[Depth | None, int], list[Call]] = {}

    def losses(
        self,
        batch: Batch,
        noise: Tensor,
        carry: Carry | None,
        *,
        depth: Depth | None,
        obeys: bool,
    ) -> Found:
        """Return the loss of a batch, which can be differentiated.

        Args:
            batch: A batch with targets.
            noise: Uniform draws of halting. Dropout masks are drawn here, from torch's default
                generator.
            carry: The places; None at the first call.
            depth: Depth of the recursion; None for the configured one.
            obeys: Whether halting decisions are followed.
        """
        graph, size = self.graph, len(batch.inputs)
        if carry is None and graph.objective.one_step:
            carry = self.model.begin(batch)  # its tensors belong to the batch
            carry = _each(torch.clone, carry)
        carry = _each(Tensor.contiguous, carry)  # other strides would be another graph
        graph.model.depth = depth
        chance = Chance(
            halting=noise,
            dropout=(),
            shifts=tuple(
                table.weights.new_zeros(size, table.size, requires_grad=True)
                for table in self.tables
            ),
            obeys=torch.tensor(obeys, device=noise.device),
        )
        if any(dropout.p for dropout in graph.dropouts):
            chance = chance._replace(dropout=self._masks(batch, chance, carry, depth))
        found = graph.compiled(self.weights, batch, chance, carry)
        for table, shift in zip(self.tables, chance.shifts, strict=True):
            assert found.identities is not None
            table.lend(found.identities, shift)
        return found

    def _masks(
        self, batch: Batch, chance: Chance, carry: Carry | None, depth: Depth | None
    ) -> tuple[Tensor, ...]:
        """Draw dropout's masks as the calls themselves would, one after the other."""
        key = depth, len(batch.inputs)
        if key not in self._calls:
            self._calls[key] = self.graph.calls(batch, chance, carry)
        calls, like = self._calls[key], next(self.model.parameters())
        self.graph.order = tuple(place for place, _ in calls)
        dropouts = self.graph.dropouts
        return tuple(dropouts[place].draw(shape, like) for place, shape in calls)


def _tables(model: HRM) -> list[PuzzleTable]:
    return [module for module in model.modules() if isinstance(module, PuzzleTable)]


def _shape(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")


def _each(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """Return nested tuples in which each tensor is replaced by the function's result for it."""
    if isinstance(value, Tensor):
        return function(value)
    if not isinstance(value, tuple):
        return value
    found = [_each(function, item) for item in value]
    return type(value)(*found) if hasattr(value, "_fields") else tuple(found)


def _identities(batch: Batch, carry: Carry | None) -> Tensor:
    """Return the puzzle identities of a step's samples, [B]; the blank one if they have none."""
    about = batch if carry is None else carry.batch
    if about.identities is None:
        return about.inputs.new_zeros(len(about.inputs), dtype=torch.int64)
    return about.identities


def _alone(function: Losses) -> Losses:
    """Return a method with a code object of its own.

    The compiler keeps a limited number of graphs per code object. If arms shared one, a process
    would reach the limit after a few arms, and compute all further ones without compiling.
    """
    assert isinstance(function, types.MethodType)
    plain = function.__func__
    code = plain.__code__.replace(co_name=f"losses_{next(_numbers)}")
    again = types.FunctionType(code, plain.__globals__, closure=plain.__closure__)
    return types.MethodType(again, function.__self__)


_numbers = iter(range(2**62))
