"""Metrics: from stored observations to numbers, with NumPy alone.

returns      Return, Regret: what a policy is rewarded for
scores       Accuracy, AccuracyAt, HaltedAccuracy, ShadowAccuracy, Margin;
             skill(): against the best trivial method
curves       Arrival, ValidationScore, TrainingLoss, GradientNorm, ControllerPeak
costs        Rows, RowShare, Flops, SlowestRows, Cycles, CompletionStep, Allocation,
             HaltingEntropy, BytesOf, Parameters
gradients    GradientVariance, MeanNorm, Live, ValueNorm, TailRatio, DepthGradient, GradientGrowth
ladder       LargestRate
probes       ResidualLeft, Participation, GradientCosine
"""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.costs import (
    Allocation,
    BytesOf,
    CompletionStep,
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
from ablations.metrics.probes import GradientCosine, Participation, ResidualLeft
from ablations.metrics.returns import Regret, Return
from ablations.metrics.scores import (
    Accuracy,
    AccuracyAt,
    HaltedAccuracy,
    Margin,
    ShadowAccuracy,
    Skill,
    skill,
)
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = [
    "UNKNOWN",
    "Accuracy",
    "AccuracyAt",
    "Allocation",
    "Arrival",
    "BytesOf",
    "CompletionStep",
    "ControllerPeak",
    "Cycles",
    "DepthGradient",
    "Flops",
    "GradientCosine",
    "GradientGrowth",
    "GradientNorm",
    "GradientVariance",
    "HaltedAccuracy",
    "HaltingEntropy",
    "LargestRate",
    "Live",
    "Margin",
    "MeanNorm",
    "Metric",
    "Observations",
    "Parameters",
    "Participation",
    "Regret",
    "ResidualLeft",
    "Return",
    "RowShare",
    "Rows",
    "ShadowAccuracy",
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
