"""Each test decides the same in another unit, in another order, and with its arms exchanged.

Values are numbers, intervals, runs that diverged or never arrived, and unknown ones.
"""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablations.judging.case import oriented
from ablations.metrics.value import UNKNOWN, Value, beyond, diverged, number
from ablations.rule import judge, table_for
from ablations.specs.contrasts import interaction, main_effect
from ablations.specs.tests import (
    Both,
    Difference,
    Factorial,
    NotWorse,
    OneRatio,
    OneSample,
    Ratio,
    Reliable,
    Spread,
    TimeToTarget,
    Timing,
    Trend,
)

examples = settings(max_examples=40)
TABLE = table_for(1)
PAIRS = 16  # two looks of that table
WHY = {"because": "a test"}
NULL = {"null": 0.25, **WHY}
BAND = {"band_because": "a test"}
SHARED = {"null": 0.1, **WHY}
ABOUT = {"about": (0.5, 2.0), **BAND}
LEVELS = (0.0, 1.0, 4.0)
TESTS = {
    "difference": Difference(**NULL, **ABOUT),
    "fewer": Difference(**NULL, fewer=True, at_least=-0.5, **BAND),
    "ratio": Ratio(**SHARED, about=(1.5, 4.0), **BAND),
    "time to target": TimeToTarget(**SHARED, fewer=True, about=(0.25, 0.75), **BAND),
    "timing": Timing(**SHARED, fewer=True),
    "one sample": OneSample(**NULL, constant=0.5, **ABOUT),
    "one ratio": OneRatio(**SHARED, constant=2.0, fewer=True),
    "trend": Trend(**NULL, levels=LEVELS, at_least=1.0, **BAND),
    "main effect": Factorial(**NULL, factors=main_effect((0, 1), (0, 1), of=1)),
    "interaction": Factorial(**NULL, factors=interaction((0, 1), (0, 1)), either_side=True),
    "not worse": NotWorse(margin=0.5, **WHY),
    "not worse than the mean": NotWorse(margin=0.5, **WHY, weights=(-0.5, -0.5, 1.0), fewer=True),
    "reliable": Reliable(above=1.5, **WHY),
    "spread": Spread(**SHARED, constant=0.5),
    "both": Both(parts=(Difference(**NULL), NotWorse(margin=0.5, **WHY)), reads=((0, 1), (2, 1))),
}
TWO_ARMS = [name for name, test in TESTS.items() if isinstance(test, Difference | Ratio)]
LINEAR = ("trend", "main effect", "interaction", "not worse", "not worse than the mean")

sizes = st.floats(0.125, 8).map(lambda x: round(x, 3))
values = st.one_of(
    sizes.map(number),
    sizes.map(number),
    sizes.map(number),
    sizes.map(beyond),
    st.tuples(sizes, sizes).map(lambda ends: Value(low=min(ends), high=max(ends), mean=math.nan)),
    st.builds(diverged, higher_is_better=st.booleans(), worst=st.sampled_from([math.nan, 9.0])),
    st.just(UNKNOWN),
)


def tables(name):
    """PAIRS pairs of a test's cells: a few rows, repeated, so that words are often settled."""
    row = st.lists(values, min_size=TESTS[name].cells, max_size=TESTS[name].cells)
    rows = st.lists(row, min_size=1, max_size=3)
    return rows.map(lambda some: list(itertools.islice(itertools.cycle(some), PAIRS)))


def parts_of(test):
    return test.parts if isinstance(test, Both) else (test,)


def contrasts(test, row):
    return test.contrasts(row) if isinstance(test, Both) else (test.contrast(row),)


def verdicts(test, rows):
    """The verdict on each part of what a test says of these pairs."""
    columns = zip(*(contrasts(test, row) for row in rows), strict=True)
    return [
        judge(oriented(column, part, part.zones), part.zones, TABLE)
        for part, column in zip(parts_of(test), columns, strict=True)
    ]


def words(test, rows):
    return [(v.word, v.by_itself, v.settled, v.unknown) for v in verdicts(test, rows)]


def times(value, unit):
    return replace(value, low=value.low * unit, high=value.high * unit, mean=value.mean * unit)


def in_unit(test, unit):
    """A test whose figures are given in another unit; shares and ratios have none."""
    if isinstance(test, Both):
        return replace(test, parts=tuple(in_unit(part, unit) for part in test.parts))
    names = ["constant", "above", "margin"]
    if not test.zones.log:
        names += ["null", "about", "at_least"]
    changed = {}
    for name in names:
        value = getattr(test, name, None)
        if value is not None:
            scaled = tuple(x * unit for x in value) if isinstance(value, tuple) else value * unit
            changed[name] = scaled
    return replace(test, **changed)


