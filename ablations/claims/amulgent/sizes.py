"""Document amulgent: how large its models are."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm
from ablations.specs.claim import exact
from hrm import recipes

_BASELINE = Arm(label="baseline", part=recipes.amulgent())
_ENHANCED = Arm(label="enhanced", part=recipes.amulgent_enhanced())
_SIZES = (
    "The document prints no dimensions beside the figure. Width 128, 2 H and 3 L layers, 64 inputs "
    "and outputs are those of the public code's default, and the model is built with them and "
    "counted{more}."
)
_PRINTED = "ablations.claims.exact.parameters:printed"

CLAIMS = (
    exact(
        "amulgent-params-baseline",
        _PRINTED,
        section="Performance Improvements, Baseline vs Enhanced Comparison",
        reading=_SIZES.format(more=""),
        arms=(_BASELINE,),
        figures=figure("amulgent-params-baseline").printed,
    ),
    exact(
        "amulgent-params-enhanced",
        _PRINTED,
        section="Performance Improvements, Baseline vs Enhanced Comparison",
        reading=_SIZES.format(more=", the refinement map from output to width included"),
        arms=(_ENHANCED,),
        figures=figure("amulgent-params-enhanced").printed,
    ),
    exact(
        "amulgent-params-increase",
        "ablations.claims.exact.parameters:increase",
        section="Performance Improvements, Enhanced Configuration Results",
        reading=(
            "The increase is computed from the two printed sizes, and from the two models as "
            "counted. A printed percentage matches what rounds or truncates to it."
        ),
        arms=(_BASELINE, _ENHANCED),
        figures=(
            *figure("amulgent-params-baseline").printed,
            *figure("amulgent-params-enhanced").printed,
            *figure("amulgent-params-increase").printed,
        ),
        consistency=True,
    ),
    exact(
        "amulgent-params-config",
        "ablations.claims.exact.parameters:bounded",
        section="Configuration Options; Performance Improvements",
        reading=(
            "The configuration that the document prints (hidden_size 256, 2 H and 4 L layers, the "
            "enhancements off) is built and counted, with 64 inputs and outputs. That no other "
            "input and output could save it stands beside: the layers alone are counted too."
        ),
        arms=(
            Arm(label="as configured", part=recipes.amulgent(width=256, h_layers=2, l_layers=4)),
        ),
        figures=figure("amulgent-params-config").printed,
    ),
)
