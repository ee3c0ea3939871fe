"""Document amulgent: sizes, switches, initial weights, targets: what is decided exactly."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Mlp, TruncatedNormal

_BASELINE = Arm(label="baseline", part=recipes.amulgent())
_ENHANCED = Arm(label="enhanced", part=recipes.amulgent_enhanced())
_SIZES = (
    "The document prints no dimensions beside the figure. Width 128, 2 H and 3 L layers, 64 inputs "
    "and outputs are those of the public code's default, and the model is built with them and "
    "counted{more}."
)
_PRINTED = "ablations.claims.exact.parameters:printed"


def _alone(**switch: bool) -> tuple[Arm, ...]:
    """The baseline without and with one switch, at several widths."""
    return tuple(
        Arm(
            label=f"width {width}, {'with' if on else 'without'}",
            part=recipes.amulgent(width=width, **(switch if on else {})),
        )
        for width in (64, 128, 256)
        for on in (False, True)
    )


_LEVELS = ("low", "high")

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
    exact(
        "amulgent-off-identical",
        "ablations.claims.exact.switches:amulgent_off",
        section="Backward Compatibility",
        reading=(
            "The enhancements that the document lists a switch for are norms, feed-forwards and "
            "segments. With these switches off, the default model is compared with a straight-line "
            "reference that has them as they were before: a step's answers and Q values, and five "
            "updates of the Q loss. Weaker connections, clipped initial states and separate heads "
            "came with the enhancements and have no switch: the whole system as it was before "
            "stands beside, with the default model's weights and with our own original's."
        ),
        arms=(
            Arm(label="default", part=recipes.amulgent()),
            Arm(label="before", part=recipes.amulgent(original=True)),
        ),
        cost=2.0,
    ),
    exact(
        "amulgent-standard-mlp",
        "ablations.claims.exact.parameters:standard_mlp",
        section="Performance Improvements, Baseline vs Enhanced Comparison",
        reading=(
            "A standard MLP is two maps with one activation between them. The document gives its "
            "baseline such a one and prints the model's size: both are looked at, the form of the "
            "feed-forward as coded, and the size with a plain MLP of the usual inner width, four "
            "times the model's. Whether another inner width could give the printed size stands "
            "beside."
        ),
        arms=vary(
            recipes.amulgent(),
            {
                "as coded": {},
                "plain MLP": {f"model.{level}.feed_forward": Mlp(inner=512) for level in _LEVELS},
            },
        ),
        figures=figure("amulgent-params-baseline").printed,
    ),
    exact(
        "rmsnorm-params",
        "ablations.claims.exact.parameters:norms",
        section="1. Advanced Neural Components, RMSNorm",
        reading=(
            "RMSNorm has a scale where LayerNorm has a scale and a shift, so that each of a "
            "layer's two norms loses as many parameters as the model is wide. The rest of the "
            "model is to stay: counted against that, at three widths."
        ),
        arms=_alone(use_rmsnorm=True),
    ),
    exact(
        "swiglu-params",
        "ablations.claims.exact.parameters:feed_forwards",
        section="1. Advanced Neural Components, SwiGLU Activation",
        reading=(
            "SwiGLU has three maps without bias of inner width 8D/3, rounded down, in place of the "
            "baseline's feed-forward as coded. The rest of the model is to stay: the change is "
            "counted against its closed form, at three widths."
        ),
        arms=_alone(use_swiglu=True),
    ),
    exact(
        "init-bounds",
        "ablations.claims.exact.initial:bounds",
        section="1. Advanced Neural Components, Enhanced Initialization",
        reading=(
            "The document names truncated normal values, a scale by the hidden size and automatic "
            "clamping; what is clamped as coded are the initial states. They are to lie within two "
            "standard deviations of 1/√D, and to have the spread that clipping leaves, at three "
            "widths. Clipped isn't truncated, which draws again: the share of values on a bound "
            "tells them apart and stands beside, as do the bounds of the maps, as torch draws them "
            "and as truncated normal ones."
        ),
        arms=(
            *(
                Arm(label=f"width {width}", part=recipes.amulgent_enhanced(width=width))
                for width in (64, 128, 256)
            ),
            *vary(
                recipes.amulgent_enhanced(),
                {"truncated normal maps": {"model.initialisation": TruncatedNormal()}},
            ),
        ),
        cost=2.0,
    ),
    exact(
        "qtargets-terminal",
        "ablations.claims.exact.targets:terminal",
        section="2. Enhanced Adaptive Computation Time, Enhanced Q-Learning",
        reading=(
            "Improved target calculation for terminal states is read as: where halting ended an "
            "episode, what is learned is the reward, and no value of a next state. A terminal "
            "state is one that was halted in, so that the target of Q(halt) carries the verdict; "
            "Q(continue)'s, which is zero as coded, and the loss before the enhancements stand "
            "beside."
        ),
        arms=(Arm(label="amulgent", part=recipes.amulgent()),),
    ),
)
