"""One call of the controller, and the whole forward pass, of document v2 and its kin.

`controller_call` and `forward` are targets (`bench.turns`) that claims time for their arms; the
suite below times them for the document's two forms of the controller. Everything is computed in
evaluation mode, without gradients, on one thread.
"""

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from bench.turns import Target, Timed
from hrm import recipes
from hrm.config import Tokens
from hrm.config.learning import System
from hrm.model import HRM, Output
from hrm.model.halting import ConcatenatedController, DirectController, Policy
from hrm.training import loop

forms = ("concatenated", "direct")
batches = (1, 4, 32, 128)
PROGRESS = 0.5  # second input of the controller: the share of cycles that are done


def controller_call(parts: Sequence[System], batch: int) -> list[Callable[[], Tensor]]:
    """Return one call of each system's controller, at one cycle; it returns logits [batch, 2]."""

    def timed(model: HRM) -> Callable[[], Tensor]:
        part, noise = controller(model), torch.Generator().manual_seed(batch)
        states = torch.randn(batch, model.config.high.width, generator=noise)

        def call() -> Tensor:
            with torch.inference_mode():
                logits: Tensor = part(states, PROGRESS)
            return logits

        return call

    return [timed(model) for model in models(parts)]


def forward(parts: Sequence[System], batch: int) -> list[Callable[[], Output]]:
    """Return each system's forward pass; all samples take all steps."""

    def timed(model: HRM) -> Callable[[], Output]:
        x, steps = inputs(model, batch), model.halting.max_steps

        def call() -> Output:
            with torch.inference_mode():
                output: Output = model(x, steps=steps)
            return output

        return call

    return [timed(model) for model in models(parts)]


class Controller:
    """One call of the controller, and one forward pass, by form and batch.

    There is no `setup`, because asv would run it before each call and time single calls; at a
    hundred microseconds per call these would be noise. Models are built on first use, in asv's
    warm-up.
    """

    params = (forms, batches)
    param_names = ("form", "batch")
    repeat = (3, 10, 0.1)  # few, because the spread between processes is far larger
    warmup_time = 0.05
    version = "1"  # pinned, so that editing this class doesn't end the history of its benchmarks

    def time_call(self, form: str, batch: int) -> None:
        """One call, which gives the logits of one cycle."""
        timed(controller_call, batch)[form]()

    def time_forward(self, form: str, batch: int) -> None:
        """A forward pass through all cycles."""
        timed(forward, batch)[form]()


@functools.cache
def timed(target: Target, batch: int) -> dict[str, Timed]:
    """Return the timed callable of each form; sets the number of threads to one."""
    torch.set_num_threads(1)
    return dict(zip(forms, target([system(form) for form in forms], batch), strict=True))


def system(form: str) -> System:
    """Return the document's reference model with one of the two controllers."""
    return recipes.v2(use_optimized_controller=form == "direct")


def models(parts: Sequence[System]) -> list[HRM]:
    """Return a model of each system, with equal outputs if only the controller's form differs.

    If some systems have the concatenated controller, those with the direct one get its weights,
    converted to their form; all other weights are equal.
    """
    built = [loop.build(part, loop.Seeds(weights=0, order=0)).eval() for part in parts]
    teacher = next((m for m in built if isinstance(control(m), ConcatenatedController)), None)
    for model in built:
        mine = control(model)
        if teacher is not None and isinstance(mine, DirectController):
            theirs = control(teacher)
            assert isinstance(theirs, ConcatenatedController)
            mine.load_concatenated(theirs)
            share(teacher, model)
    return built


def share(teacher: HRM, model: HRM) -> None:
    """Copy the weights that both models have, except those of controllers."""
    known = model.state_dict()
    same = {
        name: value
        for name, value in teacher.state_dict().items()
        if "controller" not in name and name in known and known[name].shape == value.shape
    }
    model.load_state_dict(same, strict=False)


def control(model: HRM) -> nn.Module | None:
    """Return a model's controller, None without one."""
    return model.halting.controller if isinstance(model.halting, Policy) else None


def controller(model: HRM) -> nn.Module:
    """Return a model's controller."""
    found = control(model)
    assert found is not None, model.config.halting
    return found


def inputs(model: HRM, batch: int) -> Tensor:
    """Return random inputs: numbers, or tokens for a model that reads tokens."""
    noise, shape = torch.Generator().manual_seed(batch), model.example(batch).shape
    part = model.config.embedding
    if isinstance(part, Tokens):
        return torch.randint(0, part.vocabulary, shape, generator=noise)
    return torch.randn(shape, generator=noise)
