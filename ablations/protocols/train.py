"""Train an arm and score it on the test boards."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ablations.protocols import boards, ours
from ablations.protocols.adapter import Answers, Progress
from ablations.protocols.base import Inputs, Outcome
from ablations.specs.protocols import Ladder, Train
from hrm.config.learning import Training
from hrm.config.parts import require
from hrm.errors import Diverged
from hrm.tasks import Boards, Task
from hrm.training.loop import stream


def run(inputs: Inputs) -> Outcome:
    """Train one arm; store its curve, its answers' scores on the test boards, and its weights.

    Per test board [N]: `right` and `unknown` (cells that are right, of those that the input leaves
    open), `all_right` (of all `cells`), `exact`, `valid`, `steps` (halting steps), `difficulty`,
    `trivial_right` (those of the best trivial method, whose name is `trivial_method`).

    Per evaluation [E]: `evaluation_update`, `evaluation_loss` and `evaluation_steps` (means since
    the one before), `evaluation_score` (accuracy on unknown cells of the validation boards),
    `evaluation_taken` (their halting steps, in evaluation), and where answers are numbers
    `evaluation_error` (squared, theirs).
    Per update [U]: `update_loss`, `update_norm` (of the gradient before clipping), and of policies
    `update_controller_norm` (of the controller's part of it).
    Numbers: `parameters`, `rate_factor`, `max_steps`.

    Raises:
        Diverged: If a loss or a weight isn't finite, with the observations up to there.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Train) and len(inputs.arms) == 1
    dealt = boards.table(protocol.boards, inputs.seed)
    seed, factor = replica(inputs.seed, protocol.replica), rate_factor(protocol, inputs.seed)
    training = scaled(protocol.training, factor)
    adapter = ours.adapter(inputs.arms[0])
    adapter.build(dealt.task, seed, inputs.device)
    course: list[dict[str, float]] = []

    def score(answer: Callable[[Boards], Answers]) -> float:
        course.append(dealt.validation(answer(dealt.splits.validation)))
        return course[-1]["score"]

    progress = Progress(training, score)
    learned = mislabelled(dealt.task, dealt.splits.train, protocol.wrong_labels, seed)
    try:
        adapter.train(training, learned, seed, progress)
    except Diverged as error:
        raise Diverged(error.step, error.reason, [progress.observations()]) from error
    found = {
        **adapter.report(),
        **dealt.scored(adapter.answer(dealt.splits.test)),
        **progress.observations(),
        **{f"evaluation_{name}": np.array([at[name] for at in course]) for name in course[0]},
        "parameters": adapter.parameters,
        "rate_factor": factor,
        "max_steps": adapter.max_steps,
    }
    return Outcome(observations=[found], weights=adapter.weights())


def replica(seed: int, number: int) -> int:
    """Return the seed of a replica's weights and order: the run's own for the first one."""
    return stream(seed, f"replica {number}") if number else seed


def rate_factor(protocol: Train | Ladder, seed: int) -> float:
    """Return what a seed multiplies learning rates by, drawn log-uniformly; equal for all arms."""
    if protocol.rate_factors is None:
        return 1.0
    low, high = map(math.log, protocol.rate_factors)
    share = np.random.default_rng(stream(seed, "rate factor")).random()
    return math.exp(low + share * (high - low))


def scaled(training: Training, factor: float) -> Training:
    """Return a training with all its learning rates multiplied."""
    rates = ("learning_rate", "halting_rate", "puzzle_rate")
    given = {name: getattr(training, name) for name in rates}
    return replace(training, **{n: rate * factor for n, rate in given.items() if rate is not None})


def mislabelled(task: Task, training: Boards, share: float, seed: int) -> Boards:
    """Return boards a share of whose labels, drawn by the seed, are another class.

    Raises:
        UserError: If the task's answers have no two classes.
    """
    if not share:
        return training
    require(task.classes >= 2, "wrong_labels", share, "0 where answers are numbers", "leave it out")
    drawn = np.random.default_rng(stream(seed, "wrong labels"))
    wrong = drawn.random(training.targets.shape) < share
    wrong &= training.targets != getattr(task, "ignored", -1)
    shift = drawn.integers(1, task.classes, size=training.targets.shape)
    other = (training.targets + shift) % task.classes
    return replace(training, targets=np.where(wrong, other, training.targets))
