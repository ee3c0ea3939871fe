"""`hrm evaluate` as its users call it: a table, files, and mistakes on one line."""

import csv
import json

import pytest
from PIL import Image

from hrm.cli import grid
from hrm.plots import comparison
from hrm.sweeps import grid as grids

LINE = "evaluate --recipes complete-tiny --tasks maze,pattern --updates 2 --joint --output"


@pytest.mark.promise("complete", "all model sizes on all tasks", "hrm evaluate --setting full")
def test_the_table_the_files_and_the_heat_map_say_the_same(hrm, tmp_path):
    folder = tmp_path / "grid"
    status, out, _ = hrm(f"{LINE} {folder} --json")
    assert status == 0
    found = json.loads(out)["cells"]
    assert json.loads((folder / "grid.json").read_text()) == {"cells": found}
    with (folder / "grid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["recipe"], r["task"], r["training"]) for r in rows] == [
        (c["recipe"], c["task"], c["training"]) for c in found
    ]
    assert [float(row["unknown"]) for row in rows] == [cell["unknown"] for cell in found]
    with Image.open(folder / "grid.png") as image:
        assert image.format == "PNG" and min(image.size) > 100
    status, out, _ = hrm(f"{LINE} {folder}")  # read, not trained again
    lines = out.splitlines()
    assert status == 0 and lines[0].split() == ["unknown", "cells", "right", "maze", "pattern"]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "complete-tiny",
        "complete-tiny, joint",
        "best trivial method",
    ]
    for cell in found[:2]:
        assert f"{cell['unknown']:.1%} ({100 * cell['difference']:+.1f})" in lines[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--tasks maze,sudoko", "--tasks has 'sudoko'; .* did you mean 'sudoku'"),
        ("--recipes complete", "recipe is 'complete'; allowed are"),
        ("--tasks maze --joint", "tasks of a joint run is 'maze'; allowed is two or more"),
        ("--tasks regression --recipes complete-tiny", "answers Regression's real numbers"),
    ],
)
def test_a_mistake_is_named_on_one_line_and_nothing_is_made(hrm, tmp_path, options, said):
    import re

    status, out, err = hrm(f"evaluate {options} --output {tmp_path}/new")
    assert (status, out) == (2, "") and len(err.splitlines()) == 1
    assert re.search(said, err), err
    assert not (tmp_path / "new").exists()


def test_what_diverged_is_said_in_the_table_and_left_empty_in_the_map():
    shared = {"recipe": "gru", "training": "single", "parameters": 3}
    found = [
        grids.Entry(**shared, task="maze", unknown=None, valid=None, trivial=0.5, method="blank"),
        grids.Entry(**shared, task="hanoi", unknown=0.75, valid=0.1, trivial=0.5, method="blank"),
    ]
    lines = grid.shown(found).splitlines()
    assert lines[1].split() == ["gru", "diverged", "75.0%", "(+25.0)"]
    figure = comparison.heat_map(*grid.rows(found))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["75.0\n+25.0", "50.0", "50.0"]
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["gru", "best trivial"]
