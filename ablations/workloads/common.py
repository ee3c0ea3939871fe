"""What workloads share: systems from JSON, boards, checks, and counters of work done."""

import functools
import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ablations.checks import Check
from ablations.plain import Json
from hrm.config.learning import System
from hrm.config.parts import Part, canonical, type_key
from hrm.model import HRM
from hrm.model.halting import Decision, Halting, Policy, undecided
from hrm.model.state import State
from hrm.tasks import Splits, Task


def systems(arms: Sequence[Json]) -> list[System]:
    """Decode the arms."""
    return [System.from_json(arm) for arm in arms]


def task(data: Json) -> Task:
    """Decode a task; its module has the name of its kind in small letters."""
    importlib.import_module(f"hrm.tasks.{data[type_key].lower()}")
    decoded = Part.from_json(data)
    assert isinstance(decoded, Task)
    return decoded


def boards(settings: Json) -> tuple[Task, Splits]:
    """Return the task of some settings and its boards, made once a process.

    Settings: task, data_seed, train, validation, test.
    """
    sizes = tuple(settings[name] for name in ("data_seed", "train", "validation", "test"))
    return _boards(canonical(settings["task"]), *sizes)


@functools.lru_cache(maxsize=2)
def _boards(encoded: str, seed: int, train: int, validation: int, test: int) -> tuple[Task, Splits]:
    made = task(json.loads(encoded))
    return made, made.generate(seed, train, validation, test)


@dataclass(frozen=True, kw_only=True)
class Skill:
    """How much better than the best trivial baseline, on the cells that aren't given.

    Args:
        score: Mean accuracy on unknown cells. baseline: The best trivial one's.
        margin: Mean paired difference per board. error: Its standard error over boards.
        exact, valid: Shares of boards.
    """

    score: float
    baseline: float
    margin: float
    error: float
    exact: float
    valid: float


def skill(task: Task, splits: Splits, predictions: np.ndarray) -> Skill:
    """Score predictions on the test boards beside the best trivial baseline."""
    found = task.score(splits.test, predictions)
    trivial = [
        task.score(splits.test, guess).unknown
        for guess in task.baselines(splits.train, splits.test).values()
    ]
    best = max(trivial, key=lambda scores: float(scores.mean()))
    margins = found.unknown - best
    return Skill(
        score=float(found.unknown.mean()),
        baseline=float(best.mean()),
        margin=float(margins.mean()),
        error=float(margins.std(ddof=1) / len(margins) ** 0.5),
        exact=float(found.exact.mean()),
        valid=float(found.valid.mean()),
    )


class Scripted(Halting):
    """Takes each row's margin from the noise: stop times are given, not learned.

    The model must be in training mode, in which noise is passed on.
    """

    draws = 1

    def __init__(self, max_steps: int) -> None:
        super().__init__()
        self.max_steps = max_steps

    def forward(self, state: State, step: int | Tensor, noise: Tensor | None) -> Decision:
        assert noise is not None
        return undecided(state.high)._replace(margin=noise[:, 0])


@contextmanager
def counted_rows(model: HRM) -> Iterator[list[int]]:
    """Count the rows of each call of the high core: one call a step where there is one cycle."""
    rows: list[int] = []
    hook = model.high.register_forward_hook(lambda _m, _a, out: rows.append(len(out)))
    try:
        yield rows
    finally:
        hook.remove()


def never_stop(model: HRM) -> None:
    """Make a policy network's last layer continue, whatever it reads: all cycles are taken."""
    assert isinstance(model.halting, Policy)
    last = model.halting.controller.policy[-1]  # type: ignore[index]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.copy_(torch.tensor([50.0, -50.0]))


def equal(what: str, documented: Json, observed: Json, *, primary: bool = True) -> Json:
    """Check that two values are the same."""
    return Check(
        what=what,
        documented=str(documented),
        observed=str(observed),
        holds=documented == observed,
        rule="equal",
        primary=primary,
    ).to_json()


def close(what: str, error: float, tolerance: float, *, primary: bool = True) -> Json:
    """Check that a largest difference is rounding."""
    return Check(
        what=what,
        documented="no difference",
        observed=f"{error:.2g}",
        holds=error <= tolerance,
        rule=f"to rounding: at most {tolerance:g}",
        primary=primary,
    ).to_json()


def holds(what: str, documented: str, observed: str, it: bool, rule: str, **more: bool) -> Json:
    """Check a statement."""
    return Check(
        what=what, documented=documented, observed=observed, holds=it, rule=rule, **more
    ).to_json()


def far(a: Tensor, b: Tensor) -> float:
    """Return the largest absolute difference."""
    return float((a - b).detach().abs().max())


def seeded(seed: int) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)
