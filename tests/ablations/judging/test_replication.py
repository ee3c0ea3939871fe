"""Replication: agreement that was defined beforehand, and an alarm that rings when it should."""

import math

import numpy as np
import pytest

from ablations.judging import replication
from ablations.judging.replication import alarm, compare, widened
from ablations.metrics.value import UNKNOWN, beyond, diverged, number
from ablations.records.replications import Agreement

ARMS = 70
NOISES = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "t3": lambda rng, shape: rng.standard_t(3, size=shape),
    "lognormal": lambda rng, shape: rng.lognormal(sigma=0.5, size=shape),
}


def spread(*values):
    """So many values of the evidence as give a range, these among them."""
    middle = [number(1.5)] * (replication.FEWEST - len(values))
    return [*map(number, values), *middle]


def outside(noise, seeds, arms, seed, offset=0.0):
    """Which of many sound (or shifted) arms leave the widened range."""
    rng = np.random.default_rng(seed)
    values, here = noise(rng, (arms, seeds)), noise(rng, arms) + offset
    low, high = values.min(axis=1), values.max(axis=1)
    width = high - low
    return (here < low - width) | (here > high + width)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("seeds", [26, 60])
def test_a_sound_replication_raises_the_alarm_less_than_once_in_three_hundred_times(noise, seeds):
    wrong = outside(NOISES[noise], seeds, 4000 * ARMS, seed=0)
    assert wrong.mean() < replication.CHANCE
    rings = wrong.reshape(-1, ARMS).sum(axis=1) >= alarm(ARMS)
    assert rings.mean() < replication.RARELY


@pytest.mark.parametrize("noise", NOISES)
def test_the_plain_range_would_be_left_by_two_of_seventy_arms(noise):
    rng = np.random.default_rng(1)
    values, here = NOISES[noise](rng, (7000, 60)), NOISES[noise](rng, 7000)
    left = (here < values.min(axis=1)) | (here > values.max(axis=1))
    assert 1.5 < ARMS * left.mean() < 3.2


def test_arms_that_compute_something_else_raise_it():
    wrong = outside(NOISES["normal"], 60, ARMS, seed=2, offset=20.0)
    assert wrong.sum() >= alarm(ARMS)


def test_the_alarm_needs_more_arms_where_more_are_compared():
    found = [alarm(arms) for arms in (1, 3, 70, 500, 5000)]
    assert found == sorted(found)
    assert found[2] == 3


def test_a_value_is_compared_with_the_range_widened_by_itself():
    there = spread(1.0, 1.2, 2.0)
    assert widened(there) == (0.0, 3.0)
    assert compare(number(2.9), there) is Agreement.WITHIN
    assert compare(number(3.1), there) is Agreement.OUTSIDE
    assert compare(number(-0.1), there) is Agreement.OUTSIDE


def test_a_run_that_diverges_agrees_where_one_of_the_evidence_did():
    fine = spread(1.0, 1.2, 2.0)
    broken = diverged(higher_is_better=True)
    assert compare(broken, fine) is Agreement.OUTSIDE
    assert compare(broken, [*fine, broken]) is Agreement.WITHIN
    assert widened([*fine, broken]) == (-math.inf, 3.0)


def test_a_run_that_does_not_arrive_agrees_where_it_may_lie_in_the_range():
    there = [number(100.0 + 4 * i) for i in range(26)]
    assert compare(beyond(250.0), there) is Agreement.WITHIN
    assert compare(beyond(301.0), there) is Agreement.OUTSIDE
    assert compare(number(900.0), [*there, beyond(200.0)]) is Agreement.WITHIN


def test_what_is_unknown_and_too_few_seeds_tell_nothing():
    there = spread(1.0, 2.0)
    assert compare(number(50.0), there[1:]) is Agreement.OPEN
    assert compare(number(50.0), [*there[1:], UNKNOWN]) is Agreement.OPEN
    assert compare(UNKNOWN, there) is Agreement.OPEN
    assert compare(number(50.0), there) is Agreement.OUTSIDE


def test_equal_values_leave_a_hundredth_of_their_size():
    there = [number(1.0)] * 60
    assert compare(number(0.995), there) is Agreement.WITHIN
    assert compare(number(0.985), there) is Agreement.OUTSIDE
