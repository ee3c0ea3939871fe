"""Public weights give, through our model, the logits of the straight-line references."""

from dataclasses import replace

import pytest
import torch

from ablations.references import act_v1, plain_transformer, tiny_network, tiny_variants
from hrm import interop, recipes
from hrm.interop.arch import Arch
from hrm.model import HRM
from tests.hrm.equality import close, exact, write_out_kernels
from tests.hrm.interop import public

BLOCK = {
    "mlp_t.gate_up_proj.weight": "mix_gate_up",
    "mlp_t.down_proj.weight": "mix_down",
    "self_attn.qkv_proj.weight": "qkv",
    "self_attn.o_proj.weight": "out",
    "mlp.gate_up_proj.weight": "gate_up",
    "mlp.down_proj.weight": "down",
}
OUTER = {
    "embed_tokens.embedding_weight": "tokens",
    "embed_pos.embedding_weight": "positions",
    "puzzle_emb.weights": "puzzles",
    "L_init": "low_init",
    "H_init": "high_init",
    **{f"L{i + 1}_init": f"low_init.{i}" for i in range(6)},
    "lm_head.weight": "lm_head",
    "q_head.weight": "q_head.weight",
    "q_head.bias": "q_head.bias",
}
CELLS, BATCH = 16, 4


def of_reference(state, levels):
    """Public names in the references' words, without a line of the package."""
    found = {}
    for name, value in state.items():
        if name in OUTER:
            found[OUTER[name]] = value
        else:
            level, _, i, rest = name.split(".", 3)
            found[f"{levels[level]}.{i}.{BLOCK[rest]}"] = value
    return found


def batch_of(size):
    g = torch.Generator().manual_seed(1)
    identities = size.table[0] if size.table else 1
    inputs = torch.randint(size.tokens, (BATCH, CELLS), generator=g)
    ids = torch.randint(identities, (BATCH,), generator=g)
    return {"inputs": inputs, "labels": inputs, "identities": ids}


def ours_of(size, dtype, **given):
    """Our model with public weights, through a state dictionary with all its prefixes."""
    state = public.state(size, dtype, public.PREFIXES[0])
    weights = interop.unwrapped(state)
    found = interop.inferred(weights, {"seq_len": CELLS, "num_heads": 2, **given})
    model = HRM(found.arch.system().model).to(dtype).eval()
    model.load_state_dict(weights.ours())
    return model, public.state(size, dtype)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
@pytest.mark.parametrize("name", ["small", "middle", "large"])
def test_hierarchical_weights_give_the_logits_of_the_reference(name, dtype, tolerance):
    size = public.without(public.SIZES[name], half=False)
    model, state = ours_of(size, dtype, H_cycles=2, L_cycles=3, halt_max_steps=3)
    sizes = act_v1.Sizes(
        heads=2,
        low_layers=size.low,
        high_layers=size.high,
        low_cycles=3,
        high_cycles=2,
        max_steps=3,
        rotary=size.learned is None,
    )
    data = batch_of(size)
    weights = of_reference(state, {"L_level": "low", "H_level": "high"})
    carry, outputs = act_v1.initial_carry(weights, data), {}
    with torch.no_grad():
        for _ in range(3):
            carry, outputs = act_v1.call(weights, sizes, carry, data, None, training=False)
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"], tolerance)
    close(found.run.logits[-1, :, 0], outputs["q_halt"], tolerance)
    close(found.run.logits[-1, :, 1], outputs["q_continue"], tolerance)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
@pytest.mark.parametrize("learned", [None, 16 + CELLS])
def test_one_tiny_networks_weights_give_the_logits_of_the_reference(learned, dtype, tolerance):
    size = public.without(public.SIZES["tiny network"], learned=learned)
    model, state = ours_of(size, dtype, halt_max_steps=2)
    sizes = tiny_network.Sizes(heads=2, max_steps=2, rotary=learned is None)
    data = batch_of(size)
    weights = of_reference(state, {"L_level": "net"})
    carry, outputs = tiny_network.initial_carry(weights, sizes, data), {}
    with torch.no_grad():
        for _ in range(2):
            carry, outputs = tiny_network.call(weights, sizes, carry, data, None, training=False)
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"], tolerance)
    close(found.run.logits[-1, :, 0], outputs["q_halt"], tolerance)


