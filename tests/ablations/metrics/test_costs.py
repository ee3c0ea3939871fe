"""Counts of what is computed and allocated, and policy gradients."""

import math

import numpy as np
import pytest

from ablations.metrics import UNKNOWN
from ablations.metrics.costs import (
    BytesOf,
    Cycles,
    Flops,
    HaltingEntropy,
    Parameters,
    Rows,
    SlowestRows,
)
from ablations.metrics.gradients import GradientVariance, Live, MeanNorm
from hrm.errors import UserError

FOUND = {
    "rows": np.array([200, 200, 100], dtype=np.uint8),
    "flops": 10**15,
    "steps": np.array([1, 2, 3, 1, 4], dtype=np.uint8),
    "difficulty": np.array([1, 1, 2, 2, 2]),
    "batch": 2,
    "max_steps": 8,
    "parameters": 7,
}


def test_small_integers_do_not_overflow():
    assert Rows().read(FOUND).low == 500
    assert Flops().read(FOUND).low == 1e15


def test_batches_that_end_with_their_slowest_sample():
    assert SlowestRows().read(FOUND).low == 2 * 2 + 3 * 2 + 4 * 1


def test_mean_steps_are_read_by_difficulty():
    assert Cycles().read(FOUND).low == 11 / 5
    assert Cycles(stratum=(1.0, 1.0)).read(FOUND).low == 1.5
    assert Cycles(stratum=(9.0, 9.0)).read(FOUND) == UNKNOWN


def test_mean_steps_of_all_boards_need_no_difficulty():
    assert Cycles().read({"steps": np.array([1, 2, 6])}).low == 3


def test_the_entropy_of_the_halting_step_is_in_bits():
    assert HaltingEntropy().read({"steps": np.array([1, 1, 2, 2])}).low == 1.0
    assert HaltingEntropy().read({"steps": np.array([3, 3])}).low == 0.0


@pytest.mark.parametrize(("step", "end"), [(1, "floor"), (8, "ceiling"), (5, "")])
def test_halting_that_tells_samples_apart_nowhere_is_named(step, end):
    found = {**FOUND, "steps": np.full(4, step)}
    for metric in (Rows(), Flops(), Cycles()):
        assert metric.extreme(found).partition(":")[0] == end
    assert Rows().extreme(FOUND) == ""
    assert Rows().extreme({**found, "max_steps": 1}) == "", "there is nothing to decide"


def test_bytes_are_those_of_a_call_or_a_pass_at_a_batch():
    found = {
        "call_batches": [1, 32],
        "call_bytes": [10, 320],
        "pass_batches": [32],
        "pass_bytes": [999],
    }
    assert BytesOf(batch=1).read(found).low == 10
    assert BytesOf(what="pass").read(found).low == 999
    with pytest.raises(KeyError, match="4"):
        BytesOf(batch=4).read(found)
    with pytest.raises(UserError, match="what is 'loop'"):
        BytesOf(what="loop")


def test_gradients_scatter_is_read_as_it_is_or_beside_the_mean():
    found = {"variance": 0.5, "mean_norm": 2.0, "live": np.array([0.5, 1.0])}
    assert GradientVariance().read(found).low == 0.5
    assert GradientVariance(relative=True).read(found).low == 0.125
    assert GradientVariance(relative=True).read({**found, "mean_norm": 0.0}) == UNKNOWN
    assert MeanNorm().read(found).low == 2.0
    assert Live().read(found).low == 0.75


def test_less_is_better_and_a_diverged_run_costs_without_end():
    assert Parameters().read(FOUND).low == 7
    value = Rows().of_diverged()
    assert value.low == value.high == math.inf
    assert math.isnan(value.mean)
