"""Document complete's examples, on `hrm.documented.complete` for its ``src`` package."""

import json

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch.utils.data import DataLoader, TensorDataset

from hrm.documented.complete import (
    HRM,
    TASKS,
    EnhancedDatasetLoader,
    ExperimentTracker,
    HRMTrainerFixed,
    HRMVisualizer,
)
from hrm.errors import Diverged, UserError
from hrm.training import runs, tracking

SOLUTION = [[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]]


def tiny(**more):
    torch.manual_seed(0)
    return HRM(input_dim=1, h_dim=16, l_dim=8, output_dim=10, max_steps=3, **more)


@pytest.mark.promise(
    "complete", "training over several epochs", "trainer.train_epoch_simple(loader, epoch)"
)
def test_single_task_training():
    """As printed, on fewer and smaller mazes: 8 of 5 × 5 for 1000 of 15 × 15, 3 epochs for 10."""
    torch.manual_seed(0)
    model = HRM(input_dim=1, h_dim=64, l_dim=32, output_dim=10)
    loader = EnhancedDatasetLoader.get_dataloader("maze", num_samples=8, size=5)
    trainer = HRMTrainerFixed(model)
    for epoch in range(3):
        metrics = trainer.train_epoch_simple(loader, epoch)
        assert metrics["epoch"] == epoch and metrics["update"] == epoch + 1
        assert 0 <= metrics["accuracy"] <= 1 and 1 <= metrics["steps"] <= 10
        assert 0.5 < metrics["trivial"] < 1  # most cells of a maze are off the path
        assert np.isfinite(metrics["loss"])


def test_single_task_training_learns():
    model = tiny()
    loader = EnhancedDatasetLoader.get_dataloader("maze", num_samples=32, batch_size=8, size=4)
    trainer = HRMTrainerFixed(model, learning_rate=3e-3)
    found = [trainer.train_epoch_simple(loader, epoch) for epoch in range(8)]
    assert found[-1]["loss"] < found[0]["loss"] - 0.2
    (inputs, targets) = next(iter(loader))
    with torch.no_grad():
        probabilities = model.eval()(inputs)
    torch.testing.assert_close(probabilities.sum(-1), torch.ones(targets.shape))


def test_single_task_training_mazes_have_the_documented_size():
    inputs, targets = next(iter(EnhancedDatasetLoader.get_dataloader("maze", num_samples=2)))
    assert inputs.shape == (2, 15 * 15, 1) and targets.shape == (2, 15 * 15)


def test_accuracy_comes_with_what_copying_or_the_most_frequent_class_has():
    inputs = torch.tensor([[0.0, 1.0, 2.0, 1.0], [0.0, 0.0, 2.0, 1.0]]).unsqueeze(-1)
    for targets, trivial in (([3, 1, 2, 1], 5 / 8), ([3, 3, 3, 1], 6 / 8), ([3, 3, 1, 0], 4 / 8)):
        data = TensorDataset(inputs, torch.tensor([targets, targets]))
        metrics = HRMTrainerFixed(tiny()).train_epoch_simple(DataLoader(data, batch_size=2), 0)
        assert metrics["trivial"] == trivial
    figure = HRMVisualizer().plot_training_dynamics([metrics, metrics])
    levels = [line for line in figure.axes[1].lines if line.get_label() == "trivial"]
    assert levels[0].get_ydata() == [0.5, 0.5]


@pytest.mark.promise(
    "complete",
    "seven tasks by name",
    "EnhancedDatasetLoader.get_dataloader('maze', num_samples=1000)",
)
@pytest.mark.parametrize("task", sorted(set(TASKS) - {"sudoku", "arc"}))
def test_tasks_are_had_by_name(task):
    loader = EnhancedDatasetLoader.get_dataloader(task, num_samples=3, batch_size=2, seed=1)
    batches = list(loader)
    assert [len(inputs) for inputs, _ in batches] == [2, 1]
    for inputs, targets in batches:
        assert inputs.shape == (*targets.shape, 1) and inputs.dtype == torch.float32
    again = EnhancedDatasetLoader.get_dataloader(task, num_samples=3, batch_size=2, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(batches[0], next(iter(again)), strict=True))


@pytest.mark.promise(
    "complete", "four sizes by their widths", "HRM(input_dim=1, h_dim=64, l_dim=32, output_dim=10)"
)
def test_widths_that_are_documented_come_with_their_layers():
    for widths, layers in [((32, 16), (1, 1)), ((64, 32), (2, 1)), ((128, 64), (3, 2))]:
        with torch.device("meta"):
            c = HRM(1, *widths, 10).model.config
        assert (c.high.layers, c.low.layers) == layers
    assert sum(p.numel() for p in HRM(1, 64, 32, 10).parameters()) // 1000 == 115


