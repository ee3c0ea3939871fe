"""Boards in the files' tokens: the same boards, and answers scored by the task's own rules."""

import dataclasses

import numpy as np
import pytest

from hrm.data.tokens import PublicBoards
from hrm.tasks.coloring import Coloring
from hrm.tasks.hanoi import Hanoi
from hrm.tasks.logic import Logic
from hrm.tasks.maze import Maze
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku

TASKS = [
    Sudoku(size=4),
    Maze(size=6),
    Pattern(),
    Logic(),
    Coloring(),
    Coloring(vertices=8, colors=4, density=0.6, given=4),
    Hanoi(),
]


def views(task, count=12):
    boards = task.generate(3, count, 0, 0).train
    return boards, PublicBoards(task, boards)


def means(scores):
    return {f.name: getattr(scores, f.name) for f in dataclasses.fields(scores)}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
class TestEveryTask:
    def test_boards_are_those_of_the_files(self, task):
        boards, view = views(task)
        inputs, labels = task.to_public(boards)
        assert (view.boards.inputs == inputs).all() and (view.boards.targets == labels).all()
        assert (view.vocabulary, view.cells) == (task.public_vocabulary, task.cells)
        assert view.classes == view.vocabulary and view.identities == 1

    def test_the_labels_score_one_in_everything(self, task):
        _, view = views(task)
        for values in means(view.score(view.boards, view.boards.targets)).values():
            assert (values == 1).all()

    def test_an_answer_scores_what_its_classes_do(self, task):
        boards, view = views(task)
        random = np.random.default_rng(0)
        other = random.integers(0, task.classes, boards.targets.shape)
        change = (random.random(other.shape) < 0.2) & task.unknown(boards.inputs)
        answer = np.where(change, other, boards.targets)
        _, tokens = task.to_public(dataclasses.replace(boards, targets=answer))
        found, expected = view.score(view.boards, tokens), task.score(boards, answer)
        for name, values in means(found).items():
            assert (values == means(expected)[name]).all(), name

    def test_padding_is_no_answer(self, task):
        boards, view = views(task)
        answer = view.boards.targets.copy()
        open_cells = task.unknown(boards.inputs).argmax(axis=1)
        answer[np.arange(len(boards)), open_cells] = 0
        scores = view.score(view.boards, answer)
        assert (scores.exact == 0).all() and (scores.valid == 0).all()
        scores = view.score(view.boards, np.zeros_like(answer))
        assert (scores.exact == 0).all() and (scores.valid == 0).all()


def test_a_wall_where_a_maze_is_free_is_wrong():
    task = Maze(size=6)
    boards, view = views(task)
    answer = view.boards.targets.copy()
    free = (boards.inputs == 0) & (boards.targets == 0)
    rows = free.any(axis=1)
    answer[np.flatnonzero(rows), free[rows].argmax(axis=1)] = 1  # a wall, in the files
    scores = view.score(view.boards, answer)
    assert (scores.valid[rows] == 0).all() and (scores.unknown[rows] < 1).all()
