"""Grids: cells are runs, those that are there are read, and tables say what runs scored."""

import json
from dataclasses import replace

import pytest

from hrm.errors import UserError
from hrm.sweeps import grid
from hrm.training import runs, tracking

TINY = replace(grid.SETTINGS["small"], updates=2, batch=4, train=8, test=6, steps=2)


def test_a_setting_has_all_tasks_of_the_document_and_every_recipe_it_names():
    for setting, count in (("small", 3), ("full", 4)):
        found = grid.cells(grid.SETTINGS[setting])
        assert len(found) == 6 * count
        assert {cell.name for cell in found} == {
            *("sudoku", "maze", "pattern", "hanoi", "logic", "coloring")
        }
    assert {cell.plan.system.model.halting.max_steps for cell in found} == {10}


@pytest.mark.promise("complete", "joint training beside single tasks", "hrm evaluate --joint")
def test_a_joint_run_takes_as_many_updates_for_each_task_as_alone():
    *single, joint = grid.cells(TINY, ["complete-tiny"], ["maze", "pattern"], joint=True)
    assert [cell.name for cell in single] == ["maze", "pattern"]
    assert (joint.name, joint.tasks) == ("joint", ("maze", "pattern"))
    assert joint.plan.training.updates == 2 * single[0].plan.training.updates
    assert joint.plan.train == 2 * single[0].plan.train
    with pytest.raises(UserError, match="tasks of a joint run is 'maze'; allowed is two or more"):
        grid.cells(TINY, [], ["maze"], joint=True)


def test_a_recipe_that_cant_answer_a_task_is_refused_before_anything_runs():
    with pytest.raises(UserError, match="answers Regression's real numbers"):
        grid.cells(TINY, ["complete-tiny"], ["maze", "regression"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grid")
    cells = grid.cells(TINY, ["complete-tiny", "gru"], ["maze", "pattern"], joint=True)
    return cells, folder, [entry for found in grid.run(cells, folder) for entry in found]


def test_each_entry_is_what_its_run_scored_beside_the_best_trivial_method(trained):
    _, folder, found = trained
    assert len(found) == 2 * (2 + 2)
    for entry in found:
        name = "joint" if entry.training == "joint" else entry.task
        summary = tracking.ended(folder / entry.recipe / name)
        suffix = f" {entry.task}" if name == "joint" else ""
        assert entry.unknown == summary["checkpoints"]["best"][f"unknown{suffix}"]
        assert entry.valid == summary["checkpoints"]["best"][f"valid{suffix}"]
        trivial = {n: s[f"unknown{suffix}"] for n, s in summary["baselines"].items()}
        assert entry.trivial == max(trivial.values()) == trivial[entry.method]
        assert entry.difference == entry.unknown - entry.trivial
    said = json.loads(grid.to_json(found))["cells"]
    assert [cell["difference"] for cell in said] == [entry.difference for entry in found]


def test_finished_cells_are_read_and_missing_ones_trained(trained, monkeypatch):
    cells, folder, found = trained
    trains = []
    monkeypatch.setattr(runs, "execute", lambda *a, **_: trains.append(a[1].name) or {})
    assert [e for cell in grid.run(cells, folder) for e in cell] == found
    assert trains == []
    more = grid.cells(TINY, ["gru"], ["maze", "hanoi"])
    assert len([e for cell in grid.run(more, folder) for e in cell]) == 2
    assert trains == ["hanoi"]


def test_a_folder_of_another_grid_is_refused(trained):
    _, folder, _ = trained
    other = grid.cells(TINY, ["gru"], ["maze"], updates=3)
    with pytest.raises(UserError, match="updates"):
        list(grid.run(other, folder))


def test_a_cell_that_diverged_has_no_score():
    cells = grid.cells(TINY, ["gru"], ["maze"])
    (found,) = grid.entries(cells[0], {"status": "diverged", "step": 1, "reason": "NaN"})
    assert (found.unknown, found.valid, found.trivial, found.difference) == (None,) * 4
