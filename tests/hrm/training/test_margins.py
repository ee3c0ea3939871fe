"""Margins beside trivial methods, paired by board."""

import math
from pathlib import Path

import numpy as np
import pytest

from hrm.config.learning import Training
from hrm.recipes import sizing
from hrm.tasks.margin import paired
from hrm.tasks.maze import Maze
from hrm.training import margins, runs

task = Maze(size=4, walls=0.2)


def test_a_difference_and_its_error_are_those_of_the_boards() -> None:
    found = paired(np.array([0.5, 0.25, 0.75, 0.5]))
    assert found["difference"] == 0.5
    assert found["error"] == pytest.approx(math.sqrt(0.125 / 3 / 4))
    assert paired(np.array([0.5])) == {"difference": 0.5, "error": 0.0}


def test_the_best_checkpoints_margins_are_those_of_its_scores(tmp_path: Path) -> None:
    one = task.generate(0, 0, 0, 1).test
    settings = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1, "max_steps": 2}
    plan = runs.Plan(
        recipe="act-v1",
        system=sizing.sized("act-v1", settings, task, one),
        task=task,
        train=12,
        validation=4,
        test=9,
        training=Training(updates=2, batch=4, evaluate_every=1),
    )
    summary = runs.execute(plan, tmp_path / "run")
    stored = runs.stored(tmp_path / "run")
    found = margins.margins(stored, task, plan.splits())
    assert found.keys() == summary["baselines"].keys()
    best = summary["checkpoints"]["best"]["unknown"]
    for name, scores in summary["baselines"].items():
        assert found[name]["difference"] == pytest.approx(best - scores["unknown"])
        assert found[name]["error"] > 0


def test_the_line_is_about_the_method_that_is_least_behind() -> None:
    found = {
        "copy": {"difference": 0.5, "error": 0.001},
        "corner": {"difference": 0.0441, "error": 0.0052},
    }
    assert margins.line(found) == (
        "unknown cells, beside the best trivial method, corner: +4.4%, standard error 0.5%"
    )