@pytest.mark.promise(
    "complete",
    "a tracker, with an id of its own for every run",
    'ExperimentTracker(project_name="my-hrm-research")',
)
def test_experiment_tracking(tmp_path):
    """As printed, but for the folder; the model and metrics are those of the example before."""
    model, metrics = tiny(), {"accuracy": 0.5, "loss": 1.0}
    tracker = ExperimentTracker(project_name="my-hrm-research", directory=tmp_path)
    tracker.log_metrics({"accuracy": 0.85, "loss": 0.23})
    tracker.log_metrics({"accuracy": 0.86, "loss": 0.22})
    path = tracker.save_model(model, metrics, suffix="best")
    tracker.finish()
    (folder,) = (tmp_path / "my-hrm-research").iterdir()
    assert path == folder / "best.safetensors"
    assert tracking.points(folder) == [
        {"step": 1, "accuracy": 0.85, "loss": 0.23},
        {"step": 2, "accuracy": 0.86, "loss": 0.22},
    ]
    assert json.loads((folder / "summary.json").read_text()) == {"status": "finished"}
    torch.manual_seed(1)
    other = HRM(1, 16, 8, 10, max_steps=3)
    assert runs.restored(path, other.model) == {"update": 2}
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_experiment_tracking_keeps_where_the_document_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tracker = ExperimentTracker(project_name="p")
    assert (tmp_path / "experiments" / "p" / tracker.folder.name / "run.json").exists()


@pytest.mark.promise(
    "complete",
    "the printed pictures of sudokus and training",
    "HRMVisualizer().plot_sudoku_solving(...)",
)
def test_visualization(tmp_path):
    """As printed, on grids and metrics that the example leaves undefined."""
    viz = HRMVisualizer()
    puzzle = [[0, 2, 3, 4], *SOLUTION[1:]]
    prediction = torch.tensor([[2, 2, 3, 4], *SOLUTION[1:]])
    figure = viz.plot_sudoku_solving(puzzle, np.array(SOLUTION).ravel(), prediction)
    titles = [axes.get_title(loc="left").split("\n") for axes in figure.axes]
    assert [title[0] for title in titles] == ["input", "prediction", "solution"]
    assert titles[0][1] == "15 clues" and titles[1][1] == "1 wrong"
    metrics_list = [{"loss": 3.0, "accuracy": 0.1, "steps": 2.0, "update": 4.0}, {"loss": 2.0}]
    figure = viz.plot_training_dynamics(metrics_list, save_path=tmp_path / "dynamics.png")
    assert isinstance(figure, Figure)
    assert (tmp_path / "dynamics.png").read_bytes().startswith(b"\x89PNG")
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [4.0, 2.0] and line.get_ydata().tolist() == [3.0, 2.0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: HRM(0, 16, 8, 10), "input_dim is 0; allowed is 1 or more"),
        (
            lambda: tiny()(torch.zeros(2, 9, 3)),
            r"x is '.* of shape \[2, 9, 3\]'; .*at most 900, 1\]",
        ),
        (lambda: EnhancedDatasetLoader.get_dataloader("chess"), "'chess'; allowed is sudoku, maze"),
        (lambda: EnhancedDatasetLoader.get_dataloader("maze", sise=4), "Maze has no field 'sise'"),
        (lambda: EnhancedDatasetLoader.get_dataloader("maze", 0), "num_samples is 0; allowed is 1"),
        (lambda: ExperimentTracker("a/b"), "project_name is 'a/b'; allowed is a folder's name"),
        (lambda: HRMVisualizer().plot_training_dynamics([]), r"metrics_list is \[\]; allowed is"),
        (lambda: HRMVisualizer().plot_training_dynamics([{"los": 1}]), "allowed is metrics with a"),
        (
            lambda: HRMVisualizer().plot_sudoku_solving([1, 2], SOLUTION, SOLUTION),
            r"puzzle is '\[1, 2\]'; allowed is 16, 36 or 81 whole numbers",
        ),
        (
            lambda: HRMVisualizer().plot_sudoku_solving([0] * 81, SOLUTION, SOLUTION),
            r"grids is \[16, 81\]; allowed is three of one size",
        ),
    ],
)
def test_a_mistake_is_named(call, said):
    with pytest.raises(UserError, match=said):
        call()


def test_boards_with_more_classes_than_outputs_are_refused():
    loader = EnhancedDatasetLoader.get_dataloader("pattern", num_samples=30)
    with pytest.raises(UserError, match="output_dim is 10; allowed is 11 or more for these boards"):
        HRMTrainerFixed(tiny()).train_epoch_simple(loader, 0)


def test_divergence_is_said_with_its_update():
    model = tiny()
    with torch.no_grad():
        model.model.readout.weight.fill_(float("nan"))
    loader = EnhancedDatasetLoader.get_dataloader("maze", num_samples=4, size=4)
    with pytest.raises(Diverged, match="step 1: the loss is nan"):
        HRMTrainerFixed(model).train_epoch_simple(loader, 0)
