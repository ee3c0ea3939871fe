"""Several answers of a model to a board: relabelled copies, noisy trajectories, easy boards."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablations.protocols import boards
from ablations.protocols.adapter import Answers
from ablations.protocols.ours import Ours
from ablations.protocols.rigged import seeded
from ablations.specs.protocols import Trajectories, Vote
from hrm.config.parts import require
from hrm.model.state import State
from hrm.tasks import Boards, Task
from hrm.training import loop, losses
from hrm.training.learner import evaluating

Found = tuple[Answers, Mapping[str, Any]]
Answerer = Callable[[Boards], Answers]
Classes = NDArray[np.int64]


# -- relabelled copies ----------------------------------------------------------------------------
def voted(mode: Vote, dealt: boards.Table, answer: Answerer, seed: int) -> Found:
    """Answer copies of the test boards with permuted digits, and take a majority vote per cell.

    All boards use the same permutations, which are all different; ties go to the first class.
    `single_right` and `single_exact` [N] are for the answers to the first copy only.

    Raises:
        UserError: If the task's digits have too few permutations.
    """
    names = exchanges(digits(dealt.task, "Vote"), mode.copies, seed)
    test = dealt.splits.test
    each, steps = [], []
    for new in names:
        found = answer(replace(test, inputs=new[test.inputs], targets=new[test.targets]))
        each.append(np.argsort(new)[found.predictions])
        steps.append(found.steps)
    predictions = commonest(np.stack(each), dealt.task.classes)
    more = {
        "single_right": dealt.right(each[0]),
        "single_exact": boards.compact(dealt.task.score(test, each[0]).exact),
    }
    return Answers(predictions=predictions, steps=np.mean(steps, axis=0)), more


def exchanges(count: int, copies: int, seed: int) -> list[Classes]:
    """Return `copies` different permutations of 0 … count that keep 0, the blank.

    Raises:
        UserError: If there are fewer.
    """
    most = int(np.prod(np.arange(1, min(count, 12) + 1)))
    require(copies <= most, "copies", copies, f"at most {most} with {count} digits", "use fewer")
    drawn = np.random.default_rng(loop.stream(seed, "exchanged digits"))
    found: dict[tuple[int, ...], None] = {}
    while len(found) < copies:
        found[tuple(drawn.permutation(np.arange(1, count + 1)).tolist())] = None
    return [np.array([0, *digits]) for digits in found]


def commonest(each: Classes, classes: int) -> Classes:
    """Return the most frequent class of answers [K, N, cells], first among equals, [N, cells]."""
    counts = np.stack([(each == c).sum(axis=0) for c in range(classes)])
    found: Classes = counts.argmax(axis=0)
    return found


def digits(task: Task, mode: str) -> int:
    """Return the number of digits of a task.

    Raises:
        UserError: If its answers aren't digits that also occur in inputs.
    """
    count: int = getattr(task, "digits", 0)
    require(
        count > 0,
        "task",
        type(task).__name__,
        f"one with digits, such as Sudoku, for {mode}",
        "use another task, or another mode",
    )
    return count


# -- boards with one unknown cell -----------------------------------------------------------------
def one_unknown(dealt: boards.Table, answer: Answerer, seed: int) -> Found:
    """Answer the test boards, and versions of them with only one unknown cell.

    `easy_right` [N] is whether that cell is right, and `easy_exact` [N] whether the whole board is.
    All other observations are for the test boards themselves.

    Raises:
        UserError: If the task's answers can't be filled in.
    """
    digits(dealt.task, "OneUnknown")
    test = dealt.splits.test
    open_cells = dealt.task.unknown(test.inputs)
    drawn = np.random.default_rng(loop.stream(seed, "one unknown cell"))
    one = np.where(open_cells, drawn.random(open_cells.shape), -1).argmax(axis=1)
    kept = np.arange(test.inputs.shape[1]) == one[:, None]
    easy = replace(test, inputs=np.where(kept, test.inputs, test.targets))
    found = answer(easy).predictions
    rows = np.arange(len(test))
    more = {
        "easy_right": boards.compact(found[rows, one] == test.targets[rows, one]),
        "easy_exact": boards.compact(dealt.task.score(easy, found).exact),
    }
    return answer(test), more


# -- noisy trajectories ---------------------------------------------------------------------------
def wandering(mode: Trajectories, model: Ours, dealt: boards.Table, batch: int, seed: int) -> Found:
    """Answer along trajectories with noisy states, and choose one per board by its Q value.

    The scale of the noise is the one with the best accuracy on unknown cells of the validation
    boards, the smallest among equals; it is `scale`. `majority_right`, `majority_exact` [N] are of
    the answer that most trajectories give, the first among equals, and `oracle_right`,
    `oracle_exact` of the best one; `single_right`, `single_exact` of the first trajectory.
    """
    splits = dealt.splits
    scores = []
    for scale in mode.scales:
        each, q = trajectories(model, splits.validation, mode, scale, batch, seed)
        chosen = of_board(each, q.argmax(axis=0))
        score = dealt.validation(Answers(predictions=chosen, steps=np.ones(len(chosen))))
        scores.append(score["score"])
    scale = mode.scales[int(np.argmax(scores))]
    each, q = trajectories(model, splits.test, mode, scale, batch, loop.stream(seed, "test"))
    task, test = dealt.task, splits.test
    scored = [task.score(test, answer) for answer in each]
    right = np.stack([dealt.right(answer) for answer in each])
    exact = np.stack([boards.compact(found.exact) for found in scored])
    majority, rows = votes(each).argmax(axis=0), np.arange(len(test))
    more = {
        "scale": scale,
        "validation_scores": np.array(scores),
        "majority_right": right[majority, rows],
        "majority_exact": exact[majority, rows],
        "oracle_right": right.max(axis=0),
        "oracle_exact": exact.max(axis=0),
        "single_right": right[0],
        "single_exact": exact[0],
    }
    steps = np.full(len(test), float(model.max_steps))
    return Answers(predictions=of_board(each, q.argmax(axis=0)), steps=steps), more


def trajectories(
    model: Ours, asked: Boards, mode: Trajectories, scale: float, batch: int, seed: int
) -> tuple[Classes, NDArray[np.float64]]:
    """Return the answers of all trajectories [K, N, cells], and Q(halt) at their ends [K, N].

    Each takes all steps; before each step, z_H and z_L ← z + scale · ε, ε standard normal.
    """
    data, generator = model.encoded(asked), seeded(seed)
    own, cells = model.model, data.targets.shape[1]

    def noisy(z: Tensor) -> Tensor:
        return z + scale * torch.randn(z.shape, generator=generator).to(z)

    def end(rows: Tensor) -> tuple[Tensor, Tensor]:
        part = data.batch(rows)
        x = own.perceive(part.inputs, part.identities)
        state, q = own.start(x), x.new_zeros(len(x))
        for step in range(model.max_steps):
            state = State(noisy(state.high), noisy(state.low), state.memory)
            state, _ = own.refine(state, x, drafts=False)
            q = own.halting(state, step, None).logits[:, 0]
        answer = losses.answer(model.system.objective, own.read(state), cells)
        return answer, q

    with evaluating(own):
        found = [
            [end(rows) for rows in torch.arange(len(data)).split(batch)] for _ in range(mode.count)
        ]
    each = [[torch.cat(parts) for parts in zip(*one, strict=True)] for one in found]
    answers, q = (torch.stack(parts).cpu().numpy() for parts in zip(*each, strict=True))
    return answers, q


def votes(each: Classes) -> Classes:
    """Return the number of trajectories of a board with the same answer as each one, [K, N]."""
    same = (each[:, None] == each[None]).all(axis=-1)
    found: Classes = same.sum(axis=1)
    return found


def of_board(each: Classes, which: Classes) -> Classes:
    """Return the answer of the chosen trajectory of each board, [N, cells]."""
    found: Classes = each[which, np.arange(each.shape[1])]
    return found
