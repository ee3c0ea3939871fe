"""The names that five public documents print, as thin views of the one model.

    v2         four flags over a GRU model             `EnhancedConfig`, `EnhancedHierarchicalModel`
    amulgent   reasoning with a status                 `HRMReasoning`
    gru        two GRU levels and their training step  `HRMConfig`, `HierarchicalReasoningModel`
    act_v1     tokens, a carry, Q values               `HRMACTv1` (also in `hrm.models`)
    complete   a trainer, tasks, a tracker, pictures   `HRM`, `HRMTrainerFixed`, ...

A view turns a document's arguments into a recipe's, calls what computes, and hands the results back
under the document's names. It has no parameters but the model's. Nothing in `hrm` rests on a view.
`agent` (with `replay`) and `demo` are what the views of amulgent and v2 show beside the model.
docs/migration.md has every name beside ours.
"""
