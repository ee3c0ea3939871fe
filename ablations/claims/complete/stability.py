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
_DOCUMENTED = Arm("as documented", recipes.complete(positions=_POSITIONS, as_coded=False))
_HALF_OCTAVE = math.sqrt(2) - 1
_LADDER = (
    "Training at a rate is stable if it stays finite and its mean loss over the last quarter of "
    f"{_RATES.training.updates} updates is below that of the best constant answer. Each arm is "
    f"trained at {_RATES.rungs} learning rates, each √2 times the one before, from equal weights "
    f"and on {_SAMPLES} samples as in the document's own command. The model is the small one as "
    "documented (one-step gradient, Q-learning, stablemax). The task is patterns: interleaved "
    "arithmetic and geometric sequences. The rates were placed on pilot seed 1000 around the "
    "largest stable rate of AdamW without clipping, the arm that is claimed to be less stable."
)
_STABLE = Ratio(
    null=_HALF_OCTAVE,
    because="a factor of √2 in the learning rate (half an octave) isn't noticed in tuning",
)


def _rates(label: str, protocol: Ladder) -> Cell:
    return Cell(label, _DOCUMENTED, protocol, LargestRate())


_OVER_BEST = Reading("largest stable rate over the best one", LargestRate(over_best=True))

# -- whether it converges -------------------------------------------------------------------------
# The first version had one rate, 1e-3, and asked for skill on held-out boards, which none of these
# arms gains in its budget at any rate (pilot seed 1000). In this version, no rate is chosen.
_EPOCHS = 10  # of `train_fixed.py --epochs 10 --num_samples 100`
_CLIMB = Climb(
    boards=_RATES.boards,
    training=replace(OWN, updates=_EPOCHS * _SAMPLES // OWN.batch, learning_rate=1e-7),
    rungs=11,  # 1e-7 to 1e-2
    step=math.sqrt(10),
)
_CONVERGES = Reliable(
    above=0.01,
    because=(
        "a run that removes less than a hundredth of the best constant answer's loss has learned "
        "nothing"
    ),
)


def _climbed(label: str, *, as_coded: bool = True, **changes: object) -> Cell:
    low_steps = None if as_coded else LOW_STEPS
    part = small(PATTERNS, as_coded=as_coded, low_steps=low_steps)
    training = replace(_CLIMB.training, **changes)  # type: ignore[arg-type]
    return Cell(
        label,
        Arm("as coded" if as_coded else "as documented", part),
        replace(_CLIMB, training=training),
        Removed(),
    )


_RELIABLE = (
    _climbed("as coded", optimiser=AdamAtan2AsCoded()),
    _climbed("as coded, by AdamW"),
    _climbed("as documented", as_coded=False, optimiser=AdamAtan2(), halting_rate=None),
)

CLAIMS = (
    Statistical(
        id="adam-atan2-small",
        reading=(
            'We read "Stable training for small samples" as a larger range of stable learning '
            "rates. The largest stable rate of Adam-atan2, as its source defines it, is compared "
            f"with that of AdamW, each with its own usual betas. {_LADDER} What the document's "
            "code calls Adam-atan2 still divides by the root of the second moment. Where all "
            "entries of the gradient are steady, Adam-atan2 takes π/4 of AdamW's step at the same "
            "rate, so we also show the largest stable rate divided by each optimiser's own best "
            "rate."
        ),
        cells=(_rates("AdamW", _RATES), _rates("Adam-atan2", _ADAM_ATAN2)),
        test=_STABLE,
        beside=(_OVER_BEST,),
    ),
    Statistical(
        id="clipping-stability",
        reading=(
            'We read "Training stability and convergence" as a larger range of stable learning '
            "rates. The largest stable rate with clipping at a norm of 1, as coded, is compared "
            f"with that without clipping. {_LADDER} AdamW doesn't depend on the gradient's scale, "
            "so clipping can act only by changing single updates relative to the others."
        ),
        cells=(_rates("no clipping", _RATES), _rates("clipped at 1", _CLIPPED)),
        test=_STABLE,
        beside=(_OVER_BEST,),
    ),
    Statistical(
        id="training-reliability",
        reading=(
            'We read "No hanging, reliable convergence" as a statement about nearly all runs, not '
            "about the typical one. A run converges if there is a learning rate at which training "
            "ends and stays finite, and at which the mean loss of its answers over the last "
            f"quarter of {_CLIMB.training.updates} updates is below that of the best constant "
            "answer by more than a hundredth of that loss. No rate is chosen, since the document "
            f"prints none: each arm is trained at the same {_CLIMB.rungs} rates, from "
            f"{_CLIMB.rates[0]:g} to {_CLIMB.rates[-1]:g}, from equal weights. Boards are "
            f"patterns, as many and as often as in the document's own command ({_SAMPLES} samples, "
            f"{_EPOCHS} epochs; the batch of {OWN.batch} is our choice). The constant answer is "
            "one that the arm can give: as coded, it is a distribution that the loss treats as "
            "logits. The verdict is that of the system as coded, including its optimiser, since "
            "this is what the document calls fixed. (What the code calls Adam-atan2 divides a "
            "sine, which doesn't depend on the gradient's scale, by that scale. Its first step is "
            "some nine times the rate over the gradient's size, so small gradients take large "
            "steps.) We also show the same model under AdamW, and the system as documented under "
            "Adam-atan2. The first version trained at a rate of our choice, 0.001, on mazes and "
            "patterns, and asked for a gain on held-out boards. There, the optimiser as coded "
            "diverged in 16 of 16 seeds, which says nothing about other rates. None of the arms "
            "had such a gain at any of several rates (pilot seed 1000), so a reliable system could "
            "not have been told from another. This version has its own seeds and its own place in "
            "the family."
        ),
        cells=_RELIABLE,
        test=_CONVERGES,
        beside=tuple(
            Reading(cell.label, test=_CONVERGES, cells=(place,))
            for place, cell in enumerate(_RELIABLE[1:], start=1)
        ),
        unskilled=tuple(cell.label for cell in _RELIABLE),  # convergence is what is asked
        block=5,  # block 2 has the seeds of the first version
    ),
)
