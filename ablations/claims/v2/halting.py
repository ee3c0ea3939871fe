"""Document v2: each sample halts for itself."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Lockstep, Masked

_STILL = {"model.halting.controller.dropout": 0.0, "model.summary.dropout": 0.0}
_EXECUTIONS = vary(
    recipes.v2(inputs=64, use_per_sample_act=True),
    {
        "compacted": _STILL,
        "masked": {**_STILL, "model.execution": Masked()},
        "lockstep": {**_STILL, "model.execution": Lockstep()},
    },
)

CLAIMS = (
    exact(
        "act-demo-arithmetic",
        "ablations.claims.exact.printed:demonstration",
        section="Usage Examples, Basic Enhanced Usage",
        reading=(
            "The expected output printed with the demonstration, each figure recomputed from the "
            "printed cycles: averages, operations, the total line as the sum of the lines it "
            "totals, and the percentage from the totals."
        ),
        figures=figure("act-demo-arithmetic").printed,
        consistency=True,
        cost=0.1,
    ),
    exact(
        "act-scope-consistency",
        "ablations.claims.exact.printed:one_mix",
        section="1. Per-Sample ACT, Benefits; Performance Improvements, Computational Efficiency",
        reading=(
            "The document promises a range of savings on mixed batches, a larger one for its "
            "measured mixed batch, and a still larger one for easy samples. The last is of "
            "another population. The first two both say mixed batch: the second has to lie within "
            "the first. Whether some mix of easy and hard samples, with the cycles that are "
            "printed for them, gives it at all is the other condition; the mixes that give the "
            "ends of the range stand beside."
        ),
        figures=tuple(
            text
            for name in (
                "act-savings-mixed",
                "act-ops-mixed-batch",
                "act-easy-cycles",
                "act-hard-cycles",
            )
            for part in ("reduction", "change")
            if part in figure(name).parts
            for text in figure(name)[part]
        ),
        consistency=True,
        cost=0.1,
    ),
    exact(
        "act-cycles-accounting",
        "ablations.claims.exact.stopping:accounting",
        section="Mathematical Correctness, Per-Sample ACT Theory",
        reading=(
            "Compared are `cycles_used[i]` and the number of cycles in which the row of sample i "
            "was computed, sample by sample, over random decisions. Compacted execution, the "
            "document's loop over `alive_indices`, carries the verdict. Masked execution (document "
            "gru's `torch.where`) and the original's lockstep stand beside."
        ),
        arms=_EXECUTIONS,
        cost=2.0,
    ),
    exact(
        "act-loop-ends",
        "ablations.claims.exact.stopping:ends",
        section="Mathematical Correctness, Per-Sample ACT Theory",
        reading=(
            "Computation stops when nobody is alive: the loop is as long as its slowest sample's "
            "first stop (the last cycle's is forced), and no cycle is computed with nobody left. "
            "Over random decisions, with batches that stop at once and batches that never want "
            "to. Compacted execution carries the verdict; masked and lockstep stand beside."
        ),
        arms=_EXECUTIONS,
        cost=2.0,
    ),
    exact(
        "act-batch-waits",
        "ablations.claims.exact.halting:batch_waits",
        section="1. Per-Sample Adaptive Computation Time (ACT), Problem Solved",
        reading=(
            '"All samples forced to wait for slowest" is read as: the batch runs exactly as long '
            "as the slowest sample takes to want to stop for the first time. The printed loop ends "
            "when all want to stop in the same cycle. Both are compared over every matrix of "
            "decisions at four shapes, the cycles counted at the high core."
        ),
        arms=(
            Arm(
                label="batch-wise",
                part=recipes.v2(inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4),
            ),
        ),
        cost=3.0,
    ),
    exact(
        "act-individual-semantics",
        "ablations.claims.exact.halting:individual",
        section="Mathematical Correctness, Per-Sample ACT Theory",
        reading=(
            "Each sample alone is compared with the same sample in a batch of 32: cycles and "
            "answers, in float64, with sampled decisions (each sample's own noise) and greedy "
            "ones. Compacted execution, the document's enhancement, carries the verdict; masked "
            "and lockstep stand beside. Without dropout, whose draws depend on the batch by "
            "construction."
        ),
        arms=_EXECUTIONS,
        cost=3.0,
    ),
)
