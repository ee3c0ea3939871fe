"""Document complete: a model trained on mazes, tracked, and drawn."""

import tempfile
from pathlib import Path

import torch

from hrm.models.complete import (
    HRM,
    EnhancedDatasetLoader,
    ExperimentTracker,
    HRMTrainerFixed,
    HRMVisualizer,
)

torch.manual_seed(0)
model = HRM(input_dim=1, h_dim=32, l_dim=16, output_dim=10, max_steps=2)
loader = EnhancedDatasetLoader.get_dataloader("maze", num_samples=64, size=5)

with tempfile.TemporaryDirectory() as folder:
    tracker = ExperimentTracker(project_name="my-hrm-research", directory=folder)
    trainer = HRMTrainerFixed(model)
    metrics_list = []
    for epoch in range(2):
        metrics = trainer.train_epoch_simple(loader, epoch)
        metrics_list.append(metrics)
        tracker.log_metrics({"accuracy": metrics["accuracy"], "loss": metrics["loss"]})
        right = f"accuracy {metrics['accuracy']:.3f} (trivial {metrics['trivial']:.3f})"
        print(f"epoch {epoch}: loss {metrics['loss']:.3f}, {right}")
    weights = tracker.save_model(model, metrics, suffix="best")
    tracker.finish()

    picture = Path(folder) / "dynamics.png"
    HRMVisualizer().plot_training_dynamics(metrics_list, save_path=picture)
    print(f"wrote {weights.name}, {picture.name}")
