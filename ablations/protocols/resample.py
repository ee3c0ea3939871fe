"""Policy gradients over resampled training batches, at trained weights."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor, nn

from ablations.protocols import ours, rigged
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import dealt_to, replica
from ablations.specs.protocols import Resample
from hrm.config.learning import PolicyGradient
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Run
from hrm.model.halting import Policy
from hrm.training import losses
from hrm.training.loop import stream

NOISES = ("value_norms", "value_norms_normal", "value_norms_heavy")


def run(inputs: Inputs) -> Outcome:
    """Draw batches and their actions; store how the controller's gradients scatter over them.

    `variance` (over batches, summed over parameters), `mean_norm` (of the mean gradient); per
    batch [R]: `norms` (of its gradient), `live` (mean share of samples that are still running).
    Only the controller has a gradient; rewards are those of the objective.

    Per batch [R], too, norms of the gradient of V's loss by V's parameters: `value_norms`, with
    these rewards; `value_norms_normal` and `value_norms_heavy`, with standard normal noise added to
    them, and with Student's t of the same quantiles.

    Raises:
        UserError: If the objective isn't a policy gradient.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Resample) and inputs.weights is not None
    dealt = dealt_to(protocol.after, inputs.seed)
    arm = ours.own(inputs.arms[0])
    objective = protocol.objective or arm.system.objective
    if not isinstance(objective, PolicyGradient):
        raise UserError(
            f"objective is a {type(objective).__name__}; allowed is PolicyGradient, which has a "
            "policy's gradient; give the protocol one"
        )
    arm.build(dealt.task, inputs.seed, inputs.device)
    arm.load(inputs.weights)
    data = arm.encoded(dealt.splits.train)
    model = arm.model.requires_grad_(False)
    if protocol.stop is not None:
        shift(model, data.inputs[:256], protocol.stop)
    model.train().halting.requires_grad_(True)
    seed = replica(inputs.seed, protocol.replica)
    noise = rigged.seeded(stream(seed, "resamples"))
    torch.manual_seed(stream(seed, "resamples, dropout"))
    quantiles = rigged.seeded(stream(seed, "resamples, noise of rewards"))
    gradients, values, live = [], [], []
    for _ in range(protocol.resamples):
        rows = torch.randint(len(data), (protocol.batch,), generator=noise)
        batch = data.batch(rows)
        drawn = model.draw(len(rows), noise).to(inputs.device)
        output = model(batch.inputs, drawn, identities=batch.identities)
        assert batch.targets is not None
        error = losses.squared_error(output.prediction, batch.targets).detach()
        rewards = losses.reward(error, output.run.steps, objective.cost)
        gradients.append(gradient(model, objective, output.run, rewards))
        noises = spread(torch.rand(len(rows), generator=quantiles).double(), protocol.tails)
        values.append(
            [value_norm(model, objective, output.run, rewards + n.to(rewards)) for n in noises]
        )
        live.append(float(output.run.live.float().mean()))
    stacked = torch.stack(gradients).double()
    found = {
        "variance": float(stacked.var(0).sum()),
        "mean_norm": float(stacked.mean(0).norm()),
        "norms": stacked.norm(dim=1).cpu().numpy(),
        "live": np.array(live),
        **dict(zip(NOISES, np.array(values).T, strict=True)),
    }
    return Outcome(observations=[found])


def gradient(model: HRM, objective: PolicyGradient, run: Run, rewards: Tensor) -> Tensor:
    """Return the policy loss's gradient of the controller's parameters, flat; 0 without choices."""
    loss = losses.policy_loss(objective, run, rewards, model.halting.max_steps)
    return flat(loss, list(rigged.controller(model).parameters()))


@torch.no_grad()
def shift(model: HRM, inputs: Tensor, stop: float) -> None:
    """Add to the logit of stopping so that the mean margin, in evaluation, is logit(stop)."""
    policy = rigged.controller(model).policy
    last = policy[-1] if isinstance(policy, nn.Sequential) else policy
    assert isinstance(last, nn.Linear)
    margins = model.eval()(inputs, steps=model.halting.max_steps).run.margins
    last.bias[1] += math.log(stop / (1 - stop)) - float(margins.mean())


def spread(quantiles: Tensor, tails: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return no noise, and at these quantiles, [B], a normal draw and one of Student's t."""
    heavy = torch.from_numpy(student.ppf(quantiles.numpy(), tails))
    return torch.zeros_like(quantiles), torch.special.ndtri(quantiles), heavy


def value_norm(model: HRM, objective: PolicyGradient, run: Run, rewards: Tensor) -> float:
    """Return the norm of the gradient of V's loss by V's parameters."""
    assert isinstance(model.halting, Policy)
    loss = losses.baseline_loss(objective, run, rewards)
    return float(flat(loss, list(model.halting.baseline.parameters())).double().norm())


def flat(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return a loss's gradient as one vector; zeros where it depends on no parameter."""
    if not loss.requires_grad:  # every stop was forced: nothing was chosen
        return torch.cat([torch.zeros_like(p).flatten() for p in parameters])
    found = torch.autograd.grad(loss, parameters, retain_graph=True)
    return torch.cat([g.flatten() for g in found])
