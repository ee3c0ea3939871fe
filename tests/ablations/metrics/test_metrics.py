"""Metrics as a whole: pure functions of what is stored, by parts that know their bounds."""

import math
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from ablations.metrics import Metric, Value, number
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
from ablations.metrics.scores import Accuracy, AccuracyAt, Margin
from hrm.config.parts import Part

EVERY = [
    Accuracy(stratum=(1.0, 2.0)),
    AccuracyAt(step=2),
    Arrival(threshold=0.5, cap=9.0),
    BytesOf(),
    Cycles(),
    Flops(),
    GradientNorm(),
    GradientVariance(relative=True),
    HaltingEntropy(),
    Live(),
    Margin(),
    MeanNorm(),
    Parameters(),
    Rows(),
    SlowestRows(),
    TrainingLoss(),
    ValidationScore(),
]


@pytest.mark.parametrize("metric", EVERY, ids=lambda m: type(m).__name__)
def test_a_metric_is_a_part_that_says_what_it_counts(metric):
    assert Part.from_json(metric.to_json()) == metric
    assert metric.quantity
    low, high = metric.bounds
    assert low < high
    end = low if metric.higher_is_better else high
    assert metric.worst == end or (math.isinf(end) and math.isnan(metric.worst))


def test_metrics_import_no_torch():
    program = "import sys, ablations.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@dataclass(frozen=True, kw_only=True)
class WorstBoard(Metric):
    """Somebody's own metric, thought of after the runs."""

    @property
    def quantity(self) -> str:
        return "right cells of the worst board"

    def read(self, found) -> Value:
        return number(float(np.min(found["right"])))


def test_a_new_metric_reads_old_observations_and_runs_nothing():
    stored = {"right": np.array([3, 1, 2])}  # as the store gives them back
    assert WorstBoard().read(stored).low == 1.0
