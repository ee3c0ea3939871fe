"""What controls measure: a small arm for each protocol, and the effects that are planted in it.

An effect is planted in the configuration, so that a setting which is ignored is noticed. Sizes and
null zones were fixed on runs of the controls themselves, before any claim was run beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ablations.metrics.base import Metric
from ablations.metrics.costs import (
    Allocation,
    BytesOf,
    CompletionStep,
    Cycles,
    Flops,
    Rows,
    RowShare,
)
from ablations.metrics.curves import Arrival, ControllerPeak, TrainingLoss, ValidationScore
from ablations.metrics.ensembles import EasyFailure, FirstStepShare
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
    TailRatio,
    TrunkNorm,
)
from ablations.metrics.halting import AnswerRegret, StepEntropy
from ablations.metrics.ladder import LargestRate
from ablations.metrics.probes import CycleResidual, Participation, ResidualLeft
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import Accuracy, Gain, HaltedAccuracy, Margin, ShadowAccuracy
from ablations.metrics.shares import Saved
from ablations.metrics.timing import Milliseconds, TimeRatio
from ablations.specs.arms import changed
from ablations.specs.protocols import (
    Boards,
    Bytes,
    Evaluate,
    Execute,
    Forced,
    Gradients,
    Ladder,
    OneUnknown,
    Probe,
    Protocol,
    QGradients,
    Resample,
    Scatter,
    Scripted,
    Time,
    Train,
)
from hrm import recipes
from hrm.config import (
    Ahead,
    Compacted,
    Detached,
    Fixed,
    Kept,
    Lockstep,
    Minimum,
    QLearning,
    Readout,
    Segments,
    Vector,
)
from hrm.config.learning import QHalting, ReplayHalting, Supervised, Training
from hrm.config.parts import Part
from hrm.tasks.sudoku import Sudoku


@dataclass(frozen=True, kw_only=True)
class Plant:
    """An effect that is planted in the configuration of the second cell.

    Args:
        words: What is changed, for the reader.
        arm, protocol: New values by dotted path, of the arm and of what is done with it.
        metrics: What is moved: one metric of each kind, as the controls read it.
        rises: Whether those metrics rise by it.
        null: Half of what it moves them by or less, and more than what runs scatter by: of
            differences, and as a share of ratios.
    """

    words: str
    metrics: tuple[Metric, ...]
    rises: bool
    null: float
    arm: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A protocol at a size at which 26 pairs cost little.

    Args:
        arm: What is measured.
        protocol: How.
        apart: New values of the protocol with which a second measurement is independent.
        apart_arm: New values of the arm that change nothing that the protocol looks at, where it
            measures arms together and would take equal ones for one.
        plants: What can be planted.
        cost: CPU seconds of a run.
    """

    arm: Part
    protocol: Protocol
    plants: tuple[Plant, ...]
    apart: Mapping[str, Any] = field(default_factory=dict)
    apart_arm: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 1.0


_SUDOKU = Boards(task=Sudoku(size=4, clues=11), train=4096, validation=512, test=256)
_SIZE = 16 * 5  # cells times tokens
_UPDATES = 80
_LEVELS = changed(
    recipes.act_v1(width=32, heads=4, h_layers=1, l_layers=1),
    {
        "model.embedding": Vector(size=_SIZE),
        "model.readout": Readout(size=_SIZE, bias=False),
        "model.low.rotary": None,  # one position
        "model.high.rotary": None,
        "model.halting": Fixed(),
        "model.segments": Segments(count=1, detached=True),
        "objective": Supervised(every_segment=False),
    },
)
_TRAIN = Train(
    boards=_SUDOKU,
    training=Training(
        updates=_UPDATES, batch=64, learning_rate=1e-2, warmup=10, clip=1.0, evaluate_every=5
    ),
    rate_factors=(0.85, 1.2),
)
_WRONG = {"wrong_labels": 0.75}
_SCORES = (Accuracy(), Margin(), ValidationScore(), HaltedAccuracy())
_DECAY = 0.9
_POLICY = recipes.v2(
    inputs=_SIZE,
    outputs=_SIZE,
    hidden_low=32,
    hidden_high=64,
    max_cycles=8,
    use_per_sample_act=True,
)
_TEN = Train(
    boards=Boards(task=Sudoku(size=4, clues=11), train=1024, validation=64, test=64),
    training=Training(updates=10),
)
_TWENTY = Train(
    boards=Boards(task=Sudoku(size=4, clues=(5, 8, 11)), train=1024, validation=64, test=256),
    training=Training(updates=20, batch=64, learning_rate=3e-3),
)
_REFINED = changed(
    _LEVELS,
    {
        "model.segments": Segments(count=3, detached=False, connection=0.05),
        "model.horizon": None,
    },
)
_FOUR_STEPS = changed(
    _LEVELS,
    {
        "model.halting": Fixed(steps=4),
        "model.cycles": 1,
        "model.low_steps": 1,
        "model.horizon": None,  # one answer after four steps is learned, and none after the first
        "model.carry": Kept(),
    },
)
_SUPERVISED = recipes.act_v1_vector(
    inputs=_SIZE, outputs=_SIZE, width=32, heads=4, segments=2, every_segment=True
)
_Q_HALTING = changed(
    _LEVELS,
    {
        "model.halting": QLearning(
            max_steps=4, halt_in_evaluation=False, exploration=Minimum(probability=0.1)
        ),
        "model.carry": Detached(),
        "objective": QHalting(),
    },
)
_SETTLING = changed(_LEVELS, {"model.low_steps": 4, "model.cycles": 2, "model.horizon": None})
# Learns to halt, each sample for itself, from random Q values: it explores in every second step.
_HALTING = changed(
    recipes.amulgent(
        inputs=_SIZE, outputs=_SIZE, width=32, h_layers=1, l_layers=1, max_steps=4, exploration=0.0
    ),
    {
        "model.halting.batch_mean": False,
        "model.halting.exploration": Ahead(probability=0.5, per_sample=True),
        "model.carry": Detached(),
        "model.execution": Compacted(),
        "objective": ReplayHalting(cost=0.1),
    },
)
_FIFTY = replace(_TRAIN, training=replace(_TRAIN.training, updates=50))
_NEVER = {
    "model.halting.zero_weight": True,
    "model.halting.biases": (-5.0, 5.0),
    "objective.weight": 0.0,
}
_CALL, _PASS = "bench.controller:controller_call", "bench.controller:forward"

