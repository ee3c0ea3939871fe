"""Score trained weights on test boards, or others, in some mode."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablations.protocols import boards, ours
from ablations.protocols.adapter import Answers, Foreign
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.ours import Ours
from ablations.protocols.rigged import sampling, seeded
from ablations.specs.protocols import Evaluate, Forced, Greedy, MeanLogits, Mode, Sampled
from hrm.model import Output
from hrm.training import loop, losses

Found = tuple[Answers, Mapping[str, Any]]


def run(inputs: Inputs) -> Outcome:
    """Score one arm's trained weights; store what `Train` stores per test board, and `batch`.

    `Forced` adds `right_by_step` [K, N]: right unknown cells after each step; the others are those
    after the last one.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Evaluate) and inputs.weights is not None
    dealt = boards.table(protocol.after.boards, inputs.seed)
    dealt = dealt.shown(protocol.split, protocol.count)
    (arm,), mode = inputs.arms, protocol.mode
    adapter = (
        arm.adapter()
        if isinstance(arm, Foreign) and _plain(protocol)
        else ours.own(
            arm,
            protocol.execution,
            segments=protocol.segments,
            halt=isinstance(mode, Greedy) and mode.halt,
        )
    )
    adapter.build(dealt.task, inputs.seed, inputs.device)
    adapter.load(inputs.weights)
    if isinstance(adapter, Ours):
        answered, more = answers(adapter, mode, dealt, batch=protocol.batch, seed=inputs.seed)
    else:
        answered, more = adapter.answer(dealt.splits.test), {}
    found = {
        **dealt.scored(answered),
        **more,
        "batch": protocol.batch,
        "parameters": adapter.parameters,
        "max_steps": adapter.max_steps,
    }
    return Outcome(observations=[found])


def _plain(protocol: Evaluate) -> bool:
    """Whether a model is asked as it is: anybody's can be."""
    which = {name: getattr(protocol, name) for name in ("batch", "split", "count")}
    return protocol == replace(Evaluate(after=protocol.after), **which)


def answers(model: Ours, mode: Mode, dealt: boards.Table, *, batch: int, seed: int) -> Found:
    """Return a trained model's answers to the test boards, and what else a mode leaves."""
    match mode:
        case Greedy():
            return _answered(model, dealt, *_passes(model, dealt, batch)), {}
        case Sampled():
            with sampling(model.model):
                found = _passes(model, dealt, batch, noise=seeded(seed))
            return _answered(model, dealt, *found), {}
        case Forced(steps=steps):
            each = [_answered(model, dealt, *found) for found in _every(model, dealt, batch, steps)]
            right = np.stack([dealt.right(found.predictions) for found in each])
            return each[-1], {"right_by_step": boards.compact(right)}
        case MeanLogits(steps=steps):
            logits, counts = zip(*_every(model, dealt, batch, steps), strict=True)
            return _answered(model, dealt, torch.stack(logits).mean(0), counts[-1]), {}
    raise AssertionError(mode)


def _every(
    model: Ours, dealt: boards.Table, batch: int, steps: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what the readout gives after 1, 2 … steps, and the steps."""
    for k in range(1, steps + 1):
        yield _passes(model, dealt, batch, steps=k)


def _passes(
    model: Ours,
    dealt: boards.Table,
    batch: int,
    noise: torch.Generator | None = None,
    steps: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Run the test boards through a model: what its readout gives [N, ...], and steps [N].

    It is in evaluation mode unless it is to have noise.
    """
    data = model.encoded(dealt.splits.test)

    def forward(rows: Tensor) -> Output:
        part = data.batch(rows)
        drawn = None if noise is None else model.model.draw(len(rows), noise).to(model.device)
        output: Output = model.model(
            part.inputs, drawn, identities=part.identities, steps=steps, drafts=False
        )
        return output

    batches = torch.arange(len(data)).split(batch)
    if noise is not None:
        found = [forward(rows) for rows in batches]
    else:
        with loop.evaluating(model.model):
            found = [forward(rows) for rows in batches]
    return torch.cat([o.prediction for o in found]), torch.cat([o.run.steps for o in found])


def _answered(model: Ours, dealt: boards.Table, prediction: Tensor, steps: Tensor) -> Answers:
    """Turn what the readout gives into classes, or numbers where the task's answers are."""
    cells = dealt.splits.test.targets.shape[1]
    if dealt.task.classes:
        found = losses.answer(model.system.objective, prediction, cells)
    else:
        found = prediction.double()
    return Answers(predictions=found.cpu().numpy(), steps=steps.double().cpu().numpy())
