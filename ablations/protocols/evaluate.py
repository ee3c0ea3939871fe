"""Score trained weights on test boards, or others, in some mode."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ablations.protocols import boards, ensembles, ours, train
from ablations.protocols.adapter import Answers, Foreign
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.identities import renamed
from ablations.protocols.ours import Ours
from ablations.protocols.rigged import sampling, seeded
from ablations.protocols.train import replica
from ablations.specs.protocols import (
    Evaluate,
    Forced,
    Greedy,
    MeanLogits,
    Mode,
    OneUnknown,
    Sampled,
    Scripted,
    Trajectories,
    Vote,
)
from hrm.config.learning import PolicyGradient
from hrm.model import Output
from hrm.tasks import Boards
from hrm.training import losses
from hrm.training.learner import evaluating
from hrm.training.loop import stream

Found = tuple[Answers, Mapping[str, Any]]


def run(inputs: Inputs) -> Outcome:
    """Score one arm's trained weights; store what `Train` stores per test board, and `batch`.

    Where the objective is a policy gradient, `error` [N] is its loss of each board's answer.
    `Forced` adds `right_by_step` [K, N], right unknown cells after each step, `exact_by_step`
    [K, N], and `wanted` [N], the step at which halting would stop; the others are those after the
    last step; what `Vote`, `OneUnknown` and `Trajectories` add, `ensembles` says. With a policy
    `Forced` adds `error_by_step` [K, N], and `validation_error` [K], the mean
    over the validation boards.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Evaluate) and inputs.weights is not None
    after = protocol.after
    own = train.varied(after, inputs.seed, "boards")
    dealt = boards.table(protocol.boards or after.boards, own)
    told = after.identities if protocol.identities is None else protocol.identities
    dealt = renamed(dealt, told, inputs.seed)
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
        seed = replica(inputs.seed, protocol.after.replica)
        answered, more = answers(adapter, mode, dealt, batch=protocol.batch, seed=seed)
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
    """Return whether a model is evaluated without changes, which works for models of users."""
    which = {name: getattr(protocol, name) for name in ("batch", "split", "count")}
    return protocol == replace(Evaluate(after=protocol.after), **which)


def answers(model: Ours, mode: Mode, dealt: boards.Table, *, batch: int, seed: int) -> Found:
    """Return a trained model's answers to the test boards, and further observations of the mode."""
    test = dealt.splits.test
    match mode:
        case Greedy():
            found = _passes(model, test, batch)
            return _answered(model, dealt, found), _errors(model, found)
        case Sampled():
            with sampling(model.model):
                found = _passes(model, test, batch, noise=seeded(seed))
            return _answered(model, dealt, found), _errors(model, found)
        case Forced(steps=steps):
            return _forced(model, dealt, batch, steps)
        case Scripted():
            return _scripted(model, dealt, batch, mode, seed)
        case MeanLogits(steps=steps):
            each = [_passes(model, test, batch, steps=k) for k in range(1, steps + 1)]
            mean = torch.stack([found.prediction for found in each]).mean(0)
            found = each[-1]._replace(prediction=mean)
            return _answered(model, dealt, found), _errors(model, found)
        case _:
            return _several(model, mode, dealt, batch=batch, seed=seed)


def _several(model: Ours, mode: Mode, dealt: boards.Table, *, batch: int, seed: int) -> Found:
    """Return answers of modes that run a model several times."""

    def answer(asked: Boards) -> Answers:
        return _answered(model, dealt, _passes(model, asked, batch))

    match mode:
        case Vote():
            return ensembles.voted(mode, dealt, answer, seed)
        case OneUnknown():
            return ensembles.one_unknown(dealt, answer, seed)
        case Trajectories():
            return ensembles.wandering(mode, model, dealt, batch, seed)
    raise AssertionError(mode)


