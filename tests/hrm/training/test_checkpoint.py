"""Checkpoints: whole or absent, refused where they don't fit, and exact."""

import errno
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from hrm import recipes
from hrm.errors import UserError
from hrm.training import checkpoint

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.just(torch.arange(3))
    ),
    max_leaves=8,
)


def same(a: object, b: object) -> bool:
    match a, b:
        case torch.Tensor(), torch.Tensor():
            return torch.equal(a, b) and a.dtype == b.dtype
        case dict(), dict():
            return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        case list(), list():
            return len(a) == len(b) and all(map(same, a, b))
    return a == b and type(a) is type(b)


@pytest.mark.promise("v2", "checkpoints", "hrm train ... --output DIR")
@settings(max_examples=30, deadline=None, derandomize=True)
@given(tree=plain)
def test_a_tree_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    path = tmp_path_factory.mktemp("saved") / "last.safetensors"
    checkpoint.save(path, tree)
    assert same(checkpoint.load(path), tree)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64, torch.uint8, torch.bool])
def test_tensors_keep_their_type_and_views_are_stored_whole(
    tmp_path: Path, kind: torch.dtype
) -> None:
    tensor = torch.arange(12).view(3, 4).to(kind)
    checkpoint.save(tmp_path / "a", {"view": tensor[:, 1:3], "again": tensor})
    found = checkpoint.load(tmp_path / "a")
    assert torch.equal(found["view"], tensor[:, 1:3]) and found["view"].dtype == kind
    assert torch.equal(found["again"], tensor)


def test_what_is_no_data_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="can't hold"):
        checkpoint.save(tmp_path / "a", {"x": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.save(tmp_path / "a", [1])

    def full(*_args: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(tmp_path / "a", [2])
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert checkpoint.load(tmp_path / "a") == [1]


def test_damaged_foreign_and_hostile_files_are_refused_by_name(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    checkpoint.save(whole, {"w": torch.arange(1000)})
    bad = {
        "missing": None,
        "empty": b"",
        "text": b"not a checkpoint",
        "cut": whole.read_bytes()[:-100],
        "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93.",
    }
    for name, content in bad.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError, match=name) as error:
            checkpoint.load(path)
        assert "\n" not in str(error.value)
    foreign = tmp_path / "foreign"
    save_file({"w": torch.zeros(2)}, foreign)
    with pytest.raises(UserError, match="foreign"):
        checkpoint.load(foreign)
    for tree in ({"tensor": "v"}, {"pairs": 5}, {"list": 3}, {"pairs": [[1]]}):
        save_file({"w": torch.zeros(2)}, foreign, metadata={"tree": json.dumps(tree)})
        with pytest.raises(UserError, match="foreign"):
            checkpoint.load(foreign)
    for other in ([1], "x", {"recipe": 1}, None):
        checkpoint.save(foreign, other)
        with pytest.raises(UserError, match="foreign"):
            checkpoint.load(foreign, "recipe", "update")


def test_another_configuration_is_refused_with_the_difference(tmp_path: Path) -> None:
    here, there = recipes.gru(hidden_low=8), recipes.gru(hidden_low=16)
    checkpoint.same(tmp_path, here, recipes.gru(hidden_low=8))
    with pytest.raises(UserError, match=r"model\.low\.width = 8; allowed is 16"):
        checkpoint.same(tmp_path, here, there)
