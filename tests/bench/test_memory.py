"""What the memory of a training step grows with. Bytes are exact, so they can be tested."""

import pytest
import torch

from bench import compaction, memory

small = {"width": 16, "positions": 9}
FLOAT = 4


def peaks(changes, values, name):
    return [memory.update_peak(4, **small, **changes, **{name: value}) for value in values]


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("horizon", [1, 2])
def test_under_a_short_horizon_no_update_allocates_in_proportion_to_cycles(horizon, checkpointing):
    changes = {"horizon": horizon, "checkpointing": checkpointing}
    two, four, eight = peaks(changes, (2, 4, 8), "cycles")
    assert two == four == eight


def test_unrolled_memory_grows_with_the_cycles():
    two, four, eight = peaks({"horizon": None}, (2, 4, 8), "cycles")
    assert four > 1.8 * two
    assert eight - four == pytest.approx(2 * (four - two), rel=0.01)


def test_each_update_within_the_horizon_costs_the_same_memory():
    one, two, three, four = peaks({}, (1, 2, 3, 4), "horizon")
    assert two - one > 0
    assert three - two == pytest.approx(two - one, rel=0.02)
    assert four - three == pytest.approx(two - one, rel=0.02)


def test_checkpointing_unrolled_keeps_states_instead_of_activations():
    changes = {"horizon": None, "checkpointing": True}
    four, eight = peaks(changes, (4, 8), "cycles")
    plain = memory.update_peak(4, **small, horizon=None, cycles=8)
    assert eight < plain / 5
    # An update keeps its result, [4, 9, 16], and little beside; 4 more cycles are 12 updates more.
    state = 4 * 9 * 16 * FLOAT
    assert 12 * state <= eight - four <= 4 * 12 * state


@pytest.mark.parametrize("horizon", [2, None])
def test_checkpointing_gives_the_same_gradients(horizon):
    found = []
    for checkpointing in (False, True):
        model = memory.build(**small, horizon=horizon, checkpointing=checkpointing)
        memory.step(model, *memory.data(4, 9))()
        found.append({name: p.grad for name, p in model.named_parameters()})
    plain, again = found
    assert any(g is not None and g.abs().max() > 0 for g in plain.values())
    for name, g in plain.items():
        assert (g is None) == (again[name] is None)
        assert g is None or torch.equal(g, again[name])


def test_a_peak_is_the_same_each_time():
    first, second = (memory.update_peak(2, **small) for _ in range(2))
    assert first == second


def test_compacted_and_refilled_runs_take_memory_for_live_rows_alone():
    """Half of the rows are live: at most a bit more than half of the activations are kept."""
    found = {}
    for name, part in memory.executions.items():
        model = compaction.model("act-v1", 0.5, 4)
        found[name] = memory.peak(model, compaction.arm("act-v1", "training", 0.5, part, 4))
    assert found["masked"] == pytest.approx(found["lockstep"], rel=0.02)
    assert found["compacted"] < 0.65 * found["masked"]
    assert found["refilled"] < 0.65 * found["masked"]


def test_every_benchmark_returns_bytes(monkeypatch):
    monkeypatch.setattr(memory, "batch", 1)
    found = [
        memory.Horizon().track_peak(2, True),
        memory.Segments().track_peak(2, 2),
        memory.Execution().track_peak("compacted"),
    ]
    assert all(isinstance(x, int) and x > 10**5 for x in found)
    assert {suite.unit for suite in (memory.Horizon, memory.Segments, memory.Execution)} == {
        "bytes"
    }