@pytest.mark.parametrize("name", [n for n in public.SIZES if n.startswith("tiny")])
def test_its_variants_weights_give_the_logits_of_their_reference_and_come_back(name):
    """In float64 alone: the recursion of mixed positions multiplies roundings by 10⁵."""
    size = public.SIZES[name]
    given = {"halt_max_steps": 2, "puzzle_emb_len": 16}
    model, state = ours_of(size, torch.float64, **given)
    sizes = tiny_network.Sizes(heads=2, max_steps=2)
    variant = tiny_variants.Variant(mixing=bool(size.mixing), latents=size.latents)
    data = batch_of(size)
    weights = of_reference(state, {"L_level": "net"})
    carry, outputs = tiny_variants.initial_carry(weights, sizes, variant, data), {}
    with torch.no_grad():
        for _ in range(2):
            carry, outputs = tiny_variants.call(
                weights, sizes, variant, carry, data, None, training=False
            )
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"])
    close(found.run.logits[-1, :, 0], outputs["q_halt"])
    again = interop.wrapped(interop.renamed(model.state_dict()), "")
    public.same(again, state)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)], ids=["f64", "f32"]
)
@pytest.mark.parametrize("name", [n for n in public.SIZES if n.startswith("plain")])
def test_plain_transformers_weights_give_the_logits_of_the_reference_and_come_back(
    name, dtype, tolerance, monkeypatch
):
    size = public.without(public.SIZES[name], half=False)
    heads = 2 if size.attention is None else 3
    if size.attention is not None:
        monkeypatch.setattr(act_v1, "attention", of_any_width)
    model, state = ours_of(size, dtype, halt_max_steps=3, num_heads=heads)
    sizes = act_v1.Sizes(
        heads=heads,
        low_layers=0,
        high_layers=size.high,
        low_cycles=1,
        high_cycles=1,
        max_steps=3,
        rotary=size.learned is None,
    )
    data = batch_of(size)
    weights = of_reference(state, {"H_level": "high"})
    carry, outputs = plain_transformer.initial_carry(weights, data), {}
    with torch.no_grad():
        for _ in range(3):
            carry, outputs = plain_transformer.call(weights, sizes, carry, data, None, False)
        found = model(data["inputs"], identities=data["identities"])
    close(found.prediction, outputs["logits"], tolerance)
    close(found.run.logits[-1, :, 0], outputs["q_halt"], tolerance)
    close(found.run.logits[-1, :, 1], outputs["q_continue"], tolerance)
    again = interop.wrapped(interop.renamed(model.state_dict(), one_level=True), "")
    public.same(again, state)


