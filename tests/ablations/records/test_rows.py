"""Rows turn into JSON and back without losing anything."""

import pytest

from ablations.records.plans import Chance, Planning, Prospect
from ablations.records.statements import Exceptions, Point, Scale


@pytest.mark.parametrize(
    "record",
    [
        Exceptions(edge=None, side="above", pairs=1, of=2, exceptions=1, established=False),
        Point(seed=3, values={"a": None, "b": 2.0}, low=None, high=1.0, failed=("a",), note="x"),
        Scale(
            unit="rows",
            log=True,
            neutral=1.0,
            sign=-1,
            two_sided=False,
            null=(0.95, 1.05),
            because="made up",
            band=(None, 0.8),
        ),
        Planning(
            sd=0.1,
            source="5 pilot seeds",
            pairs=26,
            prospects=(
                Prospect(
                    truth="as documented",
                    effect=0.7,
                    chances=(Chance(look=16, holds=0.5, partly=0.1, fails=0.2),),
                ),
            ),
            pairs_80=26,
            pairs_90=None,
        ),
    ],
)
def test_a_record_comes_back_from_json(record):
    assert type(record).from_json(record.to_json()) == record


def test_a_chance_to_settle_is_that_of_any_group():
    assert Chance(look=16, holds=0.5, partly=0.1, fails=0.2).settled == pytest.approx(0.8)
