"""Parts: to JSON and back, and what is refused on the way."""

import dataclasses
import json
import math
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm import recipes
from hrm.config import (
    GatedMlp,
    Gru,
    HRMConfig,
    LayerNorm,
    Learned,
    LinearController,
    Masked,
    Minimum,
    Mlp,
    Policy,
    QLearning,
    RmsNorm,
    Segments,
    SwiGlu,
    Tokens,
    Transformer,
    Vector,
)
from hrm.config.learning import System, Training
from hrm.config.parts import Part, canonical, kinds
from hrm.errors import UserError

properties = settings(max_examples=30, deadline=None, derandomize=True)
positive = st.integers(1, 64)
rates = st.floats(0, 1, allow_nan=False)

parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(Gru, width=positive),
    st.builds(RmsNorm, eps=rates, scale=st.booleans()),
    st.builds(Learned, clip=st.none() | rates),
    st.builds(Segments, count=positive, detached=st.booleans()),
    st.builds(
        Policy, max_steps=positive, controller=st.just(LinearController()), sample=st.booleans()
    ),
    st.builds(
        QLearning,
        max_steps=positive,
        halt_in_evaluation=st.booleans(),
        biases=st.tuples(rates, rates),
        exploration=st.none() | st.builds(Minimum, probability=st.floats(0, 1)),
    ),
    st.builds(
        Transformer,
        width=st.just(16),
        layers=positive,
        heads=st.sampled_from([1, 2, 4]),
        norm=st.sampled_from([RmsNorm(), LayerNorm()]),
        feed_forward=st.sampled_from(
            [Mlp(inner=4, activation="relu"), GatedMlp(inner=3), SwiGlu(inner=5, fused=True)]
        ),
        rotary=st.none() | rates,
    ),
)


@properties
@given(parts)
def test_a_part_survives_json(part: Part) -> None:
    there = json.loads(json.dumps(part.to_json()))
    back = Part.from_json(there)
    assert back == part
    assert type(back) is type(part)
    assert back.to_json() == part.to_json()
    assert back.fingerprint() == part.fingerprint()
    assert part.differences(back) == []


@properties
@given(parts, parts)
def test_fingerprints_are_equal_exactly_where_the_parts_are(a: Part, b: Part) -> None:
    assert (a == b) == (a.fingerprint() == b.fingerprint())
    assert (a == b) == (a.differences(b) == [])


def test_a_class_attribute_is_no_field_and_held_to_nothing() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Marked(Part):
        mark: ClassVar[str] = "m"
        width: int

    assert Marked(width=2).to_json() == {"kind": "Marked", "width": 2}
    with pytest.raises(UserError, match=r"Marked\.width is 'x'"):
        Marked(width="x")  # type: ignore[arg-type]


def test_every_kind_has_a_name_of_its_own() -> None:
    def descend(cls: type[Part]) -> list[type[Part]]:
        return [c for child in cls.__subclasses__() for c in (child, *descend(child))]

    ours = [c for c in descend(Part) if c.__module__.startswith("hrm")]
    assert len({c.__name__ for c in ours}) == len(ours)
    assert all(kinds()[c.__name__] is c for c in ours if not c.abstract)
    assert not any(c.__name__ in kinds() for c in ours if c.abstract)


def test_differences_name_the_path_and_both_values() -> None:
    here = recipes.v2()
    there = dataclasses.replace(
        here, model=dataclasses.replace(here.model, low=Gru(width=7), execution=Masked())
    )
    found = here.differences(there)
    assert found == [
        ("model.low.width", 256, 7),
        ("model.execution", {"kind": "Lockstep"}, {"kind": "Masked"}),
    ]
    assert there.differences(here) == [(path, b, a) for path, a, b in found]


def test_parts_of_another_kind_differ_as_wholes() -> None:
    assert Gru(width=3).differences(Vector(size=3)) == [
        ("", {"kind": "Gru", "width": 3}, {"kind": "Vector", "size": 3, "identity_if_equal": False})
    ]


