"""Document amulgent: iterative refinement in segments."""

from dataclasses import replace

from ablations.claims.arms_amulgent import L1, L2, L2N, L4, LEVELS, ON_CELLS, refined
from ablations.claims.segments import dominating
from ablations.metrics.gradients import DepthGradient, GradientGrowth
from ablations.metrics.scores import Accuracy
from ablations.specs.arms import vary
from ablations.specs.claim import Cell, Reading, Statistical, product
from ablations.specs.protocols import Evaluate, Gradients
from ablations.specs.tests import Difference, Ratio, Trend

_EXACTLY = Accuracy(cells="exact")
_WORTH = "half a point is the smallest gain worth a doubled cost"
_HALF = Difference(null=0.005, because=_WORTH)
_RUN_FOR_8 = Cell(f"{L4.label}, run for 8", L4, Evaluate(after=LEVELS, segments=8), Accuracy())
_EARLY = replace(LEVELS, training=replace(LEVELS.training, updates=100))
_DETACHED = vary(
    refined(3).part, {"full gradients": {"model.segments.detached": False}, "detached": {}}
)

CLAIMS = (
    Statistical(
        id="refinement-quality",
        reading=(
            f"We read better answers as higher {ON_CELLS} after equal updates, which favour more "
            "segments, since these cost time. Tested is the slope per doubling of the segments, "
            "over 1, 2 and 4. As documented, the last segment's answer is trained, states are "
            "detached between segments, and the previous answer is fed back; with one segment "
            "there is none, and no map for it. There is one halting step. An earlier form of this "
            "claim had 8×8 mazes at width 128, and wasn't run."
        ),
        cells=(*product((L1, L2, L4), LEVELS, Accuracy()), _RUN_FOR_8),
        test=Trend(levels=(0.0, 1.0, 2.0), null=0.005, because=_WORTH),
        beside=(
            Reading("2 segments less 1", test=_HALF, cells=(0, 1)),
            Reading("4 segments less 2", test=_HALF, cells=(1, 2)),
            Reading("4 segments run for 8, less 4", test=_HALF, cells=(2, 3)),
            Reading("boards answered exactly, 4 segments less 1", _EXACTLY, _HALF, cells=(0, 2)),
        ),
    ),
    Statistical(
        id="refinement-detach",
        reading=(
            "We measure gradient explosion by the norm of the last answer's gradient with respect "
            "to the states that the first of the document's three segments starts from (the median "
            "over held-out 4×4 sudokus). Both arms are trained for 100 updates, too few for skill, "
            "each with its own gradients. Detaching cuts the states between segments but not the "
            "answer that is fed back, so a gradient can still pass."
        ),
        arms=_DETACHED,
        protocol=Gradients(after=_EARLY, depths=(1, 2, 3, 4, 8), over="segments"),
        metric=DepthGradient(depth=3),
        test=Ratio(null=0.25, because="a quarter more or less is no explosion", fewer=True),
        beside=(
            Reading("at eight segments", DepthGradient(depth=8)),
            Reading("growth from one segment to eight", GradientGrowth()),
            Reading("by the parameters, at three segments", DepthGradient(depth=3, of="trunk")),
        ),
        unskilled=tuple(arm.label for arm in _DETACHED),  # measured early in training
    ),
    Statistical(
        id="refinement-connection",
        reading=(
            'We read "Cross-layer connections between segments" as the map from a segment\'s '
            "answer to the next segment's input, which enters with weight 0.05 as coded and has a "
            "twentieth of the parameters. As coded, it is made after the optimiser and keeps its "
            f"initial weights; here it is trained, as the words suggest. We compare {ON_CELLS}, "
            "with two segments and after equal updates."
        ),
        arms=(L2N, L2),
        protocol=LEVELS,
        metric=Accuracy(),
        test=replace(_HALF, because="half a point is the smallest gain worth a further map"),
        beside=(Reading("boards answered exactly", _EXACTLY),),
    ),
    dominating(
        "refinement-beats-architecture",
        '"Pure architecture" is the hierarchy, as in the research that the document cites.',
    ),
)
