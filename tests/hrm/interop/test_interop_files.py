"""Checkpoint files: read bit for bit, or refused by name in one line, and never run."""

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hrm import interop
from hrm.errors import UserError
from hrm.interop import files
from hrm.training import checkpoint
from tests.hrm.interop import public

SUFFIXES = ["", ".pt", ".safetensors"]


def refused(path):
    """The message with which a file is refused: one line that names it."""
    with pytest.raises(UserError) as error:
        files.read(path)
    said = str(error.value)
    assert str(path) in said and "\n" not in said and len(said) < 600
    return said


@pytest.mark.parametrize("prefix", public.PREFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("size", public.SIZES.values(), ids=public.SIZES)
def test_a_checkpoint_comes_back_bit_for_bit(tmp_path, size, suffix, prefix):
    state = public.state(size, prefix=prefix)
    first, again = tmp_path / f"step_7{suffix}", tmp_path / f"again{suffix}"
    files.write(first, state)
    weights = files.read(first)
    assert weights.prefix == prefix
    public.same(weights.tensors, public.state(size))
    files.write(
        again, interop.wrapped(interop.renamed(weights.ours(), one_level=weights.one_level), prefix)
    )
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_types_stay_what_they_are(tmp_path, dtype):
    state = public.state(public.SIZES["small"], dtype)
    files.write(tmp_path / "x", state)
    public.same(files.read(tmp_path / "x").tensors, state)


def test_torch_loads_what_is_written(tmp_path):
    state = public.state(public.SIZES["middle"], prefix=interop.PREFIX)
    files.write(tmp_path / "step_1", state)
    found = torch.load(tmp_path / "step_1", weights_only=True)
    public.same(found, state)
    assert list(found) == list(state)


def test_of_a_whole_training_state_the_model_is_read(tmp_path):
    state = public.state(public.SIZES["tiny network"], prefix=interop.PREFIX)
    optimisers = [{"state": {0: {"step": 3}}, "param_groups": [{"lr": 1e-4}]}]
    whole = {"model": OrderedDict(state), "optimizers": optimisers, "step": 3}
    torch.save(whole, tmp_path / "step_3")
    bare = {name.removeprefix(interop.PREFIX): value for name, value in state.items()}
    public.same(files.read(tmp_path / "step_3").tensors, bare)


def test_parameters_and_shared_storage_are_read_as_tensors(tmp_path):
    state = public.state(public.SIZES["small"])
    both = torch.stack([state["H_init"], state["L_init"]])
    state |= {"H_init": both[0], "L_init": both[1]}
    state["lm_head.weight"] = torch.nn.Parameter(state["lm_head.weight"])
    torch.save(state, tmp_path / "x")
    found = files.read(tmp_path / "x").tensors
    assert all(torch.equal(found[name], value) for name, value in state.items())
    assert not any(value.requires_grad for value in found.values())
    files.write(tmp_path / "x.safetensors", found)  # which shares no storage


# -- hostile --------------------------------------------------------------------------------------
class Touch:
    """Makes a file, when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Call:
    """Calls anything, when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile(marker):
    state = public.state(public.SIZES["small"])
    text = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    return {
        "in place of the dictionary": Touch(marker),
        "beside the tensors": {**state, "lm_head.bias": Touch(marker)},
        "as a key": {**state, Touch(marker): torch.zeros(1)},
        "in the optimiser's state": {"model": state, "optimizers": [Touch(marker)]},
        "by eval": {**state, "x": Call(eval, text)},
        "by exec": {**state, "x": Call(exec, text)},
    }


@pytest.mark.parametrize("how", hostile(Path("x")))
@pytest.mark.parametrize("raw", [False, True], ids=["as torch saves", "as pickle dumps"])
def test_hostile_pickles_are_refused_and_never_run(tmp_path, how, raw):
    marker, path = tmp_path / "ran", tmp_path / "step_9"
    payload = hostile(marker)[how]
    if raw:
        path.write_bytes(pickle.dumps(payload))
        unpickled = pickle.loads
    else:
        torch.save(payload, path)

        def unpickled(content):
            return torch.load(io.BytesIO(content), weights_only=False)

    said = refused(path)
    assert not marker.exists()
    if not raw:
        assert "it asks for" in said and "weights_only" not in said
    unpickled(path.read_bytes())  # with this it would have run
    assert marker.exists()


def rewritten(path, change, **options):
    """The same zip file, but for what `change` makes of each entry's bytes."""
    with zipfile.ZipFile(path) as old:
        content = {entry.filename: old.read(entry) for entry in old.infolist()}
    with zipfile.ZipFile(path, "w", **options) as new:
        for name, value in content.items():
            new.writestr(name, change(name, value))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "step_9"
    torch.save(public.state(public.SIZES["small"]), path)
    return path


def test_a_bomb_isnt_unpacked(saved, monkeypatch):
    def zeros(name, value):
        return bytes(1 << 24) if name.endswith("/data/0") else value

    rewritten(saved, zeros, compression=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(torch, "load", None)
    assert "it unpacks to 16," in refused(saved)


def test_a_tensor_larger_than_its_record_is_refused(saved):
    rewritten(saved, lambda name, value: value[:8] if name.endswith("/data/3") else value)
    assert "size" in refused(saved)


def test_a_record_that_was_changed_is_refused(saved):
    content = bytearray(saved.read_bytes())
    third = public.state(public.SIZES["small"])["embed_tokens.embedding_weight"]
    content[content.index(third.numpy().tobytes())] ^= 1
    saved.write_bytes(content)
    assert "'step_9/data/2' in it is damaged" in refused(saved)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (torch.zeros(1).expand(1 << 40), "larger than its stored data"),
        (torch.eye(2).to_sparse(), "not a dense tensor"),
        (torch.zeros(2, device="meta"), "not a dense tensor"),
        (torch.zeros(2, dtype=torch.int64), "int64, not one of float32, bfloat16, float16"),
        (torch.zeros(2, dtype=torch.float64), "float64, not one of"),
        (7, "a int, not a tensor"),
    ],
    ids=["strides of zero", "sparse", "meta", "integers", "doubles", "number"],
)
def test_what_isnt_a_dense_tensor_of_its_own_is_refused_by_its_key(tmp_path, value, said):
    torch.save({**public.state(public.SIZES["small"]), "lm_head.bias": value}, tmp_path / "x")
    found = refused(tmp_path / "x")
    assert "'lm_head.bias'" in found and said in found


