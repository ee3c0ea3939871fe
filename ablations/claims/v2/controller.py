"""Document v2, the controller: one module built twice, in two forms that compute the same."""

from ablations.claims.ledger import figure
from ablations.metrics.shares import Saved
from ablations.metrics.timing import TimeRatio
from ablations.specs.arms import vary
from ablations.specs.claim import TIMED, Reading, Statistical, exact, product
from ablations.specs.protocols import Time
from ablations.specs.tests import Both, OneRatio, Timing
from hrm import recipes

_FORMS = vary(
    recipes.v2(),
    {"concatenated": {}, "direct": recipes.v2(use_optimized_controller=True)},
)
_CALL, _PASS = "bench.controller:controller_call", "bench.controller:forward"
# With 20 rounds contrasts of 26 processes scatter as with 40 (calls by 0.7 and 0.8 %, passes by 1.7
# and 1.8 %): what differs between processes outweighs what differs between rounds.
_SERIES = Time(targets=(_CALL, _PASS), batches=(1, 4, 32, 128), rounds=20)
_BATCH = 32
_SAME = (
    "Both forms have the same weights (converted as in controller-equivalent) and are timed in "
    "evaluation without gradients, on one thread. The document doesn't name a batch size; its "
    "table of operations implies 32."
)
_pass = TimeRatio(target=_PASS, batch=_BATCH)


def _others(target: str) -> tuple[Reading, ...]:
    return tuple(
        Reading(f"batch {batch}", TimeRatio(target=target, batch=batch))
        for batch in _SERIES.batches
        if batch != _BATCH
    )


_speed, _share = figure("controller-speed"), figure("controller-forward-share")
_saved = Saved(
    target=_CALL,
    whole=_PASS,
    batch=_BATCH,
    calls=recipes.v2().model.halting.max_steps,
    speedup=_speed.numbers("speedup")[0],
)
_least, _most = (percent / 100 for percent in _share.numbers("reduction"))
_FINER = "1 % of an end of the range is finer than the printed precision"
_ABOVE = OneRatio(constant=_least, null=0.01, because=_FINER)
_BELOW = OneRatio(constant=_most, null=0.01, because=_FINER, fewer=True)
_SHORTER = Timing(
    null=0.01,
    because="the time of a forward pass isn't repeatable to within 1 %",
    fewer=True,
    **_share.band(),
)

CLAIMS = (
    exact(
        "controller-equivalent",
        "ablations.claims.exact.controller:equivalent",
        reading=(
            "The direct form is said to process the same state directly. Since [I | 1][z ; c] is "
            "z + c·1, its first layer [W | W·1] should compute what W computes in the original "
            "form. The logits at every cycle are compared in float64, and so is the whole model, "
            "with decisions sampled from equal noise. It is also shown whether each direct "
            "controller has a concatenated equivalent."
        ),
        arms=_FORMS,
        cost=2.0,
    ),
    Statistical(
        id="controller-speed",
        reading=f"The wall times of one controller call are compared. {_SAME}",
        arms=_FORMS,
        protocol=_SERIES,
        metric=TimeRatio(target=_CALL, batch=_BATCH),
        test=Timing(
            null=0.1,
            because="less than 10 % of the time of one small module has no practical effect",
            fewer=True,
            **_speed.band(),
        ),
        schedule=TIMED,
        beside=_others(_CALL),
    ),
    Statistical(
        id="controller-forward-share",
        reading=(
            "The wall times of a forward pass of all 8 cycles are compared; no sample decides to "
            "stop. A pass that is faster by the printed range is read as one that takes so much "
            f"less time. {_SAME}"
        ),
        arms=_FORMS,
        protocol=_SERIES,
        metric=_pass,
        test=_SHORTER,
        schedule=TIMED,
        beside=_others(_PASS),
    ),
    exact(
        "controller-memory",
        "ablations.claims.exact.controller:memory",
        reading=(
            '"Memory per Forward" is listed beside the controller\'s time and explained by '
            "reduced allocation. It is therefore read as the bytes that one controller call "
            "allocates, at batch 32. A whole forward pass and other batch sizes are also shown. "
            "Bytes are counted operation by operation and follow from shapes alone, so the count "
            "is compared directly with the band, the documented ratio × or ÷ 1.25. The verdict "
            "rests on whether the direct form saves at least that much; whether it saves even "
            "more is also shown."
        ),
        arms=_FORMS,
        figures=figure("controller-memory")["change"],
    ),
    exact(
        "controller-tensors",
        "ablations.claims.exact.controller:tensors",
        reading=(
            "Every operation of five controller calls that returns new memory is listed. Each "
            "call of the original form should build eye and ones, and no call of the direct form "
            "should."
        ),
        arms=_FORMS,
    ),
    Statistical(
        id="controller-consistency",
        reading=(
            "If the controller takes a fifth of its time, the forward pass saves four fifths of "
            "the controller's share of it. This share, the time of 8 calls over that of a pass in "
            "the same process, is measured in the original form at batch 32. Both printed figures "
            "can be true if the implied saving lies within the range printed for the pass."
        ),
        cells=product(_FORMS, _SERIES, _saved),
        test=Both(parts=(_ABOVE, _BELOW), reads=((0,), (0,))),
        schedule=TIMED,
        beside=(
            Reading(
                "time of the forward pass, direct over concatenated, as measured",
                _pass,
                _SHORTER,
                cells=(0, 1),
            ),
        ),
    ),
)
