"""Pictures: what they show of the data, and that equal data gives equal bytes."""

import os
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from hrm import recipes
from hrm.errors import UserError
from hrm.model import HRM, probe
from hrm.plots import architecture, halting, puzzles, states, style, training
from hrm.plots.halting import Execution
from hrm.plots.training import Curve

few = settings(deadline=None, derandomize=True, max_examples=50)


def curve(last=50, shift=0.0, parts=("total", "answer")):
    updates = np.arange(10, last + 1, 10.0)
    losses = {name: 1 + shift + i / updates for i, name in enumerate(parts)}
    return Curve(
        updates=updates, losses=losses, score=shift + updates / 100, steps=4 - updates / 50
    )


def trace(steps=2):
    system = recipes.gru(inputs=4, outputs=2, hidden_low=6, hidden_high=5, max_cycles=3)
    torch.manual_seed(0)
    inputs = torch.randn(4, 4)
    return probe.record(HRM(system.model), inputs, steps=steps)


def drawn(name):
    with torch.device("meta"):
        model = HRM(recipes.named[name].make().model)
    return model, architecture.architecture(model, name=name)


def efficiency(**options):
    executions = [
        Execution(name="lockstep", rows=[8, 8, 8], samples=8, score=0.5),
        Execution(name="compacted", rows=[8, 3, 1], samples=8, score=0.75),
    ]
    return halting.efficiency(executions, **options)


STEPS = np.array([1, 1, 2, 3, 3, 3])
DIFFICULTY = np.array([0.0, 0, 0, 5, 5, 9])
SIGNAL = np.arange(18.0).reshape(3, 6)
CHARTS = {
    "dynamics": lambda: training.dynamics([curve(), curve(40, 0.1)], baselines={"copy": 0.2}),
    "by_difficulty": lambda: halting.by_difficulty(STEPS, DIFFICULTY, max_steps=4),
    "signals": lambda: halting.signals(SIGNAL, STEPS),
    "efficiency": efficiency,
    "evolution": lambda: states.evolution(trace()),
}
SCHEMES = {
    "sudoku": lambda: puzzles.sudoku(np.zeros(16, int), [np.ones(16, int)], np.ones(16, int)),
    "architecture": lambda: drawn("gru")[1],
}


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts]


# -- all pictures ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CHARTS | SCHEMES)
def test_equal_input_gives_equal_bytes_whatever_the_users_settings(name, tmp_path):
    draw = (CHARTS | SCHEMES)[name]
    before = dict(mpl.rcParams)
    style.save(draw(), tmp_path / "a.svg")
    assert dict(mpl.rcParams) == before
    theirs = {"font.size": 20, "lines.linewidth": 9, "svg.hashsalt": "x", "axes.grid": True}
    with mpl.rc_context(theirs):
        style.save(draw(), tmp_path / "b.svg")
    source = (tmp_path / "a.svg").read_text()
    assert source == (tmp_path / "b.svg").read_text()
    assert "dc:date" not in source
    words = "".join(ElementTree.fromstring(source).itertext())
    assert len(words.split()) > 10, "text stays text"
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", CHARTS)
def test_every_axis_says_what_it_shows(name):
    for axes in CHARTS[name]().axes:
        if axes.get_label() == "<colorbar>":
            assert axes.get_ylabel().endswith("%")
        else:
            assert axes.get_title(loc="left")
            assert axes.get_xlabel()
            assert axes.get_ylabel()


def test_a_png_is_the_same_each_time(tmp_path):
    for name in ("a.png", "b.PNG"):
        style.save(CHARTS["signals"](), tmp_path / "new" / name)
    first, second = (path.read_bytes() for path in sorted((tmp_path / "new").iterdir()))
    assert first == second
    assert first.startswith(b"\x89PNG")
    assert b"matplotlib" not in first.lower()


def test_a_picture_of_another_format_is_refused(tmp_path):
    with pytest.raises(UserError, match=re.escape("'a.gif'; allowed is NAME.svg or NAME.png")):
        style.save(CHARTS["signals"](), tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cant_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    def full(_):
        raise OSError("no space left on device")

    path = tmp_path / "a.svg"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        style.save(CHARTS["signals"](), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 100])
