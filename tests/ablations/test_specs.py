"""The units of replication that a tier runs, and what a spec takes for granted."""

import dataclasses

import pytest

from ablations.forms import Exact
from ablations.records import Tier
from ablations.specs import (
    BLOCKS,
    CHEAP,
    CONTROL_BLOCKS,
    CONTROLS,
    ONCE,
    PRECISE,
    TRAINED,
    Claim,
)
from ablations.statistics import widening

ALL = (TRAINED, PRECISE, CHEAP, BLOCKS, ONCE, CONTROLS, CONTROL_BLOCKS)


def test_every_protocol_says_what_each_tier_runs():
    assert all(set(protocol) == set(Tier) for protocol in ALL)


def test_trained_claims_show_three_to_five_seeds_and_are_decided_by_twenty():
    assert 3 <= TRAINED[Tier.QUICK] <= 5
    assert TRAINED[Tier.STANDARD] == 20
    assert TRAINED[Tier.FULL] >= 32


def test_small_effects_are_decided_where_a_skew_costs_least():
    assert PRECISE[Tier.QUICK] == TRAINED[Tier.QUICK]
    n = PRECISE[Tier.STANDARD]
    assert widening(n, False) == widening(10 * n, False) < widening(n - 1, False)


def test_cheap_claims_are_run_in_full_in_every_tier():
    assert set(CHEAP.values()) == {40}
    assert set(ONCE.values()) == {1}


def test_blocks_of_two_pairs_make_the_twenty_process_pairs_of_a_timing():
    pairs = {tier: 2 * number for tier, number in BLOCKS.items()}
    assert pairs[Tier.QUICK] == pairs[Tier.STANDARD] == 20
    assert pairs[Tier.FULL] >= 32


@pytest.mark.parametrize("protocol", ALL)
def test_a_higher_tier_never_runs_less(protocol):
    numbers = [protocol[tier] for tier in (Tier.QUICK, Tier.STANDARD, Tier.FULL)]
    assert numbers == sorted(numbers)


def test_a_spec_can_not_be_changed_and_shares_runs_unless_it_says_otherwise():
    claim = Claim(
        id="x",
        section="",
        reading="",
        form=Exact(),
        workload="",
        arms=(),
        settings={},
        seeds=ONCE,
        cost=1.0,
    )
    assert not (claim.joint or claim.alone or claim.trained or claim.beside or claim.control)
    with pytest.raises(dataclasses.FrozenInstanceError):
        claim.trained = True
