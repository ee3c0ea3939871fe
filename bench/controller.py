"""The controller's two forms, alone and within the whole forward pass of document v2.

Both forms compute the same (the direct one has the other's weights, mapped), in evaluation without
gradient, on one thread. No sample wants to stop, so each forward pass takes all its cycles.

asv runs a `setup` again before each timed call and then times single calls; at some ten
microseconds a call that would be noise. What is timed is built on first use, in the warm-up.
"""

import functools

import torch
from torch import Tensor, nn

from hrm import recipes
from hrm.config import Vector
from hrm.config.learning import System
from hrm.model import HRM
from hrm.model.halting import ConcatenatedController, DirectController, Policy

torch.set_num_threads(1)

forms = ("concatenated", "direct")
batches = (1, 4, 32, 128)
times = {"once": 1, "twice": 2}


class Controller:
    """One call of the controller, and one forward pass, by form and batch."""

    params = (forms, batches)
    param_names = ("form", "batch")
    repeat = (3, 10, 0.1)  # the spread between processes is what counts, and is far larger
    warmup_time = 0.05

    def time_call(self, form: str, batch: int) -> None:
        """Logits of one cycle."""
        module, states = call(form, batch)
        with torch.inference_mode():
            module(states, 0.5)

    def time_forward(self, form: str, batch: int) -> None:
        """All cycles."""
        model, inputs = forward(form, batch)
        with torch.inference_mode():
            model(inputs)


class Known:
    """The suite's own control: how often each method is called is known, and so is the ratio.

    `time_call` and `time_forward` are one call of the concatenated form, as in `Controller`,
    whichever arm is asked for; the planted ones are as many calls of it as the arm says.
    """

    params = (tuple(times), (32,))
    param_names = ("times", "batch")
    repeat = Controller.repeat
    warmup_time = Controller.warmup_time

    def time_call(self, _: str, batch: int) -> None:
        """Logits of one cycle."""
        Controller().time_call(forms[0], batch)

    def time_forward(self, _: str, batch: int) -> None:
        """All cycles."""
        Controller().time_forward(forms[0], batch)

    def time_planted_call(self, arm: str, batch: int) -> None:
        """Logits of one cycle, made so many times."""
        for _ in range(times[arm]):
            self.time_call(arm, batch)

    def time_planted_forward(self, arm: str, batch: int) -> None:
        """All cycles, gone through so many times."""
        for _ in range(times[arm]):
            self.time_forward(arm, batch)


def system(form: str) -> System:
    """The document's reference model with one of the two controllers."""
    return recipes.v2(use_optimized_controller=form == "direct")


@functools.cache
def models() -> dict[str, HRM]:
    """Both models, computing the same; nobody wants to stop."""
    torch.manual_seed(0)
    built = {form: HRM(system(form).model).eval() for form in forms}
    original, direct = built["concatenated"], built["direct"]
    theirs, mine = controller(original), controller(direct)
    assert isinstance(theirs, ConcatenatedController) and isinstance(mine, DirectController)
    with torch.no_grad():
        last = theirs.policy[-1]
        assert isinstance(last, nn.Linear)
        last.bias.copy_(torch.tensor([50.0, -50.0]))
    mine.load_concatenated(theirs)
    same = {k: v for k, v in original.state_dict().items() if "controller" not in k}
    direct.load_state_dict(same, strict=False)
    return built


@functools.cache
def call(form: str, batch: int) -> tuple[nn.Module, Tensor]:
    """A controller and the states that it reads."""
    model = models()[form]
    noise = torch.Generator().manual_seed(batch)
    return controller(model), torch.randn(batch, model.config.high.width, generator=noise)


@functools.cache
def forward(form: str, batch: int) -> tuple[HRM, Tensor]:
    """A model and its inputs."""
    model, noise = models()[form], torch.Generator().manual_seed(batch)
    part = model.config.embedding
    assert isinstance(part, Vector)
    return model, torch.randn(batch, part.size, generator=noise)


def controller(model: HRM) -> nn.Module:
    """A model's controller."""
    assert isinstance(model.halting, Policy)
    return model.halting.controller