def test_thinning_keeps_the_first_and_the_last(count):
    found = style.thinned(count, 6)
    assert len(found) == min(count, 6)
    assert found == sorted(set(found))
    assert not count or (found[0], found[-1]) == (0, count - 1)


def test_series_differ_in_more_than_colour():
    lightness = [np.dot(mpl.colors.to_rgb(c), [0.299, 0.587, 0.114]) for c in style.SERIES]
    assert len({round(value, 2) for value in lightness}) == len(style.SERIES)
    assert len(set(style.DASHES)) == len(set(style.MARKERS)) == len(style.SERIES)


# -- training --------------------------------------------------------------------------------------
def test_each_seed_is_a_thin_line_and_their_mean_a_thick_one():
    figure = training.dynamics([curve(), curve(40, 0.1), curve(50, 0.2)], baselines={"copy": 0.2})
    losses, scores, steps = figure.axes
    assert [len(axes.lines) for axes in figure.axes] == [8, 5, 4]
    *seeds, mean, baseline = scores.lines
    assert [len(line.get_xdata()) for line in seeds] == [5, 4, 5]
    assert mean.get_xdata().tolist() == [10, 20, 30, 40]
    assert mean.get_ydata() == pytest.approx(np.array([0.1, 0.2, 0.3, 0.4]) + 0.1)
    assert mean.get_linewidth() > max(line.get_linewidth() for line in seeds)
    assert list(baseline.get_ydata()) == [0.2, 0.2]
    assert [t.get_text() for t in scores.get_legend().get_texts()] == ["model", "copy"]
    assert [t.get_text() for t in losses.get_legend().get_texts()] == ["total", "answer"]
    assert steps.get_ylim()[0] == 0


def test_one_seed_is_one_line():
    figure = training.dynamics([curve(parts=("total",))], diverged=[30, 40])
    assert [len(axes.lines) for axes in figure.axes] == [2, 1, 1]
    assert list(figure.axes[0].lines[1].get_xdata()) == [30, 40]
    assert figure.axes[1].get_legend() is None


@pytest.mark.parametrize(
    ("values", "scale"), [([100.0, 1.0], "log"), ([2.0, 1.0], "linear"), ([100.0, -1.0], "linear")]
)
def test_losses_that_differ_by_much_and_are_positive_get_a_logarithmic_axis(values, scale):
    two = np.array([1.0, 2.0])
    run = Curve(updates=two, losses={"total": np.array(values)}, score=two, steps=two)
    assert training.dynamics([run]).axes[0].get_yscale() == scale


def test_a_runs_moments_are_a_curve():
    moments = [
        SimpleNamespace(update=u, loss=1 / u, steps=2.5, score=u / 9, parts={"task_loss": u / 2})
        for u in (1, 2)
    ]
    found = Curve.of(moments)
    assert found.updates.tolist() == [1, 2]
    assert {name: values.tolist() for name, values in found.losses.items()} == {
        "total": [1, 0.5],
        "task_loss": [0.5, 1],
    }
    assert found.steps.tolist() == [2.5, 2.5]
    assert found.score.tolist() == [1 / 9, 2 / 9]


# -- halting ---------------------------------------------------------------------------------------
@few
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 6))
def test_strata_hold_each_sample_once(values, most):
    difficulty = np.array(values, dtype=float)
    ranges = halting.strata(difficulty, most)
    held = [(low <= difficulty) & (difficulty <= high) for low, high in ranges]
    assert len(ranges) <= most
    assert (np.sum(held, axis=0) == 1).all()
    assert all(inside.any() for inside in held)


def test_strata_of_many_values_are_about_equally_full():
    assert halting.strata(np.arange(100.0), 4) == [(0, 24), (25, 49), (50, 74), (75, 99)]


def test_a_hardest_value_that_many_samples_have_is_one_range():
    assert halting.strata(np.array([0.0, 1, 2, 3, 9, 9, 9, 9]), 3) == [(0, 2), (3, 9)]


