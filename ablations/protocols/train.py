"""Train an arm and score it on the test boards."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ablations.protocols import boards, ours
from ablations.protocols.adapter import Adapter, Answers, Progress
from ablations.protocols.base import Inputs, Outcome
from ablations.protocols.identities import identities, renamed
from ablations.protocols.ours import Ours
from ablations.specs.protocols import Ladder, Train
from hrm.config.learning import Training
from hrm.config.parts import require
from hrm.errors import Diverged, UserError
from hrm.tasks import Boards, Task
from hrm.training.loop import stream


def run(inputs: Inputs) -> Outcome:
    """Train one arm; store its curve, its answers' scores on the test boards, and its weights.

    Per test board [N]: `right` and `unknown` (cells that are right, of those that the input leaves
    open), `all_right` (of all `cells`), `exact`, `valid`, `steps` (halting steps), `difficulty`,
    `trivial_right`, `trivial_all_right` (those of the best trivial method, whose name is
    `trivial_method`), and `task` (which one) where there are several.

    Per evaluation [E]: `evaluation_update`, `evaluation_loss` and `evaluation_steps` (means since
    the one before), `evaluation_score` (accuracy on unknown cells of the validation boards),
    `evaluation_taken` (their halting steps, in evaluation), and where answers are numbers
    `evaluation_error` (squared, theirs).
    Per update [U]: `update_loss`, `update_norm` (of the gradient before clipping), and of policies
    `update_controller_norm` (of the controller's part of it).
    Where halting learns Q values, also `update_halted`, the share of places that halt in the
    update, and `update_halted_steps`, the steps that those took, summed and divided by all places.
    Numbers: `parameters`, `rate_factor`, `max_steps`. With shadows: `shadow_right` [shadows, N],
    the right unknown cells of weights averaged with each of the `shadow_decays`.

    Raises:
        Diverged: If a loss or a weight isn't finite, with the observations up to there.
    """
    protocol = inputs.protocol
    assert isinstance(protocol, Train) and len(inputs.arms) == 1
    dealt = renamed(dealt_to(protocol, inputs.seed), protocol.identities, inputs.seed)
    seed, factor = varied(protocol, inputs.seed, "order"), rate_factor(protocol, inputs.seed)
    training = scaled(protocol.training, factor)
    adapter = ours.adapter(inputs.arms[0])
    adapter.build(dealt.task, varied(protocol, inputs.seed, "weights"), inputs.device)
    ask(adapter, protocol, dealt)
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
        **shadowed(adapter, protocol, dealt),
        **progress.observations(),
        **{f"evaluation_{name}": np.array([at[name] for at in course]) for name in course[0]},
        "parameters": adapter.parameters,
        "rate_factor": factor,
        "max_steps": adapter.max_steps,
    }
    return Outcome(observations=[found], weights=adapter.weights())


def ask(adapter: Adapter, protocol: Train, dealt: boards.Table) -> None:
    """Pass settings to an adapter that only our own models support.

    Raises:
        UserError: If it is another model, or compiling isn't possible here.
    """
    ours.compile(adapter, protocol)
    asked = bool(protocol.shadows) or protocol.identities != "given"
    if not asked:
        return
    if not isinstance(adapter, Ours):
        raise UserError(
            "shadows and identities are set for a foreign model; allowed are () and given, since "
            "both look inside; leave them out"
        )
    adapter.decays = protocol.shadows
    if protocol.identities == "random":
        adapter.redrawn = identities(dealt, "random")


def shadowed(adapter: Adapter, protocol: Train, dealt: boards.Table) -> dict[str, Any]:
    """Return the scores of the additional averages of the weights on the test boards."""
    if not protocol.shadows:
        return {}
    assert isinstance(adapter, Ours)
    found = [dealt.right(a.predictions) for a in adapter.shadow_answers(dealt.splits.test)]
    return {
        "shadow_decays": list(protocol.shadows),
        "shadow_right": boards.compact(np.stack(found)),
    }


def dealt_to(protocol: Train, seed: int) -> boards.Table:
    """Return the boards of a training run."""
    return boards.table(protocol.boards, varied(protocol, seed, "boards"))


def varied(protocol: Train, seed: int, what: str) -> int:
    """Return the seed of a replica's "weights", "order" or "boards": the run's own if shared."""
    return replica(seed, protocol.replica) if what in protocol.varies else seed


def replica(seed: int, number: int) -> int:
    """Return the seed of a replica's weights and order: the run's own for the first one."""
    return stream(seed, f"replica {number}") if number else seed


def rate_factor(protocol: Train | Ladder, seed: int) -> float:
    """Return the factor of a seed's learning rates, drawn log-uniformly, equal for all arms."""
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
