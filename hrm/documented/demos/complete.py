"""Document complete: several tasks, a model trained on each, and their pictures.

The printed example trains a model of the small size on each task, for a few updates. Steps are
shown for each board executed on its own. As coded, the sum of a position starts again after it
crosses the threshold, so that all positions of a board rarely reach it at once, and those of a
batch even more rarely. ``as_coded=False`` follows the text, where Q values decide.

Source: document complete, "Complete Feature Demo", "Single Task Training", "Visualization".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hrm import model as ours
from hrm.config import Compacted
from hrm.config.parts import require
from hrm.documented.complete import HRM, EnhancedDatasetLoader, HRMTrainerFixed, task_of
from hrm.documented.demos.shown import Say, Shown, table
from hrm.plots import puzzles, training
from hrm.training import loop, scoring

UPDATES = 48  # of each task
TASKS: Mapping[str, Mapping[str, Any]] = {"maze": {"size": 5}, "pattern": {}, "sudoku": {"size": 4}}
SIZES: Mapping[str, Any] = {"input_dim": 1, "h_dim": 64, "l_dim": 32, "max_steps": 4}
BATCH, TEST, EPOCHS = 32, 64, 4


def run(seed: int = 0, updates: int = UPDATES, say: Say = lambda *_: None) -> Shown:
    """Train a model on each task and draw its results.

    Raises:
        UserError: If a number is out of its range.
        Diverged: If a loss isn't finite.
    """
    require(seed >= 0, "seed", seed, "0 or more", "choose another seed")
    require(updates >= EPOCHS, "updates", updates, f"{EPOCHS} or more", f"use {UPDATES}")
    rows: dict[str, dict[str, float]] = {}
    steps: dict[str, list[int]] = {}
    figures: dict[str, Any] = {}
    for i, (name, fields) in enumerate(TASKS.items()):
        task = task_of(name, fields)
        samples = updates // EPOCHS * BATCH
        splits = task.generate(seed, samples, 0, TEST)
        torch.manual_seed(loop.stream(seed, name))
        model = HRM(**SIZES, output_dim=task.classes)
        loader = EnhancedDatasetLoader.get_dataloader(
            name, num_samples=samples, batch_size=BATCH, seed=seed, **fields
        )
        trainer = HRMTrainerFixed(model)
        metrics = []
        for epoch in range(EPOCHS):
            metrics.append(trainer.train_epoch_simple(loader, epoch))
            done = (i + (epoch + 1) / EPOCHS) / len(TASKS)
            say(done, f"{name}  epoch {epoch + 1} of {EPOCHS}  loss {metrics[-1]['loss']:.3f}")
        apart = ours.HRM(replace(model.system.model, evaluation=Compacted()))
        apart.load_state_dict(model.model.state_dict())
        answers, taken = scoring.answers(apart, model.system, task, splits.test)
        scores = task.score(splits.test, answers)
        trivial = scoring.baselines(task, splits.train, splits.test)
        steps[name] = taken.astype(int).tolist()
        rows[name] = {
            "loss": metrics[-1]["loss"],
            "unknown": float(scores.unknown.mean()),
            "trivial": max(each["unknown"] for each in trivial.values()),
            "steps": float(taken.mean()),
            "fewest": int(taken.min()),
            "most": int(taken.max()),
        }
        figures[name] = puzzles.picture(
            task, splits.test.inputs[0], [answers[0]], splits.test.targets[0], names=["prediction"]
        )
        figures[f"{name}-training"] = training.dynamics(
            [_curve(metrics)], baselines={"trivial": metrics[-1]["trivial"]}, score="accuracy"
        )
    text = (
        f"complete, h_dim {SIZES['h_dim']}, l_dim {SIZES['l_dim']}: {updates} updates on each "
        f"task, seed {seed}\n\n{table(rows)}\n\n"
        f"unknown: right unknown cells of {TEST} test boards; trivial: that of the best trivial "
        "method\nsteps, fewest, most: of a board, each executed for itself, of at most "
        f"{SIZES['max_steps']}\n"
    )
    data = {"seed": seed, "updates": updates, "tasks": rows, "steps": steps}
    return Shown(text=text, data=data, figures=figures)


def _curve(metrics: list[dict[str, float]]) -> training.Curve:
    names = ("update", "loss", "accuracy", "steps")
    columns = {name: np.array([each[name] for each in metrics]) for name in names}
    return training.Curve(
        updates=columns["update"],
        losses={"total": columns["loss"]},
        score=columns["accuracy"],
        steps=columns["steps"],
    )
