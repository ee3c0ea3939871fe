"""Train an arm at each learning rate of a ladder."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablations.protocols import boards, ours
from ablations.protocols.adapter import Answers, Progress
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import rate_factor, replica, scaled
from ablations.specs.protocols import Ladder
from hrm.config.axes import Objective
from hrm.config.learning import PolicyGradient, SquaredError, Supervised, System
from hrm.config.parts import Part, require
from hrm.errors import Diverged
from hrm.tasks import Boards, Task


def run(inputs: Inputs) -> Outcome:
    """Train one arm at each rate, with equal initial weights, boards and order.

    Per rung [R]: `rate` (before the seed's factor); `finite` (whether loss and weights stayed
    finite); `final_loss` (mean training loss of the answers over the last quarter of the updates;
    NaN if not finite). Numbers: `constant_loss` (loss of the best constant answer), `rate_factor`,
    `parameters`.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Ladder) and len(inputs.arms) == 1
    dealt = boards.table(protocol.boards, inputs.seed)
    seed, factor = replica(inputs.seed, protocol.replica), rate_factor(protocol, inputs.seed)
    ends: list[float] = []
    parameters = 0
    for rung in range(protocol.rungs):
        adapter = ours.adapter(inputs.arms[0])
        ours.compile(adapter, protocol)
        adapter.build(dealt.task, seed, inputs.device)
        parameters = adapter.parameters
        training = scaled(protocol.training, factor * protocol.step**rung)
        progress = Progress(training, _unscored)
        try:
            adapter.train(training, dealt.splits.train, seed, progress)
        except Diverged:
            ends.append(math.nan)
        else:
            ends.append(float(np.mean(progress.tasks[-max(1, training.updates // 4) :])))
    found = {
        "rate": np.array(protocol.rates),
        "finite": np.isfinite(ends),
        "final_loss": np.array(ends),
        "constant_loss": constant_loss(inputs.arms[0], dealt.task, dealt.splits.train),
        "rate_factor": factor,
        "parameters": parameters,
    }
    return Outcome(observations=[found])


def constant_loss(arm: Part, task: Task, training: Boards) -> float:
    """Return the least loss that one answer to all training boards can have.

    Each cell's answer is then the mean over boards: for squared errors the mean of the labels,
    one-hot where there are more than two classes; for cross-entropies, whichever function makes
    probabilities, the classes' shares. A board's labelled cells have equal weights, and boards do.

    Raises:
        UserError: If the objective adds to the answer's loss what this doesn't know.
    """
    objective: Objective | None = arm.objective if isinstance(arm, System) else None
    require(
        not isinstance(objective, Supervised) or objective.between == 0,
        "objective",
        objective,
        "one whose loss is that of its last answers",
        "use between=0",
    )
    targets, ignored = training.targets, getattr(task, "ignored", None)
    answer = SquaredError() if isinstance(objective, PolicyGradient) else None
    answer = answer or getattr(objective, "answer", None)
    squared = isinstance(answer, SquaredError) or not task.classes
    labelled = np.ones(targets.shape, dtype=bool)
    if ignored is not None and not squared:
        labelled = targets != ignored
    if squared and task.classes <= 2:
        return float(np.square(targets - targets.mean(axis=0)).mean())
    weights = labelled / labelled.sum(axis=1, keepdims=True).clip(min=1)  # [N, cells]
    each = np.eye(task.classes)[np.where(labelled, targets, 0)] * weights[..., None]
    shares = each.sum(axis=0) / weights.sum(axis=0).clip(min=1e-12)[:, None]  # [cells, classes]
    if squared:
        return float((shares * (1 - shares)).sum() / shares.size)
    logs: NDArray[Any] = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return float(-(each * logs).sum() / len(targets))


def _unscored(_: Callable[[Boards], Answers]) -> float:
    return math.nan
