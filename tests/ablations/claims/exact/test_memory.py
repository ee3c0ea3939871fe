"""Checks of memory find what rises, what doesn't, and what changes gradients."""

from dataclasses import replace

import pytest

from ablations.claims.exact import memory
from ablations.protocols import peaks
from hrm import recipes
from tests.ablations.claims.exact.checks import beside, primary

SMALL = {"vocabulary": 5, "positions": 6, "width": 16, "heads": 2, "h_layers": 1, "l_layers": 1}
ARM = recipes.act_v1(**SMALL, exploration=0.0)
SERIES = recipes.complete(
    h_dim=16, l_dim=8, h_layers=1, l_layers=1, h_heads=1, l_heads=1, positions=4, as_coded=False
)


def model(system, **changes):
    return replace(system, model=replace(system.model, **changes))


def test_the_peak_of_an_update_is_the_same_each_time():
    first, again = (peaks.bytes_of_update(ARM, 0, 2) for _ in range(2))
    assert first == again > 0


def test_cycles_that_keep_their_graph_take_more_memory_and_others_do_not():
    few = {"batch": 2, "high": (1, 3), "low": (1, 3), "steps": (2, 4)}
    full = model(ARM, horizon=None)
    assert primary(memory.cycles, ARM, full, **few)[1:] == [False, False]
    *whole, averaged = beside(memory.cycles, ARM, full, **few)
    assert whole == [True, True, False]
    assert averaged


def test_equal_batches_and_equal_sequences_do_not_rise():
    assert primary(memory.batch_sequence, ARM, batches=(2, 4), positions=(6, 12)) == [True, True]
    assert primary(memory.batch_sequence, ARM, batches=(2, 2), positions=(6, 6)) == [False, False]


def test_an_arm_that_saves_nothing_and_another_gradient_are_found(monkeypatch):
    assert primary(memory.checkpointing, ARM, ARM, batch=2) == [False, True]
    gradients = peaks.gradients
    monkeypatch.setattr(
        peaks,
        "gradients",
        lambda system, *given: [
            g * (1 + system.model.checkpointing) for g in gradients(system, *given)
        ],
    )
    saving = model(ARM, checkpointing=True)
    assert primary(memory.checkpointing, ARM, saving, batch=2)[1] is False


def test_gradients_of_more_steps_than_the_last_take_more():
    full = model(SERIES, horizon=None)
    assert primary(memory.one_step, full, SERIES, batch=2, counts=(2, 4)) == [True, True]
    assert beside(memory.one_step, full, SERIES, batch=2, counts=(2, 3, 4)) == [True, True]
    assert primary(memory.one_step, SERIES, full, batch=2, counts=(2, 4)) == [False, False]


@pytest.mark.parametrize("system", [ARM, SERIES])
def test_an_update_counts_more_operations_for_more_samples_in_proportion(system):
    one, three = (peaks.operations_of_update(system, batch).total for batch in (1, 3))
    assert three == 3 * one > 0
