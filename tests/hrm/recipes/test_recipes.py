"""One contract over every recipe, and the sizes that the documents print."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from hrm import recipes
from hrm.config import Compacted, Masked, Series, Tokens, Vector
from hrm.config.learning import System, Training
from hrm.model import HRM
from hrm.model.execution import Batch
from hrm.training.learner import Learner

rows, cells = 5, 4
small = {"inputs": 6, "outputs": cells, "hidden_low": 8, "hidden_high": 16, "max_cycles": 4}
flags = (
    "use_per_sample_act",
    "use_corrected_meta_rl",
    "use_sequence_attention",
    "use_optimized_controller",
)


def act(**changes) -> System:
    return recipes.act_v1(
        vocabulary=5,
        positions=cells,
        classes=2,
        width=16,
        heads=2,
        h_layers=1,
        l_layers=1,
        max_steps=3,
        **changes,
    )


def series(**changes) -> System:
    sizes = {"h_dim": 16, "l_dim": 8, "h_layers": 1, "l_layers": 1, "l_heads": 2, "h_heads": 2}
    return recipes.complete(positions=cells, outputs=2, max_steps=3, **sizes, **changes)


def tiny(**changes) -> System:
    return recipes.tiny_network(
        vocabulary=5,
        positions=cells,
        classes=2,
        width=16,
        heads=2,
        layers=1,
        h_cycles=2,
        l_cycles=2,
        prefix=2,
        max_steps=3,
        **changes,
    )


switches = ("use_rmsnorm", "use_swiglu", "use_iterative_refinement")
agent = {"inputs": 6, "outputs": cells, "width": 16, "max_steps": 2}
systems: dict[str, System] = {
    "gru": recipes.gru(**small),
    "gru, detached both ways": recipes.gru(**small, detach_high_to_low=True),
    "gru, attached both ways": recipes.gru(**small, detach_low_to_high=False),
    "gru as coded": recipes.gru(**small, as_coded=True),
    "gru without halting": recipes.gru(**small, use_act=False),
    "v2 as coded": recipes.v2(**small, as_coded=True),
    "v2, step attention": recipes.v2(**small, step_attention=True),
    **{
        f"v2, {' '.join(on) or 'no flag'}": recipes.v2(**small, **dict.fromkeys(on, True))
        for n in range(5)
        for on in itertools.combinations(flags, n)
    },
    "amulgent original": recipes.amulgent(**agent, original=True),
    "amulgent": recipes.amulgent(**agent),
    **{f"amulgent, {switch}": recipes.amulgent(**agent, **{switch: True}) for switch in switches},
    "amulgent enhanced": recipes.amulgent_enhanced(**agent),
    **{
        f"act-v1, exploration {e}, halt_in_evaluation={h}": act(exploration=e, halt_in_evaluation=h)
        for e in (0.0, 0.1)
        for h in (True, False)
    },
    "act-v1 with puzzles": act(puzzle_size=20, identities=3),
    "act-v1, learned positions": act(puzzle_size=16, learned_positions=True),
    "tiny-network": tiny(),
    "complete as coded": series(),
    "complete": series(as_coded=False),
}

low_level = ("embed.", "low.")
without_gradient: dict[str, tuple[str, ...]] = {
    # detach_low_to_high, on by default: nothing that ends in z_L reaches a loss.
    "gru": low_level,
    "gru, detached both ways": low_level,
    # Without halting nothing scores an action either.
    "gru without halting": (*low_level, "halting.controller."),
    # Besides, states and logits are copied without gradient where a sample stops: the output map
    # and the baseline learn, nothing behind them.
    "gru as coded": (*low_level, "high.", "halting.controller."),
    # Softmax over one key is one: query and key don't matter.
    "v2, step attention": ("summary.attention.query.", "summary.attention.key."),
    # A key's bias adds the same to every score of a query: the softmax doesn't see it.
    **{name: ("summary.attention.key.bias",) for name in systems if "use_sequence_att" in name},
    # Learned from replayed experiences, not from answers.
    **{name: ("halting.heads.",) for name in systems if name.startswith("amulgent")},
    # Whether a sum crosses has no gradient.
    "complete as coded": ("halting.network.",),
}


def build(system: System, seed: int = 0) -> HRM:
    torch.manual_seed(seed)
    return HRM(system.model)


def drawn(system: System) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    target = torch.randint(0, 2, (rows, cells), generator=generator)
    match system.model.embedding:
        case Tokens():
            return torch.randint(0, 5, (rows, cells), generator=generator), target
        case Series():
            return torch.randn(rows, cells, 1, generator=generator), target
        case Vector():
            return torch.randn(rows, 6, generator=generator), target


@pytest.mark.parametrize("name", systems)
@pytest.mark.parametrize("training", [True, False])
def test_every_recipe_answers_in_its_shape(name: str, training: bool) -> None:
    system = systems[name]
    model = build(system).train(training)
    noise = model.draw(rows, torch.Generator().manual_seed(2))
    found = model(drawn(system)[0], noise)
    vector = isinstance(system.model.embedding, Vector)
    assert found.prediction.shape == ((rows, cells) if vector else (rows, cells, 2))
    steps, run = len(found.run.rows), found.run
    assert 1 <= steps <= system.model.halting.max_steps
    assert run.steps.shape == (rows,) and run.steps.max() == steps
    assert run.margins.shape == run.values.shape == run.live.shape == (steps, rows)
    assert run.logits.shape == (steps, rows, 2)
    count = system.model.segments.count
    assert (found.run.drafts is None) == (count == 1 and not system.model.readout.each_step)
    if found.run.drafts is not None:
        assert found.run.drafts.shape == (steps, count, *found.prediction.shape)
    assert torch.isfinite(found.prediction).all()


@pytest.mark.parametrize("name", systems)
def test_every_parameter_that_should_gets_a_gradient(name: str) -> None:
    system = systems[name]
    model = build(system).train()
    inputs, target = drawn(system)
    noise = torch.Generator().manual_seed(2)
    learner = Learner(model, system, Training(updates=1), noise)
    learner.loss(Batch(inputs, None, target))[0].backward()
    silent = {  # to rounding
        n for n, p in model.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-9
    }
    expected = without_gradient.get(name, ())
    assert silent == {n for n, _ in model.named_parameters() if n.startswith(expected or "-")}
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize("name", systems)
def test_a_saved_and_loaded_model_answers_the_same(name: str, tmp_path: Path) -> None:
    system = systems[name]
    model, other = build(system).eval(), build(system, seed=9).eval()
    x, _ = drawn(system)
    before = model(x)
    assert not torch.equal(other(x).prediction, before.prediction)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    after = other(x)
    assert torch.equal(after.prediction, before.prediction)
    assert torch.equal(after.run.steps, before.run.steps)
    assert torch.equal(after.run.logits, before.run.logits)


@pytest.mark.parametrize("name", systems)
def test_a_models_repr_contains_its_parts(name: str) -> None:
    c = systems[name].model
    shown = repr(build(systems[name]))
    parts = [c.low, c.high, c.summary, c.halting]
    for part in parts:
        assert type(part).__name__ in shown
    for child in ("embed", "low", "high", "summary", "halting", "readout"):
        assert (f"({child}): " in shown) == (child != "high" or not c.one_network)
    if c.segments.connection is not None:
        assert "(connect): " in shown


@pytest.mark.parametrize("name", systems)
def test_a_system_survives_json(name: str) -> None:
    system = systems[name]
    back = System.from_json(json.loads(json.dumps(system.to_json())))
    assert back == system
    assert back.fingerprint() == system.fingerprint()


def test_different_recipes_have_different_fingerprints() -> None:
    assert len({s.fingerprint() for s in systems.values()}) == len(systems)


@pytest.mark.parametrize("flag", flags)
def test_a_flag_of_v2_changes_its_own_axis_alone(flag: str) -> None:
    axis = {
        "use_per_sample_act": "model.execution",
        "use_corrected_meta_rl": "objective.masked_mean",
        "use_sequence_attention": "model.summary",
        "use_optimized_controller": "model.halting.controller",
    }
    found = recipes.v2().differences(recipes.v2(**{flag: True}))
    assert [path for path, _, _ in found] == [axis[flag]]


@pytest.mark.parametrize("make", [act, tiny])
def test_halting_in_evaluation_computes_live_rows_alone_with_the_answers_of_all(
    make: Callable[..., System],
) -> None:
    c = make(halt_in_evaluation=True, exploration=0.0).model
    c = replace(c, halting=replace(c.halting, zero_weight=False, biases=(0.0, 0.0)))
    assert c.evaluation == Compacted()
    for seed in range(50):
        torch.manual_seed(seed)
        model = HRM(c).eval()
        found = model(drawn(make())[0])
        if len(set(found.run.steps.tolist())) > 1:
            break
    assert sum(found.run.rows) == int(found.run.steps.sum()) < rows * len(found.run.rows)
    model.config = replace(c, evaluation=Masked())
    every = model(drawn(make())[0])
    assert sum(every.run.rows) == rows * len(found.run.rows)
    assert torch.equal(found.run.steps, every.run.steps)
    assert torch.allclose(found.prediction, every.prediction, atol=1e-6)


@pytest.mark.parametrize("segments", [1, 4])
def test_act_v1_on_vectors_is_its_levels_on_one_position(segments: int) -> None:
    system = recipes.act_v1_vector(
        inputs=6, outputs=cells, width=16, heads=2, segments=segments, every_segment=segments > 1
    )
    c, whole = system.model, act().model
    assert replace(c.low, rotary=10_000.0) == whole.low and c.horizon == whole.horizon
    assert (c.positions, c.halting.max_steps, c.segments.count) == (1, 1, segments)
    learner = Learner(build(system), system, Training(updates=3), torch.Generator())
    inputs, target = torch.randn(rows, 6), torch.ones(rows, cells, dtype=torch.int64)
    losses = [learner.update(Batch(inputs, None, target))[0] for _ in range(3)]
    assert losses[2] < losses[0]


# -- sizes ----------------------------------------------------------------------------------------
def size(system: System) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in HRM(system.model).parameters())


@pytest.mark.parametrize(
    ("recipe", "documented"),
    [(recipes.amulgent, 844_610), (recipes.amulgent_enhanced, 1_011_522)],
)
def test_amulgent_has_the_sizes_that_its_document_prints(
    recipe: Callable[[], System], documented: int
) -> None:
    assert size(recipe()) == documented


@pytest.mark.parametrize(
    ("width", "expansion", "inner"),
    [
        (512, 4.0, 1536),
        (128, 4.0, 512),
        (96, 4.0, 256),
        (192, 4.0, 512),
        (16, 4.0, 256),
        (8, 96.0, 512),
    ],
)
def test_act_v1s_inner_width_is_rounded_up_to_a_multiple_of_256(
    width: int, expansion: float, inner: int
) -> None:
    assert recipes.swiglu_inner(width, expansion) == inner


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"vocabulary": 6, "positions": 900, "width": 128, "heads": 4, "h_layers": 1, "l_layers": 3},
        {"width": 96, "heads": 2, "expansion": 2.0},
    ],
)
def test_act_v1_has_its_closed_form_of_parameters(chosen: dict) -> None:
    v, d = chosen.get("vocabulary", 11), chosen.get("width", 512)
    layers = chosen.get("h_layers", 4) + chosen.get("l_layers", 4)
    exact = round(chosen.get("expansion", 4.0) * d * 2 / 3)
    inner = next(m for m in range(256, 10_000, 256) if m >= exact)
    expected = 2 * v * d + 2 * d + 2 + layers * (4 * d * d + 3 * d * inner)
    assert size(recipes.act_v1(**chosen)) == expected


def test_grus_reference_has_the_size_of_its_parts() -> None:
    low, high, x = 256, 512, 1024
    cells_low = 3 * low * (low + low + 2)
    cells_high = 3 * high * (low + high + 2)
    maps = low * (x + 1) + low * (high + 1) + (high + 1) * (1 + 2 + 1)
    assert size(recipes.gru()) == cells_low + cells_high + maps
