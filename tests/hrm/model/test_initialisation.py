"""Initial weights: of each parameter a stream of its own, whatever else a model has."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from hrm import config, recipes
from hrm.config.learning import System
from hrm.model import HRM
from hrm.model.initialisation import TorchDefault, draw_weights
from hrm.training import loop

vector = {"inputs": 6, "outputs": 4, "hidden_low": 8, "hidden_high": 16}
tokens = {"vocabulary": 5, "positions": 4, "width": 16, "heads": 2}
systems: dict[str, System] = {
    "gru": recipes.gru(**vector),
    "v2": recipes.v2(**vector),
    "v2, enhanced": recipes.v2(
        **vector, use_sequence_attention=True, use_optimized_controller=True
    ),
    "amulgent": recipes.amulgent(inputs=6, outputs=4, width=16),
    "amulgent enhanced": recipes.amulgent_enhanced(inputs=6, outputs=4, width=16),
    "act-v1": recipes.act_v1(**tokens, h_layers=1, l_layers=2),
    "act-v1, positions": recipes.act_v1(**tokens, h_layers=1, l_layers=1, learned_positions=True),
    "tiny-network": recipes.tiny_network(**tokens, prefix=2),
    "complete": recipes.complete(positions=4, outputs=2, h_dim=16, l_dim=8, as_coded=False),
    "complete as coded": recipes.complete(positions=4, outputs=2, h_dim=16, l_dim=8),
}


def tensors(c: config.HRMConfig, seed: int = 0) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return HRM(c).state_dict()


def shared(a: dict[str, Tensor], b: dict[str, Tensor]) -> set[str]:
    """The names that both have in equal shape; all of them have to be equal."""
    names = {n for n in a.keys() & b.keys() if a[n].shape == b[n].shape}
    assert all(torch.equal(a[n], b[n]) for n in names), {
        n for n in names if not torch.equal(a[n], b[n])
    }
    return names


@pytest.mark.parametrize("name", systems)
def test_another_halting_leaves_every_other_weight_as_it_was(name: str) -> None:
    c = systems[name].model
    other = (
        replace(c.halting, threshold=0.75)
        if isinstance(c.halting, config.Accumulated)
        else config.QLearning(max_steps=3, halt_in_evaluation=True, heads=2, zero_weight=False)
    )
    mean = isinstance(c.halting, config.QLearning) and c.halting.batch_mean
    execution = config.Masked() if mean else c.execution
    with_head = replace(c, halting=other, execution=execution, evaluation=None)
    before, after = (
        {n: t for n, t in tensors(each).items() if not n.startswith("halting.")}
        for each in (c, with_head)
    )
    assert shared(before, after) == before.keys() == after.keys()


@pytest.mark.parametrize("name", systems)
def test_another_readout_width_and_a_longer_loop_change_the_readout_alone(name: str) -> None:
    c = systems[name].model
    wider = replace(c, readout=replace(c.readout, size=7), low_steps=c.low_steps + 1)
    before, after = tensors(c), tensors(wider)
    assert {
        n for n in before if not n.startswith(("readout.weight", "readout.bias", "connect."))
    } <= shared(before, after)


def test_removing_a_layer_a_scale_or_a_summary_leaves_the_rest_equal() -> None:
    c = systems["act-v1"].model
    one = replace(c, low=replace(c.low, layers=1))
    assert "low.layers.0.attention.qkv.weight" in shared(tensors(c), tensors(one))
    scaled = replace(c, low=replace(c.low, norm=config.RmsNorm(), bias=True))
    assert {"low.layers.1.attention.qkv.weight", "readout.weight"} <= shared(
        tensors(c), tensors(scaled)
    )
    v2 = systems["v2"].model
    attended = replace(v2, summary=config.TraceAttention(heads=8))
    assert {"low.cell.weight_ih", "high.cell.weight_hh", "readout.bias"} <= shared(
        tensors(v2), tensors(attended)
    )
    narrower = replace(v2, embedding=config.Vector(size=3), low=config.Gru(width=12))
    assert "high.cell.weight_hh" in shared(tensors(v2), tensors(narrower))


@pytest.mark.parametrize("name", systems)
def test_equal_seeds_give_equal_weights_and_others_differ(name: str) -> None:
    c = systems[name].model
    before, again, other = tensors(c), tensors(c), tensors(c, seed=1)
    assert shared(before, again) == before.keys()
    random = {n for n, t in before.items() if t.numel() > 1 and t.std() > 0}
    assert random and not any(torch.equal(before[n], other[n]) for n in random)
    streams = [tuple(before[n].flatten()[:2].tolist()) for n in random]
    assert len(set(streams)) == len(streams)  # no two parameters from one stream


def test_models_are_built_from_the_weight_seed() -> None:
    system = systems["act-v1"]
    one, same, other = (
        loop.build(system, loop.Seeds(weights=w, order=o)).readout.weight
        for w, o in ((1, 2), (1, 3), (2, 2))
    )
    assert torch.equal(one, same) and not torch.equal(one, other)


# -- distributions --------------------------------------------------------------------------------
wide = {"vocabulary": 64, "positions": 4, "width": 256, "heads": 2, "h_layers": 1, "l_layers": 1}


@pytest.mark.promise(
    "amulgent", "weights from a clipped normal distribution", "hrm.recipes.amulgent()"
)
@pytest.mark.parametrize(
    ("part", "std", "bound"),
    [
        (config.TorchDefault(), 1 / 16 / math.sqrt(3), 1 / 16),
        (config.TruncatedNormal(), 1 / 16, 2 / 0.8796 / 16),
        (config.ScaledNormal(), 1 / 16, 1.0),
    ],
)
def test_maps_have_the_distribution_of_their_axis(
    part: config.TorchDefault, std: float, bound: float
) -> None:
    c = replace(recipes.act_v1(**wide).model, initialisation=part)
    c = replace(c, readout=config.Readout(size=300), low=replace(c.low, bias=True))
    found = tensors(c)
    for name in ("low.layers.0.attention.qkv.weight", "readout.weight"):
        assert found[name].std().item() == pytest.approx(std, rel=0.02)
        assert found[name].abs().max() <= bound * 1.001
        assert abs(found[name].mean()) < 0.002
    for name in ("low.layers.0.attention.qkv.bias", "readout.bias"):
        if isinstance(part, config.TorchDefault):
            assert found[name].std().item() == pytest.approx(std, rel=0.1)
            assert found[name].abs().max() <= bound
        else:
            assert not found[name].any()
    assert not found["halting.heads.0.weight"].any()
    assert found["halting.heads.0.bias"].tolist() == [-5.0, -5.0]
    assert found["embed.table.weight"].std().item() == pytest.approx(1 / 16, rel=0.02)
    assert found["start_low.value"].std().item() == pytest.approx(1.0, rel=0.15)


def test_grus_and_norms_start_as_torchs_own() -> None:
    c = recipes.v2(inputs=6, outputs=4, hidden_low=64, hidden_high=100).model
    found = tensors(c)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        cell = found[f"high.cell.{name}"]
        assert 0.09 < cell.abs().max() <= 0.1
        assert cell.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.1)
    normed = tensors(systems["amulgent"].model)
    assert (normed["low.layers.0.norm_attention.weight"] == 1).all()
    assert not normed["low.layers.0.norm_attention.bias"].any()
    first = tensors(recipes.amulgent(inputs=6, outputs=4, width=800).model)["start_low.value"]
    std = 1 / math.sqrt(800)
    assert first.abs().max() <= 2 * std and first.std().item() == pytest.approx(std, rel=0.15)


def test_modules_of_others_are_drawn_by_their_own_reset_from_a_stream_of_their_name() -> None:
    def model(*more: nn.Module) -> nn.Sequential:
        return nn.Sequential(*more, nn.Linear(2, 3))

    torch.manual_seed(5)
    before = torch.get_rng_state()
    made, other = nn.Conv1d(3, 4, 2), nn.Conv1d(3, 4, 2)
    torch.set_rng_state(before)
    draw_weights(model(made), TorchDefault(config.TorchDefault()), root=1)
    torch.manual_seed(99)
    draw_weights(nn.Sequential(other, nn.ReLU()), TorchDefault(config.TorchDefault()), root=1)
    assert torch.equal(made.weight, other.weight)
    assert made.weight.abs().max() <= 1 / math.sqrt(6)
