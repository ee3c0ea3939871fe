"""The names of document gru: two GRU levels that halt by a policy."""

from hrm.documented.gru import HierarchicalReasoningModel, HRMConfig

__all__ = ["HRMConfig", "HierarchicalReasoningModel"]
