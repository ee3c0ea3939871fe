"""The time of a compiled segment (`torch.compile` of `HRM.think`) over that of an eager one.

In training it includes the backward pass. The time to compile, some tens of seconds, is excluded.

`python -m bench.compiled` prints a table.
"""

from collections.abc import Callable

import torch

from bench import ratio
from hrm import recipes
from hrm.config.learning import System
from hrm.model import HRM
from hrm.model.state import State
from hrm.training import loop

Think = Callable[[State, torch.Tensor], State]
batch = 32


class Segment(ratio.Ratios):
    """One segment; act-v1 with width 128, 2 + 2 layers, 81 positions, amulgent as documented."""

    params = (("act-v1", "amulgent-enhanced"), ("evaluation", "training"))
    param_names = ("recipe", "mode")

    def track_compiled(self, recipe: str, mode: str) -> float:
        """Return the ratio."""
        model = loop.build(system(recipe), loop.Seeds(weights=0, order=0))
        model.train(mode == "training")
        think = torch.compile(model.think, fullgraph=True)
        return self.median(ratio.Pair(first=segment(model, think), second=segment(model)))


def system(recipe: str) -> System:
    """Return the timed system."""
    if recipe == "act-v1":
        return recipes.act_v1(width=128, h_layers=2, l_layers=2)
    return recipes.amulgent_enhanced()


def segment(model: HRM, think: Think | None = None, size: int = batch) -> Callable[[], State]:
    """Return a segment from the initial states, in training mode with its backward pass.

    Args:
        think: Function that computes the segment; None for `model.think`.
    """
    think = think or model.think
    noise = torch.Generator().manual_seed(1)
    example = model.example(size)
    tokens = not example.is_floating_point()
    draw = torch.randint(0, 3, example.shape, generator=noise) if tokens else None
    inputs = torch.randn(example.shape, generator=noise) if draw is None else draw

    def run() -> State:
        model.zero_grad(set_to_none=True)
        with torch.set_grad_enabled(model.training):
            x = model.perceive(inputs)
            state = think(model.start(x), x)
            if model.training:
                torch.cat([t.flatten() for t in state]).square().mean().backward()
        return state

    return run


if __name__ == "__main__":
    ratio.main("bench.compiled", (Segment,))
