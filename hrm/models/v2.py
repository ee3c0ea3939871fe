"""The names of document v2: four flags over a GRU model."""

from hrm.documented.v2 import (
    EnhancedConfig,
    EnhancedHierarchicalModel,
    EnhancedHierarchicalModelConfig,
    HierarchicalReasoningModel,
    demonstrate_efficiency_comparison,
    enhanced_weights,
)

__all__ = [
    "EnhancedConfig",
    "EnhancedHierarchicalModel",
    "EnhancedHierarchicalModelConfig",
    "HierarchicalReasoningModel",
    "demonstrate_efficiency_comparison",
    "enhanced_weights",
]
