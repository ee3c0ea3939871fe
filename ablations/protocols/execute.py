"""Count what an execution computes: rows of the high core, FLOPs, halting steps."""

from typing import Any

import numpy as np
import torch

from ablations.protocols import boards, ours, rigged, train
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.evaluate import answers
from ablations.protocols.train import replica
from ablations.specs.protocols import Execute, Greedy
from hrm.model import cost


def run(inputs: Inputs) -> Outcome:
    """Run one arm's execution and count.

    `rows` [calls] (of each call of the high core: operations, one a sample and cycle), `flops` (of
    the whole forward passes), `steps` [N], `batch`, `max_steps`; with trained weights, all that
    `Train` stores per test board.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Execute) and len(inputs.arms) == 1
    found = _trained(inputs, protocol) if protocol.after else _known(inputs, protocol)
    return Outcome(observations=[{**found, "batch": protocol.batch}])


def _trained(inputs: Inputs, protocol: Execute) -> dict[str, Any]:
    assert protocol.after is not None and inputs.weights is not None
    dealt = train.dealt_to(protocol.after, inputs.seed)
    mode = protocol.mode
    halt = isinstance(mode, Greedy) and mode.halt
    model = ours.own(inputs.arms[0], protocol.execution, halt=halt)
    model.build(dealt.task, inputs.seed, inputs.device)
    model.load(inputs.weights)
    answered = []
    with rigged.counted_rows(model.model) as rows:
        counted = cost.operations(
            lambda: answered.append(
                answers(model, mode, dealt, batch=protocol.batch, seed=inputs.seed)
            )
        )
    found, more = answered[0]
    return {
        **dealt.scored(found),
        **more,
        "rows": boards.compact(np.array(rows)),
        "flops": counted.total,
        "max_steps": model.max_steps,
    }


def _known(inputs: Inputs, protocol: Execute) -> dict[str, Any]:
    """Run initial weights on random inputs, with halting steps drawn from the seed."""
    system = ours.own(inputs.arms[0], protocol.execution).system
    seed, steps = replica(inputs.seed, protocol.replica), system.model.halting.max_steps
    model = rigged.scripted(system.model, steps, seed).to(inputs.device)
    drawn, batches = rigged.seeded(seed), []
    every: list[torch.Tensor] = []
    for _ in range(protocol.batches):
        stops = torch.randint(1, steps + 1, (protocol.batch,), generator=drawn)
        stops[0] = steps
        given = rigged.inputs(system.model, protocol.batch, drawn)
        noise = rigged.stopping(stops.numpy(), steps)
        batches.append((given.to(inputs.device), noise.to(inputs.device)))

    def passes() -> None:
        every.extend(model(given, noise).run.steps.cpu() for given, noise in batches)

    with torch.no_grad(), rigged.counted_rows(model) as rows:
        counted = cost.operations(passes)
    return {
        "rows": boards.compact(np.array(rows)),
        "flops": counted.total,
        "steps": boards.compact(torch.cat(every).numpy()),
        "max_steps": steps,
    }
