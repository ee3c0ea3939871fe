"""Policy gradients over resampled training batches, at trained weights."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ablations.protocols import ours, rigged
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import dealt_to, replica
from ablations.specs.protocols import Resample
from hrm.config.learning import PolicyGradient
from hrm.errors import UserError
from hrm.model import HRM
from hrm.model.execution import Run
from hrm.training import losses
from hrm.training.loop import stream


def run(inputs: Inputs) -> Outcome:
    """Draw batches and their actions; store how the controller's gradients scatter over them.

    `variance` (over batches, summed over parameters), `mean_norm` (of the mean gradient); per
    batch [R]: `norms` (of its gradient), `live` (mean share of samples that are still running).
    Only the controller has a gradient; rewards are those of the objective.

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
    model = arm.model.train().requires_grad_(False)
    rigged.controller(model).requires_grad_(True)
    data = arm.encoded(dealt.splits.train)
    seed = replica(inputs.seed, protocol.replica)
    noise = rigged.seeded(stream(seed, "resamples"))
    torch.manual_seed(stream(seed, "resamples, dropout"))
    gradients, live = [], []
    for _ in range(protocol.resamples):
        rows = torch.randint(len(data), (protocol.batch,), generator=noise)
        batch = data.batch(rows)
        drawn = model.draw(len(rows), noise).to(inputs.device)
        output = model(batch.inputs, drawn, identities=batch.identities)
        assert batch.targets is not None
        error = losses.squared_error(output.prediction, batch.targets).detach()
        rewards = losses.reward(error, output.run.steps, objective.cost)
        gradients.append(gradient(model, objective, output.run, rewards))
        live.append(float(output.run.live.float().mean()))
    stacked = torch.stack(gradients).double()
    found = {
        "variance": float(stacked.var(0).sum()),
        "mean_norm": float(stacked.mean(0).norm()),
        "norms": stacked.norm(dim=1).cpu().numpy(),
        "live": np.array(live),
    }
    return Outcome(observations=[found])


def gradient(model: HRM, objective: PolicyGradient, run: Run, rewards: Tensor) -> Tensor:
    """Return the policy loss's gradient of the controller's parameters, flat; 0 without choices."""
    loss = losses.policy_loss(objective, run, rewards, model.halting.max_steps)
    return flat(loss, list(rigged.controller(model).parameters()))


def flat(loss: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return a loss's gradient as one vector; zeros where it depends on no parameter."""
    if not loss.requires_grad:  # every stop was forced: nothing was chosen
        return torch.cat([torch.zeros_like(p).flatten() for p in parameters])
    found = torch.autograd.grad(loss, parameters, retain_graph=True)
    return torch.cat([g.flatten() for g in found])
