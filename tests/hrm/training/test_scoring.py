"""Answers on boards, and how long a model thought for them."""

from dataclasses import replace

import numpy as np

from hrm.config import Tokens
from hrm.data.tokens import PublicBoards
from hrm.recipes import sizing
from hrm.tasks import Boards
from hrm.tasks.maze import Maze
from hrm.tasks.regression import Regression
from hrm.training import loop, scoring

task = Maze(size=4, walls=0.2)
boards = task.generate(0, 12, 4, 6)


def test_answers_are_those_of_predict_with_the_steps_taken():
    act = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1, "max_steps": 3}
    system = sizing.sized("act-v1", act, task, boards.test)
    model = loop.build(system, loop.Seeds(weights=1, order=1))
    found, steps = scoring.answers(model, system, task, boards.train, batch=5)
    expected = loop.predict(model, system, loop.encode(system, task, boards.train))
    assert (found == expected).all() and isinstance(system.model.embedding, Tokens)
    assert steps.tolist() == [3.0] * 12


def test_real_answers_are_numbers():
    task = Regression()
    splits = task.generate(0, 8, 4, 6)
    system = sizing.sized("gru", {"hidden_low": 8, "hidden_high": 8}, task, splits.test)
    model = loop.build(system, loop.Seeds(weights=1, order=1))
    found, _ = scoring.answers(model, system, task, splits.test)
    assert found.shape == splits.test.targets.shape and found.dtype == np.float64
    assert len(np.unique(found)) > 2


def test_the_public_accuracy_counts_the_stored_path_and_tokens_the_nearest_one():
    """An open board has many optimal paths; one that isn't stored is valid, and inaccurate."""
    task = Maze(size=4)
    board = task.encode("S...\n....\n....\n...G")[None]
    down, right = np.zeros((2, 16), dtype=np.int64)
    down[[4, 8, 12, 13, 14]] = 1
    right[[1, 2, 3, 7, 11]] = 1
    boards = Boards(inputs=board, targets=right[None], difficulty=np.array([6.0]))
    assert task.score(boards, down[None]).tokens == 1
    assert scoring.accuracy(task, boards, down[None]) == 6 / 16
    assert scoring.accuracy(task, boards, right[None]) == 1


def test_the_public_accuracy_leaves_out_what_has_no_label():
    public = PublicBoards(Maze(size=4), Maze(size=4).generate(0, 0, 0, 3).test)
    wrong = np.where(np.arange(16) < 4, 0, public.boards.targets)
    assert scoring.accuracy(public, public.boards, wrong) == 12 / 16
    labels = np.where(np.arange(16) < 8, 0, public.boards.targets)
    half = replace(public.boards, targets=labels)
    assert scoring.accuracy(public, half, public.boards.targets) == 1
