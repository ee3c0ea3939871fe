"""The overhead of the training loop, and the savings by fewer and larger operations, as ratios.

- Loop: `loop.fit` with its curve / forward pass, backward pass and optimiser step alone, at width
  64; plain, and with clipping, averaged weights and warm-up. The target is at most 1.05.
- Data: getting a batch / the update that uses it. Boards are encoded beforehand. The target is at
  most 0.01.
- Steps: a fused or list-wise optimiser, clipping or average of weights / the usual one.
- Draws: the noise of all halting steps of a batch in one call / in one call per step.
- Maps: the forward pass of gru and v2, in training with the backward pass / the same with
  `nn.GRUCell`, which maps input and context again at each low update.

Validation and checkpoints aren't part of the loop's time. No sample stops early, so that both arms
do the same work in each update.

`python -m bench.loop` prints a table.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from bench import ratio
from bench.timed import quick
from hrm import recipes
from hrm.config import Tokens, Vector
from hrm.config.learning import PolicyGradient, QHalting, Supervised, System, Training
from hrm.model import HRM, cores, cost
from hrm.model.execution import Batch, Carry
from hrm.model.halting import Policy
from hrm.training import averages, losses, optim, q_losses
from hrm.training import loop as train
from hrm.training.learner import Learner

width, cells, batch = 64, 16, 32
seeds = train.Seeds(weights=0, order=0)
# A learning rate that is too small to change the weights.
still = Training(updates=1, batch=batch, learning_rate=1e-9)
options = {"plain": still, "all": replace(still, clip=1.0, ema=0.999, warmup=10)}
names = ("gru", "v2", "act-v1", "tiny-network")


class Loop(ratio.Ratios):
    """The loop over the bare update; a bare update is timed before and after each of the loop's."""

    params = (names, tuple(options))
    param_names = ("recipe", "options")
    updates = 100

    def track_fit(self, recipe: str, option: str) -> float:
        """Return the ratio; the target is at most 1.05."""
        clock = time.process_time if self.cpu_time else time.perf_counter
        with cost.one_thread():
            updates = 10 if quick() else self.updates
            return statistics.median(loop(recipe, options[option], clock, updates))


class Data(ratio.Ratios):
    """Getting a batch over an update."""

    params = (names,)
    param_names = ("recipe",)

    def track_batch(self, recipe: str) -> float:
        """Return the ratio; the target is at most 0.01."""
        data, dealt = boards(system(recipe)), train.Shuffled(256, batch, 0)

        def deal() -> Batch:
            for _ in range(often - 1):
                data.batch(next(dealt))
            return data.batch(next(dealt))

        often = 1000  # batches per call, because both arms are called equally often
        update = bare(recipe, options["plain"])
        return self.median(ratio.Pair(first=deal, second=update, scale=often))


class Steps(ratio.Ratios):
    """Operations on all parameters at once, over the operations that they replace."""

    params = (names,)
    param_names = ("recipe",)

    def track_adamw(self, recipe: str) -> float:
        """Return fused over torch's default."""
        fused, plain = (model(recipe) for _ in range(2))
        return self.median(
            ratio.Pair(
                first=step(AdamW(fused.parameters(), fused=True)),
                second=step(AdamW(plain.parameters())),
            )
        )

    def track_adam_atan2(self, recipe: str) -> float:
        """Return one optimiser of all parameters over one of each."""
        whole, parts = (model(recipe) for _ in range(2))
        return self.median(
            ratio.Pair(
                first=step(optim.AdamAtan2(whole.parameters(), lr=1e-3)),
                second=step(*(optim.AdamAtan2([p], lr=1e-3) for p in parts.parameters())),
            )
        )

    def track_clip(self, recipe: str) -> float:
        """Return clipping over torch's own function."""
        ours, theirs = (list(model(recipe).parameters()) for _ in range(2))
        return self.median(
            ratio.Pair(
                first=lambda: optim.clip(ours, 1.0),
                second=lambda: nn.utils.clip_grad_norm_(theirs, 1.0),
            )
        )

    def track_average(self, recipe: str) -> float:
        """Return averaged weights over torch's own class."""
        source = model(recipe)
        ours = averages.Averaged(source, 0.999)
        theirs = AveragedModel(source, multi_avg_fn=get_ema_multi_avg_fn(0.999))
        return self.median(
            ratio.Pair(
                first=lambda: ours.update_parameters(source),
                second=lambda: theirs.update_parameters(source),
            )
        )


