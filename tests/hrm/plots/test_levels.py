"""Messages between levels and halting by position: what is drawn is what the model does."""

import numpy as np
import pytest
import torch

from hrm import recipes
from hrm.errors import UserError
from hrm.model import HRM
from hrm.plots import agent, levels, style
from tests.hrm.equality import model_of

TOKENS = torch.randint(6, (3, 5), generator=torch.Generator().manual_seed(0))
ACT = {"vocabulary": 6, "positions": 5, "width": 16, "heads": 2, "h_layers": 1, "l_layers": 1}


def act(**changes):
    return model_of(recipes.act_v1(**ACT, **{"max_steps": 2, **changes})).eval()


def complete():
    system = recipes.complete(
        positions=5, h_dim=16, l_dim=8, h_layers=1, l_layers=1, l_heads=1, max_steps=6
    )
    return model_of(system).eval()


# -- communication --------------------------------------------------------------------------------
def test_what_is_handed_over_is_the_state_that_the_other_level_reads():
    model = act()
    found = levels.messages(model, TOKENS)
    trace = levels.probe.record(model, TOKENS)
    names = [name for name in trace.names if name != "start"]
    highs = [i for i, name in enumerate(names, 1) if name == "update_high"]
    assert found["up"].updates.tolist() == highs
    lows = [trace.low[i] for i, name in enumerate(trace.names) if name == "update_high"]
    np.testing.assert_allclose(found["up"].values, np.stack(lows))  # the last low state
    firsts = [i for i, name in enumerate(names, 1) if name == "update_low" and (i - 1) % 3 == 0]
    assert found["down"].updates.tolist() == firsts  # once a cycle
    assert found["down"].values.shape == (len(firsts), 3, 5, 16)


def test_the_model_thinks_as_before_and_is_left_as_it_was():
    model = act()
    before = vars(model).keys(), vars(model.low).keys(), model(TOKENS).prediction
    levels.messages(model.train(), TOKENS)
    assert model.training
    after = vars(model).keys(), vars(model.low).keys(), model.eval()(TOKENS).prediction
    assert before[:2] == after[:2] and torch.equal(before[2], after[2])


@pytest.mark.parametrize(
    ("make", "ways"),
    [
        (lambda: recipes.gru(inputs=4, outputs=1, hidden_low=8, hidden_high=6), (True, True)),
        (lambda: recipes.amulgent(inputs=4, outputs=2, width=16), None),
        (
            lambda: recipes.plain_transformer(
                vocabulary=6, positions=5, width=16, heads=2, layers=1, max_steps=2
            ),
            (False, False),
        ),
    ],
    ids=["gru", "amulgent", "one level"],
)
def test_every_coupling_says_what_is_handed_which_way(make, ways):
    model = HRM(make().model)
    reads = model.config.embedding.reads
    found = levels.messages(model, TOKENS if reads == "tokens" else torch.randn(3, 4))
    if ways is None:  # low states are added to the high one
        assert found["up"] is not None and (found["up"].norms() > 0).any()
    else:
        assert tuple(value is not None for value in found.values()) == ways
    if not any(found.values()):
        with pytest.raises(UserError, match="messages is 'none'"):
            levels.communication(found)


def test_norms_and_cosines_are_those_of_whole_messages():
    values = np.array([[[3.0, 4.0]], [[6.0, 8.0]], [[-3.0, -4.0]], [[4.0, -3.0]], [[0.0, 0.0]]])
    said = levels.Messages(updates=np.arange(1, 6), values=values)
    np.testing.assert_allclose(said.norms()[:, 0], np.array([5, 10, 5, 5, 0]) / np.sqrt(2))
    np.testing.assert_allclose(said.cosines()[:, 0], [1, -1, 0, 0], atol=1e-12)


@pytest.mark.promise(
    "complete", "communication between the levels", "hrm plot RUN --only communication"
)
def test_the_picture_shows_medians_of_both_ways(tmp_path):
    found = levels.messages(act(), TOKENS)
    figure = levels.communication(found)
    left, right = figure.axes
    for axes, of in ((left, "norms"), (right, "cosines")):
        lines = {line.get_label(): line.get_ydata() for line in axes.lines}
        assert list(lines) == ["high to low", "low to high"]
        expected = np.median(getattr(found["down"], of)(), axis=1)
        np.testing.assert_allclose(lines["high to low"], expected)
    style.save(figure, tmp_path / "communication.png")
    assert (tmp_path / "communication.png").stat().st_size > 1000


# -- positions ------------------------------------------------------------------------------------
def test_probabilities_are_those_that_halting_adds_up():
    model = complete()
    inputs = torch.randn(2, 5, 1, generator=torch.Generator().manual_seed(1)).double()
    values = levels.probabilities(model, inputs)
    assert values.shape == (6, 2, 5) and (values > 0).all() and (values < 1).all()
    sums = []
    plain = model.halting.accumulate

    def accumulate(low, memory):
        sums.append(plain(low, memory) - memory)
        return memory + sums[-1]

    model.halting.accumulate = accumulate
    with torch.no_grad():
        model(inputs, steps=6)
    np.testing.assert_allclose(values, torch.stack(sums).numpy(), rtol=1e-5)


def test_sums_start_anew_where_they_reach_the_threshold():
    values = np.array([[0.3, 0.6], [0.3, 0.1], [0.3, 0.5]])
    found = levels.crossings(values, 0.5)
    assert found.tolist() == [[False, True], [True, False], [False, True]]


@pytest.mark.promise(
    "complete", "halting probabilities by position", "hrm plot RUN --only positions"
)
def test_the_picture_marks_crossings_and_shows_means(tmp_path):
    values = np.array([[[0.3, 0.6], [0.1, 0.1]], [[0.3, 0.1], [0.1, 0.1]]])
    figure = levels.positions(values, 0.5, name="Board 7")
    left, right = figure.axes[:2]
    assert left.get_title(loc="left") == "Board 7"
    marks = left.lines[0]
    assert list(zip(marks.get_xdata(), marks.get_ydata(), strict=True)) == [(1, 1), (2, 0)]
    np.testing.assert_allclose(right.lines[0].get_ydata(), values.mean(axis=(1, 2)))
    style.save(figure, tmp_path / "positions.svg")
    assert (tmp_path / "positions.svg").stat().st_size > 1000


# -- the agent ------------------------------------------------------------------------------------
@pytest.mark.promise("amulgent", "learning metrics, drawn", "hrm demo amulgent")
def test_an_agents_metrics_are_drawn_goal_by_goal(tmp_path):
    metrics = dict.fromkeys(agent.METRICS, 0.0)
    histories = {
        "baseline": [{**metrics, "completion_rate": 0.5}, {**metrics, "completion_rate": 1.0}],
        "enhanced": [metrics, metrics],
    }
    figure = agent.learning(histories)
    assert len(figure.axes) == 3
    lines = {line.get_label(): line for line in figure.axes[1].lines}
    assert lines["baseline"].get_ydata().tolist() == [0.5, 1.0]
    assert lines["baseline"].get_xdata().tolist() == [1, 2] and "enhanced" in lines
    style.save(figure, tmp_path / "learning.png")
    assert (tmp_path / "learning.png").stat().st_size > 1000
