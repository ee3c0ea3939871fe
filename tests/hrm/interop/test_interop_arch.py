"""What a public checkpoint is: from its shapes, what is given, and a recipe."""

import functools
import re
from dataclasses import replace

import pytest
import torch

from hrm import interop, recipes
from hrm.config import Compacted, RmsNorm
from hrm.config.learning import CrossEntropy
from hrm.errors import UserError
from hrm.interop.arch import Arch
from tests.hrm.interop import public

CELLS = {"seq_len": 16, "num_heads": 2}


def cells_of(size):
    return CELLS if size.attention is None else {**CELLS, "num_heads": 3}


def weights_of(size, **changes):
    return interop.unwrapped(public.state(public.without(size, **changes)), "step_7")


def refused(state, given=None, recipe=None):
    with pytest.raises(UserError) as error:
        interop.inferred(interop.unwrapped(state, "step_7"), CELLS | (given or {}), recipe)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("size", public.SIZES.values(), ids=public.SIZES)
def test_shapes_say_what_they_can(size):
    found = interop.inferred(weights_of(size), cells_of(size))
    arch = found.arch
    assert arch.one_network == (size.high == 0)
    assert (arch.vocab_size, arch.hidden_size, arch.inner) == (size.tokens, size.width, size.inner)
    assert (arch.H_layers, arch.L_layers) == (size.high or size.low, size.low or size.high)
    assert (arch.num_puzzle_identifiers, arch.puzzle_emb_ndim) == (size.table or (1, 0))
    assert arch.forward_dtype == ("bfloat16" if size.half else "float32")
    unlearned = "none" if size.mixing else "rope"
    assert arch.pos_encodings == (unlearned if size.learned is None else "learned")
    assert (arch.mlp_t, arch.latents) == (size.mixing > 0, size.latents)
    assert {found.origin[key] for key in CELLS} == {"given"}
    assert found.origin["inner"] == found.origin["H_layers"] == "weights"
    assert found.origin["H_cycles"] == found.origin["halt_max_steps"] == "recipe"


def test_what_they_dont_say_is_the_recipes():
    found = interop.inferred(weights_of(public.SIZES["small"]), CELLS)
    arch = found.arch
    assert found.recipe == "act-v1-maze"  # which has 6 tokens
    assert (arch.H_cycles, arch.L_cycles, arch.halt_max_steps) == (2, 2, 16)
    assert (arch.halt_exploration_prob, arch.loss_type) == (0.1, "stablemax_cross_entropy")
    other = interop.inferred(weights_of(public.SIZES["small"]), CELLS, "act-v1").arch
    assert (other.H_cycles, other.halt_max_steps) == (3, 5)
    tiny = interop.inferred(weights_of(public.SIZES["tiny network"]), CELLS)
    assert tiny.recipe == "tiny-network"
    assert (tiny.arch.H_cycles, tiny.arch.L_cycles, tiny.arch.puzzle_emb_len) == (3, 6, 16)


@pytest.mark.parametrize(("tokens", "cells"), [(11, 81), (6, 900), (12, 900)])
def test_the_public_datas_positions_are_known_by_its_vocabulary(tokens, cells):
    weights = weights_of(public.SIZES["small"], tokens=tokens)
    assert interop.inferred(weights, {"num_heads": 2}).arch.seq_len == cells


def test_other_positions_have_to_be_given_unless_they_are_learned():
    small = weights_of(public.SIZES["small"], tokens=7)
    with pytest.raises(UserError, match=r"seq_len of step_7 is missing.*give seq_len=81"):
        interop.inferred(small, {"num_heads": 2})
    middle = interop.inferred(weights_of(public.SIZES["middle"], tokens=7), {"num_heads": 2})
    assert middle.arch.seq_len == 16 and middle.origin["seq_len"] == "weights"
    tiny = weights_of(public.SIZES["tiny network"], learned=16 + 9)
    assert interop.inferred(tiny, {"num_heads": 2}).arch.seq_len == 9


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"expansion": 40}, "mlp.gate_up_proj.weight has shape [512, 16]; allowed is shape [1024"),
        ({"hidden_size": 32}, "H_init has shape [16]; allowed is shape [32]"),
        ({"vocab_size": 12}, "embed_tokens.embedding_weight has shape [6, 16]; allowed is shape"),
        ({"H_layers": 2}, "H_level.layers.1.self_attn.qkv_proj.weight is missing; allowed is"),
        ({"pos_encodings": "learned"}, "embed_pos.embedding_weight is missing"),
        ({"puzzle_emb_ndim": 16}, "puzzle_emb.weights is missing; allowed is shape [1, 16]"),
    ],
)
def test_what_contradicts_the_weights_is_named_with_both_shapes_and_what_they_look_like(
    given, said
):
    found = refused(public.state(public.SIZES["small"]), given)
    assert said in found
    assert "step_7: " in found
    assert (
        "the weights look like HierarchicalReasoningModel_ACTV1 with vocab_size=6, "
        "hidden_size=16, L_layers=1, H_layers=1, inner=256" in found
    )


