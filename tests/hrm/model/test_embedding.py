"""Embeddings and initial states: what goes in, and what a level starts from."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from hrm import config, recipes
from hrm.model import HRM, embedding


def test_vectors_are_mapped_with_bias() -> None:
    made = embedding.VectorEmbedding(config.Vector(size=3), 4, sequence=False).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    assert isinstance(made.map, nn.Linear)
    assert torch.allclose(made(x), x @ made.map.weight.T + made.map.bias)


def test_transformers_see_a_vector_as_a_sequence_of_one() -> None:
    assert embedding.VectorEmbedding(config.Vector(size=3), 4, sequence=True)(
        torch.zeros(2, 3)
    ).shape == (2, 1, 4)


@pytest.mark.parametrize(("size", "allowed", "mapped"), [(4, True, False), (4, False, True)])
def test_the_map_is_left_out_only_where_that_is_asked_for_and_widths_agree(
    size: int, allowed: bool, mapped: bool
) -> None:
    part = config.Vector(size=size, identity_if_equal=allowed)
    made = embedding.VectorEmbedding(part, 4, sequence=False)
    assert isinstance(made.map, nn.Linear) == mapped
    if not mapped:
        x = torch.randn(2, 4)
        assert torch.equal(made(x), x)
    other = config.Vector(size=3, identity_if_equal=True)
    assert isinstance(embedding.VectorEmbedding(other, 4, sequence=False).map, nn.Linear)


def test_tokens_are_rows_of_the_table_times_the_root_of_the_width() -> None:
    torch.manual_seed(0)
    made = embedding.TokenEmbedding(config.Tokens(vocabulary=2000, positions=3), 64, positions=3)
    x = torch.tensor([[5, 0, 5]])
    assert torch.allclose(made(x), 8 * made.table.weight[x])
    assert made.table.weight.std().item() == pytest.approx(1 / 8, rel=0.02)


def test_states_at_zero_are_zero_and_not_saved() -> None:
    made = embedding.InitialState(config.Zeros(), 3)
    assert made(torch.ones(2, 5)).tolist() == [[0.0] * 3] * 2
    assert list(made.state_dict()) == []


def test_learned_states_are_clipped_normals_that_train() -> None:
    torch.manual_seed(0)
    width = 40_000
    std = 1 / math.sqrt(width)
    made = embedding.InitialState(config.Learned(clip=2.0), width)
    assert isinstance(made.value, nn.Parameter)
    assert made.value.abs().max().item() == pytest.approx(2 * std, rel=1e-6)
    clipped = (made.value.abs() >= 2 * std * (1 - 1e-6)).double().mean().item()
    assert clipped == pytest.approx(0.0455, abs=0.005)  # a clipped normal piles up at its bounds


def test_learned_states_without_clip_are_standard_normals() -> None:
    torch.manual_seed(0)
    made = embedding.InitialState(config.Learned(clip=None), 40_000)
    assert made.value.std().item() == pytest.approx(1.0, rel=0.02)
    assert made.value.abs().max().item() > 3


def test_frozen_states_have_unit_deviation_are_saved_and_never_trained() -> None:
    torch.manual_seed(0)
    made = embedding.InitialState(config.Frozen(), 40_000)
    assert list(made.parameters()) == []
    assert list(made.state_dict()) == ["value"]
    assert made.value.std().item() == pytest.approx(1.0, rel=0.01)
    assert made.value.abs().max().item() < 2.28


def test_a_state_is_the_same_in_each_row_and_position() -> None:
    made = embedding.InitialState(config.Frozen(), 3)
    found = made(torch.zeros(2, 4, 7))
    assert found.shape == (2, 4, 3)
    assert torch.equal(found, made.value.expand(2, 4, 3))


def test_a_token_models_maps_are_truncated_normals_without_bias() -> None:
    torch.manual_seed(0)
    system = recipes.act_v1(vocabulary=5, positions=4, width=64, heads=2, h_layers=1, l_layers=1)
    model = HRM(system.model)
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not name.startswith("halting"):
            std = 1 / math.sqrt(module.in_features)
            assert module.weight.abs().max().item() <= 2 * std / 0.8796256
            assert module.bias is None
            if module.weight.numel() > 3000:
                assert module.weight.std().item() == pytest.approx(std, rel=0.05)


def test_a_token_models_biases_start_at_zero() -> None:
    system = recipes.act_v1(vocabulary=5, positions=4, width=16, heads=2, h_layers=1, l_layers=1)
    c = replace(system.model, readout=config.Readout(size=3, bias=True))
    assert HRM(c).readout.bias.tolist() == [0.0] * 3


@pytest.mark.parametrize("learned", [False, True])
def test_in_bfloat16_all_that_is_looked_up_is_rounded_before_it_is_added_and_scaled(
    learned: bool,
) -> None:
    system = recipes.act_v1(
        vocabulary=5,
        positions=4,
        width=24,
        heads=2,
        puzzle_size=30,
        identities=3,
        learned_positions=learned,
    )
    model = HRM(replace(system.model, bfloat16=True)).eval()
    assert isinstance(model.embed, embedding.TokenEmbedding) and model.embed.puzzles is not None
    model.embed.puzzles.weights.normal_()
    tokens, ids = torch.tensor([[1, 4, 0, 4]]), torch.tensor([2])
    half = {name: value.to(torch.bfloat16) for name, value in model.embed.state_dict().items()}
    rows = torch.cat([half["puzzles.weights"][ids], half["table.weight"].new_zeros(1, 18)], 1)
    expected = torch.cat([rows.view(1, 2, 24), half["table.weight"][tokens]], 1)
    if learned:
        expected = (expected + half["positions.weight"]) * math.sqrt(0.5)
    found = model.perceive(tokens, ids)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected * math.sqrt(24))
