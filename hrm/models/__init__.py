"""The main names of the five documents, in one place.

    from hrm.models import HRMACTv1, EnhancedConfig, HRMReasoning

They are views of `hrm.model.HRM` (`hrm.documented`). Three names mean different things in different
documents; here they are those of the document that is about them, and a submodule for each document
(`v2`, `gru`, `amulgent`, `act_v1`, `complete`) has its own:

    HierarchicalReasoningModel   document gru's; document v2's original is in `hrm.models.v2`
    HRMConfig                    document gru's; that of the one model is `hrm.config.HRMConfig`
    HRM                          document complete's; the one model is `hrm.model.HRM`

A name is loaded at its first use, so that a model doesn't load the drawing libraries that another
document's pictures need.
"""

import importlib
from typing import Any

from hrm.models.act_v1 import CastedSparseEmbeddingSignSGD_Distributed, HRMACTv1

_homes = {
    "EnhancedConfig": "v2",
    "EnhancedHierarchicalModel": "v2",
    "EnhancedHierarchicalModelConfig": "v2",
    "demonstrate_efficiency_comparison": "v2",
    "HRMConfig": "gru",
    "HierarchicalReasoningModel": "gru",
    "HRMReasoning": "amulgent",
    "EnhancedDatasetLoader": "complete",
    "ExperimentTracker": "complete",
    "HRM": "complete",
    "HRMTrainerFixed": "complete",
    "HRMVisualizer": "complete",
}
__all__ = ["CastedSparseEmbeddingSignSGD_Distributed", "HRMACTv1"]
__all__ += list(_homes)


def __getattr__(name: str) -> Any:
    """Return a document's name from the submodule that defines it."""
    if name not in _homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_homes[name]}"), name)