def test_a_table_of_other_data_is_named():
    # what github.com/sapientinc/HRM/issues/2 is about
    found = refused(public.state(public.SIZES["middle"]), {"num_puzzle_identifiers": 9})
    assert "puzzle_emb.weights has shape [3, 40]; allowed is shape [9, 40]" in found


@pytest.mark.parametrize("size", public.SIZES.values(), ids=public.SIZES)
def test_every_tensor_that_is_missing_misshapen_or_too_many_is_named(size):
    whole, given = public.state(size), cells_of(size)
    refused_so = functools.partial(refused, given=given)
    for name in whole:
        state = {n: v for n, v in whole.items() if n != name}
        if name == "embed_tokens.embedding_weight":
            assert "allowed are the weights of a public HRM" in refused_so(state)
        elif name == "puzzle_emb.weights" and size.mixing:
            assert "mlp_t.gate_up_proj.weight has shape [512, 32]; allowed" in refused_so(state)
        elif name == "puzzle_emb.weights" and size.learned is None:
            interop.inferred(interop.unwrapped(state), given)  # a model without a table
        elif name == "puzzle_emb.weights":
            assert "embed_pos.embedding_weight has shape [18, 32]" in refused_so(state)
        elif name == "embed_pos.embedding_weight":
            interop.inferred(interop.unwrapped(state), given)  # one with rotary positions
        elif name == "H_init" and size.high == 0 and size.latents == 2:
            interop.inferred(interop.unwrapped(state), given)  # one with one latent
        else:
            assert f"{name} is missing" in refused_so(state)
        if name not in ("puzzle_emb.weights", "embed_pos.embedding_weight"):
            state = {**whole, name: torch.cat([whole[name]] * 2)}
            found, wanted = list(state[name].shape), list(whole[name].shape)
            if name == "embed_tokens.embedding_weight":  # of the two tables it is believed
                found, wanted = wanted, found
            where = name.replace("embed_tokens.embedding_weight", "lm_head.weight")
            assert f"{where} has shape {found}; allowed is shape {wanted}" in refused_so(state)
        assert f"{name}_ema has shape" in refused_so({**whole, f"{name}_ema": whole[name]})


def test_layers_that_arent_numbered_in_a_row_arent_built():
    state = public.state(public.SIZES["small"])
    far = "L_level.layers.99999999.mlp.down_proj.weight"
    found = refused({**state, far: state["L_level.layers.0.mlp.down_proj.weight"]})
    assert "L_level.layers.1.self_attn.qkv_proj.weight is missing" in found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"num_heads": 3}, "heads is 3; allowed is a divisor of the width, 16"),
        ({"num_heads": "8"}, "Arch.num_heads is '8'; allowed is int"),
        ({"pos_encodings": "alibi"}, "pos_encodings is 'alibi'; allowed is rope, learned, none"),
        ({"forward_dtype": "float16"}, "allowed is bfloat16, float32"),
        ({"loss_type": "mse"}, "allowed is stablemax_cross_entropy, softmax_cross_entropy"),
        ({"L_layers": 10**9}, "L_layers is 1000000000; allowed is 1 to 1,000"),
        ({"expansion": "wide"}, "expansion is 'wide'; allowed is a number"),
    ],
)
def test_impossible_values_are_refused(given, said):
    assert said in refused(public.state(public.SIZES["small"]), given)


def test_mixing_that_one_block_has_and_another_lacks_is_refused_by_name():
    state = public.state(public.SIZES["tiny network"])
    state["L_level.layers.0.mlp_t.down_proj.weight"] = torch.zeros(97, 512)
    assert "L_level.layers.0.mlp_t.gate_up_proj.weight is missing" in refused(state)


def test_attention_where_mixing_was_given_is_refused_and_the_other_way_round():
    attention, mixing = (public.SIZES[n] for n in ("tiny network", "tiny network, mixing"))
    assert "mlp_t.gate_up_proj.weight is missing" in refused(
        public.state(attention), {"mlp_t": True}
    )
    assert "self_attn.qkv_proj.weight is missing" in refused(public.state(mixing), {"mlp_t": False})


