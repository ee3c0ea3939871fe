"""The pure function that is compiled is the eager step, and all seeds of an arm share its graph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom
from torch import Tensor

from hrm import recipes
from hrm.config import ConcatenatedController, LastStep
from hrm.config.learning import AdamAtan2, AdamW, Depth, System, Training
from hrm.errors import Diverged
from hrm.model.execution import Batch
from hrm.model.puzzles import PuzzleTable
from hrm.training import compiled, loop
from hrm.training.learner import Learner
from hrm.training.loop import Encoded, Seeds

TRAINING = Training(updates=50, batch=8, evaluate_every=25, learning_rate=3e-3, clip=1.0)
SEEDS = Seeds(weights=1, order=2)
CELLS, CLASSES, IDENTITIES = 6, 5, 4
vectors = {"inputs": CELLS * CLASSES, "outputs": CELLS * CLASSES}
levels = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1}
tokens = {"vocabulary": CLASSES, "positions": CELLS, "classes": CLASSES}
v2 = recipes.v2(
    **vectors,
    hidden_low=8,
    hidden_high=16,
    max_cycles=3,
    use_per_sample_act=True,
    use_optimized_controller=True,  # with dropout
)
act = recipes.act_v1(**tokens, **levels, max_steps=3, exploration=0.5)
puzzles = recipes.act_v1(
    **tokens, **levels, max_steps=2, puzzle_size=8, identities=IDENTITIES, learned_positions=True
)
never = replace(TRAINING, halts_from=1.0)  # halting is no part of training

# Systems whose course no halting decision changes, and how they are trained.
COURSES: dict[str, tuple[System, Training]] = {
    "gru": (recipes.gru(**vectors, hidden_low=4, hidden_high=8, max_cycles=2), never),
    "v2, dropout": (v2, never),
    "v2, lockstep": (recipes.v2(**vectors, hidden_low=8, hidden_high=16, max_cycles=3), never),
    "amulgent": (
        recipes.amulgent(**vectors, width=8, h_layers=1, l_layers=1, max_steps=1),
        replace(TRAINING, optimiser=AdamAtan2()),
    ),
    "segments": (
        recipes.act_v1_vector(**vectors, width=8, heads=2, segments=2, every_segment=True),
        replace(TRAINING, ema=0.9, pieces=2),
    ),
    "depths": (act, replace(TRAINING, depths=(Depth(until=0.5, cycles=1, low_steps=1),))),
    "complete": (recipes.complete(positions=CELLS), TRAINING),
    "act-v1": (act, TRAINING),
    "puzzles": (puzzles, TRAINING),
    "puzzles by Adam": (puzzles, replace(TRAINING, puzzle_optimiser=AdamW())),
    "tiny network": (
        recipes.tiny_network(
            **tokens, width=8, heads=2, h_cycles=2, l_cycles=2, prefix=1, identities=IDENTITIES
        ),
        replace(TRAINING, ema=0.99),
    ),
}


@pytest.fixture
def uncompiled(monkeypatch):
    """The pure function as it is, without a compiler."""
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    monkeypatch.setattr(compiled, "_graphs", type(compiled._graphs)())


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def data_of(system: System) -> Encoded:
    drawn = torch.Generator().manual_seed(0)
    reads = system.model.embedding.reads
    inputs = torch.randint(CLASSES, (64, CELLS), generator=drawn)
    shown = inputs
    if reads != "tokens":
        one_hot = torch.nn.functional.one_hot(inputs, CLASSES).float()
        shown = one_hot.flatten(1) if reads == "one-hot" else inputs[..., None].float()
    identities = inputs[:, 0] % IDENTITIES if reads == "tokens" else None
    return Encoded(inputs=shown, targets=inputs.flip(1), identities=identities)


def trained(system: System, training: Training, seeds: Seeds = SEEDS, folder=None, **how):
    """What every update measured, and the weights at the end."""
    model = loop.build(system, seeds)
    found: list[dict[str, float]] = []
    loop.fit(
        model,
        system,
        training,
        data_of(system),
        seeds,
        how.pop("watch", lambda _: 0.0),
        folder,
        measured=lambda measured: found.append(dict(measured)),
        **how,
    )
    return found, model.state_dict()


def agree(system: System, training: Training) -> None:
    (eager, weights), (other, same) = (
        trained(system, training, compiled=how) for how in (False, True)
    )
    assert [list(m) for m in eager] == [list(m) for m in other]
    for update, (found, again) in enumerate(zip(eager, other, strict=True)):
        assert again == pytest.approx(found, rel=1e-6, abs=1e-6), update
    assert len({m["loss"] for m in eager}) == training.updates
    for name, value in weights.items():
        torch.testing.assert_close(same[name], value, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", COURSES)
def test_the_pure_function_takes_the_eager_course(name, uncompiled):
    agree(*COURSES[name])


@pytest.mark.parametrize("flags", [{}, {"use_per_sample_act": True}], ids=["as one", "each"])
def test_samples_that_stop_count_as_in_the_eager_step(flags, uncompiled):
    system = recipes.v2(**vectors, hidden_low=8, hidden_high=16, max_cycles=3, **flags)
    halting = replace(system.model.halting, controller=ConcatenatedController(dropout=0.0))
    summary = LastStep(project=True)  # without dropout, as the controller
    system = replace(system, model=replace(system.model, halting=halting, summary=summary))
    training = replace(TRAINING, updates=12, batch=2)
    eager, other = (trained(system, training, compiled=how)[0] for how in (False, True))
    assert min(m["cycles_mean"] for m in eager) < 3.0
    for found, again in zip(eager, other, strict=True):
        assert again == pytest.approx(found, rel=1e-5, abs=1e-6)


def test_masks_are_those_that_dropout_would_have_drawn():
    dropout = compiled.Dropout(0.3)
    x = torch.rand(4, 5)
    torch.manual_seed(3)
    drawn = [dropout(x) for _ in range(3)]
    torch.manual_seed(3)
    dropout.given = [dropout.draw(x.shape, x) for _ in range(3)]
    assert all(torch.equal(dropout(x), y) for y in drawn)
    assert not dropout.given and len({float(y.sum()) for y in drawn}) == 3


def test_the_gradient_of_what_is_added_to_rows_is_that_of_the_rows():
    table = PuzzleTable(3, 2)
    table.weights.copy_(torch.arange(6.0).view(3, 2))
    ids = torch.tensor([2, 0, 2])
    table(ids).square().sum().backward()
    lent = table.gradients()
    table.zero_grad()
    table.shift = torch.zeros(3, 2, requires_grad=True)
    table(ids).square().sum().backward()
    with torch.no_grad():
        assert torch.equal(table(ids), table.weights[ids])
    table.lend(ids, table.shift)
    assert all(map(torch.equal, lent, table.gradients()))


def test_a_run_diverges_where_the_eager_one_does(uncompiled):
    ends = []
    for how in (False, True):
        with pytest.raises(Diverged) as raised:
            trained(act, replace(TRAINING, learning_rate=1e30, clip=None), compiled=how)
        ends.append((raised.value.step, raised.value.reason))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("system", [v2, puzzles], ids=["dropout", "puzzles"])
def test_an_interrupted_run_goes_on_to_the_identical_course(system, tmp_path: Path, uncompiled):
    training = replace(TRAINING, updates=8, evaluate_every=2)
    whole, weights = trained(system, training, compiled=True)
    calls = iter(range(9))

    def cut(_: object) -> float:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        trained(system, training, folder=tmp_path, compiled=True, watch=cut)
    rest, again = trained(system, training, folder=tmp_path, compiled=True)
    assert rest == whole[4:]
    assert all(torch.equal(again[name], value) for name, value in weights.items())


def test_a_learner_draws_nothing_by_being_compiled(uncompiled):
    model = loop.build(act, SEEDS).train()
    learner = Learner(model, act, TRAINING, torch.Generator())
    before = torch.get_rng_state()
    learner.compile()
    assert torch.equal(torch.get_rng_state(), before)


def test_no_more_graphs_are_kept_than_a_few(uncompiled):
    first = compiled.graph(act)
    assert compiled.graph(replace(act)) is first
    widths = range(8, 8 * (compiled.KEPT + 1), 8)
    for width in widths:
        compiled.graph(recipes.gru(**vectors, hidden_low=width, hidden_high=8))
    assert compiled.graph(act) is not first


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own parts
@pytest.mark.parametrize("system", [v2, puzzles], ids=["v2", "puzzles"])
def test_all_updates_of_all_seeds_and_rates_share_one_graph(system, monkeypatch):
    graphs: list[torch.fx.GraphModule] = []

    def keeping(graph: torch.fx.GraphModule, _: object) -> object:
        graphs.append(graph)
        return graph.forward

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda f, **how: real(f, backend=keeping, **how))
    monkeypatch.setattr(compiled, "_graphs", type(compiled._graphs)())
    training = replace(TRAINING, updates=4, halts_from=0.5, warmup=2)
    for seed in (1, 2):
        training = replace(training, learning_rate=1e-3 * seed)
        trained(system, training, Seeds(weights=seed, order=seed), compiled=True)
    assert len(graphs) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own parts
def test_compiled_steps_take_the_eager_course():
    agree(*COURSES["v2, dropout"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own parts
def test_compiled_steps_take_the_eager_course_of_a_transformer(double):
    """In float64: the compiler rounds elsewhere, which in float32 grows to 3e-6 in 50 updates."""
    agree(*COURSES["puzzles"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own parts
def test_where_samples_halt_compiled_runs_end_as_eager_ones_do():
    """Dropout's masks, hence halting, differ; of 26 seeds either is lower in 5 to 21."""
    training = replace(TRAINING, updates=30, learning_rate=1e-2)

    def end(seed: int, how: bool) -> float:
        measured, _ = trained(v2, training, Seeds(weights=seed, order=seed), compiled=how)
        return float(np.mean([m["task_loss"] for m in measured[-5:]]))

    higher = sum(end(seed, True) > end(seed, False) for seed in range(26))
    least = int(binom.ppf(0.001, 26, 0.5))
    assert least <= higher <= 26 - least


def test_a_batch_that_stands_for_no_identity_lends_the_blank_one():
    batch = Batch(torch.zeros(3, CELLS, dtype=torch.int64))
    found: Tensor = compiled._identities(batch, None)
    assert found.tolist() == [0, 0, 0]