@pytest.mark.parametrize("name", TESTS)
@examples
@given(data=st.data(), power=st.integers(-20, 20))
def test_in_another_unit_a_test_says_the_same(name, data, power):
    test, unit = TESTS[name], 2.0**power
    rows = data.draw(tables(name))
    scaled = [[times(value, unit) for value in row] for row in rows]
    other = in_unit(test, unit)
    assert words(test, rows) == words(other, scaled)
    for row, same in zip(rows, scaled, strict=True):
        for part, before, after in zip(
            parts_of(test), contrasts(test, row), contrasts(other, same), strict=True
        ):
            stretch = 1.0 if part.zones.log else unit
            assert after.low == pytest.approx(before.low * stretch, abs=1e-9 * stretch)
            assert after.high == pytest.approx(before.high * stretch, abs=1e-9 * stretch)
            assert after.mean == pytest.approx(
                before.mean * stretch, abs=1e-9 * stretch, nan_ok=True
            )


@pytest.mark.parametrize("name", LINEAR)
@examples
@given(data=st.data())
def test_the_order_in_which_cells_are_listed_changes_nothing(name, data):
    test = TESTS[name]
    rows = data.draw(tables(name))
    order = data.draw(st.permutations(range(test.cells)))
    field = {"trend": "levels", "not worse": "weights"}.get(name, "factors")
    field = "weights" if isinstance(test, NotWorse) else field
    turned = replace(test, **{field: tuple(getattr(test, field)[i] for i in order)})
    for row in rows:
        a, b = test.contrast(row), turned.contrast([row[i] for i in order])
        assert (a.low, a.high) == pytest.approx((b.low, b.high))
        assert a.mean == pytest.approx(b.mean, nan_ok=True)
        assert [a.failed[i] for i in order] == list(b.failed)


@examples
@given(data=st.data())
def test_the_order_of_replicas_changes_no_spread(data):
    test = TESTS["spread"]
    rows = data.draw(tables("spread"))
    order = data.draw(st.permutations(range(test.cells)))
    for row in rows:
        a, b = test.contrast(row), test.contrast([row[i] for i in order])
        assert (a.low, a.high) == pytest.approx((b.low, b.high))


@examples
@given(data=st.data())
def test_the_order_of_what_a_conjunction_says_changes_no_part(data):
    test, rows = TESTS["both"], data.draw(tables("both"))
    turned = replace(test, parts=test.parts[::-1], reads=test.reads[::-1])
    assert words(test, rows) == words(turned, rows)[::-1]


@pytest.mark.parametrize("name", TWO_ARMS)
@examples
@given(data=st.data())
def test_with_exchanged_arms_the_opposite_claim_has_the_same_verdict(name, data):
    """ "A is less than B" is "B is more than A", whatever the runs did."""
    test = TESTS[name]
    rows = data.draw(tables(name))
    zones = test.zones
    straight = judge(oriented([test.contrast(r) for r in rows], test, zones), zones, TABLE)
    opposite = replace(zones, sign=-zones.sign)
    turned = [test.contrast(row[::-1]) for row in rows]
    found = judge(oriented(turned, test, opposite), opposite, TABLE)
    assert (found.word, found.settled) == (straight.word, straight.settled)
    assert (found.low, found.high) == pytest.approx((straight.low, straight.high))
    assert found.failures == straight.failures
    for row, other in zip(rows, turned, strict=True):
        first = test.contrast(row)
        assert (first.low, first.high) == pytest.approx((-other.high, -other.low))
        assert first.mean == pytest.approx(-other.mean, nan_ok=True)


@examples
@given(data=st.data())
def test_an_effect_of_either_sign_doesnt_know_which_arm_is_which(data):
    test = TESTS["interaction"]
    rows = data.draw(tables("interaction"))
    turned = replace(test, factors=tuple(-weight for weight in test.factors))
    assert [w[1:] for w in words(test, rows)] == [w[1:] for w in words(turned, rows)]


@pytest.mark.parametrize("name", TESTS)
@examples
@given(data=st.data(), order=st.permutations(range(PAIRS)))
def test_the_order_of_pairs_within_a_look_changes_nothing(name, data, order):
    first = TABLE.looks[0]
    rows = data.draw(tables(name))
    within = [i for i in order if i < first] + [i for i in order if i >= first]
    assert words(TESTS[name], rows) == words(TESTS[name], [rows[i] for i in within])


@pytest.mark.parametrize("name", TESTS)
@examples
@given(data=st.data())
def test_whatever_the_runs_did_a_contrast_is_an_interval(name, data):
    for row in data.draw(tables(name)):
        for found in contrasts(TESTS[name], row):
            assert found.low <= found.high
            assert not math.isinf(found.mean)
