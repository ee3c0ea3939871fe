"""One configurable hierarchical reasoning model, its tasks and its training.

    from hrm import HRM, recipes

    model = HRM(recipes.gru(inputs=64, outputs=10).model)

Importing this package loads neither torch nor numpy: configurations and recipes are plain data, and
a name of `__all__` is loaded at its first use.
"""

import importlib
from typing import Any

_homes = {
    "Diverged": "hrm.errors",
    "HRM": "hrm.model",
    "HRMConfig": "hrm.config",
    "Learner": "hrm.training.learner",
    "Output": "hrm.model",
    "Plan": "hrm.training.runs",
    "System": "hrm.config.learning",
    "Task": "hrm.tasks",
    "Training": "hrm.config.learning",
    "UserError": "hrm.errors",
}
__all__ = list(_homes)


def __getattr__(name: str) -> Any:
    """Return an exported name from the module that defines it."""
    if name not in _homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_homes[name]), name)
