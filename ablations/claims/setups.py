"""What controls measure: a small arm for each protocol, and the effects that are planted in it.

An effect is planted in the configuration, so that a setting which is ignored is noticed. Sizes and
null zones were fixed on runs of the controls themselves, before any claim was run beside them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ablations.metrics.base import Metric
from ablations.metrics.costs import BytesOf, Cycles, Flops, Rows
from ablations.metrics.curves import Arrival, TrainingLoss, ValidationScore
from ablations.metrics.gradients import DepthGradient, GradientGrowth, GradientVariance
from ablations.metrics.scores import Accuracy, Margin
from ablations.metrics.shares import Saved
from ablations.metrics.timing import Milliseconds, TimeRatio
from ablations.specs.arms import changed
from ablations.specs.protocols import (
    Boards,
    Bytes,
    Evaluate,
    Execute,
    Gradients,
    Protocol,
    Resample,
    Time,
    Train,
)
from hrm import recipes
from hrm.config import Lockstep, Segments
from hrm.config.learning import Training
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
_LEVELS = recipes.act_v1_vector(inputs=_SIZE, outputs=_SIZE, width=32, heads=4)
_TRAIN = Train(
    boards=_SUDOKU,
    training=Training(
        updates=_UPDATES, batch=64, learning_rate=1e-2, warmup=10, clip=1.0, evaluate_every=5
    ),
    rate_factors=(0.85, 1.2),
)
_WRONG = {"wrong_labels": 0.75}
_SCORES = (Accuracy(), Margin(), ValidationScore())
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
_REFINED = changed(
    _LEVELS,
    {
        "model.segments": Segments(count=3, detached=False, connection=0.05),
        "model.horizon": None,
    },
)
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
                null=0.1,  # equal cells differ by 0.04, planted ones by 0.3
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
        arm=_LEVELS,
        protocol=Evaluate(after=_TRAIN),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="Three quarters of the labels that the second cell was trained on are wrong",
                protocol={"after.wrong_labels": 0.75},
                metrics=_SCORES,
                rises=False,
                null=0.1,
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
                metrics=(Rows(), Flops(), Cycles()),
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
