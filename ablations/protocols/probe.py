"""States and gradients of a model, before training or after it, on test boards."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ablations.protocols import boards, ours
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.ours import Ours
from ablations.protocols.train import dealt_to, varied
from ablations.specs.protocols import Probe
from hrm.config.learning import SquaredError
from hrm.model import HRM
from hrm.model import probe as states
from hrm.model.execution import Batch
from hrm.model.probe import Floats
from hrm.model.registry import built
from hrm.model.state import State
from hrm.training.losses import AnswerLoss


def run(inputs: Inputs) -> Outcome:
    """Record the states and gradients of one arm.

    K halting steps, U updates of a level in all of them:

    `low_residual`, `high_residual` [U]: how far a level's state moves in each of its updates, the
    root mean square over entries, averaged over boards; the first one moves it from its start.
    `low_participation`, `high_participation`: participation ratio of the states [boards · K · S, D]
    that halting steps end with.
    `gradient_cosine` [K]: the cosine of two gradients of the answer's loss in each halting step, by
    the parameters of both cores: of the trained horizon, and through all updates of the step.
    Number: `steps_trained`, the most that the arm takes.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Probe)
    after, seed = protocol.after, inputs.seed
    if after is None:
        dealt = boards.table(protocol.boards, seed)
    else:
        dealt, seed = dealt_to(after, seed), varied(after, seed, "weights")
    adapter = ours.own(inputs.arms[0])
    adapter.build(dealt.task, seed, inputs.device)
    if after is not None:
        assert inputs.weights is not None
        adapter.load(inputs.weights)
    data = adapter.encoded(dealt.splits.test)
    batch = data.batch(torch.arange(min(protocol.count, len(data))))
    seen = states.record(adapter.model, batch.inputs, batch.identities, steps=protocol.steps)
    found = {
        "low_residual": _moved(seen, seen.low, "update_low"),
        "high_residual": _moved(seen, seen.high, "update_high", "update_crossed", "add_low"),
        "low_participation": _participation(seen, seen.low),
        "high_participation": _participation(seen, seen.high),
        "gradient_cosine": cosines(adapter, batch, protocol.steps),
        "steps_trained": adapter.max_steps,
    }
    return Outcome(observations=[found])


def _moved(seen: states.Trace, level: Floats, *updates: str) -> Floats:
    """Return the mean residual of each update whose name begins like one of these, [U]."""
    moved = states.residuals(level).mean(axis=1)
    found: Floats = moved[[name.startswith(updates) for name in seen.names[1:]]]
    return found


def _participation(seen: states.Trace, level: Floats) -> float:
    """Return the participation ratio of the states that the halting steps end with."""
    last = [np.flatnonzero(seen.segments == s)[-1] for s in np.unique(seen.segments)]
    points = level[last].reshape(-1, level.shape[-1])
    return float(states.participation_ratio(points))


def cosines(adapter: Ours, batch: Batch, steps: int) -> Floats:
    """Return the cosine of the trained horizon's gradient and the full one in each step, [steps].

    Every step starts from the states that the one before ended with, without their graph.
    """
    model = adapter.model.eval()
    whole = ours.Ours(replace(adapter.system, model=replace(adapter.system.model, horizon=None)))
    whole.model = HRM(whole.system.model).to(adapter.device).eval()
    whole.model.load_state_dict(model.state_dict())
    with torch.no_grad():
        state = model.start(model.perceive(batch.inputs, batch.identities))
    found = []
    for _ in range(steps):
        own, full = (_gradient(m, adapter, batch, state) for m in (model, whole.model))
        found.append(float(torch.cosine_similarity(own, full, dim=0)))
        with torch.no_grad():
            state, _ = model.refine(state, model.perceive(batch.inputs, batch.identities))
    return np.array(found)


def _gradient(model: HRM, adapter: Ours, batch: Batch, state: State) -> Tensor:
    """Return the gradient of the answer's loss after one halting step, by both cores, flat."""
    x = model.perceive(batch.inputs, batch.identities)
    prediction = model.read(model.refine(state, x)[0])
    answer: AnswerLoss = built(getattr(adapter.system.objective, "answer", SquaredError()))
    assert batch.targets is not None
    loss = answer(prediction, batch.targets).mean()
    cores = [model.low] if model.config.one_network else [model.low, model.high]
    parameters = [p for core in cores for p in core.parameters()]
    found = torch.autograd.grad(loss, parameters, materialize_grads=True, allow_unused=True)
    return torch.cat([g.flatten() for g in found])
