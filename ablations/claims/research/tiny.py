"""The one tiny network's variants: how its positions are mixed, and how many latents it has."""

from ablations.claims.arms_act_v1 import PATIENT
from ablations.claims.arms_research import ATTENTION, MIXING, ONE, SEVEN, TOKENS, TWO
from ablations.metrics.costs import Parameters
from ablations.metrics.scores import Accuracy
from ablations.specs.claim import Reading, Statistical
from ablations.specs.tests import Difference, Ratio

_EQUAL = Ratio(null=0.05, because="sizes within a twentieth count as equal")
_WHOLE = Accuracy(cells="exact")
_EXACT = Reading("whole boards", _WHOLE)
_FIGURES = "The paper's figures, of whole 9×9 sudokus, carry no verdict."

CLAIMS = (
    Statistical(
        id="mlp-instead-of-attention",
        reading=(
            "In each block of one tiny network, self-attention is replaced by SwiGLU over the "
            "positions, with a norm over them, as in the public code. SwiGLU has as many "
            "parameters as attention; the public code rounds its width up. Boards are patterns of "
            "eight tokens, the last of each strand asked for. On 4×4 sudokus as sixteen tokens, "
            "attention doesn't exceed the trivial methods in the available time. Weights are "
            "averaged, as in the paper, but with a decay for fewer updates, whose number was "
            "chosen on pilot seed 1000, with attention alone. Attention needn't show skill, since "
            f"its failure may be what is claimed. {_FIGURES}"
        ),
        arms=(ATTENTION, MIXING),
        protocol=TOKENS,
        metric=Accuracy(),
        test=Difference(null=0.02, because="a reader would notice two points on so few cells"),
        beside=(_EXACT, Reading("parameters", Parameters(), _EQUAL)),
        unskilled=(ATTENTION.label,),
    ),
    Statistical(
        id="latent-count",
        reading=(
            "The verdict is on two latents, an answer and a reasoning one, against a single one. "
            "This is updated six times with the input and once without it, as in the public code. "
            "Seven are an answer and one for each of six low updates. Models are one network with "
            "gradients through the last cycle, on 4×4 sudokus. Unknown cells are counted, since "
            "whole boards scatter three times as much. Updates were chosen on pilot seeds by two "
            f"latents alone, which had no skill after 300, the earlier choice. {_FIGURES}"
        ),
        arms=(ONE, TWO, SEVEN),
        protocol=PATIENT,
        metric=Accuracy(),
        test=Difference(null=0.01, because="one point would be noticed, and runs scatter by less"),
        beside=(
            _EXACT,
            Reading("two latents less seven", cells=(2, 1)),
            Reading("whole boards, two latents less seven", _WHOLE, cells=(2, 1)),
        ),
    ),
)
