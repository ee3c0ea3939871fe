"""Replication: agreement that was defined beforehand, and an alarm that rings when it should."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from ablations.claims import sets
from ablations.judging import replication
from ablations.judging.replication import alarm, compare, widened
from ablations.metrics.value import UNKNOWN, beyond, diverged, number
from ablations.records.checks import Check
from ablations.records.origins import Origin
from ablations.records.replications import Agreement
from ablations.specs.claim import Statistical, Tier

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


def checked(observed, *, holds=True, rule="equal", torch="2.13.0"):
    """A row with one check, as far as agreement reads it."""
    check = Check(what="rows", documented="4", observed=observed, holds=holds, rule=rule)
    return SimpleNamespace(
        checks=(check,), origin=Origin(spec="", machines=("one",), versions={"torch": torch})
    )


def test_checks_on_equal_versions_and_machines_give_equal_values():
    assert replication.of_checks(checked("4"), checked("4")) is Agreement.EQUAL
    assert replication.of_checks(checked("4"), checked("5")) is Agreement.DIFFERS


def test_what_two_programs_differ_by_in_rounding_may_differ_on_equal_versions():
    said = [checked(x, rule="to rounding: at most 1e-10") for x in ("5.6e-16", "5.8e-16")]
    assert replication.of_checks(*said) is Agreement.WITHIN


def test_checks_on_other_versions_come_out_alike():
    other = checked("5", torch="2.14.0")
    assert replication.of_checks(checked("4"), other) is Agreement.WITHIN
    fails = checked("5", holds=False, torch="2.14.0")
    assert replication.of_checks(checked("4"), fails) is Agreement.DIFFERS


def test_the_evidence_speaks_for_every_claim_that_a_quick_run_has_too_few_seeds_for():
    ours = sets.ours()
    first = ours.family.table.looks[0]
    few = [
        claim
        for claim in ours.choose(())
        if isinstance(claim, Statistical) and claim.schedule[Tier.QUICK] < first
    ]
    assert any(type(claim.cells[0].protocol).__name__ == "Ladder" for claim in few)
    assert all(map(replication.rests_on_training, few))