def test_canonical_json_is_sorted_and_tight() -> None:
    assert canonical({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(math.nan)


def test_parts_are_frozen_and_take_keywords_alone() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Gru(width=3).width = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        Gru(3)  # type: ignore[misc]


def test_a_whole_number_for_a_float_is_the_same_part() -> None:
    assert type(LayerNorm(eps=1).eps) is float
    assert LayerNorm(eps=1).fingerprint() == LayerNorm(eps=1.0).fingerprint()


def test_a_whole_number_for_an_optional_float_is_the_same_part() -> None:
    assert type(Training(updates=1, clip=1).clip) is float
    assert Training(updates=1, clip=1) == Training(updates=1, clip=1.0)
    assert Training(updates=1, clip=1).fingerprint() == Training(updates=1, clip=1.0).fingerprint()
    assert Segments(count=2, connection=0).connection == 0.0


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Gru(width="256"), "Gru.width is '256'; allowed is int"),
        (lambda: Gru(width=2.0), "Gru.width is 2.0; allowed is int"),
        (lambda: Gru(width=True), "Gru.width is True; allowed is int"),
        (lambda: RmsNorm(scale=1), "RmsNorm.scale is 1; allowed is bool"),
        (lambda: LayerNorm(eps="1e-5"), "LayerNorm.eps is '1e-5'; allowed is float"),
        (lambda: LayerNorm(eps=False), "LayerNorm.eps is False; allowed is float"),
        (lambda: Learned(clip="2"), "Learned.clip is '2'; allowed is float or NoneType"),
        (lambda: Vector(size=None), "Vector.size is None; allowed is int"),
        (
            lambda: QLearning(max_steps=1, halt_in_evaluation=True, biases=1.0),
            "QLearning.biases is 1.0; allowed is tuple",
        ),
        (
            lambda: dataclasses.replace(recipes.v2().model, execution="masked"),
            "HRMConfig.execution is 'masked'; allowed is Lockstep or Masked or Compacted",
        ),
        (
            lambda: dataclasses.replace(recipes.v2(), model=Gru(width=3)),
            "System.model is Gru(width=3); allowed is HRMConfig",
        ),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(build, said: str) -> None:
    with pytest.raises(UserError) as error:
        build()
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"kind": "Gro", "width": 3}, "Gru is {'kind': 'Gro', 'width': 3}; allowed is Gru"),
        ({"width": 3}, "Gru is {'width': 3}"),
        ({"kind": ["Gru"], "width": 3}, "Gru is {'kind': ['Gru'], 'width': 3}"),
        ({"kind": "Gru", "width": 3, "depth": 1}, "Gru has no field 'depth'"),
        ({"kind": "Gru"}, "Gru can't be built"),
        ({"kind": "Gru", "width": "x"}, "Gru.width is 'x'"),
        ({"kind": "Readout", "size": 3}, "Gru is {'kind': 'Readout'"),
        ([{"kind": "Gru", "width": 3}], "Gru is [{'kind': 'Gru', 'width': 3}]"),
        ("Gru", "Gru is 'Gru'; allowed is Gru"),
        (None, "Gru is None"),
        ({"kind": "Gru", "width": "x" * 500}, "Gru.width is 'xxx"),
    ],
)
def test_foreign_data_is_refused_on_one_line(data, said: str) -> None:
    with pytest.raises(UserError) as error:
        Gru.from_json(data)
    message = str(error.value)
    assert message.startswith(said)
    assert "\n" not in message
    assert "x" * 100 not in message


def test_a_part_in_a_field_of_another_kind_is_refused_with_what_is_allowed() -> None:
    data = recipes.v2().to_json()
    data["model"]["execution"] = {"kind": "Gru", "width": 3}
    with pytest.raises(UserError) as error:
        System.from_json(data)
    assert str(error.value).startswith(
        "HRMConfig.execution is {'kind': 'Gru', 'width': 3}; allowed is Lockstep or Masked or "
    )


def test_the_text_of_a_part_is_as_it_has_always_been() -> None:
    part = QLearning(max_steps=2, halt_in_evaluation=True, exploration=Minimum(probability=1))
    assert canonical(part.to_json()) == (
        '{"against_continue":true,"batch_mean":false,"biases":[-5.0,-5.0],"exploration":{"kind":'
        '"Minimum","least":null,"probability":1.0},"halt_in_evaluation":true,"heads":1,"kind":'
        '"QLearning","max_steps":2,"zero_weight":true}'
    )
    assert recipes.v2().fingerprint() == (
        "4395ba281e95ee36e9fbe91b2d3d56373678e08e5f60c41cb48b8cf07b034832"
    )


def test_decoding_a_base_class_takes_any_part_of_it() -> None:
    system = recipes.act_v1()
    assert Part.from_json(system.to_json()) == system
    assert System.from_json(json.loads(canonical(system.to_json()))) == system
    with pytest.raises(UserError, match=r"HRMConfig is .*; allowed is HRMConfig"):
        HRMConfig.from_json(Tokens(vocabulary=2, positions=3).to_json())
