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
        reading=(
            "The expected output that is printed with the demonstration is recomputed from the "
            "printed cycles: averages, operations, the total line as the sum of the lines that "
            "it adds up, and the percentage from the totals."
        ),
        figures=figure("act-demo-arithmetic").printed,
        consistency=True,
        cost=0.1,
    ),
    exact(
        "act-scope-consistency",
        "ablations.claims.exact.printed:one_mix",
        reading=(
            "The document promises a range of savings on mixed batches, a larger saving for its "
            "measured mixed batch, and a still larger one for easy samples. The last refers to "
            "another population. The first two both refer to mixed batches, so the second has to "
            "lie within the first. In addition, some mix of easy and hard samples, with the "
            "cycles printed for them, has to give the second saving. The mixes that give the "
            "ends of the range are also shown."
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
        reading=(
            "For each sample i, `cycles_used[i]` is compared with the number of cycles in which "
            "its row was computed, over random decisions. The verdict rests on compacted "
            "execution, the document's loop over `alive_indices`. Masked execution (document "
            "gru's `torch.where`) and the original's lockstep are shown beside it."
        ),
        arms=_EXECUTIONS,
        cost=2.0,
    ),
    exact(
        "act-loop-ends",
        "ablations.claims.exact.stopping:ends",
        reading=(
            "Computation should stop when no sample is alive. The loop should take as many "
            "cycles as its slowest sample takes to its first stop (that of the last cycle is "
            "forced), and no cycle should be computed without a live sample. This is checked "
            "over random decisions, including batches that stop at once and batches that never "
            "decide to stop. The verdict rests on compacted execution; masked and lockstep are "
            "shown beside it."
        ),
        arms=_EXECUTIONS,
        cost=2.0,
    ),
    exact(
        "act-batch-waits",
        "ablations.claims.exact.halting:batch_waits",
        reading=(
            '"All samples forced to wait for slowest" is read as: the batch runs exactly until '
            "its slowest sample first decides to stop. The printed loop ends when all samples "
            "decide to stop in the same cycle. Both ends are compared for every matrix of "
            "decisions at four shapes. Cycles are counted at the high core."
        ),
        arms=(
            Arm(
                "batch-wise",
                recipes.v2(inputs=8, outputs=2, hidden_low=8, hidden_high=16, max_cycles=4),
            ),
        ),
        cost=3.0,
    ),
    exact(
        "act-individual-semantics",
        "ablations.claims.exact.halting:individual",
        reading=(
            "Each sample in a batch of 32 is compared with the same sample alone: cycles and "
            "answers, in float64. Decisions are sampled (with each sample's own noise) and "
            "greedy. Dropout is off, because its draws depend on the batch by construction. The "
            "verdict rests on compacted execution, the document's enhancement; masked and "
            "lockstep are shown beside it."
        ),
        arms=_EXECUTIONS,
        cost=3.0,
    ),
)
