"""Stacked seeds: S seeds of one system trained in one process, for accelerators.

The pure function of `hrm.training.compiled` is mapped over the seeds by `torch.vmap`, and each
seed's parameters are a row of one tensor. Therefore an update of all seeds launches as many kernels
as an update of one. On an accelerator, launches take most of the time of a small model, so that
further seeds should cost little time.

Each seed has its own boards, order, halting noise, dropout masks, learning rates, clipping and
moments. Control flow doesn't depend on computed values, and results are copied to the CPU only when
the seeds are evaluated. A seed that diverges is computed to the end and doesn't affect the others.

On the CPU, a seed's results are bit-identical in stacks of any size from 2. On accelerators this
wasn't measured; their libraries may choose another kernel for another size. A seed that is trained
alone agrees with its stacked run to rounding, because sums are computed in another order.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from hrm.config import Accumulated, Policy
from hrm.config.learning import AdamW, System, Training
from hrm.errors import Diverged, UserError
from hrm.model import HRM
from hrm.model.execution import Batch, Carry
from hrm.model.layers import Dropout
from hrm.model.puzzles import PuzzleTable
from hrm.model.registry import built
from hrm.system import distributed
from hrm.training.compiled import Call, Chance, Graph
from hrm.training.learner import evaluating, share
from hrm.training.loop import Encoded, Seeds
from hrm.training.order import stream
from hrm.training.stacked_optim import Adam, Rows, Tables, clip

RATES = ("learning_rate", "halting_rate", "puzzle_rate")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One seed of a stack; the fields are arguments of `hrm.training.loop.fit`.

    Args:
        model: From `build`; it is trained in place.
        training: The training, equal for all seeds of a stack except for the learning rates.
        data: The training set; all seeds of a stack have equally many boards.
        seeds: The seeds of dropout, order and halting noise.
        watch: Called at each evaluation, as by `fit`; its result isn't used.
        measured: Called for each update, as by `fit`, but only at the next evaluation.
    """

    model: HRM
    training: Training
    data: Encoded
    seeds: Seeds
    watch: Callable[[HRM], object] = lambda _: None
    measured: Callable[[Mapping[str, float]], None] = lambda _: None


def fit(system: System, members: Sequence[Member]) -> list[Diverged | None]:
    """Train the seeds of a stack; return for each its `Diverged`, or None if it didn't diverge.

    Args:
        system: The system of all seeds.
        members: The seeds.

    Raises:
        UserError: If the system or the training can't be stacked, or if the seeds' trainings differ
            in more than learning rates, or their boards in number or size.
    """
    require_stackable(system, members[0].training)
    _require_alike(members)
    stack = Stack(system, members)
    training = members[0].training
    ended: list[Diverged | None] = [None] * len(members)
    for update in range(1, training.updates + 1):
        stack.step()
        if update % training.evaluate_every == 0 or update == training.updates:
            stack.settle(ended)
    return ended


def require_stackable(system: System, training: Training) -> None:
    """Refuse a system or a training that can't be stacked.

    Raises:
        UserError: If samples stop early by a policy, or position by position; if a batch is
            computed in pieces or shared by several processes; or if activations are recomputed in
            the backward pass (`checkpointing`).
    """
    model = system.model
    refused = ""
    match model.halting:
        case Accumulated():
            refused = "halting is Accumulated, whose positions halt one by one"
        case Policy(obeyed=True) if training.halts_from < 1:
            refused = "halting is a Policy that ends samples early in training"
    if training.pieces > 1:
        refused = f"pieces is {training.pieces}"
    if model.checkpointing:
        refused = "checkpointing is True"
    if distributed.world() > 1:
        refused = f"processes are {distributed.world()}"
    if refused:
        raise UserError(
            f"{refused}; allowed in a stack are one process, batches in one piece, and halting "
            "that is no early exit; train these seeds one by one, without --stack"
        )