def test_latents_other_than_those_of_the_weights_are_refused():
    one = public.state(public.SIZES["tiny network, one latent"])
    assert "H_init is missing" in refused(one, {"latents": 2})
    assert "latents is 3; allowed is one of (1, 2, 7)" in refused(one, {"latents": 3})
    seven = public.state(public.SIZES["tiny network, seven latents"])
    assert "L_cycles is 4; allowed is 6" in refused(seven, {"L_cycles": 4})


def test_of_the_plain_transformers_keys_those_it_does_not_read_have_no_effect(caplog):
    weights = weights_of(public.SIZES["plain transformer"])
    given = {"H_cycles": 4, "L_cycles": 3, "no_ACT_continue": True}
    found = interop.inferred(weights, CELLS | given)
    assert found.arch == interop.inferred(weights, CELLS).arch
    assert (found.arch.H_cycles, found.arch.L_cycles, found.recipe) == (1, 1, "plain-transformer")
    for name in given:
        assert f"step_7: {name} has no effect: the plain transformer's code" in caplog.text


def test_a_configuration_of_another_code_than_the_plain_transformers_weights_is_refused():
    state = public.state(public.SIZES["plain transformer"])
    other = "hrm.hrm_act_v1@HierarchicalReasoningModel_ACTV1"
    plain = "recursive_reasoning.transformers_baseline@Model_ACTV2"
    said = refused(state, {"one_network": False})
    assert f"configuration is for {other}; allowed is one for {plain}" in said
    said = refused(public.state(public.SIZES["small"]), {"one_network": False, "one_level": True})
    assert f"configuration is for {plain}; allowed is one for {other}" in said


def test_the_published_twelve_heads_of_512_are_42_wide():
    size = public.Size(tokens=11, width=512, high=8, low=0, inner=1536, attention=504)
    state = {name: torch.zeros(s, device="meta") for name, s in public.shapes(size).items()}
    arch = interop.inferred(interop.unwrapped(state)).arch  # 12 are the recipe's
    core = arch.system().model.low
    assert (core.heads, core.head_width, core.width, core.layers) == (12, 42, 512, 8)
    assert Arch.of(arch.system()) == arch
    assert "qkv_proj.weight has shape [1512, 512]; allowed is shape [1536" in refused(
        state, {"seq_len": 81, "num_heads": 8}
    )


def test_a_recipe_of_the_other_code_is_refused():
    said = refused(public.state(public.SIZES["small"]), recipe="tiny-network")
    named = "allowed is a recipe for HierarchicalReasoningModel_ACTV1, the code that wrote step_7"
    assert f"recipe is 'tiny-network'; {named}" in said
    said = refused(public.state(public.SIZES["plain transformer"]), recipe="act-v1")
    assert "recipe is 'act-v1'; allowed is a recipe for Model_ACTV2, the code that wrote" in said
    said = refused(public.state(public.SIZES["small"]), recipe="gru")
    assert "system isn't one of act-v1 or tiny-network" in said


@pytest.mark.parametrize(
    ("high", "low", "recipe"), [(4, 4, "act-v1-sudoku"), (0, 2, "tiny-network")]
)
def test_at_the_published_size_the_recipe_is_found_whole(high, low, recipe):
    size = public.Size(tokens=11, width=512, high=high, low=low, inner=1536, table=(1, 512))
    state = {name: torch.zeros(s, device="meta") for name, s in public.shapes(size).items()}
    assert interop.inferred(interop.unwrapped(state)).arch == Arch.of(recipes.named[recipe].make())


def test_a_million_identities_are_no_trouble():
    # sapientinc/HRM-checkpoint-ARC-2, by github.com/sapientinc/HRM/issues/2
    size = public.Size(tokens=12, width=512, high=4, low=4, inner=1536, table=(1_045_829, 512))
    state = {name: torch.zeros(s, device="meta") for name, s in public.shapes(size).items()}
    found = interop.inferred(interop.unwrapped(state))
    assert found.recipe == "act-v1-arc" and found.arch.num_puzzle_identifiers == 1_045_829


# -- the other way --------------------------------------------------------------------------------
def test_what_doesnt_matter_to_the_weights_is_left_out():
    system = recipes.act_v1(halt_in_evaluation=True)
    other = replace(system, model=replace(system.model, execution=Compacted(), checkpointing=True))
    assert Arch.of(other) == Arch.of(system)


