"""Document complete: a model, its trainer, tasks by name, a tracker, pictures."""

from hrm.documented.complete.model import (
    HRM,
    TASKS,
    EnhancedDatasetLoader,
    HRMTrainerFixed,
    task_of,
)
from hrm.documented.complete.results import ExperimentTracker, HRMVisualizer

__all__ = [
    "HRM",
    "TASKS",
    "EnhancedDatasetLoader",
    "ExperimentTracker",
    "HRMTrainerFixed",
    "HRMVisualizer",
    "task_of",
]
