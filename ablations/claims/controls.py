"""Controls: measurements whose truth is known, by the code and the rule that judge the claims.

Each measurement has two, which read the same runs: one small recipe in both arms, with seeds of its
own in each, so that the arms are equal and their noise is independent; and a planted effect in the
second. The trained ones all share their runs, and needn't beat the trivial baselines: what counts
is that scores move while they are trained. Zones and settings were fixed after pilots of the
controls themselves, before any claim was run beside them.

Timings are noisy: between fresh processes of equal code, the log-sd was 0.15 to 0.2 on two virtual
cores without other work; in three pilot blocks of the control, beside ten busy processes, it was
0.15 for a pass and 0.5 for a call, and the median of the planted ratios 1.7. Their control must not
be more fragile than what it guards, so a slowdown of 100 % is planted, and the band holds half of
it either way: twelve pairs find it up to a log-sd of 0.25. Beyond that it is open, and takes
nothing away.
"""

import math
from collections.abc import Iterator
from dataclasses import replace

from ablations.claims.common import SUDOKU, UNKNOWN, boards
from ablations.forms import (
    NonInferior,
    Quality,
    Ratio,
    Statistical,
    TimeToTarget,
    Timing,
    Trend,
    about,
)
from ablations.records import Word, Zones
from ablations.specs import CONTROL_BLOCKS, CONTROLS, Arm, Claim, Control
from hrm import recipes
from hrm.config import Fixed, Readout, Segments, Transformer, Vector
from hrm.config.learning import Supervised, System, Training

_PUZZLE = {"kind": "Sudoku", "size": 4, "clues": [11]}
_SIZE = 16 * 5  # cells times tokens
_UPDATES = 60
_SPOILT, _IDLE, _FACTOR = 0.6, 0.5, 0.2
_SLOWER = 1 / (1 - _IDLE)
_LOSS = 0.31  # so many answers spoilt, of the 52 % that the recipe gets right
_BATCH, _CYCLES = 32, 8
_NEEDED = ((_BATCH - 1) * (_CYCLES + 1) / 2 + _CYCLES) / (_BATCH * _CYCLES)  # of a batch's rows
_MORE, _TIMES = 0.5, 2.0  # bytes, of a call's own; calls
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
        inputs=_SIZE,
        outputs=_SIZE,
        hidden_low=32,
        hidden_high=64,
        max_cycles=_CYCLES,
        use_per_sample_act=True,
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
    "modules": SUDOKU,
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
    "modules": SUDOKU,
    "cost": 1.0,
}
_executed = {
    "workload": "training:planted_savings",
    "arms": _twins(_policy_system()),
    "settings": {"batch": _BATCH, "batches": 4, "apart": 500},
    "cost": 0.5,
}
_counted = {
    "workload": "controller:planted_memory",
    "arms": _twins(_policy_system()),
    "settings": {"batches": [32], "passes": [], "apart": 500, "share": _MORE},
    "cost": 0.1,
}
_timed = {
    "workload": "timing:block",
    "arms": _twins(recipes.v2()),
    "settings": {"suite": "controller.Known", "first": ["once", "twice"]},
    "modules": ("bench.controller", "bench.process"),
    "seeds": CONTROL_BLOCKS,
    "alone": True,
    "pairs": 2,
    "cost": 14.0,
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


def _ratios(effect: float, unit: str, null: float, give: float | None = None) -> Zones:
    """Zones of a log-ratio; where something is planted, the band is × or ÷ `give`."""
    band = None if give is None else about(effect, give)
    sign = -1 if effect < 1 else 1
    return _within(null, math.log(null), band, sign=sign, log=True, unit=unit)


_margin = Zones(
    null=_LOSS / 2,
    null_reason="half the loss that is planted in the control's other form",
    margin=True,
    unit=UNKNOWN,
)


# -- the controls ---------------------------------------------------------------------------------
def _pair(
    name: str,
    guarded: tuple[str, str],
    equal: Statistical,
    planted: Statistical,
    effect: str,
    **spec: object,
) -> Iterator[Control]:
    """Yield the negative and the positive control of one measurement: a workload and its metric."""
    margin, (workload, metric) = equal.zones.margin, guarded
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
                joint=True,
                **{"seeds": CONTROLS, **spec},  # type: ignore[arg-type]
            ),
            statement=f"{plant}: the rule finds it." if plant else "Equal arms are found equal.",
            planted=plant,
            passes=word,
            workload=workload,
            metric=metric,
        )


