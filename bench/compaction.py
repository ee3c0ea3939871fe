"""The cost of executions when the number of steps of each sample is given.

- act-v1, compacted: time / (live fraction · time of lockstep execution). The best possible ratio is
  1, if only live rows are computed; the targets are 1.15 at a live fraction of 0.5, and 1.03 at 1.
- gru and v2 at their reference sizes: compacted / masked execution; the target is at most 1 for
  live fractions up to 0.7.

A quick run takes four samples of act-v1 instead of 64.

The live fraction is the number of steps of all samples before they stop, divided by that of all
steps. In training, the answer of every live step enters the loss, so that each has a backward pass.

`python -m bench.compaction` prints a table.
"""

import functools
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from bench import ratio
from bench.timed import quick
from hrm import recipes
from hrm.config import Compacted, HRMConfig, Lockstep, Masked, Refilled, Vector
from hrm.config.learning import PolicyGradient, Supervised, System
from hrm.model import HRM, Output
from hrm.model.halting import Decision, Halting
from hrm.model.state import State
from hrm.training import losses

Execution = Lockstep | Masked | Compacted | Refilled

batch = 64
modes = ("evaluation", "training")


class ActV1(ratio.Ratios):
    """Compacted over lockstep times the live fraction; width 128, 2 + 2 layers, 81 positions."""

    params = (modes, (0.5, 1.0))
    param_names = ("mode", "live")

    def track_compacted(self, mode: str, live: float) -> float:
        """Return the ratio; the targets are 1.15 and 1.03."""
        return self.median(pair("act-v1", mode, live, Lockstep(), 4 if quick() else batch))


class Gru(ratio.Ratios):
    """Compacted over masked, at reference sizes."""

    params = (("gru", "v2"), modes, (1.0, 0.9, 0.7, 0.5, 0.3))
    param_names = ("recipe", "mode", "live")

    def track_compacted(self, recipe: str, mode: str, live: float) -> float:
        """Return the ratio; the target is at most 1 up to a live fraction of 0.7."""
        return self.median(pair(recipe, mode, live, Masked()))


class Scripted(Halting):
    """Decides as another halting does, but each sample stops after a given number of steps.

    The number is the sample's halting memory, so that it moves together with the sample.

    Args:
        inner: The other halting rule, whose values are computed as usual.
        stops: Stopping steps of the only batch with which the model is called, [B].
    """

    stops: Tensor

    def __init__(self, inner: Halting, stops: Tensor) -> None:
        super().__init__()
        self.inner = inner
        self.max_steps = inner.max_steps
        self.register_buffer("stops", stops, persistent=False)

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        decision: Decision = self.inner(state, step, None)
        margin = self.stops.new_tensor([-1.0, 1.0])[(state.memory[:, 0] <= step + 1).long()]
        return decision._replace(margin=margin)

    def memory(self, x: Tensor) -> Tensor:
        return self.stops[:, None].to(x.dtype)


def executions(samples: int) -> dict[str, Execution]:
    """Return executions by name; refilled execution has half as many places as samples."""
    return {
        "lockstep": Lockstep(),
        "masked": Masked(),
        "compacted": Compacted(),
        "refilled": Refilled(places=samples // 2),
    }


def stop_times(size: int, max_steps: int, live: float) -> Tensor:
    """Return stopping steps [size] in 1 ... max_steps, in mixed order, with mean live · max_steps.

    They are quantiles of 1 + (max_steps − 1) Uᵖ with uniform U, rounded so that errors don't add
    up; the largest one is max_steps.
    """
    assert 1 < live * max_steps <= max_steps
    power = (max_steps - 1) / (live * max_steps - 1) - 1
    u = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    total = (1 + (max_steps - 1) * u**power).cumsum(0).round()
    stops = total.diff(prepend=total.new_zeros(1))
    stops[-1] = max_steps
    return stops[torch.randperm(size, generator=torch.Generator().manual_seed(size))]


def system(recipe: str) -> System:
    """Return the timed system; act-v1 learns from the answer after each step of a whole run."""
    match recipe:
        case "gru":
            return recipes.gru()
        case "v2":
            return recipes.v2()
    model = recipes.act_v1(width=128, h_layers=2, l_layers=2, max_steps=4).model
    return System(
        model=replace(model, readout=replace(model.readout, each_step=True)),
        objective=Supervised(every_segment=True),
    )


@functools.cache
def model(recipe: str, live: float, size: int) -> HRM:
    """Return a model without dropout whose samples stop at given steps."""
    torch.manual_seed(0)
    built = HRM(system(recipe).model)
    built.halting = Scripted(built.halting, stop_times(size, built.halting.max_steps, live))
    for module in built.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return built


def arm(
    recipe: str, mode: str, live: float, part: Execution, size: int = batch
) -> Callable[[], Output]:
    """Return a forward pass, in training with its backward pass, of `size` samples.

    In training the model keeps the gradients until the next call.
    """
    scripted, objective = model(recipe, live, size), system(recipe).objective
    assert isinstance(objective, PolicyGradient | Supervised)
    c = replace(scripted.config, execution=part, evaluation=None)
    x, target = inputs(c, size)

    def forward() -> Output:
        scripted.config = c
        with torch.no_grad():
            output: Output = scripted.eval()(x)
        return output

    def forward_backward() -> Output:
        scripted.config = c
        scripted.zero_grad(set_to_none=True)
        output: Output = scripted.train()(x)
        losses.loss(objective, output, target, scripted.halting.max_steps).total.backward()
        return output

    return forward if mode == "evaluation" else forward_backward


def pair(
    recipe: str, mode: str, live: float, other: Lockstep | Masked, size: int = batch
) -> ratio.Pair:
    """Return compacted execution and another one; lockstep is scaled by the live fraction."""
    steps = model(recipe, live, size).get_buffer("halting.stops")
    share = float(steps.mean()) / system(recipe).model.halting.max_steps
    return ratio.Pair(
        first=arm(recipe, mode, live, Compacted(), size),
        second=arm(recipe, mode, live, other, size),
        scale=share if isinstance(other, Lockstep) else 1.0,
    )


def inputs(c: HRMConfig, size: int) -> tuple[Tensor, Tensor]:
    """Return random inputs and targets."""
    noise = torch.Generator().manual_seed(1)
    if isinstance(c.embedding, Vector):
        x = torch.randn(size, c.embedding.size, generator=noise)
        return x, torch.randn(size, c.readout.size, generator=noise)
    x, target = torch.randint(0, c.readout.size, (2, size, c.positions), generator=noise).unbind()
    return x, target


if __name__ == "__main__":
    ratio.main("bench.compaction", (ActV1, Gru))
