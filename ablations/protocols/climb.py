"""Train an arm at each learning rate of a ladder, answers between the steps included."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ablations.protocols import boards, ladder, ours
from ablations.protocols.adapter import Answers, Progress
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.train import rate_factor, replica, scaled
from ablations.specs.protocols import Climb
from hrm.config.learning import CrossEntropy, Supervised, System, Training
from hrm.config.parts import Part, require
from hrm.errors import Diverged
from hrm.tasks import Boards, Task


def run(inputs: Inputs) -> Outcome:
    """Train one arm at each rate, with equal initial weights, boards and order.

    The observations are those of `ladder.run`. The losses are those of `Means`, so that a constant
    answer has one loss, however many halting steps are taken.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Climb) and len(inputs.arms) == 1
    arm = inputs.arms[0]
    dealt = boards.table(protocol.boards, inputs.seed)
    constant = constant_loss(arm, dealt.task, dealt.splits.train)
    seed, factor = replica(inputs.seed, protocol.replica), rate_factor(protocol, inputs.seed)
    lowest = scaled(protocol.training, factor)
    ends: list[float] = []
    parameters = 0
    for rung in range(protocol.rungs):
        adapter = ours.adapter(arm)
        ours.compile(adapter, protocol)
        adapter.build(dealt.task, seed, inputs.device)
        parameters = adapter.parameters
        training = replace(lowest, learning_rate=lowest.learning_rate * protocol.step**rung)
        progress = Means(training, arm)
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
        "constant_loss": constant,
        "rate_factor": factor,
        "parameters": parameters,
    }
    return Outcome(observations=[found])


class Means(Progress):
    """The reports of a training run, with the weighted mean of the supervised answers' losses.

    The loss of an answer between the steps has the weight `Supervised.between`, that of the last
    answer has the weight 1, and their sum is divided by the sum of the weights.
    """

    def __init__(self, training: Training, arm: Part) -> None:
        super().__init__(training, _unscored)
        self._between = _between(arm)

    def updated(
        self,
        loss: float,
        *,
        norm: float = math.nan,
        steps: float = 1.0,
        task: float | None = None,
        **more: float,
    ) -> None:
        drafts = len(range(1, round(steps) - 1, 2))  # see `hrm.training.losses.supervised_loss`
        mean = (loss if task is None else task) / (1 + self._between * drafts)
        super().updated(loss, norm=norm, steps=steps, task=mean, **more)


def constant_loss(arm: Part, task: Task, training: Boards) -> float:
    """Return the least loss that one answer to all training boards can have, if the arm gives it.

    It is that of `ladder.constant_loss`, unless the arm's answer is a distribution that the loss
    treats as logits: then logits lie between 0 and 1, and their sum is 1.

    Raises:
        UserError: If the number of supervised answers depends on the sample, or if answers of that
            kind have another loss than the cross-entropy, or cells without a label.
    """
    if not isinstance(arm, System):
        return ladder.constant_loss(arm, task, training)
    between, execution = _between(arm), arm.model.execution
    require(
        not between or execution.as_one,
        "execution",
        execution,
        "one by which a batch stops as one, where answers between the steps are supervised",
        "use Lockstep()",
    )
    if between:
        arm = replace(arm, objective=replace(arm.objective, between=0.0))  # type: ignore[call-arg]
    if not arm.model.readout.softmax:
        return ladder.constant_loss(arm, task, training)
    answer, classes = getattr(arm.objective, "answer", None), arm.model.readout.size
    require(
        isinstance(answer, CrossEntropy) and task.classes > 2,
        "objective",
        arm.objective,
        "Supervised with the cross-entropy where a distribution is the answer",
        "use softmax=False",
    )
    ignored = getattr(task, "ignored", None)
    labelled = ignored is None or not (training.targets == ignored).any()
    require(labelled, "task", task, "one with a label in each cell", "use softmax=False")
    shares = np.eye(classes)[training.targets].mean(axis=0)  # [cells, classes]
    return float(np.mean([_least(each) for each in shares]))


def _least(shares: NDArray[Any]) -> float:
    """Return the least of log Σ exp p − Σ shares · p over all distributions p."""

    def loss(p: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        exp = np.exp(p)
        return float(np.log(exp.sum()) - shares @ p), exp / exp.sum() - shares

    found = minimize(
        loss,
        np.full(len(shares), 1 / len(shares)),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * len(shares),
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-12, "maxiter": 1_000},
    )
    assert found.success, found.message
    return float(found.fun)


def _between(arm: Part) -> float:
    objective = arm.objective if isinstance(arm, System) else None
    return objective.between if isinstance(objective, Supervised) else 0.0


def _unscored(_: Callable[[Boards], Answers]) -> float:
    return math.nan
