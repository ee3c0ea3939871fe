"""Count the bytes that controller calls and forward passes allocate."""

import functools
from collections.abc import Callable

import torch

from ablations.protocols import ours, rigged
from ablations.protocols.base import Inputs, Outcome
from ablations.specs.protocols import Bytes
from hrm.model import cost


def run(inputs: Inputs) -> Outcome:
    """Count, operation by operation: `call_batches`, `call_bytes`, `pass_batches`, `pass_bytes`."""
    protocol = inputs.protocol
    assert isinstance(protocol, Bytes) and len(inputs.arms) == 1
    arm, noise = ours.own(inputs.arms[0]), rigged.seeded(inputs.seed)
    c = arm.system.model
    model = ours.initial(arm.system, inputs.seed, inputs.device).eval()
    rigged.never_stop(model)
    call = rigged.controller(model)
    calls = [torch.randn(batch, c.high.width, generator=noise) for batch in protocol.calls]
    passes = [rigged.inputs(c, batch, noise) for batch in protocol.passes]
    found = {
        "call_batches": list(protocol.calls),
        "call_bytes": [_bytes(functools.partial(call, z.to(inputs.device), 0.5)) for z in calls],
        "pass_batches": list(protocol.passes),
        "pass_bytes": [_bytes(functools.partial(model, x.to(inputs.device))) for x in passes],
    }
    return Outcome(observations=[found])


def _bytes(function: Callable[[], object]) -> int:
    with torch.no_grad():
        return sum(size for _, size in cost.allocations(function))
