"""The tables are derived by counting paths, and what the method says of them is so."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from ablations.rule.table import (
    FAMILY_ERROR,
    LADDER,
    MEDIAN,
    SHARE,
    SHARE_TABLE,
    TABLES,
    chance_to_establish,
    error,
    share_needed,
    table_for,
)
from hrm.errors import UserError
from tests.ablations.rule.independent import LADDERS

IDS = [f"{table.members} members" for table in TABLES]


def raised(exceptions, look):
    return {**exceptions, look: exceptions[look] + 1}


def paths(exceptions, hits, misses):
    """Count walks by hand: each pair is one of `hits` ways beyond the edge or of `misses` not."""
    walks, found, n = {0: 1}, Fraction(0), 0
    for look, c in exceptions.items():
        for _ in range(look - n):
            n += 1
            ways = dict.fromkeys(range(n + 1), 0)
            for k, number in walks.items():
                ways[k] += number * hits
                ways[k + 1] += number * misses
            walks = ways
        found += Fraction(sum(walks.pop(k, 0) for k in range(c + 1)), (hits + misses) ** n)
    return found


def test_the_tables_are_those_that_are_printed():
    assert {t.members: (dict(t.exceptions), dict(t.shares)) for t in TABLES} == LADDERS
    assert TABLES[-1].exceptions == LADDER and TABLES[-1].shares == SHARE_TABLE


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_an_error_is_the_number_of_paths_that_err_at_any_look(table):
    assert error(table.exceptions, MEDIAN) == paths(table.exceptions, 1, 1)
    assert error(table.shares, SHARE) == paths(table.shares, 3, 1)


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_all_looks_and_both_sides_of_all_members_stay_within_the_error_of_the_family(table):
    assert 2 * table.members * error(table.exceptions) <= FAMILY_ERROR
    assert table.members * (error(table.exceptions) + error(table.shares, SHARE)) <= FAMILY_ERROR


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_no_look_could_have_one_exception_more(table):
    for look in table.looks:
        assert 2 * table.members * error(raised(table.exceptions, look)) > FAMILY_ERROR, look


def test_no_look_could_have_one_exception_more_for_shares_but_two_of_the_printed_table():
    within = []
    for table in TABLES:
        budget = FAMILY_ERROR / (2 * table.members)
        more = [look for look in table.shares if error(raised(table.shares, look), SHARE) <= budget]
        within.append(more)
    assert within == [[], [], [40, 120]]  # the method prints 0 of 40 and 13 of 120; they are kept


def test_the_small_tables_of_shares_are_those_that_reach_furthest_within_the_error():
    for table, looks in zip(TABLES[:2], ((16, 26, 40), (26, 40, 60)), strict=True):
        budget = FAMILY_ERROR / (2 * table.members)
        assert tuple(table.shares) == looks
        fitting = [
            choice
            for choice in itertools.product(range(8), repeat=3)
            if sorted(choice) == list(choice)
            and error(dict(zip(looks, choice, strict=True)), float(SHARE)) <= float(budget)
        ]
        mine = tuple(table.shares.values())
        assert mine in fitting
        assert not any(
            other != mine and all(a >= b for a, b in zip(other, mine, strict=True))
            for other in fitting
        )


def test_the_method_states_the_error_of_the_ladder():
    assert float(error(LADDER)) == pytest.approx(2.79e-4, abs=5e-7)
    assert 2 * float(error(LADDER)) == pytest.approx(5.586e-4, abs=5e-8)
    assert 89 * 2 * error(LADDER) <= FAMILY_ERROR < 90 * 2 * error(LADDER)


def test_the_method_states_the_shares_that_give_eighty_percent_power():
    needed = [share_needed(LADDER, look) for look in LADDER]
    assert [math.ceil(1000 * share) / 1000 for share in needed[:4]] == [0.987, 0.911, 0.835, 0.784]
    assert [round(share, 2) for share in needed[4:]] == [0.71, 0.65]


def test_the_method_states_the_power_of_a_safe_treatment():
    assert float(chance_to_establish(SHARE_TABLE, 0.98)[60]) == pytest.approx(0.97, abs=0.01)


def test_a_chance_in_floats_is_the_exact_one():
    for look, exact in chance_to_establish(LADDER, Fraction(4, 5)).items():
        assert chance_to_establish(LADDER, 0.8)[look] == pytest.approx(float(exact), rel=1e-9)


def test_a_chance_is_the_frequency_in_drawn_samples():
    rng = np.random.default_rng(5)
    exceptions = np.cumsum(rng.random((20_000, 60)) > 0.8, axis=1)
    reached = np.zeros(len(exceptions), dtype=bool)
    chances = chance_to_establish(LADDER, 0.8)
    for look in (16, 26, 40, 60):
        reached |= exceptions[:, look - 1] <= LADDER[look]
        assert reached.mean() == pytest.approx(chances[look], abs=0.015)


def test_a_chance_after_some_pairs_goes_on_from_their_exceptions():
    assert chance_to_establish(LADDER, 1.0, (20, 3))[26] == 1
    assert chance_to_establish(LADDER, 1.0, (20, 4))[26] == 0
    assert chance_to_establish(LADDER, 1.0, (20, 4))[40] == 1
    assert chance_to_establish(LADDER, 0.5, (240, 0)) == {}
    assert chance_to_establish(LADDER, 1.0, (40, 40)) == {60: 0, 120: 0, 240: 1}
    assert set(chance_to_establish(LADDER, 1.0, (100, 91)).values()) == {0}


def test_the_chances_after_some_pairs_average_to_the_chance_before_them():
    n, share = 10, 0.9
    total = sum(
        math.comb(n, k)
        * share ** (n - k)
        * (1 - share) ** k
        * chance_to_establish(LADDER, share, (n, k))[60]
        for k in range(n + 1)
    )
    assert total == pytest.approx(chance_to_establish(LADDER, share)[60])


@pytest.mark.parametrize(
    ("members", "limit"), [(1, 1), (2, 9), (9, 9), (10, 89), (77, 89), (89, 89)]
)
def test_a_family_has_the_smallest_table_that_carries_it(members, limit):
    assert table_for(members).members == limit


@pytest.mark.parametrize("members", [0, -1, 90])
def test_a_family_of_no_member_or_of_too_many_is_refused(members):
    with pytest.raises(UserError, match=f"{members} statistical claims .* allowed are 1 to 89"):
        table_for(members)


def test_a_table_knows_the_looks_that_pairs_reach():
    assert table_for(89).reached(15) == ()
    assert table_for(89).reached(45) == (16, 26, 40)