# -- damaged, or something else -------------------------------------------------------------------
@pytest.mark.parametrize("suffix", ["", ".safetensors"])
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_cut_files_are_refused(tmp_path, suffix, share):
    path = tmp_path / f"step_9{suffix}"
    files.write(path, public.state(public.SIZES["small"]))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path)


@pytest.mark.parametrize("suffix", ["", ".safetensors"])
def test_files_with_a_changed_head_are_refused_or_read(tmp_path, suffix):
    path = tmp_path / f"step_9{suffix}"
    files.write(path, public.state(public.SIZES["small"]))
    content = path.read_bytes()
    said = []
    for at in range(0, 1000, 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            files.read(path)
        except UserError as error:
            said.append(str(error))
    assert said and "\n" not in "".join(said)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("no checkpoint")
    (tmp_path / "header").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    with zipfile.ZipFile(tmp_path / "zip", "w") as file:
        file.writestr("a", "b")
    torch.save([torch.zeros(1)], tmp_path / "list")
    save_file({"w": torch.zeros(1)}, tmp_path / "foreign")
    torch.save({}, tmp_path / "nothing")
    for name in ("text", "header", "zip", "list", "foreign", "nothing", "missing"):
        refused(tmp_path / name)
    refused(tmp_path)  # a folder
    checkpoint.save(tmp_path / "own", {"model": {}})
    assert "--to public" in refused(tmp_path / "own")


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        files.write(tmp_path / "x", {"w": torch.zeros(1)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_weights_that_are_no_numbers_are_refused_by_name(tmp_path, suffix, value):
    state = public.state(public.SIZES["small"])
    state["lm_head.weight"][2, 3] = value
    files.write(tmp_path / f"x{suffix}", state)
    assert "'lm_head.weight' in it is a tensor with NaN or infinite values" in refused(
        tmp_path / f"x{suffix}"
    )
