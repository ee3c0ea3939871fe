"""Models with prescribed halting, and counters of their computed rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hrm import config
from hrm.model import HRM, Output
from hrm.model.halting import Decision, Halting, Policy, undecided
from hrm.model.state import State


class Scripted(Halting):
    """Takes the margin of each row from the noise, so that stop times are prescribed.

    The model must be in training mode, in which noise is passed on.
    """

    draws = 1

    def __init__(self, max_steps: int) -> None:
        super().__init__()
        self.max_steps = max_steps

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        assert noise is not None
        return undecided(state.high)._replace(margin=noise[:, 0])


def scripted(c: config.HRMConfig, steps: int, seed: int) -> HRM:
    """Return a model with at most `steps` halting steps, whose noise prescribes decisions."""
    torch.manual_seed(seed)
    model = HRM(c).train()
    model.halting = Scripted(steps)
    return model


def margins(wants: NDArray[np.bool_]) -> Tensor:
    """Return prescribed decisions, [K, B], as noise for `scripted` models."""
    return torch.from_numpy(np.where(wants, 1.0, -1.0)).float()[..., None]


def stopping(stops: Sequence[int] | NDArray[np.int64], steps: int) -> Tensor:
    """Return noise with which samples want to stop at the given steps, from 1, and after them."""
    return margins(np.arange(1, steps + 1)[:, None] >= np.asarray(stops))


def never_stop(model: HRM) -> None:
    """Make a policy network continue for every input, so that all cycles are taken."""
    last = controller(model).policy[-1]  # type: ignore[index]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([50.0, -50.0]))


def diversify(model: HRM, inputs: Tensor, gain: float = 10.0) -> None:
    """Make a policy's decisions depend on states, so that they differ between samples.

    The controller's weights are scaled and its biases cleared; the last one is then set so that
    half of these inputs' samples, decided greedily, want to stop before the last cycle.
    """
    parameters = list(controller(model).parameters())
    with torch.no_grad():
        for parameter in parameters:
            if parameter.dim() == 2:
                parameter.mul_(gain)
            else:
                parameter.zero_()
        logits = model.eval()(inputs, steps=model.halting.max_steps).run.logits
        margins = (logits[..., 1] - logits[..., 0])[:-1]  # the last stop is forced
        parameters[-1][1] -= margins.amax(0).quantile(0.5)


def random_q(c: config.HRMConfig, batch: int, seed: int) -> HRM:
    """Return a model that makes its samples halt at different steps.

    Q(halt) gets random weights, without the directions in which the batch's mean state moves from
    step to step (along them all samples would halt together), and a bias at which one decision in
    eight is to halt. Q(continue) is zero.
    """
    torch.manual_seed(seed)
    model = HRM(c).train()
    (head,) = model.halting.heads  # type: ignore[misc]
    assert isinstance(head, nn.Linear)
    states: list[Tensor] = []
    hook = model.halting.register_forward_pre_hook(
        lambda _, given: states.append(given[0].high[:, 0])
    )
    think(model, batch, seed)  # as initialised, nobody halts before the last step
    hook.remove()
    seen = torch.stack(states)
    means, _ = torch.linalg.qr(seen.mean(1).T)
    weight = torch.randn(seen.shape[-1], generator=seeded(seed))
    weight = weight - means @ (means.T @ weight)
    with torch.no_grad():
        head.weight.copy_(torch.stack([weight, torch.zeros_like(weight)]))
        head.bias.copy_(torch.stack([-(seen @ weight).quantile(7 / 8), torch.zeros(())]))
    return model


def think(model: HRM, batch: int, seed: int) -> Output:
    """Run a model on random tokens, with noise of the next seed."""
    part = model.config.embedding
    assert isinstance(part, config.Tokens)
    shape = (batch, part.positions)
    tokens = torch.randint(part.vocabulary, shape, generator=seeded(seed))
    with torch.no_grad():
        output: Output = model(tokens, model.draw(batch, seeded(seed + 1)))
    return output


def controller_pair(
    original: config.HRMConfig, direct: config.HRMConfig, seed: int
) -> tuple[HRM, HRM]:
    """Build a model with either controller, computing the same, in evaluation and float64."""
    torch.manual_seed(seed)
    first, second = HRM(original).double().eval(), HRM(direct).double().eval()
    same = {k: v for k, v in first.state_dict().items() if "controller" not in k}
    second.load_state_dict(same, strict=False)
    controller(second).load_concatenated(controller(first))  # type: ignore[operator]
    return first, second


def controller(model: HRM) -> nn.Module:
    """Return a policy model's controller."""
    assert isinstance(model.halting, Policy)
    found: nn.Module = model.halting.controller
    return found


@contextmanager
def counted_rows(model: HRM) -> Iterator[list[int]]:
    """Yield a list of the rows of each call of the high core; one call per step with one cycle."""
    rows: list[int] = []
    hook = model.high.register_forward_hook(lambda _m, _a, out: rows.append(len(out)))
    try:
        yield rows
    finally:
        hook.remove()


@contextmanager
def sampling(model: HRM) -> Iterator[None]:
    """Training mode, in which halting takes noise, without dropout and without gradient."""
    before = model.training, [(m, m.p) for m in model.modules() if isinstance(m, nn.Dropout)]
    model.train()
    for dropout, _ in before[1]:
        dropout.p = 0.0
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before[0])
        for dropout, p in before[1]:
            dropout.p = p


def inputs(c: config.HRMConfig, batch: int, generator: torch.Generator) -> Tensor:
    """Return normal inputs of a model that takes vectors, in float32."""
    return torch.randn(batch, size(c), generator=generator)


def size(c: config.HRMConfig) -> int:
    """Return the size of the vectors that a model takes."""
    assert isinstance(c.embedding, config.Vector)
    return c.embedding.size


def far(a: Tensor, b: Tensor) -> float:
    """Return the largest absolute difference."""
    return float((a - b).detach().abs().max())


def seeded(seed: int) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)
