"""`hrm summary`: what it counts, how it compares with the printed figure, how it refuses."""

import json

import pytest
import torch
from torch import nn

from hrm import recipes
from hrm.cli import summary
from hrm.errors import UserError
from hrm.model import HRM

LOW, HIGH = 6, 10
KEYS = ["recipe", "source", "parameters", "documented", "operations", "groups", "buffers"]


def small():
    return recipes.gru(inputs=4, outputs=3, hidden_low=LOW, hidden_high=HIGH, low_steps=2)


@pytest.fixture
def named(monkeypatch):
    """Two recipes: a small one whose printed size is a little off, and one without any."""
    printed = f"{parameters(HRM(small().model)) - 5:,}"
    found = {
        "small": recipes.Named(make=small, source="nowhere, section 1", parameters=printed),
        "other": recipes.Named(make=small, source="nowhere, section 2"),
    }
    monkeypatch.setattr(recipes, "named", found)


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def test_operations_are_those_of_one_halting_step_of_one_sample(named):
    found = summary.summarise("small")
    once = 2 * 3 * LOW * LOW + 2 * HIGH * LOW  # a GRU cell's input, and the high level's say
    low = once + 2 * (2 * 3 * LOW * LOW)  # for both updates
    high = 2 * 3 * HIGH * (LOW + HIGH)
    assert found["operations"] == low + high
    shares = {g["path"]: g["operations"] for g in found["groups"] if g["operations"]}
    assert shares == {"low": low, "high": high}


def test_operations_on_shapes_alone_are_those_of_the_computation():
    for system in (small(), recipes.amulgent_enhanced()):
        with torch.device("meta"):
            shapes = summary.segment_operations(HRM(system.model).eval())
        assert shapes == summary.segment_operations(HRM(system.model).eval())


def test_modules_have_their_shapes_and_the_groups_their_totals(named):
    found = summary.summarise("small")
    groups = {g["path"]: g for g in found["groups"]}
    cell, control = groups["low"]["modules"]
    assert control == {
        "path": "low.control",
        "type": "Linear",
        "shapes": {"weight": [LOW, HIGH], "bias": [LOW]},
        "parameters": LOW * HIGH + LOW,
    }
    assert groups["low"]["type"] == "Gru"
    assert groups["low"]["parameters"] == cell["parameters"] + control["parameters"]
    assert groups["readout"]["modules"][0]["path"] == "readout"
    assert groups["summary"]["modules"] == []


def test_buffers_stand_apart_and_are_not_counted(named):
    found = summary.summarise("small")
    assert {"path": "start_high.value", "shape": [HIGH], "elements": HIGH} in found["buffers"]
    assert found["parameters"] == parameters(HRM(small().model))


def test_a_models_own_parameters_and_shared_ones_count_once():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.low = nn.Sequential(nn.Linear(2, 3, bias=False))
            self.high = self.low
            self.readout = nn.Linear(2, 3)
            self.readout.weight = self.low[0].weight

    found = summary.groups(Model(), {"": 7, "low": 5})
    assert [(g["path"], g["parameters"], g["operations"]) for g in found] == [
        ("", 1, 7),
        ("low", 6, 5),
        ("readout", 3, 0),
    ]
    assert [m["path"] for m in found[1]["modules"]] == ["low.0"]
    assert found[0]["modules"][0]["shapes"] == {"scale": []}


@pytest.mark.parametrize(
    ("count", "printed", "difference", "prints_as"),
    [
        (844_610, "844,610", 0, True),
        (844_611, "844,610", 1, False),
        (115_755, "115K", 755, True),  # truncated
        (114_500, "115K", -500, True),  # rounded, halves up
        (114_499, "115K", -501, False),
        (115_500, "115K", 500, True),
        (116_000, "115K", 1000, False),
        (1_249_999, "1.2M", 49_999, True),
        (1_150_000, "1.2M", -50_000, True),
        (1_300_000, "1.2M", 100_000, False),
        (27_275_266, "~27M", 275_266, True),
        (707_979, "500K+", 207_979, True),
        (499_999, "500K+", -1, False),
    ],
)
def test_a_count_prints_as_a_figure_if_it_rounds_or_truncates_to_it(
    count, printed, difference, prints_as
):
    assert summary.compare(count, printed) == {
        "printed": printed,
        "difference": difference,
        "prints_as": prints_as,
    }


def test_what_is_not_one_figure_is_our_mistake():
    with pytest.raises(AssertionError, match="isn't a single figure"):
        summary.compare(1, "15 to 20M")


def test_an_unknown_recipe_is_refused_with_all_names_and_the_nearest(named):
    with pytest.raises(UserError, match=r"'smal'; allowed are small, other; did you mean 'small'"):
        summary.summarise("smal")
    with pytest.raises(UserError, match="name one of them"):
        summary.summarise("xyz")


@pytest.mark.promise("complete", "an overview with parameter counts", "hrm summary complete-small")
@pytest.mark.parametrize("name", recipes.named)
def test_every_documented_system_has_a_summary(name):
    found = summary.summarise(name)
    assert list(found) == KEYS
    assert found["parameters"] == sum(g["parameters"] for g in found["groups"])
    assert found["operations"] == sum(g["operations"] for g in found["groups"]) > 0
    assert (found["documented"] is None) == (recipes.named[name].parameters is None)
    json.dumps(found, allow_nan=False)


def test_json_is_printed_as_it_is_documented(hrm, named):
    status, out, err = hrm("summary small --json")
    assert (status, err) == (0, "")
    assert json.loads(out) == summary.summarise("small")
    assert all(key in summary.__doc__ for key in KEYS)


def test_the_table_shows_the_count_beside_the_printed_figure(hrm, named):
    status, out, _ = hrm("summary small")
    assert status == 0
    assert "nowhere, section 1" in out and f"{LOW}×{HIGH}, {LOW}" in out
    assert f"{parameters(HRM(small().model)):,}" in out
    assert "documented" not in hrm("summary other")[1]


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        ("{0:,}", "equal"),
        ("{1:,}", "5 more here"),
        ("{2:,}", "5 fewer here"),
        ("{3:.1f}K", "here, which rounds to that figure"),
    ],
)
def test_the_table_says_how_far_the_printed_figure_is(hrm, monkeypatch, printed, verdict):
    count = parameters(HRM(small().model))
    figure = printed.format(count, count - 5, count + 5, count / 1000)
    named = {"small": recipes.Named(make=small, source="nowhere", parameters=figure)}
    monkeypatch.setattr(recipes, "named", named)
    (line,) = (x for x in hrm("summary small")[1].splitlines() if x.startswith("documented"))
    assert figure in line and line.rstrip().endswith(verdict)


def test_the_command_refuses_an_unknown_recipe_on_one_line(hrm):
    status, out, err = hrm("summary act-v2")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "did you mean 'act-v1'?" in err