class Draws(ratio.Ratios):
    """Drawing the noise of all steps in one call."""

    params = ((32, 128),)
    param_names = ("batch",)

    def track_noise(self, size: int) -> float:
        """Return one call over a call per step."""
        made, noise = model("v2"), torch.Generator().manual_seed(0)
        steps = made.halting.max_steps
        return self.median(
            ratio.Pair(
                first=lambda: made.draw(size, noise),
                second=lambda: torch.cat([made.draw(size, noise, 1) for _ in range(steps)]),
            )
        )


class Maps(ratio.Ratios):
    """Mapping the shared inputs of a cycle's low updates once, at widths (low, high)."""

    params = (("gru", "v2"), ((64, 64), (256, 512)), ("evaluation", "training"))
    param_names = ("recipe", "widths", "mode")

    def track_once(self, recipe: str, widths: tuple[int, int], mode: str) -> float:
        """Return mapping once over mapping at each update."""
        training = mode == "training"
        return self.median(
            ratio.Pair(
                first=whole_pass(recipe, widths, training=training),
                second=whole_pass(recipe, widths, training=training, core=AtEachUpdate),
            )
        )


class AtEachUpdate(cores.Gru):
    """A GRU core that maps its inputs at each call.

    Args:
        core: The core whose weights it uses.
    """

    def __init__(self, core: cores.Gru) -> None:
        context = None if core.control is None else core.control.in_features
        super().__init__(core.cell.hidden_size, core.cell.input_size, context)
        self.load_state_dict(core.state_dict())

    def from_inputs(self, inputs: Tensor) -> Tensor:
        return inputs

    def from_context(self, context: Tensor) -> Tensor:
        return context

    def forward(
        self, state: Tensor, inputs: Tensor | None, context: Tensor | None = None
    ) -> Tensor:
        assert inputs is not None
        if context is not None:
            state = state + super().from_context(context)
        new: Tensor = nn.GRUCell.forward(self.cell, inputs, state)
        return new


def system(recipe: str, low: int = width, high: int = width) -> System:
    """Return a recipe's system for 16 cells of five classes; GRUs get these widths."""
    shapes: dict[str, Any] = {"vocabulary": 5, "positions": cells, "width": width, "heads": 4}
    match recipe:
        case "act-v1":
            return recipes.act_v1(**shapes, h_layers=1, l_layers=1)
        case "tiny-network":
            return recipes.tiny_network(**shapes, layers=1, h_cycles=2, l_cycles=2, prefix=1)
    make = recipes.v2 if recipe == "v2" else recipes.gru
    return make(inputs=5 * cells, outputs=5 * cells, hidden_low=low, hidden_high=high)


def boards(made: System, size: int = 256) -> train.Encoded:
    """Return random inputs and targets."""
    noise = torch.Generator().manual_seed(1)
    targets = torch.randint(1, 5, (size, cells), generator=noise)
    match made.model.embedding:
        case Tokens():
            return train.Encoded(inputs=targets.roll(1, 1), targets=targets)
        case Vector(size=inputs):
            x = torch.randn(size, inputs, generator=noise)
            return train.Encoded(inputs=x, targets=targets)
    raise AssertionError(made.model.embedding)


def build(made: System) -> HRM:
    """Return a system's model in training mode, whose samples almost never stop early."""
    source = train.build(made, seeds).train()
    if isinstance(source.halting, Policy):
        *_, last = (m for m in source.halting.controller.modules() if isinstance(m, nn.Linear))
        with torch.no_grad():
            last.bias.copy_(torch.tensor([10.0, -10.0]))
    return source


def model(recipe: str) -> HRM:
    """Return a recipe's model, each parameter with a gradient."""
    made = build(system(recipe))
    for p in made.parameters():
        p.grad = torch.full_like(p, 1e-3)
    return made


