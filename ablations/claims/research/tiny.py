"""The one tiny network's variants: how its positions are mixed, and how many latents it has."""

from ablations.claims.arms_act_v1 import PATIENT
from ablations.claims.arms_research import ATTENTION, MIXING, ONE, SEVEN, TOKENS, TWO
from ablations.metrics.costs import Parameters
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference, Ratio

_PAPER = "Less is More: Recursive Reasoning with Tiny Networks (arXiv 2510.04871), table 1"
_POINT = "a difference of one point would be noticed, and runs scatter by less"
_TWO_POINTS = "a reader would notice a difference of two points between runs on so few cells"
_EXACT = Reading("whole boards", Accuracy(cells="exact"))
_FIGURES = (
    "The paper's figures are of whole 9×9 sudokus. They don't transfer and carry no verdict; the "
    "direction does."
)

CLAIMS = (
    Statistical(
        id="mlp-instead-of-attention",
        reading=(
            "In each block of one tiny network, self-attention is replaced by SwiGLU over the "
            "positions. As in the public code, its norm goes over the positions as well. Such a "
            "model knows positions only through its weights, and attention knows them through "
            "rotary angles. The inner width of the feed-forward gives it as many parameters as "
            "attention has, since the two are alternatives in a block; the public code rounds the "
            "width up instead. Boards have to be tokens, since a vector has one position. They "
            "are patterns of eight tokens, and the last token of each strand has to be answered. "
            "These are the small boards of one size that two cores can learn: on 4×4 sudokus as "
            "sixteen tokens, attention doesn't exceed the trivial methods in the available time. "
            "As in the paper, weights are averaged, with a decay that suits the small number of "
            f"updates. That number was chosen on pilot seed 1000, with attention alone. {_FIGURES}"
        ),
        arms=(ATTENTION, MIXING),
        protocol=TOKENS,
        metric=Accuracy(),
        test=Difference(null=0.02, because=_TWO_POINTS),
        beside=(
            _EXACT,
            Reading(
                "parameters",
                Parameters(),
                Ratio(null=0.05, because="sizes within a twentieth count as equal"),
            ),
        ),
        unskilled=(ATTENTION.label,),
    ),
    Statistical(
        id="latent-count",
        reading=(
            "The claim is that two latents beat one and seven. The comparison of two with one "
            "carries the verdict, and that of two with seven is shown beside. Two latents are an "
            "answer and a reasoning latent. A single latent is updated six times with the input "
            "and once without it, as in the public code. Seven latents are an answer and six "
            "reasoning latents, one for each of the six low updates. All models have one network, "
            "two cycles of six low updates and a high one, equal parameters and gradients through "
            "the last cycle. Boards are 4×4 sudokus as one vector; latents have nothing to do "
            "with positions. The verdict is on accuracy on unknown cells. Accuracy on whole "
            "boards, which scatters three times as much between runs, is shown beside it. The "
            "number of updates is one at which two latents exceed the trivial methods, as seen on "
            "pilot seeds 1000 and 1001 with that arm alone. After 300 updates, the earlier "
            f"choice, they didn't on any pilot seed. {_FIGURES}"
        ),
        arms=(ONE, TWO, SEVEN),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Difference(null=0.01, because=_POINT),
        beside=(
            _EXACT,
            Reading("two latents less seven", cells=(2, 1)),
            Reading("whole boards, two latents less seven", Accuracy(cells="exact"), cells=(2, 1)),
        ),
    ),
)