SETUPS: tuple[Setup, ...] = (
    Setup(
        arm=_LEVELS,
        protocol=_TRAIN,
        apart={"replica": 1},
        plants=(
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=_SCORES,
                rises=False,
                null=0.15,  # equal cells differ by 0.05, planted ones by 0.3 or more
            ),
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=(Gain(),),
                rises=False,
                null=2.5,  # equal cells differ by 1, planted ones by 5
            ),
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=(TrainingLoss(last=10),),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell learns at a twentieth of the rate",
                protocol={"training.learning_rate": 5e-4},
                metrics=(Arrival(threshold=0.4, cap=float(_UPDATES)),),
                rises=True,
                null=0.6,  # log-ratios of equal cells have an sd of 0.27; the planted ones pass 0.7
            ),
        ),
        cost=1.5,
    ),
    Setup(
        arm=_Q_HALTING,
        protocol=_TRAIN,
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
        cost=2.0,
    ),
    Setup(
        arm=_LEVELS,
        protocol=replace(_TRAIN, shadows=(_DECAY,)),
        apart={"replica": 1},
        plants=(
            Plant(
                words="Three quarters of the second cell's training labels are wrong",
                protocol=_WRONG,
                metrics=(ShadowAccuracy(decay=_DECAY),),
                rises=False,
                null=0.15,
            ),
        ),
        cost=1.5,
    ),
    Setup(
        arm=_Q_HALTING,
        protocol=Probe(boards=_TEN.boards, after=_TEN, steps=4),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's low level takes eight times as many updates in each cycle",
                arm={"model.low_steps": 16},
                metrics=(ResidualLeft(),),
                rises=False,
                null=0.98,  # log-ratios of equal cells are within 4, planted ones at -11
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_Q_HALTING,
        protocol=Probe(boards=_SUDOKU, after=_TRAIN, steps=4, count=256),
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
        cost=2.0,
    ),
    Setup(
        arm=_LEVELS,
        protocol=Evaluate(after=_TRAIN),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="Three quarters of the labels that the second cell was trained on are wrong",
                protocol={"after.wrong_labels": 0.75},
                metrics=_SCORES,
                rises=False,
                null=0.15,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_HALTING,
        protocol=_FIFTY,
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell never wants to halt, nor explores",
                arm={**_NEVER, "model.halting.exploration": None},
                metrics=(StepEntropy(window=10),),
                rises=False,
                null=0.3,
            ),
        ),
    ),
    Setup(
        arm=changed(_HALTING, {**_NEVER, "model.halting.biases": (5.0, -5.0)}),
        protocol=Evaluate(after=_FIFTY, mode=Forced(steps=4)),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell never wants to halt, the first one at once",
                arm=_NEVER,
                metrics=(AnswerRegret(cost=0.1),),
                rises=True,
                null=0.1,
            ),
        ),
    ),
    Setup(
        arm=_HALTING,
        protocol=QGradients(after=_TEN, batches=8),
        apart={"replica": 1},
        plants=(
            Plant(
                words="A step of the second cell costs a hundred times as much",
                arm={"objective.cost": 10.0},
                metrics=(TrunkNorm(),),
                rises=True,
                null=1.0,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_LEVELS,
        protocol=Ladder(
            boards=_SUDOKU,
            training=Training(updates=40, batch=32, learning_rate=4e-3),
            rungs=8,
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
        cost=3.0,
    ),
    Setup(
        arm=_POLICY,
        protocol=Train(
            boards=_TWENTY.boards,  # at this rate nothing is learned: all updates are alike
            training=Training(updates=40, batch=64, learning_rate=1e-5),
        ),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell learns in leaps, from batches of eight, three times as long",
                protocol={
                    "training.updates": 120,
                    "training.learning_rate": 0.03,
                    "training.batch": 8,
                },
                metrics=(ControllerPeak(),),
                rises=True,
                null=1.35,  # log-ratios: within 0.7 of equal cells, 1 and more of planted ones
            ),
        ),
        cost=0.7,
    ),
    Setup(
        arm=_POLICY,
        protocol=Evaluate(after=_TWENTY, mode=Scripted(steps=8, longest=8)),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's boards stop by their second step",
                protocol={"mode.longest": 2},
                metrics=(Return(cost=0.1),),
                rises=True,
                null=0.15,
            ),
            Plant(
                words="The second cell's boards stop by their second step",
                protocol={"mode.longest": 2},
                metrics=(Regret(cost=0.1),),
                rises=False,
                null=0.15,
            ),
            Plant(
                words="The second cell's boards stop by their second step",
                protocol={"mode.longest": 2},
                metrics=(Cycles(),),
                rises=False,
                null=1.0,
            ),
            Plant(
                words="The second cell's boards stop in the order of their difficulty",
                protocol={"mode.ordered": True},
                metrics=(Allocation(by="unknown"),),
                rises=True,
                null=0.4,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_LEVELS,
        protocol=Evaluate(after=_TRAIN, mode=OneUnknown()),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="Three quarters of the labels that the second cell was trained on are wrong",
                protocol={"after.wrong_labels": 0.75},
                metrics=(EasyFailure(),),
                rises=True,
                null=0.2,  # equal cells differ by 0.1, planted ones by 0.5
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_SETTLING,
        protocol=Probe(boards=_TEN.boards, after=_TEN, steps=1, count=32),
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
        cost=0.3,
    ),
    Setup(
        arm=_FOUR_STEPS,
        protocol=Evaluate(after=_TRAIN, mode=Forced(steps=4)),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's first step is its last",
                protocol={"mode.steps": 1},
                metrics=(FirstStepShare(beyond=False),),
                rises=True,
                null=0.2,  # shares are 0.47, give or take 0.08, and planted ones 1
            ),
        ),
        cost=1.5,
    ),
    Setup(
        arm=_SUPERVISED,
        protocol=Scatter(after=_TEN, batch=32),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell's batches have an eighth of the boards",
                protocol={"batch": 4},
                metrics=(GradientVariance(),),
                rises=True,
                null=1.0,  # log-ratios: 0.2 of equal cells, 2.1 of planted ones
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_POLICY,
        protocol=Execute(after=None),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell's batches run as long as their slowest sample",
                protocol={"execution": Lockstep()},
                metrics=(Rows(), RowShare(), Flops(), Cycles()),
                rises=True,
                null=0.2,
            ),
        ),
        cost=0.5,
    ),
    Setup(
        arm=_POLICY,
        protocol=Resample(after=_TEN, resamples=32),
        apart={"replica": 1},
        plants=(
            Plant(
                words="The second cell's batches have an eighth of the samples",
                protocol={"batch": 4},
                metrics=(GradientVariance(),),
                rises=True,
                null=1.0,  # log-ratios: 0.3 of equal cells, 1.9 of planted ones
            ),
            Plant(
                words="The second cell's heavy tails are those of a Cauchy distribution",
                protocol={"tails": 1.0},
                metrics=(TailRatio(),),
                rises=True,
                null=1.0,  # log-ratios: 0.2 of equal cells, 2 of planted ones
            ),
        ),
    ),
    Setup(
        arm=_REFINED,
        protocol=Gradients(after=_TEN, depths=(1, 3), over="segments", boards=64),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's segments are detached",
                arm={"model.segments.detached": True},
                metrics=(DepthGradient(depth=3), GradientGrowth()),
                rises=False,
                null=0.9,  # equal cells lie within a factor of 5, planted ones 200 below
            ),
        ),
        cost=0.3,
    ),
    Setup(
        arm=_POLICY,
        protocol=Bytes(calls=(32,), passes=()),
        plants=(
            Plant(
                words="The second cell's high level is twice as wide",
                arm={"model.high.width": 128},
                metrics=(BytesOf(),),
                rises=True,
                null=0.05,
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=recipes.v2(use_per_sample_act=True),
        protocol=Time(targets=(_CALL, _PASS), batches=(32,)),
        apart_arm={"objective.masked_mean": True},
        plants=(
            Plant(
                words="The second cell's high level is twice as wide",
                arm={"model.high.width": 1024},
                metrics=(TimeRatio(target=_CALL, batch=32), Milliseconds(target=_CALL, batch=32)),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell's low level takes four times as many steps",
                arm={"model.low_steps": 12},
                metrics=(Saved(target=_CALL, whole=_PASS, batch=32, calls=8, speedup=5.0),),
                rises=False,
                null=0.1,
            ),
        ),
        cost=14.0,
    ),
)
