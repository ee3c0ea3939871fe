"""Models of any shape become public checkpoints and come back bit for bit."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm import interop, recipes
from hrm.interop import Arch
from hrm.model import HRM

every_kind = pytest.mark.parametrize(
    "kind", ["hierarchical", "one network", "one latent", "seven latents", "mixing", "plain"]
)


@st.composite
def archs(draw, kind):
    """A configuration of a public variant, at any small size."""
    plain, one_network = kind == "plain", kind not in ("hierarchical", "plain")
    heads = 1 if kind == "mixing" else draw(st.integers(1, 2))
    width = heads * draw(st.sampled_from([8, 12, 16]))
    table = draw(st.sampled_from([0, width, width - 1, 2 * width + 1]))
    positions = ["learned", *(["none"] if one_network else []), "rope"]
    layers, enabled = draw(st.integers(1, 2)), not plain or draw(st.booleans())
    return Arch(
        one_network=one_network,
        one_level=plain,
        vocab_size=draw(st.integers(2, 9)),
        seq_len=draw(st.integers(1, 9)),
        hidden_size=width,
        num_heads=heads,
        H_layers=layers if kind != "hierarchical" else draw(st.integers(1, 3)),
        L_layers=layers,
        inner=recipes.swiglu_inner(width, 4.0),
        H_cycles=1 if plain else draw(st.integers(1, 3)),
        L_cycles=1 if plain else 6 if kind == "seven latents" else draw(st.integers(1, 3)),
        halt_max_steps=draw(st.integers(1, 4)),
        halt_exploration_prob=draw(st.sampled_from([0.1, 0.5])) if enabled else 0.0,
        puzzle_emb_ndim=table,
        num_puzzle_identifiers=draw(st.integers(1, 4)) if table else 1,
        puzzle_emb_len=draw(st.sampled_from([0, 3])) if one_network and table else 0,
        pos_encodings=draw(st.sampled_from(positions[: 2 if kind == "mixing" else 3])),
        rms_norm_eps=draw(st.sampled_from([1e-5, 1e-6])),
        rope_theta=10_000.0,
        forward_dtype=draw(st.sampled_from(["bfloat16", "float32"])),
        loss_type=draw(st.sampled_from(["stablemax_cross_entropy", "softmax_cross_entropy"])),
        no_ACT_continue=one_network and draw(st.booleans()),
        mlp_t=kind == "mixing",
        latents={"one latent": 1, "seven latents": 7}.get(kind, 2),
        act_enabled=enabled,
        act_inference=plain and draw(st.booleans()),
    )


@every_kind
@settings(max_examples=10)
@given(data=st.data())
def test_a_public_configuration_is_that_of_its_system(kind, data):
    arch = data.draw(archs(kind))
    assert Arch.of(arch.system()).to_json() == {**arch.to_json(), **prefix_of(arch)}


def prefix_of(arch):
    """A prefix of as many tokens as a row takes may be said or left out."""
    return {"puzzle_emb_len": Arch.of(arch.system()).puzzle_emb_len}


@every_kind
@settings(max_examples=5)
@given(
    data=st.data(),
    suffix=st.sampled_from(["", ".safetensors"]),
    prefix=st.sampled_from(["", "model.inner.", interop.PREFIX]),
    seed=st.integers(0, 99),
)
def test_weights_of_any_shape_come_back_bit_for_bit(kind, data, suffix, prefix, seed):
    arch = data.draw(archs(kind))
    torch.manual_seed(seed)
    model = HRM(arch.system().model)
    ours = model.state_dict()
    weights = interop.renamed(ours, one_level=arch.one_level)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"step_3{suffix}")
        interop.write(path, interop.wrapped(replace(weights, prefix=prefix), prefix))
        read = interop.read(path)
    assert read.prefix == prefix
    back = read.ours()
    assert back.keys() == ours.keys()
    for name, value in ours.items():
        assert back[name].dtype == value.dtype and torch.equal(back[name], value), name
    interop.fitting(read, arch)
    HRM(arch.system().model).load_state_dict(back)