def of_any_width(weights, name, sizes, x):
    """`act_v1.attention`, queries as wide as the weights are and not as the state is."""
    batch, length, _ = x.shape
    inner = len(weights[f"{name}.qkv"]) // 3
    parts = (x @ weights[f"{name}.qkv"].T).split(inner, dim=-1)
    q, k, v = (t.view(batch, length, sizes.heads, -1).transpose(1, 2) for t in parts)
    if sizes.rotary:
        tables = act_v1.rotary_tables(length, inner // sizes.heads, sizes.rotary_dtype)
        q, k = act_v1.rotate(q, *tables), act_v1.rotate(k, *tables)
    scores = q @ k.transpose(2, 3) / (inner // sizes.heads) ** 0.5
    mixed = (torch.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(batch, length, inner)
    return mixed @ weights[f"{name}.out"].T


def test_a_run_of_the_plain_transformer_gives_the_same_logits_in_the_public_names():
    """The other way: a model of the recipe, its weights as the public code would read them."""
    system = recipes.plain_transformer(
        width=32, layers=2, heads=2, vocabulary=6, positions=CELLS, puzzle_size=32, identities=3
    )
    model = HRM(system.model).double().eval()
    found = interop.renamed(model.state_dict(), one_level=True).tensors
    assert list(found)[:2] == ["H_init", "embed_tokens.embedding_weight"]
    assert not [name for name in found if name.startswith("L_")]
    weights = of_reference(found, {"H_level": "high"})
    sizes = act_v1.Sizes(
        heads=2, low_layers=0, high_layers=2, low_cycles=1, high_cycles=1, max_steps=16
    )
    data = batch_of(public.Size(table=(3, 32)))
    carry, outputs = plain_transformer.initial_carry(weights, data), {}
    with torch.no_grad():
        for _ in range(16):
            carry, outputs = plain_transformer.call(weights, sizes, carry, data, None, False)
        close(model(data["inputs"], identities=data["identities"]).prediction, outputs["logits"])


def test_the_plain_transformer_is_a_system_of_the_public_code():
    system = recipes.plain_transformer(width=96, heads=12, puzzle_size=96)
    arch = Arch.of(system)
    assert arch.code == "recursive_reasoning.transformers_baseline@Model_ACTV2"
    assert (arch.one_level, arch.one_network, arch.H_layers, arch.num_heads) == (True, False, 8, 12)
    assert arch.act_enabled and not arch.act_inference
    assert arch.system() == system


@pytest.mark.parametrize("steps", [1, 4])
def test_without_act_the_plain_transformer_takes_all_steps_in_training_and_learns_no_continue(
    steps,
):
    usual = Arch.of(recipes.plain_transformer(width=16, layers=1, heads=2, positions=4))
    arch = replace(usual, act_enabled=False, halt_max_steps=steps)
    system = arch.system()
    assert not system.objective.continue_loss
    model = HRM(system.model).train()
    with torch.no_grad():
        model.halting.heads[0].bias.copy_(torch.tensor([50.0, -50.0]))  # wants to halt at once
    tokens = torch.randint(11, (64, 4), generator=torch.Generator().manual_seed(0))
    noise = model.draw(64, torch.Generator().manual_seed(1))
    assert model(tokens, noise).run.steps.tolist() == [steps] * 64
    again = Arch.of(system)
    assert (again.act_enabled, again.halt_exploration_prob) == (False, 0.0)
    assert again.system() == system


@pytest.mark.parametrize("halts", [False, True])
def test_act_inference_says_whether_the_plain_transformer_halts_in_evaluation(halts):
    usual = Arch.of(recipes.plain_transformer(width=16, layers=1, heads=2, positions=4))
    system = replace(usual, act_inference=halts, halt_max_steps=4).system()
    model = HRM(system.model).eval()
    with torch.no_grad():
        model.halting.heads[0].bias.copy_(torch.tensor([50.0, -50.0]))
    steps = model(torch.zeros(3, 4, dtype=torch.long)).run.steps
    assert steps.tolist() == [1 if halts else 4] * 3
    assert Arch.of(system).act_inference == halts


@pytest.mark.parametrize("changes", [{"mixing": True}, {"latents": 1}, {"latents": 7}])
def test_the_recipes_variants_are_systems_of_the_public_code(changes):
    system = recipes.tiny_network(**changes)
    arch = Arch.of(system)
    assert arch.one_network and arch.mlp_t == changes.get("mixing", False)
    assert arch.latents == changes.get("latents", 2)
    assert arch.code.startswith("recursive_reasoning.trm")
    assert arch.system() == system


def test_in_float32_with_plain_kernels_the_logits_are_the_same_bit_for_bit(monkeypatch):
    size = public.SIZES["small"]
    model, state = ours_of(size, torch.float32, halt_max_steps=1)
    sizes = act_v1.Sizes(
        heads=2, low_layers=1, high_layers=1, low_cycles=2, high_cycles=2, max_steps=1
    )
    data = batch_of(size)
    weights = of_reference(state, {"L_level": "low", "H_level": "high"})
    write_out_kernels(monkeypatch)
    with torch.no_grad():
        carry = act_v1.initial_carry(weights, data)
        _, outputs = act_v1.call(weights, sizes, carry, data, None, training=False)
        exact(model(data["inputs"], identities=data["identities"]).prediction, outputs["logits"])


@pytest.mark.parametrize("halting", [False, True])
def test_a_bfloat16_model_runs_and_halts(halting):
    size = public.SIZES["large"]
    weights = interop.unwrapped(public.state(size))
    found = interop.inferred(weights, {"seq_len": CELLS, "halt_max_steps": 3})
    assert found.arch.forward_dtype == "bfloat16" and found.origin["forward_dtype"] == "weights"
    system = found.arch.system()
    model = HRM(system.model).eval()
    model.load_state_dict(weights.ours())
    model.halting.part = type(model.halting.part)(max_steps=3, halt_in_evaluation=halting)
    data = batch_of(size)
    output = model(data["inputs"], identities=data["identities"])
    assert output.prediction.isfinite().all()
    margins = output.run.logits[..., 0] - output.run.logits[..., 1]
    first = (margins > 0).int().argmax(0) + 1
    expected = torch.where((margins > 0).any(0), first, 3) if halting else torch.full((BATCH,), 3)
    assert output.run.steps.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["act-v1", "act-v1-sudoku", "act-v1-maze", "act-v1-arc"])
def test_our_recipes_are_systems_of_the_public_code(name):
    system = recipes.named[name].make()
    arch = Arch.of(system)
    assert not arch.one_network and arch.expansion == 4
    assert arch.system() == system


def test_so_is_one_tiny_network():
    system = recipes.tiny_network()
    arch = Arch.of(system)
    assert arch.one_network and arch.puzzle_emb_len == 16 and arch.no_ACT_continue
    assert arch.system() == system