def test_shares_count_each_ranges_steps():
    table = halting.shares(STEPS, DIFFICULTY, [(0, 0), (5, 9)], 4)
    assert table == pytest.approx(np.array([[2 / 3, 1 / 3, 0, 0], [0, 0, 1, 0]]))


def test_the_halting_picture_has_a_row_and_a_mean_for_each_range():
    figure = halting.by_difficulty(STEPS, DIFFICULTY, max_steps=4, unit="guesses")
    axes = figure.axes[0]
    rows = [t.get_text() for t in axes.get_yticklabels()]
    assert rows == ["0\n3 samples", "5\n2 samples", "9\n1 samples"]
    assert axes.lines[0].get_xdata() == pytest.approx([4 / 3, 3, 3])
    assert texts(figure) == ["67", "33", "100", "100"]
    assert axes.get_ylabel() == "guesses"


def test_a_halting_signal_is_over_live_samples_alone():
    signal, live = halting.signals(SIGNAL, STEPS).axes
    assert signal.lines[0].get_ydata() == pytest.approx([2.5, 9.5, 16])
    assert live.lines[1].get_ydata() == pytest.approx([100, 400 / 6, 50])


def test_efficiency_sets_each_executions_rows_against_its_score():
    figure = efficiency()
    left, right = figure.axes
    assert [p.get_data().values.tolist() for p in left.patches] == [[8, 8, 8], [8, 3, 1]]
    assert [(*p.get_xdata(), *p.get_ydata()) for p in right.lines] == [(3, 0.5), (1.5, 0.75)]
    labels = [t.get_text() for t in figure.legends[0].get_texts()]
    assert labels == ["lockstep, 100 %", "compacted, 50 %"]


def test_efficiency_shows_what_trivial_methods_score():
    _, right = efficiency(baselines={"copy": 0.25, "frequent": 0.5}).axes
    levels = {line.get_label(): line.get_ydata()[0] for line in right.lines[2:]}
    assert levels == {"copy": 0.25, "frequent": 0.5}


def test_efficiency_can_be_in_operations():
    figure = efficiency(operations=2_000_000)
    assert [p.get_xdata()[0] for p in figure.axes[1].lines] == [6, 3]
    assert figure.axes[1].get_xlabel() == "million operations per sample"


# -- states ----------------------------------------------------------------------------------------
def test_evolution_shows_each_levels_updates_and_samples():
    recorded = trace(steps=3)
    high, low, residuals, dimensions = states.evolution(recorded).axes
    assert [len(axes.lines) for axes in (high, low)] == [16, 16]  # path, points, start, end
    by_name = {line.get_label(): line for line in residuals.lines}
    for name, update in (("z_H", "update_high"), ("z_L", "update_low")):
        at = [u for u, n in enumerate(recorded.names) if n == update]
        assert list(by_name[name].get_xdata()) == at
    moved = probe.residuals(recorded.high)[recorded.names.index("update_high") - 1]
    assert by_name["z_H"].get_ydata()[0] == pytest.approx(np.median(moved))
    ratios = {line.get_label(): line.get_ydata() for line in dimensions.lines}
    assert ratios["z_L"] == pytest.approx(probe.participation_ratio(recorded.low))
    assert residuals.get_yscale() == "log"


# -- architecture ----------------------------------------------------------------------------------
@pytest.mark.promise(
    "complete", "the architecture, with parameter counts", "hrm plot RUN --only architecture"
)
@pytest.mark.parametrize("name", recipes.named)
def test_the_architecture_accounts_for_every_parameter(name):
    model, figure = drawn(name)
    total = sum(p.numel() for p in model.parameters())
    counts = architecture.blocks(model)
    assert sum(counts.values()) == total
    assert figure.axes[0].get_title(loc="left") == f"{name}: {total:,} parameters"
    words = "\n".join(texts(figure))
    starts = counts.pop("start_low") + counts.pop("start_high")
    for count in (*counts.values(), starts):
        assert not count or f"{count:,} (" in words
    assert ("the low level's network" in words) == model.config.one_network
    assert "elsewhere" not in words
    assert len(figure.axes[0].patches) == 5
