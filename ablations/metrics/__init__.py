"""Metrics: from stored observations to numbers, with NumPy alone.

returns      Return, Regret: what a policy is rewarded for
scores       Accuracy, AccuracyAt, Margin; skill(): against the best trivial method
curves       Arrival, ValidationScore, TrainingLoss, GradientNorm, ControllerPeak
costs        Rows, RowShare, Flops, SlowestRows, Cycles, Allocation, HaltingEntropy, BytesOf,
             Parameters
gradients    GradientVariance, MeanNorm, Live, ValueNorm, TailRatio, DepthGradient, GradientGrowth
ladder       LargestRate
"""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.costs import (
    Allocation,
    BytesOf,
    Cycles,
    Flops,
    HaltingEntropy,
    Parameters,
    Rows,
    RowShare,
    SlowestRows,
)
from ablations.metrics.curves import (
    Arrival,
    ControllerPeak,
    GradientNorm,
    TrainingLoss,
    ValidationScore,
)
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
    Live,
    MeanNorm,
    TailRatio,
    ValueNorm,
)
from ablations.metrics.ladder import LargestRate
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import Accuracy, AccuracyAt, Margin, Skill, skill
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = [
    "UNKNOWN",
    "Accuracy",
    "AccuracyAt",
    "Allocation",
    "Arrival",
    "BytesOf",
    "ControllerPeak",
    "Cycles",
    "DepthGradient",
    "Flops",
    "GradientGrowth",
    "GradientNorm",
    "GradientVariance",
    "HaltingEntropy",
    "LargestRate",
    "Live",
    "Margin",
    "MeanNorm",
    "Metric",
    "Observations",
    "Parameters",
    "Regret",
    "Return",
    "RowShare",
    "Rows",
    "Skill",
    "SlowestRows",
    "TailRatio",
    "TrainingLoss",
    "ValidationScore",
    "Value",
    "ValueNorm",
    "beyond",
    "diverged",
    "number",
    "skill",
]