class Losses(Graph):
    """The pure function of `Graph` without compilation; the compiler isn't even imported."""

    def __init__(self, system: System) -> None:
        nn.Module.__init__(self)
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            self.model = HRM(system.model)
        self.model.train()
        self.model.unrolled = True
        self.objective = built(system.objective)
        self.dropouts = [m for m in self.model.modules() if isinstance(m, Dropout)]
        self.tables = [m for m in self.model.modules() if isinstance(m, PuzzleTable)]
        self.order = ()


class Stack:
    """S seeds as one model: the first dimension of every tensor is the seed.

    Args:
        system: The system of all seeds.
        members: The seeds.
    """

    def __init__(self, system: System, members: Sequence[Member]) -> None:
        self.members, self.training = members, members[0].training
        self.graph = Losses(system)
        self.device = next(members[0].model.parameters()).device
        models = [member.model for member in members]
        self._lay_out(models)
        self._data(members)
        self.rates = self._rates()
        self.noises = [_generator(m.seeds.order, "noise") for m in members]
        self.dropouts = [_generator(m.seeds.weights, "dropout") for m in members]
        self.orders = [m.data.order(m.training.batch, m.seeds.order) for m in members]
        self.carry: Carry | None = None
        self.updates = 0
        self.names: tuple[str, ...] = ()
        self._calls: dict[object, list[Call]] = {}
        self._since: list[Tensor] = []  # [S, names + 1] of each update since the last evaluation

    def _lay_out(self, models: Sequence[HRM]) -> None:
        """Arrange parameters as rows, those of halting last, and stack buffers."""
        training = self.training
        apart = training.halting_rate is not None
        names = sorted(
            (name for name, _ in models[0].named_parameters()),
            key=lambda name: apart and name.startswith("halting."),
        )
        self.rows = Rows([{n: dict(m.named_parameters())[n] for n in names} for m in models])
        buffers = [dict(model.named_buffers()) for model in models]
        self.buffers = {name: torch.stack([b[name] for b in buffers]) for name in buffers[0]}
        own = [n for n in names if not (apart and n.startswith("halting."))]
        self.groups = {"learning_rate": self._columns(own)}
        if len(own) < len(names):
            self.groups["halting_rate"] = self._columns(names[len(own) :])
        self.optimisers = {}
        for name, columns in self.groups.items():
            main = name == "learning_rate"
            part = training.optimiser if main else AdamW()
            decay = training.weight_decay if main else 0.0
            self.optimisers[name] = Adam(part, self.rows.values[:, columns], decay)
        tables = [n for n, m in models[0].named_modules() if isinstance(m, PuzzleTable)]
        decay = training.weight_decay if training.puzzle_decay is None else training.puzzle_decay
        weights = [self.buffers[f"{name}.weights"] for name in tables]
        self.tables = Tables(training.puzzle_optimiser, weights, decay)
        self.average = None if training.ema is None else self.rows.values.clone()

    def _columns(self, names: Sequence[str]) -> slice:
        return slice(self.rows.places[names[0]].start, self.rows.places[names[-1]].stop)

    def _data(self, members: Sequence[Member]) -> None:
        self.inputs = torch.stack([m.data.inputs for m in members])
        self.targets = torch.stack([m.data.targets for m in members])
        told = [m.data.identities for m in members if m.data.identities is not None]
        self.identities = torch.stack(told) if told else None

    def _rates(self) -> dict[str, Tensor]:
        """Return the full learning rates of all seeds, [S] each, by their names in `Training`."""
        found = {}
        for name in RATES:
            each = [getattr(m.training, name) for m in self.members]
            if name == "puzzle_rate" and each[0] is None:
                each = [m.training.learning_rate for m in self.members]
            if each[0] is not None:
                found[name] = torch.tensor(each, dtype=torch.float64, device=self.device)
        return found

    # -- an update --------------------------------------------------------------------------------
    def step(self) -> None:
        """Take one optimiser step of every seed, without waiting for the accelerator."""
        training, update = self.training, self.updates
        batch = self._batch()
        size = batch.inputs.shape[1]
        loss, measured, ids, shifts = self._losses(batch, self._noise(size), update)
        wanted = [*self.rows.leaves.values(), *shifts]
        found = torch.autograd.grad(loss.sum(), wanted, allow_unused=True)
        count = len(self.rows.leaves)
        gradients, used = self.rows.gathered(found[:count])
        norms = clip(gradients, training.clip)
        part = share(training, update)
        for name, columns in self.groups.items():
            own = None if used is None else used[columns]
            rates = self.rates[name] * part
            self.optimisers[name].step(gradients[:, columns], own, rates)
        if shifts:
            assert ids is not None
            self.tables.step(ids, found[count:], self.rates["puzzle_rate"] * part)
        if self.average is not None and training.ema is not None:
            self.average.lerp_(self.rows.values, 1 - training.ema)
        self._since.append(torch.cat([measured, norms.double()[:, None]], 1))
        self.updates += 1

    def _losses(
        self, batch: Batch, noise: Tensor, update: int
    ) -> tuple[Tensor, Tensor, Tensor | None, list[Tensor]]:
        """Return the losses [S], the measurements [S, names], and what the tables' step needs.

        The tables' step needs the identities whose rows were read, [S, B] (None without tables),
        and for each table the zeros [S, B, D] that were added to the rows; the gradients of these
        zeros are those of the rows.
        """
        graph, (seeds, size) = self.graph, batch.inputs.shape[:2]
        graph.model.depth = self.training.depth(update)
        obeys = torch.tensor(self.training.obeys(update), device=self.device)
        if self.carry is None and graph.objective.one_step:
            self.carry = self._begun(batch)
        shifts = [w.new_zeros(seeds, size, w.shape[2]) for w in self.tables.weights]
        for shift in shifts:
            shift.requires_grad_()
        chance = Chance(halting=noise, dropout=(), shifts=tuple(shifts), obeys=obeys)
        if any(dropout.p for dropout in graph.dropouts):
            chance = chance._replace(dropout=self._masks(batch, chance))
        given = (batch, (chance.halting, chance.dropout, chance.shifts), self.carry)
        kept: list[Any] = []

        def one(weights: Mapping[str, Tensor], tensors: list[Tensor]) -> list[Tensor]:
            own, drawn, carry = _filled(given, iter(tensors))
            own_chance = Chance(drawn[0], drawn[1], drawn[2], obeys)
            found = graph.losses(weights, own, own_chance, carry)
            kept[:] = [found.names, found.identities is not None, found.carry]
            ids = [] if found.identities is None else [found.identities]
            return [found.loss, found.measured, *ids, *_tensors(found.carry)]

        weights = {**self.rows.leaves, **self.buffers}
        with sdpa_kernel(SDPBackend.MATH):  # vmap has no rules for fused kernels
            loss, measured, *rest = torch.vmap(one)(weights, _tensors(given))
        self.names, told, carry = kept
        ids = rest.pop(0) if told else None
        self.carry = _filled(carry, iter(rest))
        return loss, measured, ids, shifts

    def _begun(self, batch: Batch) -> Carry:
        """Return the carry of all seeds before the first step: no place holds a sample yet."""
        each = []
        for i, member in enumerate(self.members):
            begun = member.model.begin(_filled(batch, (t[i] for t in _tensors(batch))))
            each.append((begun, _tensors(begun)))
        stacked = (torch.stack(ts) for ts in zip(*(ts for _, ts in each), strict=True))
        found: Carry = _filled(each[0][0], stacked)
        return found

    # -- random draws -----------------------------------------------------------------------------
    def _batch(self) -> Batch:
        rows = torch.stack([next(order) for order in self.orders]).to(self.device)
        at = torch.arange(len(rows), device=self.device)[:, None], rows
        identities = None if self.identities is None else self.identities[at]
        return Batch(self.inputs[at], identities, self.targets[at])

    def _noise(self, size: int) -> Tensor:
        """Draw the halting noise of all seeds as `Learner` does, [S, steps, B, draws]."""
        model, steps = self.graph.model, 1 if self.graph.objective.one_step else None
        each = torch.stack([model.draw(size, noise, steps=steps) for noise in self.noises])
        if model.halting.shared:
            each = each[:, :, :1].expand_as(each)
        return each.to(self.device)

    def _masks(self, batch: Batch, chance: Chance) -> tuple[Tensor, ...]:
        """Draw the dropout masks of all seeds, each as its calls would draw it on the CPU."""
        graph = self.graph
        size = batch.inputs.shape[1]
        key = graph.model.depth, size
        if key not in self._calls:
            first = _filled(batch, (t[0] for t in _tensors(batch)))
            shifts = tuple(shift[0] for shift in chance.shifts)
            alone = chance._replace(halting=chance.halting[0], shifts=shifts)
            carry = _filled(self.carry, (t[0] for t in _tensors(self.carry)))
            self._calls[key] = graph.calls(first, alone, carry)
        calls = self._calls[key]
        graph.order = tuple(place for place, _ in calls)
        masks: list[list[Tensor]] = [[] for _ in calls]
        for generator in self.dropouts:
            for found, (place, shape) in zip(masks, calls, strict=True):
                keeps = 1 - graph.dropouts[place].p
                found.append(torch.empty(shape).bernoulli_(keeps, generator=generator) / keeps)
        return tuple(torch.stack(found).to(self.device) for found in masks)

    # -- evaluation -------------------------------------------------------------------------------
    def settle(self, ended: list[Diverged | None]) -> None:
        """Evaluate all seeds that haven't diverged, after reporting their measurements.

        Args:
            ended: The `Diverged` of each seed, or None; seeds that diverged now are entered.
        """
        first = self.updates - len(self._since) + 1
        measured = torch.stack(self._since, 1).tolist()  # [S][updates][names]: the only copy
        self._since = []
        weights = self.rows.views(self.rows.values)
        averages = None if self.average is None else self.rows.views(self.average)
        for i, member in enumerate(self.members):
            if ended[i] is not None:
                continue
            try:
                self._tell(member, first, measured[i])
                if not bool(self.rows.values[i].isfinite().all()):
                    raise Diverged(self.updates, "weights aren't finite")
                shown = weights if averages is None else averages
                state = {n: t[i] for n, t in {**shown, **self.buffers}.items()}
                member.model.load_state_dict(state, strict=False)
                with evaluating(member.model):
                    member.watch(member.model)
            except Diverged as error:
                ended[i] = error
            except FloatingPointError as error:
                ended[i] = Diverged(self.updates, str(error))

    def _tell(self, member: Member, first: int, measured: list[list[float]]) -> None:
        names = (*self.names, "gradient_norm")
        for update, values in enumerate(measured, first):
            found = dict(zip(names, values, strict=True))
            if not math.isfinite(found["loss"]):
                raise Diverged(update, f"the loss is {found['loss']}")
            member.measured(found)


def _require_alike(members: Sequence[Member]) -> None:
    def plain(training: Training) -> Training:
        rates: dict[str, Any] = {n: None if getattr(training, n) is None else 1.0 for n in RATES}
        return replace(training, **rates)

    first = members[0]
    for member in members:
        same = plain(member.training) == plain(first.training)
        if not same or member.data.inputs.shape != first.data.inputs.shape:
            raise UserError(
                f"seeds of a stack are trained as {member.training} and {first.training} on "
                f"{len(member.data)} and {len(first.data)} boards; allowed are differences in the "
                "learning rates alone; train what differs apart"
            )


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(stream(seed, purpose))


def _tensors(value: Any) -> list[Tensor]:
    """Return the tensors in nested tuples, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


def _filled(value: Any, tensors: Iterator[Tensor]) -> Any:
    """Return nested tuples in which the tensors are replaced by others, in order."""
    if isinstance(value, Tensor):
        return next(tensors)
    if not isinstance(value, tuple):
        return value
    found = [_filled(item, tensors) for item in value]
    return type(value)(*found) if hasattr(value, "_fields") else tuple(found)
