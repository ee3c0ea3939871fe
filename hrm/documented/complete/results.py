"""Document complete: a tracker of experiments, and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hrm.config.parts import require
from hrm.plots import puzzles, style, training
from hrm.plots.style import Figure
from hrm.training import checkpoint, tracking


class ExperimentTracker:
    """Keeps an experiment in a folder of its own: `hrm.training.tracking.JsonLines`.

    Args:
        project_name: Name of the project's folder.
        config: Description of the experiment, as JSON.
        directory: Folder of all projects.
        use_wandb: Whether to log to Weights & Biases as well (an extra).

    Raises:
        UserError: If the name can't be a folder's, or the extra isn't installed.

    Source: document complete, "Experiment Tracking".
    """

    def __init__(
        self,
        project_name: str,
        *,
        directory: str | Path = "experiments",
        config: Mapping[str, Any] | None = None,
        use_wandb: bool = False,
    ) -> None:
        require(
            project_name not in ("", ".", "..") and not set(project_name) & set("/\\\0"),
            "project_name",
            project_name,
            "a folder's name",
            "leave separators out",
        )
        identity = tracking.identifier()
        self.folder = Path(directory) / project_name / identity
        others = tracking.extras("wandb", self.folder, project_name) if use_wandb else []
        self._trackers: list[tracking.Tracker] = [tracking.JsonLines(self.folder), *others]
        self._step = 0
        run = tracking.Run(
            id=identity,
            configuration=dict(config or {}),
            seeds={},
            environment=tracking.environment(torch.get_num_threads()),
        )
        for tracker in self._trackers:
            tracker.start(run)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add a point to the curve; without a step, the next one."""
        self._step = self._step + 1 if step is None else step
        for tracker in self._trackers:
            tracker.log(self._step, metrics)

    def save_model(
        self, model: nn.Module, metrics: Mapping[str, float], suffix: str = "best"
    ) -> Path:
        """Write a model's weights and some metrics to ``<suffix>.safetensors``; return its path.

        `hrm.training.runs.restored` loads it.
        """
        path = self.folder / f"{suffix}.safetensors"
        weights = getattr(model, "model", model).state_dict()
        checkpoint.save(path, {"moment": {"update": self._step, **metrics}, "model": weights})
        return path

    def finish(self, summary: Mapping[str, Any] | None = None) -> None:
        """End the experiment with a summary."""
        for tracker in self._trackers:
            tracker.finish(summary or {"status": "finished"})


class HRMVisualizer:
    """Pictures of puzzles and training: `hrm.plots`.

    Each method returns the figure and, if ``save_path`` is given, writes it to that .png or .svg
    file.

    Source: document complete, "Visualization".
    """

    def plot_sudoku_solving(
        self, puzzle: Any, solution: Any, prediction: Any, save_path: str | Path | None = None
    ) -> Figure:
        """Draw a sudoku, a model's prediction and the solution: digits, 0 for blank.

        Args:
            puzzle: A grid of 4 × 4, 6 × 6 or 9 × 9, in rows or flat, as list, array or tensor.
            solution: A grid of the same size.
            prediction: A grid of the same size.
            save_path: File of the figure; None to write none.

        Raises:
            UserError: If one isn't such a grid.
        """
        grids = {"puzzle": puzzle, "solution": solution, "prediction": prediction}
        flat = {name: _grid(name, grid) for name, grid in grids.items()}
        sizes = {len(grid) for grid in flat.values()}
        require(len(sizes) == 1, "grids", sorted(sizes), "three of one size", "pass such ones")
        figure = puzzles.sudoku(
            flat["puzzle"], [flat["prediction"]], flat["solution"], names=["prediction"]
        )
        return _saved(figure, save_path)

    def plot_training_dynamics(
        self, metrics_list: Sequence[Mapping[str, float]], save_path: str | Path | None = None
    ) -> Figure:
        """Draw loss, accuracy and halting steps over updates.

        Args:
            metrics_list: Results of `HRMTrainerFixed.train_epoch_simple`, epoch by epoch. Without
                "update", epochs are numbered; "accuracy" and "steps" may be missing. The last
                "trivial" is drawn as a level line.
            save_path: File of the figure; None to write none.

        Raises:
            UserError: If the list is empty, or an entry has no loss.
        """
        require(bool(metrics_list), "metrics_list", [], "one epoch or more", "train first")
        for metrics in metrics_list:
            allowed = "metrics with a loss"
            require("loss" in metrics, "metrics_list", dict(metrics), allowed, "add it")
        missing = float("nan")
        columns = {
            name: np.array([float(m.get(name, missing)) for m in metrics_list])
            for name in ("loss", "accuracy", "steps")
        }
        updates = [float(m.get("update", i)) for i, m in enumerate(metrics_list, start=1)]
        curve = training.Curve(
            updates=np.array(updates),
            losses={"total": columns["loss"]},
            score=columns["accuracy"],
            steps=columns["steps"],
        )
        levels = [float(m["trivial"]) for m in metrics_list if "trivial" in m]
        trivial = {"trivial": levels[-1]} if levels else None
        figure = training.dynamics([curve], baselines=trivial, score="accuracy")
        return _saved(figure, save_path)


def _grid(name: str, grid: Any) -> NDArray[np.int64]:
    """Return the tokens of a sudoku as a flat array."""
    flat = np.asarray(grid).ravel()
    size = round(len(flat) ** 0.5)
    require(
        size in (4, 6, 9)
        and len(flat) == size**2
        and bool(np.isin(flat, np.arange(size + 1)).all()),
        name,
        str(flat.tolist())[:60],
        "16, 36 or 81 whole numbers from 0 (blank) to the size",
        "pass such a grid",
    )
    return flat.astype(np.int64)


def _saved(figure: Figure, path: str | Path | None) -> Figure:
    if path is not None:
        style.save(figure, Path(path))
    return figure
