"""A folder's boards, read batch by batch, are those of the task."""

import numpy as np
import pytest
import torch

from hrm.data import own, public
from hrm.data.writing import write
from hrm.errors import UserError
from hrm.recipes import sizing
from hrm.tasks.coloring import Coloring
from hrm.tasks.hanoi import Hanoi
from hrm.tasks.logic import Logic
from hrm.tasks.maze import Maze
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku
from hrm.training import loop
from hrm.training.mapped import Mapped

SMALL = {"width": 8, "heads": 2, "h_layers": 1, "l_layers": 1}
GRU = {"hidden_low": 8, "hidden_high": 8}
TASKS = [
    Sudoku(size=4, clues=7),
    Maze(size=5),
    Logic(variables=4, clauses=6),
    Coloring(vertices=6, colors=3),
    Coloring(vertices=6, colors=3, given=2, density=0.6),
    Pattern(),
    Hanoi(),
]


def mapped(folder, task, recipe="act-v1", settings=SMALL):
    boards = task.generate(0, 12, 0, 2)
    if not folder.exists():
        write(folder, task, {"train": [boards.train], "test": [boards.test]})
    system = sizing.sized(recipe, settings, task, boards.test)
    data = public.read(folder, "train")
    return system, boards.train, Mapped(system, task, data, own.held_out(data, 2, 0))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
@pytest.mark.parametrize(("recipe", "settings"), [("act-v1", SMALL), ("gru", GRU)])
def test_a_batch_is_what_the_tasks_boards_are_encoded_as(tmp_path, task, recipe, settings):
    system, boards, found = mapped(tmp_path / "set", task, recipe, settings)
    rows = torch.tensor([3, 0, 7])
    ours = found.batch(rows)
    theirs = loop.encode(system, task, boards).batch(rows)
    assert torch.equal(ours.inputs, theirs.inputs)
    labelled = torch.from_numpy(found.data.labels[rows.numpy()] != 0)
    assert labelled.any()
    assert torch.equal(ours.targets[labelled], theirs.targets[labelled])


def test_training_takes_all_boards_but_those_held_out(tmp_path):
    _, _, found = mapped(tmp_path / "set", TASKS[0])
    order = found.order(5, 3)
    rows = torch.cat([next(order) for _ in range(4)])  # two epochs of ten boards
    expected = sorted(set(range(12)) - set(found.held.validation.tolist()))
    assert sorted(rows[:10].tolist()) == sorted(rows[10:].tolist()) == expected


@pytest.mark.parametrize("at", range(5))
def test_an_order_goes_on_from_its_state_within_an_epoch_and_across(tmp_path, at):
    _, _, found = mapped(tmp_path / "set", TASKS[0])
    order = found.order(4, 3)
    for _ in range(at):
        next(order)
    state, following = order.state(), torch.stack([next(order) for _ in range(6)])
    again = found.order(4, 3)
    again.load(state)
    assert torch.equal(torch.stack([next(again) for _ in range(6)]), following)
    other = found.order(4, 4)
    other.load(state)
    assert not torch.equal(torch.stack([next(other) for _ in range(6)]), following)


def test_a_label_that_no_class_writes_is_refused_with_its_place(tmp_path):
    _, _, found = mapped(tmp_path / "set", Maze(size=5))
    path = tmp_path / "set" / "train" / "all__labels.npy"
    labels = np.load(path)
    cell = int((found.data.inputs[4] == 2).argmax())  # free
    labels[4, cell] = 1  # a wall
    np.save(path, labels)
    _, _, found = mapped(tmp_path / "set", Maze(size=5))
    with pytest.raises(UserError, match=f"board 4 has input 2 and label 1 at position {cell};"):
        found.batch(torch.tensor([4]))


def test_boards_of_another_task_are_refused(tmp_path):
    system, _, found = mapped(tmp_path / "set", TASKS[0])
    with pytest.raises(UserError, match=r"vocab_size and pad_id are \(6, 0\)"):
        Mapped(system, Sudoku(size=6), found.data, found.held)
