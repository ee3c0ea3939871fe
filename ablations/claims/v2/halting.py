"""Document v2: each sample halts for itself."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Lockstep, Masked

_STILL = {"model.halting.controller.dropout": 0.0, "model.summary.dropout": 0.0}

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
        arms=vary(
            recipes.v2(inputs=64, use_per_sample_act=True),
            {
                "compacted": _STILL,
                "masked": {**_STILL, "model.execution": Masked()},
                "lockstep": {**_STILL, "model.execution": Lockstep()},
            },
        ),
        cost=3.0,
    ),
)
