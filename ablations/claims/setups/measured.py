"""Set-ups of protocols that count, time or take gradients."""

from ablations.claims.setups.arms import CALL, HALTING, PASS, POLICY, REFINED, SUPERVISED, TEN
from ablations.claims.setups.plants import Plant, Setup
from ablations.metrics.costs import (
    BytesOf,
    Cycles,
    Flops,
    Rows,
    RowShare,
)
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
    TailRatio,
    TrunkNorm,
)
from ablations.metrics.shares import Saved
from ablations.metrics.timing import Milliseconds, TimeRatio
from ablations.specs.protocols import (
    Bytes,
    Execute,
    Gradients,
    QGradients,
    Resample,
    Scatter,
    Time,
)
from hrm import recipes
from hrm.config import (
    Lockstep,
)

SETUPS: tuple[Setup, ...] = (
    Setup(
        arm=HALTING,
        protocol=QGradients(after=TEN, batches=8),
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
        cost=0.1,
    ),
    Setup(
        arm=SUPERVISED,
        protocol=Scatter(after=TEN, batch=32),
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
        cost=0.1,
    ),
    Setup(
        arm=POLICY,
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
        cost=0.05,
    ),
    Setup(
        arm=POLICY,
        protocol=Resample(after=TEN, resamples=32),
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
        cost=0.25,
    ),
    Setup(
        arm=REFINED,
        protocol=Gradients(after=TEN, depths=(1, 3), over="segments", boards=64),
        apart={"after.replica": 1},
        plants=(
            Plant(
                words="The second cell's segments are detached",
                arm={"model.segments.detached": True},
                metrics=(DepthGradient(depth=3), GradientGrowth()),
                rises=False,
                null=0.91,  # equal cells lie within a factor of 10, planted ones 12 or more below
            ),
        ),
        cost=0.1,
    ),
    Setup(
        arm=POLICY,
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
        cost=0.05,
    ),
    Setup(
        arm=recipes.v2(hidden_low=128, hidden_high=256, max_cycles=2, use_per_sample_act=True),
        protocol=Time(targets=(CALL, PASS), batches=(32,), rounds=20),
        apart_arm={"objective.masked_mean": True},
        plants=(
            Plant(
                words="The second cell's high level is twice as wide",
                arm={"model.high.width": 512},
                metrics=(TimeRatio(target=CALL, batch=32), Milliseconds(target=CALL, batch=32)),
                rises=True,
                null=0.1,
            ),
            Plant(
                words="The second cell's low level takes four times as many steps",
                arm={"model.low_steps": 12},
                metrics=(Saved(target=CALL, whole=PASS, batch=32, calls=2, speedup=5.0),),
                rises=False,
                null=0.1,
            ),
        ),
        cost=2.4,
    ),
)
