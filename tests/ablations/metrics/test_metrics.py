"""Metrics as a whole: pure functions of what is stored, by parts that know their bounds."""

import math
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from ablations import metrics
from ablations.metrics import Metric, Value, number
from hrm.config.parts import Part

EVERY = [
    metrics.Accuracy(stratum=(1.0, 2.0)),
    metrics.AccuracyAt(step=2),
    metrics.Arrival(threshold=0.5, cap=9.0),
    metrics.BytesOf(),
    metrics.Cycles(),
    metrics.Flops(),
    metrics.GradientNorm(),
    metrics.GradientVariance(relative=True),
    metrics.HaltingEntropy(),
    metrics.Live(),
    metrics.Margin(),
    metrics.MeanNorm(),
    metrics.Parameters(),
    metrics.Rows(),
    metrics.SlowestRows(),
    metrics.TrainingLoss(),
    metrics.ValidationScore(),
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
