"""How the gradient of a training loss scatters over batches, at trained weights."""

import torch

from ablations.protocols import ours, rigged
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import dealt_to, replica
from ablations.specs.protocols import Scatter
from hrm.model.registry import built
from hrm.training.loop import stream
from hrm.training.objectives import Objective


def run(inputs: Inputs) -> Outcome:
    """Draw training batches, and store how the loss's gradients of all parameters scatter.

    `variance` (over batches, summed over parameters), `mean_norm` (of the mean gradient), `norms`
    [R] (of each batch's gradient).
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Scatter) and inputs.weights is not None
    arm = ours.own(inputs.arms[0])
    dealt = dealt_to(protocol.after, inputs.seed)
    arm.build(dealt.task, inputs.seed, inputs.device)
    arm.load(inputs.weights)
    model, data = arm.model.train(), arm.encoded(dealt.splits.train)
    objective: Objective = built(protocol.objective or arm.system.objective)
    seed = replica(inputs.seed, protocol.replica)
    noise = rigged.seeded(stream(seed, "resamples"))
    torch.manual_seed(stream(seed, "resamples, dropout"))
    parameters, gradients = list(model.parameters()), []
    for _ in range(protocol.resamples):
        rows = torch.randint(len(data), (protocol.batch,), generator=noise)
        drawn = model.draw(len(rows), noise).to(inputs.device)
        parts, _, _ = objective.losses(model, data.batch(rows), drawn, None)
        found = torch.autograd.grad(
            parts["loss"], parameters, allow_unused=True, materialize_grads=True
        )
        gradients.append(torch.cat([g.flatten() for g in found]).double())
    stacked = torch.stack(gradients)
    observed = {
        "variance": float(stacked.var(0).sum()),
        "mean_norm": float(stacked.mean(0).norm()),
        "norms": stacked.norm(dim=1).cpu().numpy(),
    }
    return Outcome(observations=[observed])
