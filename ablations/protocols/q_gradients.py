"""Norms of the gradient of the Q values' losses in the shared trunk."""

import dataclasses

import numpy as np
import torch

from ablations.protocols import boards, ours, rigged
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import replica
from ablations.specs.protocols import QGradients
from hrm.config.learning import ReplayHalting
from hrm.errors import UserError
from hrm.training import q_losses
from hrm.training.loop import stream


def run(inputs: Inputs) -> Outcome:
    """Let places take halting steps; differentiate the Q values' loss of each batch of them.

    Per batch [R]: `trunk_norms`, of the gradient by all parameters but those of the Q heads;
    `head_norms`, by theirs. Number: `terms`, the sum of the weights of the loss's squared errors,
    2.1 with separate heads and 1 with one map.

    Raises:
        UserError: If the arm doesn't learn from experiences.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, QGradients) and inputs.weights is not None
    dealt = boards.table(protocol.after.boards, inputs.seed)
    arm = ours.own(inputs.arms[0])
    objective = arm.system.objective
    if not isinstance(objective, ReplayHalting):
        raise UserError(
            f"objective is a {type(objective).__name__}; allowed is ReplayHalting, whose Q values "
            "learn from experiences; give the arm one"
        )
    if protocol.separate is not None:
        objective = dataclasses.replace(objective, separate=protocol.separate)
    arm.build(dealt.task, inputs.seed, inputs.device)
    arm.load(inputs.weights)
    model, data = arm.model.train(), arm.encoded(dealt.splits.train)
    heads = list(model.halting.parameters())
    own = {id(p) for p in heads}
    trunk = [p for p in model.parameters() if id(p) not in own]
    noise = rigged.seeded(stream(replica(inputs.seed, protocol.replica), "experiences"))
    carry, norms = None, []
    for _ in range(protocol.batches):
        batch = data.batch(torch.randint(len(data), (protocol.batch,), generator=noise))
        drawn = model.draw(protocol.batch, noise, steps=1).to(inputs.device)
        carry, prediction, decision = model.advance(carry or model.begin(batch), batch, drawn[0])
        with torch.no_grad():
            ahead = model.look_ahead(carry)
        assert carry.batch.targets is not None
        _, loss = q_losses.replayed(
            objective, prediction, decision.logits, carry.batch.targets, ahead, carry.halted
        )
        found = torch.autograd.grad(
            loss, [*trunk, *heads], allow_unused=True, materialize_grads=True
        )
        parts = found[: len(trunk)], found[len(trunk) :]
        norms.append([float(torch.nn.utils.get_total_norm(part)) for part in parts])
    reached, theirs = np.array(norms).T
    terms = 1 + q_losses.CONTINUE_WEIGHT if objective.separate else 1.0
    found_all = {"trunk_norms": reached, "head_norms": theirs, "terms": terms}
    return Outcome(observations=[found_all])
