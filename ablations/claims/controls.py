"""Controls: measurements whose truth is known, by the code and the rule that judge the claims.

The trained ones all read the same runs: one small recipe, trained twice with seeds of its own, so
that the arms are equal and their noise is independent. A planted effect stands in the second. Their
arms needn't beat the trivial baselines: what counts is that scores move while they are trained.
Zones and settings were fixed after pilots of the controls themselves, before any claim was run
beside them.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

from ablations.claims.common import SUDOKU, UNKNOWN, boards
from ablations.forms import NonInferior, Quality, Ratio, Statistical, TimeToTarget, Trend, about
from ablations.records import Word, Zones
from ablations.specs import CONTROLS, Arm, Claim, Control
from hrm import recipes
from hrm.config import Fixed, Readout, Segments, Transformer, Vector
from hrm.learning import Supervised, System, Training

_PUZZLE = {"kind": "Sudoku", "size": 4, "clues": [11]}
_SIZE = 16 * 5  # cells times tokens
_UPDATES = 60
_SPOILT, _IDLE, _FACTOR = 0.6, 0.5, 0.2
_LOSS = 0.31  # so many answers spoilt, of the 52 % that the recipe gets right
_TWINS = "one recipe in both arms, each with seeds of its own"


def _level_system() -> System:
    """One segment of act-v1's levels on the sudoku as one vector."""
    model = recipes.act_v1(width=32, heads=4, h_layers=1, l_layers=1).model
    assert isinstance(model.low, Transformer)
    level = replace(model.low, rotary=None)  # one position
    return System(
        model=replace(
            model,
            embedding=Vector(size=_SIZE),
            readout=Readout(size=_SIZE, bias=False),
            low=level,
            high=level,
            halting=Fixed(),
            segments=Segments(count=1, detached=True),
        ),
        objective=Supervised(every_segment=False),
    )


def _policy_system() -> System:
    """Document v2 with small levels."""
    return recipes.v2(
        inputs=_SIZE, outputs=_SIZE, hidden_low=32, hidden_high=64, use_per_sample_act=True
    )


def _twins(system: System) -> tuple[Arm, ...]:
    return (Arm(label="first", part=system), Arm(label="second", part=system))


_trained = {
    "workload": "training:planted",
    "arms": _twins(_level_system()),
    "settings": {
        **boards(
            Training(
                updates=_UPDATES,
                batch=64,
                learning_rate=1e-2,
                warmup=10,
                clip=1.0,
                evaluate_every=5,
            ),
            task=_PUZZLE,
            train=4096,
        ),
        "validation": 128,
        "test": 256,
        "apart": 500,
        "spoilt": _SPOILT,
        "idle": _IDLE,
    },
    "cost": 1.5,
}
_resampled = {
    "workload": "policy:planted_variance",
    "arms": _twins(_policy_system()),
    "settings": {
        **boards(Training(updates=10), task=_PUZZLE, train=1024, resamples=16, batch=32),
        "validation": 64,
        "test": 64,
        "factor": _FACTOR,
    },
    "cost": 1.0,
}


# -- zones ----------------------------------------------------------------------------------------
def _within(size: float, null: float, band: tuple[float, float] | None, **more: object) -> Zones:
    reasons = {"null_reason": f"{size:g}: what the control's own spread lets it tell apart"}
    if band is not None:
        reasons["band_reason"] = "the planted effect, give or take its half"
    return Zones(null=null, band=band, **reasons, **more)  # type: ignore[arg-type]


def _scores(planted: bool) -> Zones:
    band = (_LOSS / 2, 1.5 * _LOSS) if planted else None
    return _within(0.1, 0.1, band, sign=-1 if planted else 1, unit=UNKNOWN)


def _times(planted: bool) -> Zones:
    band = about(1 / (1 - _IDLE), 1.5) if planted else None
    null = 1.2 if planted else 1.5
    return _within(null, math.log(null), band, log=True, unit="× updates")


def _variances(planted: bool) -> Zones:
    band = about(_FACTOR, 2.0) if planted else None
    return _within(2, math.log(2), band, sign=-1, log=True, unit="× variance")


_margin = Zones(
    null=_LOSS / 2,
    null_reason="half the loss that is planted in the control's other form",
    margin=True,
    unit=UNKNOWN,
)


# -- the controls ---------------------------------------------------------------------------------
def _pair(
    name: str, metric: str, equal: Statistical, planted: Statistical, effect: str, **spec: object
) -> Iterator[Control]:
    """Yield the negative and the positive control of one measurement."""
    margin = equal.zones.margin
    for form, plant, word in (
        (equal, "", Word.CONFIRMED if margin else Word.NO_EFFECT),
        (planted, effect, Word.CONTRADICTED if margin else Word.CONFIRMED),
    ):
        yield Control(
            spec=Claim(
                id=f"controls/{name}-{'planted' if plant else 'equal'}",
                section="A-versus-A" if not plant else "Planted effect",
                reading=(
                    f"Both arms are one recipe with seeds of its own in each, measured by the code "
                    f"of the claims and judged by their rule. {plant or 'Nothing is planted'}."
                ),
                form=form,
                modules=SUDOKU,
                seeds=CONTROLS,
                joint=True,
                **spec,  # type: ignore[arg-type]
            ),
            statement=f"{plant}: the rule finds it." if plant else "Equal arms are found equal.",
            planted=plant,
            passes=word,
            workload="policy:gradient_variance" if metric == "variance" else "training:scores",
            metric=metric,
        )


_spoilt = "Three fifths of the second arm's answers are exchanged for wrong ones"
_idle = "Every other update of the second arm is idle, so that it takes twice as many"
_shrunk = "The second arm's gradients are shrunk to a fifth of their variance"

CONTROLS_OF_CLAIMS = (
    *_pair(
        "score",
        "score",
        Quality(metric="score", zones=_scores(False), symmetry=_TWINS),
        Quality(metric="planted_score", zones=_scores(True)),
        _spoilt,
        **_trained,
    ),
    *_pair(
        "trend",
        "score",
        Trend(metric="score", levels=(0.0, 1.0), zones=_scores(False), symmetry=_TWINS),
        Trend(metric="planted_score", levels=(0.0, 1.0), zones=_scores(True)),
        _spoilt,
        **_trained,
    ),
    *_pair(
        "margin",
        "score",
        NonInferior(metric="score", zones=_margin, symmetry=_TWINS),
        NonInferior(metric="planted_score", zones=_margin),
        f"{_spoilt}, a loss of twice the margin",
        **_trained,
    ),
    *_pair(
        "arrival",
        "curve",
        TimeToTarget(
            metric="curve",
            threshold=0.4,
            cap=float(_UPDATES),
            zones=_times(False),
            symmetry=_TWINS,
        ),
        TimeToTarget(
            metric="planted_curve",
            threshold=0.4,
            cap=_UPDATES / (1 - _IDLE),
            zones=_times(True),
            symmetry=_TWINS,
        ),
        _idle,
        **_trained,
    ),
    *_pair(
        "variance",
        "variance",
        Ratio(metric="variance", zones=_variances(False), symmetry=_TWINS),
        Ratio(metric="planted_variance", zones=_variances(True), symmetry=_TWINS),
        _shrunk,
        **_resampled,
    ),
)