def test_what_the_public_code_cant_do_is_named():
    system = recipes.act_v1()
    with pytest.raises(UserError, match=r"model.horizon is 4; allowed is 2, the only value"):
        Arch.of(replace(system, model=replace(system.model, horizon=4)))
    core = replace(system.model.low, norm=RmsNorm(eps=1e-5, scale=True))
    with pytest.raises(UserError, match=r"model.low.norm.scale is True; allowed is False"):
        Arch.of(replace(system, model=replace(system.model, low=core)))
    with pytest.raises(UserError, match=r"isn't one of act-v1 or tiny-network"):
        Arch.of(recipes.gru())
    with pytest.raises(UserError, match=r"isn't one of act-v1 or tiny-network"):
        Arch.of(recipes.complete())
    odd = replace(Arch.of(system), inner=100)
    with pytest.raises(UserError, match=r"inner width .* is 100; allowed is a multiple of 256"):
        _ = odd.expansion


@pytest.mark.parametrize("inner", [256, 512, 768, 1536, 4096])
@pytest.mark.parametrize("width", [16, 96, 512])
def test_an_expansion_gives_the_inner_width(width, inner):
    arch = replace(Arch.of(recipes.act_v1()), hidden_size=width, inner=inner)
    assert recipes.swiglu_inner(width, arch.expansion) == inner


def test_the_loss_and_the_halting_are_the_systems():
    arch = replace(Arch.of(recipes.tiny_network()), no_ACT_continue=False)
    system = replace(arch, loss_type="softmax_cross_entropy").system()
    assert system.objective.answer == CrossEntropy() and system.objective.continue_loss
    assert system.model.halting.against_continue
    assert Arch.of(system).no_ACT_continue is False


# -- prefixes -------------------------------------------------------------------------------------
@pytest.mark.parametrize("prefix", [*public.PREFIXES, "module._orig_mod.model.inner."])
def test_any_prefix_of_the_public_wrappers_is_taken_off_and_put_on(prefix):
    state = public.state(public.SIZES["middle"], prefix=prefix)
    weights = interop.unwrapped(state)
    assert weights.prefix == prefix
    again = interop.wrapped(interop.renamed(weights.ours()), prefix)
    public.same(again, state)
    assert list(again) == list(state)


@pytest.mark.parametrize("prefix", ["model", "ema.", ".", "model..inner."])
def test_no_other_prefix_is(prefix):
    weights = interop.unwrapped(public.state(public.SIZES["small"]))
    with pytest.raises(UserError, match=rf"prefix is '{re.escape(prefix)}'; allowed is nothing"):
        interop.wrapped(weights, prefix)
    state = public.state(public.SIZES["small"], prefix=prefix)
    with pytest.raises(UserError, match="allowed are the weights of a public HRM"):
        interop.unwrapped(state)


def test_names_with_and_without_a_prefix_arent_mixed():
    state = public.state(public.SIZES["small"], prefix="model.inner.")
    state["H_init"] = state.pop("model.inner.H_init")
    with pytest.raises(UserError, match=r"holds 'H_init'; allowed are names that begin with 'mod"):
        interop.unwrapped(state)
    both = public.state(public.SIZES["small"]) | public.state(
        public.SIZES["small"], prefix="model.inner."
    )
    with pytest.raises(UserError, match="allowed are the weights of a public"):
        interop.unwrapped(both)


def test_keys_of_the_one_network_code_have_no_effect_in_the_hierarchical_one(caplog):
    weights = interop.unwrapped(public.state(public.SIZES["large"]), "step_7")
    sizes = {"num_heads": 4, "seq_len": 16}
    given = {"puzzle_emb_len": 16, "no_ACT_continue": True}
    found = interop.inferred(weights, sizes | given)
    assert found.arch == interop.inferred(weights, sizes).arch
    assert found.arch.system().model.embedding.puzzles.prefix is None
    assert found.origin["puzzle_emb_len"] == "recipe"
    for name in given:
        assert f"step_7: {name} has no effect" in caplog.text


def test_a_prefix_that_the_hierarchical_code_cant_have_is_named():
    system = recipes.act_v1(puzzle_size=40, identities=3, width=32, heads=2)
    tokens = system.model.embedding
    longer = replace(tokens, puzzles=replace(tokens.puzzles, prefix=5))
    with pytest.raises(UserError, match=r"puzzles.prefix is 5; allowed is None"):
        Arch.of(replace(system, model=replace(system.model, embedding=longer)))


@pytest.mark.parametrize("network", ["small", "tiny network"])
@pytest.mark.parametrize(("tokens", "cells"), [(6, 900), (11, 81), (12, 900)])
def test_the_length_of_the_public_data_follows_from_its_tokens(tokens, cells, network):
    size = public.without(public.SIZES[network], tokens=tokens)
    found = interop.inferred(interop.unwrapped(public.state(size)), {"num_heads": 2})
    assert found.arch.seq_len == cells
