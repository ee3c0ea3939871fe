"""Records turn into JSON and back, and refuse what isn't theirs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm.codec import Json, Record
from hrm.errors import UserError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Inner(Record):
    name: str
    size: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outer(Record):
    count: int
    share: float
    on: bool
    colour: Colour
    pair: tuple[float, float] | None
    parts: tuple[Inner, ...]
    named: Mapping[str, Inner]
    free: Json = None


def an_outer(**changes):
    given = {
        "count": 3,
        "share": 0.5,
        "on": True,
        "colour": Colour.BLUE,
        "pair": (1.0, 2.0),
        "parts": (Inner(name="a"), Inner(name="b", size=2.0)),
        "named": {"c": Inner(name="c")},
        "free": {"x": [1, "two", None]},
    }
    return Outer(**{**given, **changes})


def refusal(**changes):
    data = {**an_outer().to_json(), **changes}
    with pytest.raises(UserError) as found:
        Outer.from_json(data)
    assert isinstance(found.value, ValueError)
    return str(found.value)


def test_a_record_comes_back_from_json_text_as_it_was():
    record = an_outer()
    assert Outer.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_the_text_of_a_record_is_as_it_has_always_been():
    assert json.dumps(an_outer().to_json()) == (
        '{"count": 3, "share": 0.5, "on": true, "colour": "blue", "pair": [1.0, 2.0], "parts": '
        '[{"name": "a", "size": null}, {"name": "b", "size": 2.0}], "named": {"c": {"name": "c", '
        '"size": null}}, "free": {"x": [1, "two", null]}}'
    )


def test_json_has_one_key_a_field_in_order_and_plain_values():
    data = an_outer().to_json()
    assert list(data) == ["count", "share", "on", "colour", "pair", "parts", "named", "free"]
    assert data["colour"] == "blue"
    assert type(data["colour"]) is str
    assert data["pair"] == [1.0, 2.0]
    assert data["parts"][1] == {"name": "b", "size": 2.0}
    assert data["named"] == {"c": {"name": "c", "size": None}}


sizes = st.one_of(st.none(), st.floats(allow_nan=False))
inners = st.builds(Inner, name=st.text(max_size=4), size=sizes)
outers = st.builds(
    Outer,
    count=st.integers(),
    share=st.floats(allow_nan=False, allow_infinity=False),
    on=st.booleans(),
    colour=st.sampled_from(Colour),
    pair=st.none() | st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    parts=st.lists(inners, max_size=3).map(tuple),
    named=st.dictionaries(st.text(max_size=3), inners, max_size=2),
    free=st.none() | st.integers() | st.text(max_size=3),
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(outers)
def test_any_record_round_trips(record):
    assert Outer.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_whole_number_may_stand_for_a_float_and_becomes_one():
    found = Outer.from_json({**an_outer().to_json(), "share": 1})
    assert found.share == 1.0
    assert type(found.share) is float


def test_optional_fields_may_be_null_or_absent():
    data = an_outer(pair=None).to_json()
    del data["free"]
    assert Outer.from_json(data) == an_outer(pair=None, free=None)


def test_a_missing_field_is_refused_by_name():
    data = an_outer().to_json()
    del data["count"]
    with pytest.raises(ValueError, match="'count'"):
        Outer.from_json(data)


def test_an_unknown_field_is_refused_with_those_that_there_are():
    said = refusal(colours=1)
    assert said.startswith("Outer has no field 'colours'; its fields are: count, share, on")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"count": "3"}, "Outer.count is '3'; allowed is int"),
        ({"count": True}, "Outer.count"),
        ({"count": 1.5}, "Outer.count"),
        ({"share": False}, "Outer.share is False; allowed is float"),
        ({"share": None}, "Outer.share"),
        ({"on": 1}, "Outer.on is 1; allowed is bool"),
        ({"colour": "green"}, "Outer.colour is 'green'; allowed is red or blue"),
        ({"pair": [1.0]}, "Outer.pair is [1.0]; allowed is tuple[float, float] or NoneType"),
        ({"pair": 1.0}, "Outer.pair is 1.0; allowed is tuple[float, float]"),
        ({"parts": {}}, "Outer.parts is {}; allowed is tuple[Inner, ...]"),
        ({"parts": [{"name": "a"}, {"name": 2}]}, "Outer.parts[1].name is 2; allowed is str"),
        ({"named": []}, "Outer.named is []; allowed is Mapping[str, Inner]"),
        ({"named": {"c": None}}, "Outer.named.c is None; allowed is Inner"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_place(changes, where):
    assert where in refusal(**changes)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_object_is_no_record(data):
    with pytest.raises(ValueError, match=r"Outer is .*; allowed is Outer"):
        Outer.from_json(data)
