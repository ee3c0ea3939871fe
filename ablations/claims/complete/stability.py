"""Document complete: what keeps training stable, and whether it is dependable."""

import math
from dataclasses import replace

from ablations.claims.complete.arms import LOW_STEPS, OWN, PATTERNS, small
from ablations.metrics.climb import Removed
from ablations.metrics.ladder import LargestRate
from ablations.specs.arms import Arm
from ablations.specs.claim import Cell, Reading, Statistical
from ablations.specs.protocols import Climb, Ladder
from ablations.specs.tests import Ratio, Reliable
from hrm import recipes
from hrm.config.learning import AdamAtan2, AdamAtan2AsCoded, Training

# -- the largest stable rate ----------------------------------------------------------------------
_SAMPLES = 100  # of `train_fixed.py --num_samples 100`
_RATES = Ladder(
    boards=replace(PATTERNS, train=_SAMPLES),
    training=Training(updates=60, batch=32, learning_rate=2e-3, evaluate_every=60),
    rungs=8,
)
_ADAM_ATAN2 = replace(_RATES, training=replace(_RATES.training, optimiser=AdamAtan2()))
_CLIPPED = replace(_RATES, training=replace(_RATES.training, clip=1.0))
_POSITIONS = PATTERNS.task.cells  # type: ignore[attr-defined]
_DOCUMENTED = Arm(
    label="as documented", part=recipes.complete(positions=_POSITIONS, as_coded=False)
)
_HALF_OCTAVE = math.sqrt(2) - 1
_LADDER = (
    "the largest learning rate at which training is stable: it stays finite, and the last "
    f"quarter of {_RATES.training.updates} updates has a lower loss than the best constant answer. "
    f"A ladder of {_RATES.rungs} rates, each √2 times the one before, is climbed from equal "
    f"weights, on {_SAMPLES} samples as in the document's own command. The arm is the small "
    "model as documented (one-step gradient, Q-learning, stablemax) on patterns: interleaved "
    "arithmetic and geometric sequences. The ladder was laid on pilot seed 1000 around the "
    "largest stable rate of AdamW without clipping, the arm that is claimed to be less stable"
)
_STABLE = Ratio(null=_HALF_OCTAVE, because="half an octave of the rate isn't felt in tuning")


def _rates(label: str, protocol: Ladder) -> Cell:
    return Cell(label=label, arm=_DOCUMENTED, protocol=protocol, metric=LargestRate())


_OVER_BEST = Reading(
    label="largest stable rate over the best one", metric=LargestRate(over_best=True)
)

# -- whether it converges -------------------------------------------------------------------------
# The first version had one rate, 1e-3, and asked for skill on held-out boards, which none of these
# arms gains in its budget at any rate (pilot seed 1000). Of this one no rate is chosen.
_EPOCHS = 10  # of `train_fixed.py --epochs 10 --num_samples 100`
_CLIMB = Climb(
    boards=_RATES.boards,
    training=replace(OWN, updates=_EPOCHS * _SAMPLES // OWN.batch, learning_rate=1e-7),
    rungs=11,  # 1e-7 to 1e-2
    step=math.sqrt(10),
)
_CONVERGES = Reliable(
    above=0.01, because="who removes no hundredth of a constant answer's loss learned nothing"
)


def _climbed(label: str, *, as_coded: bool = True, **changes: object) -> Cell:
    low_steps = None if as_coded else LOW_STEPS
    part = small(PATTERNS, as_coded=as_coded, low_steps=low_steps)
    training = replace(_CLIMB.training, **changes)  # type: ignore[arg-type]
    return Cell(
        label=label,
        arm=Arm(label="as coded" if as_coded else "as documented", part=part),
        protocol=replace(_CLIMB, training=training),
        metric=Removed(),
    )


_RELIABLE = (
    _climbed("as coded", optimiser=AdamAtan2AsCoded()),
    _climbed("as coded, by AdamW"),
    _climbed("as documented", as_coded=False, optimiser=AdamAtan2(), halting_rate=None),
)

CLAIMS = (
    Statistical(
        id="adam-atan2-small",
        section="Architecture Features, Advanced Training",
        reading=(
            f'"Stable training for small samples" is {_LADDER}. AdamW is compared with Adam-atan2 '
            "as its source defines it, each with its own usual betas; what the document's code "
            "calls by that name divides by the root of the second moment all the same. Where all "
            "its entries are steady, Adam-atan2 takes π/4 of AdamW's step at the same rate, so the "
            "stable range over each optimiser's own best rate stands beside."
        ),
        cells=(_rates("AdamW", _RATES), _rates("Adam-atan2", _ADAM_ATAN2)),
        test=_STABLE,
        beside=(_OVER_BEST,),
        cost=6.5,
    ),
    Statistical(
        id="clipping-stability",
        section="Architecture Features, Advanced Training",
        reading=(
            f'"Training stability and convergence" is {_LADDER}. Clipping at a norm of 1, as '
            "coded, is compared with none. AdamW is blind to the gradient's scale, so that "
            "clipping can act only by what it does to single updates among others."
        ),
        cells=(_rates("no clipping", _RATES), _rates("clipped at 1", _CLIPPED)),
        test=_STABLE,
        beside=(_OVER_BEST,),
        cost=6.5,
    ),
    Statistical(
        id="training-reliability",
        section="Features completed; Performance Benchmarks, Verified Capabilities",
        reading=(
            '"No hanging, reliable convergence" is read of nearly all runs, not of the typical '
            "one: a run converges if there is a learning rate at which it ends, stays finite, and "
            f"has a mean loss of its answers, over the last quarter of "
            f"{_CLIMB.training.updates} updates, below that of the best constant answer by more "
            "than a hundredth of it. No rate is chosen, since the document prints none: each arm "
            f"climbs one ladder of {_CLIMB.rungs} rates, from {_CLIMB.rates[0]:g} to "
            f"{_CLIMB.rates[-1]:g}, from equal weights. Boards are patterns, as many and as often "
            f"as in the document's own command ({_SAMPLES} samples, {_EPOCHS} epochs; the batch of "
            f"{OWN.batch} is ours). The constant answer is one that the arm can give: as coded, a "
            "distribution that the loss treats as logits. The system as coded carries the verdict, "
            "its optimiser too: that is what is called fixed. (What the code calls Adam-atan2 "
            "divides a sine, which is free of the gradient's scale, by that scale: its first step "
            "is some nine times the rate over the gradient's size, so that small gradients take "
            "large steps.) Beside it stand the same model under AdamW, and the system as "
            "documented under Adam-atan2. The first version trained at a rate of ours, 0.001, on "
            "mazes and patterns, and asked for a gain on held-out boards. There, the optimiser as "
            "coded diverged in 16 of 16 seeds, which says nothing of other rates; and none of the "
            "arms had such a gain at any rate of a ladder (pilot seed 1000), so that a reliable "
            "system could not have been told from another. This version has seeds and a place in "
            "the family of its own."
        ),
        cells=_RELIABLE,
        test=_CONVERGES,
        beside=tuple(
            Reading(label=cell.label, test=_CONVERGES, cells=(place,))
            for place, cell in enumerate(_RELIABLE[1:], start=1)
        ),
        unskilled=tuple(cell.label for cell in _RELIABLE),  # convergence is what is asked
        block=5,  # block 2 has the seeds of the first version
        cost=25.0,
    ),
)
