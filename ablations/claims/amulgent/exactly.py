"""Document amulgent: sizes, switches, initial weights, targets: what is decided exactly."""

from ablations.claims.ledger import figure
from ablations.specs.arms import Arm, vary
from ablations.specs.claim import exact
from hrm import recipes
from hrm.config import Mlp, TruncatedNormal

_BASELINE = Arm("baseline", recipes.amulgent())
_ENHANCED = Arm("enhanced", recipes.amulgent_enhanced())
_SIZES = (
    "The document prints no dimensions with the figure. The model is built with those of the "
    "public code's default, width 128, 2 H and 3 L layers, 64 inputs and outputs, and its "
    "parameters are counted{more}."
)
_PRINTED = "ablations.claims.exact.parameters:printed"


def _alone(**switch: bool) -> tuple[Arm, ...]:
    """The baseline without and with one switch, at several widths."""
    return tuple(
        Arm(
            f"width {width}, {'with' if on else 'without'}",
            recipes.amulgent(width=width, **(switch if on else {})),
        )
        for width in (64, 128, 256)
        for on in (False, True)
    )


_LEVELS = ("low", "high")

CLAIMS = (
    exact(
        "amulgent-params-baseline",
        _PRINTED,
        reading=_SIZES.format(more=""),
        arms=(_BASELINE,),
        figures=figure("amulgent-params-baseline").printed,
    ),
    exact(
        "amulgent-params-enhanced",
        _PRINTED,
        reading=_SIZES.format(more=", including the refinement map from output to width"),
        arms=(_ENHANCED,),
        figures=figure("amulgent-params-enhanced").printed,
    ),
    exact(
        "amulgent-params-increase",
        "ablations.claims.exact.parameters:increase",
        reading=(
            "The increase is computed from the two printed sizes, and from the counted parameters "
            "of the two models. A value agrees with the printed percentage if it rounds or "
            "truncates to it."
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
        reading=(
            "The configuration that the document prints (hidden_size 256, 2 H and 4 L layers, the "
            "enhancements off) is built with 64 inputs and outputs, and its parameters are "
            "counted. Those of the layers alone are also shown: they tell whether other input and "
            "output sizes could give the printed figure."
        ),
        arms=(Arm("as configured", recipes.amulgent(width=256, h_layers=2, l_layers=4)),),
        figures=figure("amulgent-params-config").printed,
    ),
    exact(
        "amulgent-off-identical",
        "ablations.claims.exact.switches:amulgent_off",
        reading=(
            "The document lists switches for three enhancements: norms, feed-forwards and "
            "segments. With these switches off, the default model is compared with a straight-line "
            "reference that has these parts as they were before the enhancements. Compared are the "
            "answers and Q values of a step, and five updates of the Q loss. Weaker connections, "
            "clipped initial states and separate heads came with the enhancements but have no "
            "switch. A comparison with the whole system as it was before is therefore also shown, "
            "for the default model's weights and for those of our own model of the original "
            "system."
        ),
        arms=(
            Arm("default", recipes.amulgent()),
            Arm("before", recipes.amulgent(original=True)),
        ),
        cost=2.0,
    ),
    exact(
        "amulgent-standard-mlp",
        "ablations.claims.exact.parameters:standard_mlp",
        reading=(
            "A standard MLP is two maps with one activation between them. The document says that "
            "its baseline has such an MLP, and prints the model's size. Both are checked: the form "
            "of the feed-forward as coded, and the model's size with a plain MLP of the usual "
            "inner width, four times the model's. Whether another inner width could give the "
            "printed size is also shown."
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
        reading=(
            "RMSNorm has a scale, while LayerNorm has a scale and a shift. Each of a layer's two "
            "norms therefore loses as many parameters as the model is wide, and the rest of the "
            "model must stay the same. The count is compared with this closed form at three "
            "widths."
        ),
        arms=_alone(use_rmsnorm=True),
    ),
    exact(
        "swiglu-params",
        "ablations.claims.exact.parameters:feed_forwards",
        reading=(
            "SwiGLU has three maps without bias, of inner width 8D/3, rounded down. It replaces "
            "the baseline's feed-forward as coded, and the rest of the model must stay the same. "
            "The change in the count is compared with its closed form at three widths."
        ),
        arms=_alone(use_swiglu=True),
    ),
    exact(
        "init-bounds",
        "ablations.claims.exact.initial:bounds",
        reading=(
            "The document speaks of truncated normal values, a scale by the hidden size, and "
            "automatic clamping. In the code, the initial states are clamped. They must lie within "
            "± 2/√D, which is two standard deviations, and must have the spread that clipping "
            "leaves, at three widths. Clipping differs from truncation, which draws values beyond "
            "a bound again. The share of values that lie on a bound tells the two apart and is "
            "also shown. So are the bounds of the maps' weights, drawn as by torch and from a "
            "truncated normal distribution."
        ),
        arms=(
            *(
                Arm(f"width {width}", recipes.amulgent_enhanced(width=width))
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
        reading=(
            "We read improved target calculation for terminal states as: where halting ended an "
            "episode, the target is the reward, without the value of a next state. A terminal "
            "state is one in which the model halted, so the target of Q(halt) decides the claim. "
            "The target of Q(continue), which is zero as coded, and the loss before the "
            "enhancements are also shown."
        ),
        arms=(Arm("amulgent", recipes.amulgent()),),
    ),
)