def _forced(model: Ours, dealt: boards.Table, batch: int, steps: int) -> Found:
    """Return the answers after a number of steps, and the observations after each step."""
    test, validation = dealt.splits.test, dealt.splits.validation
    each = [_passes(model, test, batch, steps=k) for k in range(1, steps + 1)]
    answered = [_answered(model, dealt, found) for found in each]
    right = np.stack([dealt.right(found.predictions) for found in answered])
    exact = np.stack([dealt.task.score(test, found.predictions).exact for found in answered])
    more = {
        "right_by_step": boards.compact(right),
        "exact_by_step": boards.compact(exact),
        "wanted": boards.compact(each[-1].wanted.cpu().numpy()),
        **_errors(model, each[-1]),
    }
    if "error" in more:
        known = [_passes(model, validation, batch, steps=k) for k in range(1, steps + 1)]
        more |= {
            "error_by_step": np.stack([_errors(model, found)["error"] for found in each]),
            "validation_error": np.array([_errors(model, f)["error"].mean() for f in known]),
        }
    return answered[-1], more


def _scripted(model: Ours, dealt: boards.Table, batch: int, mode: Scripted, seed: int) -> Found:
    """Return the answers after scripted steps, and the observations after each step."""
    test = dealt.splits.test
    share = np.random.default_rng(stream(seed, "script")).random(len(test))
    if mode.ordered:
        share = np.lexsort((share, dealt.unknown)).argsort() / len(test)
    stops = 1 + torch.from_numpy(np.floor(share * mode.longest)).long()
    _, more = _forced(model, dealt, batch, mode.steps)
    each = [_passes(model, test, batch, steps=k) for k in range(1, mode.steps + 1)]
    rows = torch.arange(len(test))
    prediction = torch.stack([found.prediction for found in each])[stops - 1, rows]
    found = each[-1]._replace(prediction=prediction, steps=stops, wanted=stops)
    more = {**more, **_errors(model, found), "wanted": boards.compact(stops.numpy())}
    return _answered(model, dealt, found), more


class Passed(NamedTuple):
    """The results of a pass over boards.

    Attributes:
        prediction: Values of the readout, [N, ...].
        targets: Stored answers, [N, cells].
        steps: Halting steps taken, [N].
        wanted: The first step after which halting would stop, or the last one taken, [N].
    """

    prediction: Tensor
    targets: Tensor
    steps: Tensor
    wanted: Tensor


def _passes(
    model: Ours,
    asked: Boards,
    batch: int,
    noise: torch.Generator | None = None,
    steps: int | None = None,
) -> Passed:
    """Run boards through a model, in evaluation mode unless noise is given."""
    data = model.encoded(asked)

    def forward(rows: Tensor) -> Passed:
        part = data.batch(rows)
        drawn = None if noise is None else model.model.draw(len(rows), noise).to(model.device)
        output: Output = model.model(
            part.inputs, drawn, identities=part.identities, steps=steps, drafts=False
        )
        run = output.run
        wants = (run.margins > 0) & run.live
        first = torch.where(wants.any(0), wants.int().argmax(0) + 1, run.steps)
        return Passed(output.prediction, data.targets[rows], run.steps, first)

    batches = torch.arange(len(data)).split(batch)
    if noise is not None:
        found = [forward(rows) for rows in batches]
    else:
        with evaluating(model.model):
            found = [forward(rows) for rows in batches]
    return Passed(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _errors(model: Ours, found: Passed) -> dict[str, Any]:
    """Return the policy gradient's task loss of each answer, [N]."""
    if not isinstance(model.system.objective, PolicyGradient):
        return {}
    error = losses.squared_error(found.prediction, found.targets)
    return {"error": error.detach().cpu().numpy().astype(np.float32)}


def _answered(model: Ours, dealt: boards.Table, passed: Passed) -> Answers:
    """Convert the readout to classes, or to numbers if the task's answers are numbers."""
    cells = passed.targets.shape[1]
    if dealt.task.classes:
        found = losses.answer(model.system.objective, passed.prediction, cells)
    else:
        found = passed.prediction.double()
    return Answers(
        predictions=found.detach().cpu().numpy(), steps=passed.steps.double().cpu().numpy()
    )
