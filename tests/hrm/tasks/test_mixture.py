"""Mixtures: several tasks' boards side by side, each scored as its own task does."""

import numpy as np
import pytest

from hrm.data import cache
from hrm.errors import UserError
from hrm.tasks.maze import Maze
from hrm.tasks.mixture import Mixture
from hrm.tasks.pattern import Pattern
from hrm.tasks.regression import Regression

MAZE, PATTERN = Maze(size=5), Pattern(modulus=7, shown=3, asked=1)
MIXED = Mixture(tasks=(MAZE, PATTERN))


def test_a_mixtures_boards_are_those_that_its_tasks_generate_by_themselves() -> None:
    mixed, mazes = MIXED.generate(1, 20, 6, 11), MAZE.generate(1, 10, 3, 6)
    for name in ("train", "validation", "test"):
        own = getattr(mixed, name)
        assert (own.inputs[::2] == getattr(mazes, name).inputs).all()
        assert (own.targets[::2] == getattr(mazes, name).targets).all()
        assert (own.difficulty[::2] == getattr(mazes, name).difficulty).all()
    patterns = PATTERN.generate(1, 10, 3, 5).test
    assert (mixed.test.inputs[1::2, :8] == patterns.inputs + MAZE.vocabulary).all()


def test_tokens_tell_the_task_and_padding_is_neither_asked_nor_learned() -> None:
    boards = MIXED.generate(2, 10, 0, 0).train
    assert MIXED.kinds(boards.inputs).tolist() == [0, 1] * 5
    padding = boards.inputs == MIXED.vocabulary - 1
    assert not padding[::2].any()
    assert padding[1::2, PATTERN.cells :].all()
    assert not padding[1::2, : PATTERN.cells].any()
    assert ((boards.targets == MIXED.ignored) == padding).all()
    assert not (MIXED.unknown(boards.inputs) & padding).any()


def test_each_board_is_scored_by_its_own_task() -> None:
    boards = MIXED.generate(3, 40, 0, 0).train
    guess = np.random.default_rng(0).integers(MIXED.classes, size=boards.targets.shape)
    found = MIXED.score(boards, guess)
    mazes = MAZE.score(MAZE.generate(3, 20, 0, 0).train, guess[::2])
    patterns = PATTERN.score(PATTERN.generate(3, 20, 0, 0).train, guess[1::2, : PATTERN.cells])
    for name in ("tokens", "unknown", "exact", "valid"):
        assert (getattr(found, name)[::2] == getattr(mazes, name)).all()
        assert (getattr(found, name)[1::2] == getattr(patterns, name)).all()


def test_the_best_trivial_method_is_each_tasks_best() -> None:
    splits = MIXED.generate(4, 200, 0, 100)
    guesses = MIXED.baselines(splits.train, splits.test)
    best = max(float(MIXED.score(splits.test, g).unknown.mean()) for g in guesses.values())
    each = []
    for task in (MAZE, PATTERN):
        own = task.generate(4, 100, 0, 50)
        scores = [task.score(own.test, g) for g in task.baselines(own.train, own.test).values()]
        each.append(max(float(s.unknown.mean()) for s in scores))
    assert best == pytest.approx(np.mean(each))
    assert "corner + last" in guesses


def test_the_cache_knows_the_sources_of_a_mixtures_tasks() -> None:
    assert cache.modules(MIXED) >= {"hrm.tasks.mixture", "hrm.tasks.maze", "hrm.tasks.pattern"}
    assert cache.modules(MAZE) == {"hrm.tasks.maze"}


@pytest.mark.parametrize("tasks", [(), (Regression(size=16),), (MIXED, MAZE)])
def test_what_cannot_be_mixed_is_refused(tasks: tuple[object, ...]) -> None:
    with pytest.raises(UserError, match="allowed is one or more tasks"):
        Mixture(tasks=tasks)  # type: ignore[arg-type]


@pytest.mark.parametrize("problem", [3, (2, "S.G"), (0,)])
def test_a_problem_without_its_task_is_refused(problem: object) -> None:
    with pytest.raises(UserError, match="allowed is a task's place, 0 to 1"):
        MIXED.encode(problem)


def test_there_are_no_files_of_several_tasks() -> None:
    boards = MIXED.generate(5, 2, 0, 0).train
    with pytest.raises(UserError, match="allowed are tasks by themselves"):
        MIXED.to_public(boards)
    with pytest.raises(UserError, match="allowed are tasks by themselves"):
        MIXED.from_public(boards.inputs, boards.targets)
