"""Norms of an answer's gradient through the recursion, by its depth."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from ablations.protocols import boards, ours
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.ours import Ours
from ablations.specs.protocols import Gradients
from hrm.config.axes import Objective
from hrm.config.learning import PolicyGradient, QHalting, Supervised
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.model.registry import built
from hrm.model.state import State
from hrm.training import losses


def run(inputs: Inputs) -> Outcome:
    """Differentiate the last answer's loss at each depth.

    `depths` [D]; `start_norms` [D, N], for each board the norm of its loss's gradient by its first
    states, z_H and z_L together; `trunk_norms` [D], the norm of the mean loss's gradient by the
    parameters of both levels' cores.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Gradients) and inputs.weights is not None
    dealt = boards.table(protocol.after.boards, inputs.seed)
    segments = protocol.over == "segments"
    starts, trunks = [], []
    for depth in protocol.depths:
        arm = ours.own(inputs.arms[0], segments=depth if segments else None)
        arm.build(dealt.task, inputs.seed, inputs.device)
        arm.load(inputs.weights)
        data = arm.encoded(dealt.splits.test)
        batch = data.batch(torch.arange(min(protocol.boards, len(data))))
        start, trunk = norms(arm, batch, 1 if segments else depth)
        starts.append(start.cpu().numpy())
        trunks.append(trunk)
    found = {
        "depths": np.array(protocol.depths),
        "start_norms": np.stack(starts).astype(np.float32),
        "trunk_norms": np.array(trunks),
    }
    return Outcome(observations=[found])


def norms(arm: Ours, batch: Batch, steps: int) -> tuple[Tensor, float]:
    """Return ‖∂ℓ_b / ∂(z_H, z_L at the start of b)‖, [B], and ‖∂ mean ℓ / ∂(both cores)‖.

    They are zero if no gradient reaches the states or the cores.
    """
    model = arm.model.eval()
    trunk = [p for name, p in model.named_parameters() if name.startswith(("low.", "high."))]
    with torch.enable_grad(), _leaves(model) as leaves:
        output = model(batch.inputs, identities=batch.identities, steps=steps, drafts=False)
        assert batch.targets is not None
        found = _answer(arm.system.objective)(output.prediction, batch.targets)
        sources = [*leaves, *trunk]
        each = torch.autograd.grad(found.sum(), sources, allow_unused=True, materialize_grads=True)
    first = torch.cat([g.flatten(1) for g in each[: len(leaves)]], dim=1)
    whole = torch.cat([g.flatten() for g in each[len(leaves) :]]) / len(found)
    return first.double().norm(dim=1), float(whole.double().norm())


def _answer(objective: Objective) -> losses.AnswerLoss:
    """Return the loss of each answer, [B]; a policy's is squared."""
    if isinstance(objective, PolicyGradient):
        return losses.squared_error
    assert isinstance(objective, Supervised | QHalting), objective
    answer: losses.AnswerLoss = built(objective.answer)
    return answer


@contextmanager
def _leaves(model: HRM) -> Iterator[list[Tensor]]:
    """Make the initial states leaves of the graph, and yield them."""
    leaves: list[Tensor] = []
    refine = model.refine

    def refined(state: State, x: Tensor, *, drafts: bool = True) -> tuple[State, Tensor | None]:
        if not leaves:
            leaves.extend(t.detach().clone().requires_grad_() for t in (state.high, state.low))
            state = State(leaves[0], leaves[1], state.memory)
        return refine(state, x, drafts=drafts)

    vars(model)["refine"] = refined  # before the class's own method
    try:
        yield leaves
    finally:
        del vars(model)["refine"]
