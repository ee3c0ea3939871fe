"""The names of document complete: model, trainer, tasks, tracker, pictures."""

from hrm.documented.complete import (
    HRM,
    EnhancedDatasetLoader,
    ExperimentTracker,
    HRMTrainerFixed,
    HRMVisualizer,
)

__all__ = [
    "HRM",
    "EnhancedDatasetLoader",
    "ExperimentTracker",
    "HRMTrainerFixed",
    "HRMVisualizer",
]
