"""Document complete: a transformer HRM with deep supervision."""

import math
from dataclasses import replace

from ablations.claims.common import (
    PUZZLE,
    PUZZLE_INPUTS,
    PUZZLE_MIX,
    PUZZLE_OUTPUTS,
    SUDOKU,
    UNKNOWN,
    boards,
)
from ablations.forms import Reading, TimeToTarget
from ablations.records import Zones
from ablations.specs import PRECISE, Arm, Claim
from hrm import recipes
from hrm.config import Fixed, Readout, Segments, Transformer, Vector
from hrm.config.learning import Supervised, System, Training

# The workload was chosen blind: on a pilot seed, only the worse of the two arms was looked at,
# without saying which it was. On the mazes of other claims it doesn't beat the trivial baselines;
# here it has 86 % after 200 updates and 92 % after 300, the best trivial one 79 %.
_UPDATES = 300
_THRESHOLD = 0.85


def _segmented(every: bool) -> System:
    """Transformer levels on the sudoku as one vector, four segments, one-step gradient."""
    model = recipes.act_v1(width=128, h_layers=1, l_layers=1).model
    assert isinstance(model.low, Transformer)
    level = replace(model.low, rotary=None)  # one position
    return System(
        model=replace(
            model,
            embedding=Vector(size=PUZZLE_INPUTS),
            readout=Readout(size=PUZZLE_OUTPUTS, bias=False),
            low=level,
            high=level,
            halting=Fixed(),
            segments=Segments(count=4, detached=True),
        ),
        objective=Supervised(every_segment=every),
    )


CLAIMS = (
    Claim(
        id="deep-supervision",
        section="Architecture Features, Advanced Training; Key Innovations Implemented",
        reading=(
            '"Loss applied to intermediate states" is the mean of the losses after each of four '
            "segments, against the loss after the last one alone. Both arms have the same forward "
            "pass, one-step gradient and detached segments, as documented, and one optimiser step "
            "per batch; convergence is counted in updates to "
            f"{_THRESHOLD:.0%} of unknown cells right on validation boards (at most {_UPDATES}, "
            "looked at every 10). Transformer levels as in act-v1, on the board as one vector, "
            "stand in for the document's own recursion, which halts per position (as "
            "`recipes.complete` does, which came later). "
            f"The boards are {PUZZLE_MIX}; the best trivial baseline has 79 %. Boards, "
            "updates and threshold were chosen on pilot seed 1000, which no tier uses, so that "
            "both arms beat that baseline and arrive: looked at was the worse arm alone, without "
            "saying which it was, and never a contrast. On 8×8 mazes, which came before, an arm "
            "doesn't beat it. Supervised segments cost a backward pass each: equal updates favour "
            "them."
        ),
        form=TimeToTarget(
            metric="curve",
            threshold=_THRESHOLD,
            cap=float(_UPDATES),
            zones=Zones(
                null=-math.log(0.9),
                null_reason="under 10 % fewer updates don't pay for the extra backward passes",
                sign=-1,
                log=True,
                unit="× updates",
            ),
        ),
        workload="training:scores",
        arms=(
            Arm(label="last segment", part=_segmented(False)),
            Arm(label="every segment", part=_segmented(True)),
        ),
        settings=boards(
            Training(
                updates=_UPDATES,
                batch=128,
                learning_rate=1e-3,
                weight_decay=0.01,
                warmup=50,
                clip=1.0,
                evaluate_every=10,
            ),
            task=PUZZLE,
            train=16_384,
        ),
        modules=SUDOKU,
        seeds=PRECISE,
        trained=True,
        beside=(
            Reading(
                label="accuracy on unknown cells at the end",
                metric="score",
                log=False,
                unit=UNKNOWN,
            ),
        ),
        cost=40.0,
    ),
)
