"""Metrics: from stored observations to numbers, with NumPy alone.

scores       Accuracy, AccuracyAt, Margin; skill(): against the best trivial method
curves       Arrival, ValidationScore, TrainingLoss, GradientNorm
costs        Rows, Flops, SlowestRows, Cycles, HaltingEntropy, BytesOf, Parameters
ladder       LargestRate
gradients    GradientVariance, MeanNorm, Live
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
from ablations.metrics.gradients import GradientVariance, Live, MeanNorm
from ablations.metrics.ladder import LargestRate
from ablations.metrics.scores import Accuracy, AccuracyAt, Margin, Skill, skill
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number

__all__ = [
    "UNKNOWN",
    "Accuracy",
    "AccuracyAt",
    "Arrival",
    "BytesOf",
    "Cycles",
    "Flops",
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
    "ValidationScore",
    "Value",
    "beyond",
    "diverged",
    "number",
    "skill",
]
