"""Set-ups of protocols that train."""

from ablations.claims.setups.arms import (
    BETWEEN,
    DECAY,
    FIVE,
    HALTING,
    LEVELS,
    NEVER,
    POLICY,
    Q_HALTING,
    SCORES,
    SHORT,
    SUDOKU,
    TRAIN,
    UPDATES,
    WRONG,
)
from ablations.claims.setups.plants import Plant, Setup
from ablations.metrics.climb import Removed
from ablations.metrics.costs import (
    CompletionStep,
)
from ablations.metrics.curves import Arrival, ControllerPeak, TrainingLoss
from ablations.metrics.halting import StepEntropy
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import Gain, ShadowAccuracy
from ablations.specs.protocols import (
    Boards,
    Climb,
    Ladder,
    Train,
)
from hrm.config.learning import Training
from hrm.tasks.pattern import Pattern

_PATTERN = Pattern(modulus=7, strands=2, shown=3, asked=1)

SETUPS: tuple[Setup, ...] = (
    Setup(
        arm=LEVELS,
        protocol=TRAIN,
        apart={"replica": 1},
        plants=(
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=WRONG,
                metrics=(*SCORES, ShadowAccuracy(decay=DECAY)),
                rises=False,
                null=0.15,  # equal cells differ by 0.05, planted ones by 0.3 or more
            ),
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=WRONG,
                metrics=(Gain(),),
                rises=False,
                null=2.5,  # 40 equal pairs differ by 1.7 at most, 16 planted ones by 5.1 or more
            ),
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=WRONG,
                metrics=(TrainingLoss(last=10),),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell learns at a twentieth of the rate",
                protocol={"training.learning_rate": 5e-4},
                metrics=(Arrival(threshold=0.4, cap=float(UPDATES)),),
                rises=True,
                null=0.75,  # log-ratios of equal cells have an sd of 0.27; planted ones pass 0.7
            ),
        ),
        cost=0.2,
    ),
    Setup(
        arm=Q_HALTING,
        protocol=SHORT,
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell takes half as many steps at most",
                arm={"model.halting.max_steps": 2},
                metrics=(CompletionStep(),),
                rises=False,
                null=0.9,  # equal cells are within 0.6, planted ones 2 below
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=HALTING,
        protocol=SHORT,
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell never wants to halt, nor explores",
                arm={**NEVER, "model.halting.exploration": None},
                metrics=(StepEntropy(window=10),),
                rises=False,
                null=0.3,
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=LEVELS,
        protocol=Ladder(
            boards=SUDOKU,
            training=Training(updates=40, batch=32, learning_rate=1.1e-2),
            rungs=5,  # rates from 0.001 to 0.016 are stable, in nearly all seeds
            step=2.0,
            rate_factors=(1.0, 1.0),
        ),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell learns at an eighth of the rates that are named",
                protocol={"rate_factors": (0.125, 0.125)},
                metrics=(LargestRate(),),
                rises=True,
                null=1.1,  # a rung is 2
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=BETWEEN,
        protocol=Climb(
            boards=Boards(task=_PATTERN, train=256, validation=8, test=8),
            training=Training(updates=150, batch=16, learning_rate=4e-3, evaluate_every=150),
            rungs=2,
            step=2.0,
            rate_factors=(1.0, 1.0),
        ),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell learns at a thousandth of the rates that are named",
                protocol={"rate_factors": (0.001, 0.001)},
                metrics=(Removed(),),
                rises=False,
                null=0.4,  # eight equal pairs differ by 0.23 at most; planted ones by 0.7 or more
            ),
        ),
        cost=1.7,
    ),
    Setup(
        arm=POLICY,
        protocol=Train(
            boards=FIVE.boards,  # at this rate nothing is learned: all updates are alike
            training=Training(updates=20, batch=64, learning_rate=1e-5),
        ),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell learns in leaps, from batches of eight, three times as long",
                protocol={
                    "training.updates": 60,
                    "training.learning_rate": 0.03,
                    "training.batch": 8,
                },
                metrics=(ControllerPeak(),),
                rises=True,
                null=1.35,  # log-ratios: within 0.7 of equal cells, 1 and more of planted ones
            ),
        ),
        cost=0.1,
    ),
)
