"""`torch.compile` takes the inner pass of every transformer recipe whole, and changes nothing.

`fullgraph=True` raises at a graph break. "aot_eager" traces forward and backward pass and runs the
traced operations as they are; "eager" traces the forward pass alone, which is faster.
"""

from dataclasses import replace

import pytest
import torch

from bench import compaction, compiled, ratio
from hrm import recipes
from hrm.config import Compacted
from hrm.training import loop

# Dynamo asks inputs that aren't leaves for their gradient, to find that they have none.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

tokens = {"positions": 5, "width": 16, "heads": 2, "h_cycles": 2, "l_cycles": 1, "expansion": 0.1}
act = tokens | {"h_layers": 1, "l_layers": 1}
vectors = {"inputs": 3, "outputs": 4, "width": 16, "h_layers": 1, "l_layers": 1, "l_cycles": 1}
series = {"positions": 5, "h_dim": 16, "l_dim": 8, "h_layers": 1}
systems = {
    "amulgent, original": recipes.amulgent(original=True, **vectors),
    "amulgent, baseline": recipes.amulgent(**vectors),
    "amulgent, enhanced": recipes.amulgent_enhanced(**vectors),
    "act-v1, rotary": recipes.act_v1(**act),
    "act-v1, learned positions": recipes.act_v1(learned_positions=True, **act),
    "act-v1, puzzles": recipes.act_v1(puzzle_size=20, identities=4, **act),
    "tiny network": recipes.tiny_network(layers=1, prefix=2, **tokens),
    "complete, as coded": recipes.complete(**series),
    "complete, as documented": recipes.complete(as_coded=False, **series),
}
quick = ("act-v1, rotary", "complete, as documented")


@pytest.fixture(autouse=True)
def fresh():
    """What one test compiled is no part of the next one's."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def built(system, training):
    """A model in which no state is zero, where an update might do nothing."""
    model = loop.build(system, loop.Seeds(weights=0, order=0)).train(training)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in (model.start_low.value, model.start_high.value):
            value.copy_(torch.randn(value.shape, generator=noise))
    return model


def ran(model, think=None, size=3):
    state = compiled.segment(model, think, size)()
    return state, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    "name",
    [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in systems],
)
def test_a_compiled_segment_trains_as_the_eager_one(name):
    model = built(systems[name], training=True)
    state, grads = ran(model)
    found, again = ran(model, torch.compile(model.think, fullgraph=True, backend="aot_eager"))
    torch.testing.assert_close(found, state)
    torch.testing.assert_close(again, grads)
    for level in {"low.", "low." if model.config.one_network else "high."}:
        assert any(g.abs().max() > 0 for n, g in again.items() if n.startswith(level))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"checkpointing": True}, {"bfloat16": True}, {"horizon": None}, {"horizon": 1}],
    ids=str,
)
def test_a_compiled_segment_trains_as_the_eager_one_with_other_memory(changes):
    system = systems["act-v1, rotary"]
    model = built(replace(system, model=replace(system.model, **changes)), training=True)
    state, grads = ran(model)
    found, again = ran(model, torch.compile(model.think, fullgraph=True, backend="aot_eager"))
    torch.testing.assert_close(found, state)
    torch.testing.assert_close(again, grads)


@pytest.mark.parametrize("name", systems)
def test_a_compiled_segment_evaluates_as_the_eager_one(name):
    model = built(systems[name], training=False)
    found, grads = ran(model, torch.compile(model.think, fullgraph=True, backend="eager"))
    torch.testing.assert_close(found, ran(model)[0])
    assert not grads
    assert not found.high.requires_grad


def counting(compilations):
    """A backend that runs what it is given, and notes that it was asked to."""

    def backend(graph, example_inputs):
        compilations.append(graph)
        return graph.forward

    return backend


def test_a_run_with_a_compiled_segment_is_the_eager_run():
    """Compaction changes the batch: one more graph serves all further sizes but one."""
    c = systems["act-v1, rotary"].model
    model = built(
        replace(systems["act-v1, rotary"], model=replace(c, execution=Compacted())), False
    )
    stops = torch.tensor([3.0, 1.0, 2.0, 3.0, 4.0, 4.0])
    model.halting = compaction.Scripted(model.halting, stops)
    inputs = torch.randint(0, 11, (6, 5), generator=torch.Generator().manual_seed(0))
    graphs = []
    with torch.no_grad():
        expected = model(inputs)
        model.think = torch.compile(model.think, fullgraph=True, backend=counting(graphs))
        found = model(inputs)
    assert found.run.rows == (6, 5, 4, 2)
    assert len(graphs) == 2
    torch.testing.assert_close(found.prediction, expected.prediction)


# Inductor imports what torch has deprecated.
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.slow
def test_an_optimised_segment_trains_as_the_eager_one_to_rounding():
    model = built(systems["act-v1, rotary"], training=True)
    state, grads = ran(model)
    found, again = ran(model, torch.compile(model.think, fullgraph=True))
    torch.testing.assert_close(found, state, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(again, grads, rtol=1e-4, atol=1e-5)


def test_the_benchmark_times_the_compiled_segment_over_the_eager_one(monkeypatch):
    seen = []
    monkeypatch.setattr(ratio, "paired", lambda pair, *_: seen.append(pair) or [1.0])
    graphs = []
    compile_ = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda f, fullgraph: compile_(f, backend=counting(graphs))
    )
    suite = compiled.Segment()
    assert suite.params == (("act-v1", "amulgent-enhanced"), ("evaluation", "training"))
    assert suite.track_compiled("amulgent-enhanced", "evaluation") == 1.0
    (pair,) = seen
    expected = pair.second()
    assert not graphs
    torch.testing.assert_close(pair.first(), expected)
    assert graphs
    assert compiled.system("act-v1").model.positions == 81
