"""Document amulgent: iterative refinement in segments."""

from dataclasses import replace

from ablations.claims.arms_amulgent import L1, L2, L2N, L4, LEVELS, refined
from ablations.claims.segments import dominating
from ablations.metrics.gradients import DepthGradient, GradientGrowth
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import vary
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Evaluate, Gradients
from ablations.specs.tests import Difference, Ratio, Trend

_HALF = Difference(null=0.005, because="half a point is the smallest gain worth a doubled cost")
_DEPTHS = (1, 2, 3, 4, 8)
_EARLY = replace(LEVELS, training=replace(LEVELS.training, updates=100))

CLAIMS = (
    Statistical(
        id="refinement-quality",
        reading=(
            "We read better answers as a higher accuracy on unknown cells of held-out boards after "
            "equal updates. Tested is its slope per doubling of the segments, over 1, 2 and 4. As "
            "documented, the enhanced model is trained on the answer of its last segment, states "
            "are detached between segments, and the previous answer is fed back. It has one "
            "halting step, one H and one L layer. Boards are 4×4 sudokus as one vector, in equal "
            "thirds of 5, 8 and 11 clues; the other claims about segments use the same models. (An "
            "earlier form of this claim had 8×8 mazes at width 128, and wasn't run.) With one "
            "segment there is no answer to feed back, and no map for it. Segments cost time, so "
            "equal updates favour more of them. The accuracy of the four-segment model when it is "
            "run for eight segments, the last four untrained, is also shown."
        ),
        cells=(
            *(Cell(arm.label, arm, LEVELS, Accuracy()) for arm in (L1, L2, L4)),
            Cell(
                "two levels, 4 segments, run for 8",
                L4,
                Evaluate(after=LEVELS, segments=8),
                Accuracy(),
            ),
        ),
        test=Trend(
            levels=(0.0, 1.0, 2.0),
            null=0.005,
            because="half a point is the smallest gain worth a doubled cost",
        ),
        beside=(
            Reading("2 segments less 1", test=_HALF, cells=(0, 1)),
            Reading("4 segments less 2", test=_HALF, cells=(1, 2)),
            Reading("4 segments run for 8, less 4", test=_HALF, cells=(2, 3)),
            Reading(
                "boards answered exactly, 4 segments less 1",
                Accuracy(cells="exact"),
                _HALF,
                cells=(0, 2),
            ),
        ),
    ),
    Statistical(
        id="refinement-detach",
        reading=(
            "We measure gradient explosion by the norm of the last answer's gradient with respect "
            "to the states that the first segment starts from: the median over held-out boards, "
            "with the three segments that the document names. Both arms are trained for 100 "
            "updates, each with its own gradients. Detaching cuts the states between segments but "
            "not the answer that is fed back. A gradient can thus still pass, so the comparison is "
            "no tautology. The growth of the norm from one segment to eight, and the gradient with "
            "respect to the parameters, are also shown."
        ),
        arms=vary(
            refined(3).part,
            {"full gradients": {"model.segments.detached": False}, "detached": {}},
        ),
        protocol=Gradients(after=_EARLY, depths=_DEPTHS, over="segments"),
        metric=DepthGradient(depth=3),
        test=Ratio(
            null=0.25, because="a difference of a quarter in a norm is no explosion", fewer=True
        ),
        beside=(
            Reading("at eight segments", DepthGradient(depth=8)),
            Reading("growth from one segment to eight", GradientGrowth()),
            Reading("by the parameters, at three segments", DepthGradient(depth=3, of="trunk")),
        ),
        unskilled=("full gradients", "detached"),  # gradients are measured early in training
    ),
    Statistical(
        id="refinement-connection",
        reading=(
            'We read "Cross-layer connections between segments" as the map from a segment\'s '
            "answer to the next segment's input, which enters with weight 0.05 as coded. As coded, "
            "this map is made after the optimiser and keeps its initial weights; here it is "
            "trained, as the words suggest. A model of two segments with the map, which has a "
            "twentieth of the model's parameters, is compared with one without it. They are "
            "compared by accuracy on unknown cells of held-out 4×4 sudokus, after equal updates."
        ),
        arms=(L2N, L2),
        protocol=LEVELS,
        metric=Accuracy(),
        test=replace(_HALF, because="half a point is the smallest gain worth a further map"),
        beside=(Reading("boards answered exactly", Accuracy(cells="exact")),),
    ),
    dominating(
        "refinement-beats-architecture",
        '"Pure architecture" is the hierarchy, as in the research that the document cites.',
    ),
)
