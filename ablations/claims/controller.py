"""Document v2, the controller: one module built twice, in two forms that compute the same."""

import math
from collections.abc import Sequence

from ablations.checks import Check
from ablations.claims.common import ABOUT
from ablations.forms import Consistency, Exact, Metrics, Ratio, Reading, Timing, about, between
from ablations.records import Zones
from ablations.rounding import parse
from ablations.specs import BLOCKS, CHEAP, ONCE, Arm, Assumed, Claim
from ablations.statistics import interval
from hrm import recipes

_concatenated = recipes.v2()
_direct = recipes.v2(use_optimized_controller=True)


def _share_of_pass(
    seeds: Sequence[Sequence[Metrics]], level: float
) -> tuple[tuple[Check, ...], str]:
    """What a controller five times as fast saves of the whole pass, from its measured share."""
    cycles = recipes.v2().model.halting.max_steps
    speedup = parse("0.25")[0] / parse("0.05")[0]
    low, high = parse("5%")[0], parse("10%")[0]
    shares = [
        cycles * call / forward
        for seed in seeds
        for call, forward in zip(seed[0]["call_32"], seed[0]["forward_32"], strict=True)
    ]
    found = interval(shares, level)
    least, most = (100 * share * (1 - 1 / speedup) for share in (found.low, found.high))
    check = Check(
        what=f"percent of the forward pass that a {speedup:g}x controller saves, batch 32, from "
        f"its share of {100 * found.estimate:.1f} %",
        documented=f"{low:g}-{high:g}",
        observed=f"{least:.2f} to {most:.2f} ({100 * level:.6g} % interval, {found.n} processes)",
        holds=low <= least and most <= high,
        rule="the whole interval within the printed range",
    )
    overlaps = not check.holds and least <= high and most >= low
    undecided = "the share's interval straddles an edge of the printed range" if overlaps else ""
    return (check,), undecided


# -- the controller's series ----------------------------------------------------------------------
_series = {
    "workload": "timing:block",
    "arms": (
        Arm(label="concatenated", part=_concatenated),
        Arm(label="direct", part=_direct),
    ),
    "settings": {"suite": "controller.Controller", "first": ["concatenated", "direct"]},
    "modules": ("bench.controller", "bench.process"),
    "seeds": BLOCKS,
    "joint": True,
    "alone": True,
    "pairs": 2,
    "cost": 18.0,
}
_SAME = (
    "Both forms have the same weights (mapped, see controller-equivalent), in evaluation without "
    "gradient, one thread; a pair is two fresh processes of one ABBA block, each the median of "
    "asv's samples. The document doesn't say at which batch: batch 32, which its table of "
    "operations implies, carries the verdict; 1, 4 and 128 stand beside."
)


def _others(metric: str) -> tuple[Reading, ...]:
    return tuple(Reading(label=f"batch {b}", metric=f"{metric}_{b}") for b in (1, 4, 128))


CLAIMS = (
    Claim(
        id="controller-equivalent",
        section="4. Optimized Controller Architecture",
        reading=(
            "The direct form is to process the same state directly. [I | 1][z ; c] = z + c·1, so "
            "its first layer [W | W·1] should compute what W does there: logits at every cycle, "
            "and the whole model, in float64. Whether each direct controller also has a "
            "concatenated twin stands beside."
        ),
        form=Exact(),
        workload="controller:equivalent",
        arms=(
            Arm(label="concatenated", part=_concatenated),
            Arm(label="direct", part=_direct),
        ),
        settings={"states": 256},
        seeds=ONCE,
        joint=True,
        cost=2.0,
    ),
    Claim(
        id="controller-speed",
        section="Performance Improvements, Computational Efficiency",
        reading=f"Wall time of one controller call. {_SAME}",
        form=Timing(
            metric="call_32",
            zones=Zones(
                null=-math.log(0.9),
                null_reason="under 10 % of one small module isn't felt anywhere",
                band=about(parse("0.05")[0] / parse("0.25")[0]),
                band_reason=ABOUT,
                sign=-1,
                log=True,
                unit="× time of a call",
            ),
        ),
        control="call_32",
        beside=_others("call"),
        **_series,  # type: ignore[arg-type]
    ),
    Claim(
        id="controller-forward-share",
        section="4. Optimized Controller Architecture, Benefits",
        reading=(
            f"Wall time of a forward pass of all 8 cycles (nobody wants to stop). 5-10 % faster is "
            f"read as 5-10 % less time. {_SAME}"
        ),
        form=Timing(
            metric="forward_32",
            zones=Zones(
                null=-math.log(0.99),
                null_reason="1 % of a forward pass is below what machines repeat",
                band=between(1 - parse("5%")[0] / 100, 1 - parse("10%")[0] / 100),
                band_reason="the printed range, 5-10 %",
                sign=-1,
                log=True,
                unit="× time of a forward pass",
            ),
        ),
        control="forward_32",
        beside=_others("forward"),
        **_series,  # type: ignore[arg-type]
    ),
    Claim(
        id="controller-memory",
        section="Performance Improvements, Computational Efficiency",
        reading=(
            '"Memory per Forward", listed beside the controller\'s time and explained as reduced '
            "allocation, is read as the bytes that one controller call allocates, at batch 32; a "
            "whole forward pass and other batches stand beside. Bytes are counted operation by "
            "operation and depend on shapes alone, so every repetition gives the same count."
        ),
        form=Ratio(
            metric="controller_32",
            zones=Zones(
                null=-math.log(0.95),
                null_reason="under 5 % of the controller's bytes is nothing beside the model's",
                band=about(parse("0.2")[0] / parse("1.2")[0]),
                band_reason=ABOUT,
                sign=-1,
                log=True,
                unit="× bytes",
            ),
        ),
        workload="controller:memory",
        arms=(
            Arm(label="concatenated", part=_concatenated),
            Arm(label="direct", part=_direct),
        ),
        settings={"batches": [1, 4, 32, 128], "passes": [32]},
        seeds=CHEAP,
        joint=True,
        assumed=Assumed(sd=0.0, reason="bytes follow from shapes: repetitions are equal"),
        beside=(
            *_others("controller"),
            Reading(label="whole forward pass of 8 cycles, batch 32", metric="forward_32"),
        ),
        cost=0.4,
    ),
    Claim(
        id="controller-tensors",
        section="4. Optimized Controller Architecture, Problem Solved",
        reading=(
            "Every operation of five controller calls that returns new memory is listed: eye and "
            "ones are to be built in each call of the original, and in none of the direct form."
        ),
        form=Exact(),
        workload="controller:tensors",
        arms=(
            Arm(label="concatenated", part=_concatenated),
            Arm(label="direct", part=_direct),
        ),
        settings={"batch": 32, "calls": 5},
        seeds=ONCE,
        joint=True,
        cost=1.0,
    ),
    Claim(
        id="controller-consistency",
        section="Performance Improvements; 4. Optimized Controller Architecture",
        reading=(
            "If a controller call takes a fifth of its time, the pass saves four fifths of the "
            "controller's share. The share is measured in the same series (8 calls over a pass, "
            "original form, batch 32); both statements hold together if what it implies lies "
            "within 5-10 %. Call and pass are timed in the same process, so that its speed cancels."
        ).strip(),
        form=Consistency(derive=_share_of_pass),
        **_series,  # type: ignore[arg-type]
    ),
)
