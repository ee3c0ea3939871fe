"""Search spaces: what a file says, and what is wrong with it on one line."""

import json

import pytest

from hrm.errors import UserError
from hrm.sweeps import space
from hrm.sweeps.space import Choice, Range

TOML = """
[training.learning_rate]
low = 1e-4
high = 1e-2
log = true

["recipe.hidden_low"]
low = 16
high = 64
step = 16

[model.low.width]
low = 8
high = 9

[training.schedule]
choices = [{ kind = "Constant" }, { kind = "Cosine", floor = 0.1 }]
"""


def test_a_toml_file_names_fields_by_nested_tables_or_in_quotes(tmp_path):
    (tmp_path / "space.toml").write_text(TOML)
    found = space.read(tmp_path / "space.toml")
    assert found == {
        "training.learning_rate": Range(low=1e-4, high=1e-2, log=True),
        "training.schedule": Choice(
            choices=({"kind": "Constant"}, {"kind": "Cosine", "floor": 0.1})
        ),
        "recipe.hidden_low": Range(low=16, high=64, step=16),
        "model.low.width": Range(low=8, high=9),
    }
    assert [part.whole for part in found.values() if isinstance(part, Range)] == [
        *(False, True, True)
    ]


def test_what_is_read_can_be_written_and_read_again(tmp_path):
    (tmp_path / "space.toml").write_text(TOML)
    found = space.read(tmp_path / "space.toml")
    (tmp_path / "space.json").write_text(json.dumps(space.to_json(found)))
    assert space.read(tmp_path / "space.json") == found


@pytest.mark.parametrize(
    ("field", "part", "said"),
    [
        ("training.clip", 3, "space training.clip is 3; allowed is a table with low and high"),
        ("training.clip", {"low": 1}, "{'low': 1}; allowed is low and high, with log or step, or"),
        ("training.clip", {"low": 1, "high": 2, "base": 3}, "allowed is low and high"),
        ("training.clip", {"low": 1, "choices": [1]}, "allowed is low and high"),
        ("training.clip", {"low": "1", "high": 2}, "clip.low is '1'; allowed is a number"),
        ("training.clip", {"low": True, "high": 2}, "clip.low is True; allowed is a number"),
        ("training.clip", {"low": 1, "high": 1}, "clip.high is 1; allowed is a number above low"),
        ("training.clip", {"low": 0, "high": 1, "log": True}, "clip.low is 0; allowed is a pos"),
        ("training.clip", {"low": 1, "high": 2, "log": 1}, "clip.log is 1; allowed is true or"),
        ("training.clip", {"low": 1, "high": 9, "log": True, "step": 2}, "step is 2; allowed is n"),
        ("training.clip", {"low": 1, "high": 4, "step": 2}, "step is 2; allowed is a positive"),
        ("training.clip", {"low": 1, "high": 4, "step": -1}, "step is -1; allowed is a positive"),
        ("training.clip", {"choices": []}, "clip.choices is []; allowed is a list of values"),
        ("training.clip", {"choices": [1, 2, 1]}, "allowed is different values"),
        ("clip", {"low": 1, "high": 2}, "allowed is a field named recipe.FIELD, training.FIELD"),
        ("recipe", {"low": 1, "high": 2}, "allowed is a field named recipe.FIELD"),
    ],
)
def test_a_mistake_names_field_value_and_what_is_allowed(tmp_path, field, part, said):
    path = tmp_path / "space.json"
    path.write_text(json.dumps({field: part}))
    with pytest.raises(UserError) as refused:
        space.read(path)
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("space.json", "{", "can't be read"),
        ("space.toml", "low = ", "can't be read"),
        ("space.json", "{}", "names no field"),
        ("space.json", "[]", "space file is []; allowed is a table"),
        ("nothing.json", None, "can't be read"),
    ],
)
def test_a_file_that_is_no_space_is_refused(tmp_path, name, text, said):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as refused:
        space.read(path)
    assert said in str(refused.value)


@pytest.mark.parametrize("step", [0.1, 0.25, 1])
def test_steps_of_floats_are_counted_to_rounding(tmp_path, step):
    path = tmp_path / "space.json"
    path.write_text(json.dumps({"training.clip": {"low": 0.0, "high": 3 * step, "step": step}}))
    assert space.read(path)["training.clip"].step == step


@pytest.mark.parametrize("name", ["space.toml", "space.json"])
def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path, name):
    text = {
        "space.toml": "[training.warmup]\r\nlow = 1\r\nhigh = 3\r\n",
        "space.json": '{"training.warmup":\r\n{"low": 1, "high": 3}}\r\n',
    }[name]
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert space.read(tmp_path / name) == {"training.warmup": Range(low=1, high=3)}
