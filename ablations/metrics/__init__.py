"""Metrics: from stored observations to numbers, with NumPy alone.

scores       Accuracy, AccuracyAt, HaltedAccuracy, ShadowAccuracy, Margin;
             skill(): against the best trivial method
curves       Arrival, ValidationScore, TrainingLoss, GradientNorm
costs        Rows, Flops, SlowestRows, Cycles, CompletionStep, HaltingEntropy, BytesOf, Parameters
gradients    GradientVariance, MeanNorm, Live, DepthGradient, GradientGrowth
ladder       LargestRate
probes       ResidualLeft, Participation, GradientCosine
"""

from ablations.metrics.base import Metric, Observations
from ablations.metrics.costs import (
    BytesOf,
    CompletionStep,
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
from ablations.metrics.probes import GradientCosine, Participation, ResidualLeft
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
    "Arrival",
    "BytesOf",
    "CompletionStep",
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
    "ResidualLeft",
    "Rows",
    "ShadowAccuracy",
    "Skill",
    "SlowestRows",
    "TrainingLoss",
    "ValidationScore",
    "Value",
    "beyond",
    "diverged",
    "number",
    "skill",
]
