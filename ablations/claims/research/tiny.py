"""The one tiny network's variants: how its positions are mixed, and how many latents it has."""

from ablations.claims.arms_act_v1 import PATIENT
from ablations.claims.arms_research import ATTENTION, MIXING, ONE, SEVEN, TOKENS, TWO
from ablations.metrics.costs import Parameters
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference, Ratio

_PAPER = "Less is More: Recursive Reasoning with Tiny Networks (arXiv 2510.04871), table 1"
_POINT = "a point is what would be noticed, and runs scatter by less"
_TWO_POINTS = "two points are what a reader would notice between runs on so few cells"
_EXACT = Reading(label="whole boards", metric=Accuracy(cells="exact"))
_FIGURES = (
    "The paper's figures, of whole 9×9 sudokus, don't transfer and carry no verdict: the direction "
    "does."
)

CLAIMS = (
    Statistical(
        id="mlp-instead-of-attention",
        section=f"{_PAPER}, and section 4.5, attention-free architecture",
        reading=(
            "In each block of one tiny network, attention is replaced by SwiGLU over the "
            "positions, as in the public code, whose norm goes over the positions as well; such "
            "a model is told of positions by its weights alone, and attention by rotary angles. "
            "The feed-forward's inner width gives it as many parameters as attention has, since "
            "both are one choice in a block; the public code rounds it up instead. Boards have to "
            "be tokens, since a vector has one position: patterns of eight tokens, of which the "
            "last one of each strand is asked, are the small board of one size that two cores "
            "learn. On 4×4 sudokus as sixteen tokens, attention doesn't pass the trivial methods "
            "in the time there is. Weights are averaged, as in the paper, with a decay that suits "
            "the few updates, whose number was chosen on pilot seed 1000, with attention alone. "
            f"{_FIGURES}"
        ),
        arms=(ATTENTION, MIXING),
        protocol=TOKENS,
        metric=Accuracy(),
        test=Difference(null=0.02, because=_TWO_POINTS),
        beside=(
            _EXACT,
            Reading(
                label="parameters",
                metric=Parameters(),
                test=Ratio(null=0.05, because="sizes within a twentieth count as equal"),
            ),
        ),
        unskilled=(ATTENTION.label,),
        cost=21.0,
    ),
    Statistical(
        id="latent-count",
        section=f"{_PAPER}, and table 2, number of latents",
        reading=(
            "Two latents, an answer and a reasoning one, are compared with one, which is updated "
            "with the input six times and once without it, as in the public code; with seven, an "
            "answer and six reasoning ones, each of the six low updates having one of its own, "
            "beside. All have one network, two cycles of six low updates and a high one, equal "
            "parameters and gradients through the last cycle. Where the claim is that two beat "
            "one and seven, the first carries the verdict, and the second is shown. Boards are "
            "4×4 sudokus as one vector; latents have nothing to do with positions. Unknown cells "
            "count, since whole boards, which stand beside, scatter three times as much between "
            "runs. The number of updates is one at which two latents pass the trivial methods, as "
            "seen on pilot seeds 1000 and 1001 with that arm alone; after 300, which came before, "
            f"they didn't on any pilot seed. {_FIGURES}"
        ),
        arms=(ONE, TWO, SEVEN),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Difference(null=0.01, because=_POINT),
        beside=(
            _EXACT,
            Reading(label="two latents less seven", cells=(2, 1)),
            Reading(
                label="whole boards, two latents less seven",
                metric=Accuracy(cells="exact"),
                cells=(2, 1),
            ),
        ),
        cost=7.0,
    ),
)