def step(*optimisers: Optimizer) -> Callable[[], None]:
    """Return a function that does a step of each optimiser."""

    def run() -> None:
        for optimiser in optimisers:
            optimiser.step()

    return run


def bare(recipe: str, training: Training) -> Callable[[], Tensor]:
    """Return one update: noise, forward pass, loss, backward pass, optimisers' steps."""
    made = system(recipe)
    source = build(made)
    noise = torch.Generator().manual_seed(train.stream(seeds.order, "noise"))
    learner = Learner(source, made, training, noise)
    optimisers = [schedule.optimizer for schedule in learner.schedules]
    offered = boards(made).batch(torch.arange(batch))
    carry, one = source.begin(offered), isinstance(made.objective, QHalting)

    def run() -> Tensor:
        nonlocal carry
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        drawn = source.draw(batch, noise, steps=1 if one else None)
        loss, carry = forward(source, made, offered, carry, drawn)
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        return loss

    return run


def forward(
    source: HRM, made: System, offered: Batch, carry: Carry, noise: Tensor
) -> tuple[Tensor, Carry]:
    """Return the loss of an update, and the carry after it; noise as `HRM.draw` returns it."""
    objective, limit = made.objective, source.halting.max_steps
    assert offered.targets is not None
    if isinstance(objective, Supervised | PolicyGradient):
        output = source(offered.inputs, noise)
        return losses.loss(objective, output, offered.targets, limit).total, carry
    assert isinstance(objective, QHalting)
    carry, prediction, decision = source.advance(carry, offered, noise[0])
    assert carry.batch.targets is not None
    ahead = q_losses.continue_target(source, carry) if objective.continue_loss else None
    found = q_losses.segment_loss(
        objective, prediction, decision.logits, carry.batch.targets, ahead
    )
    return found.total, carry


@dataclass(frozen=True, kw_only=True)
class Interrupted(train.Encoded):
    """A training set that calls a function before each of its batches."""

    call: Callable[[], None]

    def batch(self, rows: Tensor) -> Batch:
        self.call()
        return super().batch(rows)


def loop(recipe: str, training: Training, clock: Callable[[], float], updates: int) -> list[float]:
    """Return the ratio of each update of `loop.fit` to the bare ones before and after it.

    Args:
        clock: Returns the time in seconds.
    """
    update, made, start = bare(recipe, training), system(recipe), clock()
    ours: list[float] = []
    theirs: list[float] = []

    def take_turns() -> None:
        nonlocal start
        ours.append(clock() - start)
        start = clock()
        update()
        theirs.append(clock() - start)
        start = clock()

    data = Interrupted(**vars(boards(made)), call=take_turns)
    count = updates + 2  # the first one fills caches, the last one has no bare update after it
    whole = replace(training, updates=count, evaluate_every=count)
    train.fit(build(made), made, whole, data, seeds, lambda _model: 0.0)
    return [2 * a / (b + c) for a, b, c in zip(ours[2:], theirs[1:], theirs[2:], strict=False)]


def whole_pass(
    recipe: str,
    widths: tuple[int, int],
    *,
    training: bool,
    core: Callable[[cores.Gru], cores.Gru] | None = None,
) -> Callable[[], tuple[Tensor, dict[str, Tensor | None]]]:
    """Return a function that does a whole pass and returns its loss and gradients.

    In evaluation, gradients are None.

    Args:
        core: Replaces the core of each level; None to keep it.
    """
    made = system(recipe, *widths)
    source, noise = build(made).train(training), torch.Generator().manual_seed(0)
    if core is not None:
        assert isinstance(source.low, cores.Gru) and isinstance(source.high, cores.Gru)
        source.low, source.high = core(source.low), core(source.high)
    offered = boards(made).batch(torch.arange(batch))
    drawn, carry = source.draw(batch, noise), source.begin(offered)

    def run() -> tuple[Tensor, dict[str, Tensor | None]]:
        source.zero_grad(set_to_none=True)
        with torch.set_grad_enabled(training):
            loss, _ = forward(source, made, offered, carry, drawn)
            if training:
                loss.backward()
        return loss, {name: p.grad for name, p in source.named_parameters()}

    return run


if __name__ == "__main__":
    ratio.main("bench.loop", (Loop, Data, Steps, Draws, Maps))
