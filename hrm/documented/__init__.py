"""The names that five public documents print, as thin views of the one model.

    v2         four flags over a GRU model             `EnhancedConfig`, `EnhancedHierarchicalModel`
    amulgent   reasoning with a status                 `HRMReasoning`
    gru        two GRU levels and their training step  `HRMConfig`, `HierarchicalReasoningModel`
    act_v1     tokens, a carry, Q values               `HRMACTv1` (also in `hrm.models`)
    complete   a trainer, tasks, a tracker, pictures   `HRM`, `HRMTrainerFixed`, ...

A view translates a document's arguments to those of a recipe, calls the model, and returns the
results under the document's names. It has no parameters except the model's. Nothing else in `hrm`
depends on a view. `agent` (with `replay`) and `demos` are what the documents show beside the model.
docs/migration.md lists every documented name beside ours.
"""
