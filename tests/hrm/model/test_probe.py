"""States update by update against the model's own run, and dimensions against closed forms."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hrm import config, recipes
from hrm.model import HRM, probe

few = settings(deadline=None, derandomize=True, max_examples=25)

SYSTEMS = {
    "gru": lambda: recipes.gru(inputs=4, outputs=2, hidden_low=6, hidden_high=5, max_cycles=3),
    "v2": lambda: recipes.v2(inputs=4, outputs=2, hidden_low=8, hidden_high=8),
    "amulgent": recipes.amulgent,
    "act-v1": lambda: recipes.act_v1(
        vocabulary=5, positions=4, width=8, heads=2, h_layers=1, l_layers=1, max_steps=3
    ),
    "complete": lambda: recipes.complete(h_dim=8, l_dim=8, h_heads=1, l_heads=1),
}


def built(name):
    torch.manual_seed(3)
    return HRM(SYSTEMS[name]().model)


@pytest.mark.parametrize("name", SYSTEMS)
def test_records_end_where_the_models_own_run_ends(name):
    model = built(name)
    inputs = model.example(3)
    trace = probe.record(model, inputs, steps=2)
    with torch.no_grad():
        output = model.eval()(inputs, steps=2)
    assert np.array_equal(trace.high[-1], output.run.state.high.double().numpy())
    assert np.array_equal(trace.low[-1], output.run.state.low.double().numpy())
    updates = [name for name in trace.names if name != probe.START]
    count = 2 * model.config.segments.count
    assert updates == count * [update.__name__ for update in model.schedule()]
    assert trace.names[0] == probe.START
    assert sorted(set(trace.segments.tolist())) == list(range(count))


def test_each_segments_answer_is_that_of_a_run_which_ends_there():
    model = built("act-v1")
    inputs = torch.tensor([[1, 2, 3, 4], [0, 0, 4, 1]])
    trace = probe.record(model, inputs)
    assert len(trace.answers) == 3
    for k, answer in enumerate(trace.answers):
        with torch.no_grad():
            expected = model.eval()(inputs, steps=k + 1).prediction
        assert np.array_equal(answer, expected.double().numpy())


def test_a_level_stays_put_in_the_other_levels_updates():
    trace = probe.record(built("gru"), torch.ones(2, 4))
    for u, name in enumerate(trace.names):
        if name == "update_low":
            assert np.array_equal(trace.high[u], trace.high[u - 1])
            assert not np.array_equal(trace.low[u], trace.low[u - 1])
        if name == "update_high":
            assert np.array_equal(trace.low[u], trace.low[u - 1])


def test_steps_that_start_anew_have_a_record_of_their_start():
    kept = built("gru")
    anew = HRM(dataclasses.replace(kept.config, carry=config.Restarted()))
    anew.load_state_dict(kept.state_dict())
    trace = probe.record(anew, torch.ones(2, 4))
    starts = [u for u, name in enumerate(trace.names) if name == probe.START]
    assert starts == [0, 5, 10]
    assert not trace.high[starts].any()
    assert trace.segments[starts].tolist() == [0, 1, 2]
    assert probe.record(kept, torch.ones(2, 4)).names.count(probe.START) == 1


@pytest.mark.parametrize("training", [True, False])
def test_a_recorded_model_is_as_it_was(training):
    model = built("gru").train(training)
    probe.record(model, torch.ones(2, 4))
    assert model.training is training
    assert "schedule" not in vars(model)
    with pytest.raises(RuntimeError):
        probe.record(model, torch.ones(2, 3))
    assert model.training is training
    assert "schedule" not in vars(model)


def test_residuals_are_root_mean_squares_of_the_change():
    states = np.zeros((3, 2, 2, 2))
    states[1, 0] = 3.0
    states[2, 0] = 3.0
    states[2, 1, 0, 0] = 4.0
    assert probe.residuals(states).tolist() == [[3.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize("directions", [1, 3, 6])
def test_points_that_vary_alike_in_k_directions_have_participation_ratio_k(directions):
    corners = np.eye(6)[:directions]
    points = np.concatenate([corners, -corners]) + 7
    assert probe.participation_ratio(points) == pytest.approx(directions)


def test_the_participation_ratio_of_two_variances_is_their_closed_form():
    a, b = 3.0, 0.5  # standard deviations
    points = np.array([[a, 0.0], [-a, 0.0], [0.0, b], [0.0, -b]])
    expected = (a**2 + b**2) ** 2 / (a**4 + b**4)
    still = np.ones((4, 2))
    found = probe.participation_ratio(np.stack([points, still]))
    assert found.tolist() == pytest.approx([expected, 0.0])


@few
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_the_participation_ratio_heeds_neither_scale_nor_rotation(seed, scale):
    random = np.random.default_rng(seed)
    points = random.normal(size=(9, 4)) * [4, 2, 1, 0.5]
    rotation, _ = np.linalg.qr(random.normal(size=(4, 4)))
    found = probe.participation_ratio(points)
    assert 1 <= found <= 4
    assert probe.participation_ratio(scale * points @ rotation + 5) == pytest.approx(found)


@pytest.mark.parametrize("sign", [1, -1])
def test_points_on_a_line_lie_along_the_first_component_towards_its_largest_entry(sign):
    along = np.array([-2.0, -1.0, 0.0, 3.0])
    points = along[:, None] * np.array([0.6, 0.0, sign * 0.8]) + [1.0, 2.0, 3.0]
    coordinates, shares = probe.principal_components(points)
    assert coordinates[:, 0] == pytest.approx(sign * along)
    assert coordinates[:, 1] == pytest.approx(0, abs=1e-12)
    assert shares == pytest.approx([1, 0], abs=1e-12)


@few
@given(st.integers(0, 2**32 - 1))
def test_all_components_together_keep_distances_and_variance(seed):
    points = np.random.default_rng(seed).normal(size=(7, 3))
    coordinates, shares = probe.principal_components(points, count=3)
    before, after = (np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (points, coordinates))
    assert after == pytest.approx(before)
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 0).all()
    assert coordinates.var(axis=0) / points.var(axis=0).sum() == pytest.approx(shares)


def test_directions_that_points_lack_are_zero():
    coordinates, shares = probe.principal_components(np.array([[1.0], [3.0]]), count=2)
    assert coordinates == pytest.approx(np.array([[-1, 0], [1, 0]]))
    assert shares == pytest.approx([1, 0])
    coordinates, shares = probe.principal_components(np.ones((3, 2)))
    assert not coordinates.any()
    assert not shares.any()
