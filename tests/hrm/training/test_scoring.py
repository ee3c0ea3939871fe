"""Answers on boards, and how long a model thought for them."""

import numpy as np

from hrm.config import Tokens
from hrm.recipes import sizing
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
