"""Document v2: what attention over the low level's sequence is good for."""

from ablations.claims.boards import STREAMED, STREAMED_INPUTS, STREAMED_OUTPUTS, STREAMED_STEPS
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import changed, vary
from ablations.specs.claim import Reading, Statistical
from ablations.specs.protocols import Train
from ablations.specs.tests import Difference
from hrm import recipes
from hrm.config import Fixed, Masked, StepAttention, Stream, TraceAttention
from hrm.config.learning import Cosine, Supervised, Training

_MODEL = changed(
    recipes.v2(
        inputs=STREAMED_INPUTS,
        outputs=STREAMED_OUTPUTS,
        hidden_low=64,
        hidden_high=64,
        low_steps=STREAMED_STEPS,
    ),
    {
        "model.embedding": Stream(size=STREAMED_INPUTS, steps=STREAMED_STEPS),
        "model.halting": Fixed(steps=2),
        "model.execution": Masked(),
        "objective": Supervised(),
    },
)
_ARMS = vary(
    _MODEL,
    {
        "single-step attention": {"model.summary": StepAttention(heads=8)},
        "sequence attention": {"model.summary": TraceAttention(heads=8)},
    },
)
_TRAIN = Train(
    boards=STREAMED,
    training=Training(
        updates=600, batch=64, learning_rate=3e-3, schedule=Cosine(floor=0.05), evaluate_every=50
    ),
)

CLAIMS = (
    Statistical(
        id="attention-sequence-gain",
        reading=(
            '"Meaningful temporal information aggregation across T steps" requires information '
            "that is spread over time. The documented model has the same input at each low step. "
            "Here each of six steps has its own: four items, the position of the one that is asked "
            "for, and a blank. We compare the accuracy on that item between attention over the "
            'sequence and the document\'s "original", attention over one step. The former also has '
            "a map from the high state to its query, a twentieth of the parameters. Without ACT, "
            "halting and rewards play no part. The number of updates was fixed on pilot seed 1000, "
            "with the original alone."
        ),
        arms=_ARMS,
        protocol=_TRAIN,
        metric=Accuracy(),
        test=Difference(null=0.01, because="less than one percentage point isn't worth noticing"),
        beside=(Reading("whole boards", Accuracy(cells="exact")),),
    ),
)