_spoilt = "Three fifths of the second arm's answers are exchanged for wrong ones"
_idle = "Every other update of the second arm is idle, so that it takes twice as many"
_shrunk = "The second arm's gradients are shrunk to a fifth of their variance"
_saved = (
    "Each sample's stop is given, and the first arm runs batches as long as their slowest sample, "
    f"so that the second arm computes {_NEEDED:.1%} of its rows"
)
_allocated = "Each call of the second arm allocates half as many bytes besides"
_twice = "The second arm makes the same call twice"

CONTROLS_OF_CLAIMS = (
    *_pair(
        "score",
        ("training:scores", "score"),
        Quality(metric="score", zones=_scores(False), symmetry=_TWINS),
        Quality(metric="planted_score", zones=_scores(True)),
        _spoilt,
        **_trained,
    ),
    *_pair(
        "trend",
        ("training:scores", "score"),
        Trend(metric="score", levels=(0.0, 1.0), zones=_scores(False), symmetry=_TWINS),
        Trend(metric="planted_score", levels=(0.0, 1.0), zones=_scores(True)),
        _spoilt,
        **_trained,
    ),
    *_pair(
        "margin",
        ("training:scores", "score"),
        NonInferior(metric="score", zones=_margin, symmetry=_TWINS),
        NonInferior(metric="planted_score", zones=_margin),
        f"{_spoilt}, a loss of twice the margin",
        **_trained,
    ),
    *_pair(
        "arrival",
        ("training:scores", "curve"),
        TimeToTarget(
            metric="curve",
            threshold=0.4,
            cap=float(_UPDATES),
            zones=_ratios(_SLOWER, "× updates", 1.5),
            symmetry=_TWINS,
        ),
        TimeToTarget(
            metric="planted_curve",
            threshold=0.4,
            cap=_UPDATES * _SLOWER,
            zones=_ratios(_SLOWER, "× updates", 1.2, 1.5),
            symmetry=_TWINS,
        ),
        _idle,
        **_trained,
    ),
    *_pair(
        "variance",
        ("policy:gradient_variance", "variance"),
        Ratio(metric="variance", zones=_ratios(_FACTOR, "× variance", 2.0), symmetry=_TWINS),
        Ratio(
            metric="planted_variance",
            zones=_ratios(_FACTOR, "× variance", 2.0, 2.0),
            symmetry=_TWINS,
        ),
        _shrunk,
        **_resampled,
    ),
    *_pair(
        "savings",
        ("training:savings", "operations"),
        Ratio(
            metric="operations",
            zones=_ratios(_NEEDED, "× operations", 1.1),
            symmetry=_TWINS,
        ),
        Ratio(
            metric="planted_operations",
            zones=_ratios(_NEEDED, "× operations", 1.1, _NEEDED**-0.5),
        ),
        _saved,
        **_executed,
    ),
    *_pair(
        "memory",
        ("controller:memory", "controller_32"),
        Ratio(metric="controller_32", zones=_ratios(1 + _MORE, "× bytes", 1.05), symmetry=_TWINS),
        Ratio(
            metric="planted_controller_32",
            zones=_ratios(1 + _MORE, "× bytes", 1.05, (1 + _MORE) ** 0.5),
            symmetry=_TWINS,
        ),
        _allocated,
        **_counted,
    ),
    *(
        control
        for name, metric, unit in (
            ("timing", "call_32", "× time of a call"),
            ("timing-pass", "forward_32", "× time of a forward pass"),
        )
        for control in _pair(
            name,
            ("timing:block", metric),
            Timing(metric=metric, zones=_ratios(_TIMES, unit, 1.5)),
            Timing(metric=f"planted_{metric}", zones=_ratios(_TIMES, unit, 1.2, _TIMES**0.5)),
            _twice,
            **_timed,
        )
    ),
)
