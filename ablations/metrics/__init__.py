"""Metrics: from stored observations to numbers, with NumPy alone.

scores       Accuracy, AccuracyAt, Margin, Gain, TrivialAccuracy; skill(): against the best
             trivial method
curves       Arrival, ValidationScore, TrainingLoss, GradientNorm
costs        Rows, Flops, SlowestRows, Cycles, HaltingEntropy, BytesOf, Parameters
gradients    GradientVariance, MeanNorm, Live, DepthGradient, GradientGrowth
ladder       LargestRate
"""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.costs import (
    BytesOf,
    Cycles,
    Flops,
    HaltingEntropy,
    Parameters,
    Rows,
    SlowestRows,
)
from ablations.metrics.curves import Arrival, GradientNorm, TrainingLoss, ValidationScore
from ablations.metrics.gradients import (
    DepthGradient,
    GradientGrowth,
    GradientVariance,
    Live,
    MeanNorm,
)
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import (
    Accuracy,
    AccuracyAt,
    Gain,
    Margin,
    Skill,
    TrivialAccuracy,
    skill,
)
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = [
    "UNKNOWN",
    "Accuracy",
    "AccuracyAt",
    "Arrival",
    "BytesOf",
    "Cycles",
    "DepthGradient",
    "Flops",
    "Gain",
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
    "Rows",
    "Skill",
    "SlowestRows",
    "TrainingLoss",
    "TrivialAccuracy",
    "ValidationScore",
    "Value",
    "beyond",
    "diverged",
    "number",
    "skill",
]
