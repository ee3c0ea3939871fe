"""Set-ups of protocols that run trained weights on boards."""

from dataclasses import replace

from ablations.claims.setups.arms import (
    FIVE,
    FOUR_STEPS,
    HALTING,
    LEVELS,
    LONG,
    NEVER,
    POLICY,
    Q_HALTING,
    SCORES,
    SETTLING,
    SHORT,
    SUDOKU,
    TEN,
    TRAIN,
)
from ablations.claims.setups.plants import Plant, Setup
from ablations.metrics.costs import (
    Allocation,
    Cycles,
)
from ablations.metrics.ensembles import EasyFailure, FirstStepShare
from ablations.metrics.halting import AnswerRegret
from ablations.metrics.probes import CycleResidual, Participation, ResidualLeft
from ablations.metrics.returns import Regret, Return
from ablations.specs.arms import changed
from ablations.specs.protocols import (
    Evaluate,
    Forced,
    OneUnknown,
    Probe,
    Scripted,
)

_MISLED = Plant(
    words="Three quarters of the labels that the second cell was trained on are wrong",
    protocol={"after.wrong_labels": 0.75},
    metrics=SCORES,
    rises=False,
    null=0.15,
)
_EARLY = Plant(
    words="The second cell's boards stop by their second step",
    protocol={"mode.longest": 2},
    metrics=(),
    rises=False,
    null=0.15,
)

SETUPS: tuple[Setup, ...] = (
    Setup(
        arm=Q_HALTING,
        protocol=Probe(boards=TEN.boards, after=TEN, steps=4, count=64),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's low level takes twelve times as many updates a cycle",
                arm={"model.low_steps": 24},
                metrics=(ResidualLeft(),),
                rises=False,
                null=0.985,  # log-ratios of equal cells are within 3.3, planted ones below -5.8
            ),
        ),
        cost=0.2,
    ),
    Setup(
        arm=Q_HALTING,
        protocol=Probe(boards=SUDOKU, after=LONG, steps=4, count=256),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's answer is read from the low level",
                arm={"model.readout.low": True},
                metrics=(Participation(),),
                rises=False,
                null=0.5,  # log-ratios of equal cells are within 0.1, planted ones at -1.8
            ),
        ),
        cost=0.4,
    ),
    Setup(
        arm=LEVELS,
        protocol=Evaluate(after=TRAIN),
        apart={"after.replica": 1},
        plants=(_MISLED,),
        cost=0.2,
    ),
    Setup(
        arm=changed(HALTING, {**NEVER, "model.halting.biases": (5.0, -5.0)}),
        protocol=Evaluate(after=SHORT, mode=Forced(steps=4)),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell never wants to halt, the first one at once",
                arm=NEVER,
                metrics=(AnswerRegret(cost=0.1),),
                rises=True,
                null=0.1,
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=POLICY,
        protocol=Evaluate(after=FIVE, mode=Scripted(steps=8, longest=8)),
        apart={"after.replica": 1},
        plants=(
            replace(_EARLY, metrics=(Return(cost=0.1),), rises=True),
            replace(_EARLY, metrics=(Regret(cost=0.1),)),
            replace(_EARLY, metrics=(Cycles(),), null=1.0),
            Plant(
                words="The second cell's boards stop in the order of their difficulty",
                protocol={"mode.ordered": True},
                metrics=(Allocation(by="unknown"),),
                rises=True,
                null=0.4,
            ),
        ),
        cost=0.2,
    ),
    Setup(
        arm=LEVELS,
        protocol=Evaluate(after=TRAIN, mode=OneUnknown()),
        apart={"after.replica": 1},
        plants=(
            # equal cells differ by 0.1, planted ones by 0.5
            replace(_MISLED, metrics=(EasyFailure(),), rises=True, null=0.2),
        ),
        cost=0.2,
    ),
    Setup(
        arm=SETTLING,
        protocol=Probe(boards=TEN.boards, after=TEN, steps=1, count=32),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell learns at 30 times the rate",
                protocol={"after.training.learning_rate": 0.03},
                metrics=(CycleResidual(updates=4),),
                rises=False,
                null=0.7,  # equal cells lie within a factor of 2.5, planted ones 20 below
            ),
        ),
        cost=0.06,
    ),
    Setup(
        arm=FOUR_STEPS,
        protocol=Evaluate(after=LONG, mode=Forced(steps=4)),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's first step is its last",
                protocol={"mode.steps": 1},
                metrics=(FirstStepShare(beyond=False),),
                rises=True,
                null=0.32,  # equal cells differ by 0.1, one in nine by 0.37; planted ones by 0.45
            ),
        ),
        cost=0.4,
    ),
)
