"""Puzzles: wrong cells are struck out, and no others."""

import numpy as np
import pytest

from hrm.plots import puzzles
from hrm.tasks.arc import Arc
from hrm.tasks.arc.tokens import embedded
from hrm.tasks.hanoi import Hanoi
from hrm.tasks.maze import Maze
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku

SOLUTION = np.array([1, 2, 3, 4, 3, 4, 1, 2, 2, 1, 4, 3, 4, 3, 2, 1])
CLUES = np.where(np.arange(16) % 3 == 0, SOLUTION, 0)


def titles(figure):
    return [axes.get_title(loc="left").strip() for axes in figure.axes]


def struck(axes, marker="x"):
    """Cells (row, column) with such a marker, those of lines drawn twice once."""
    return {
        (int(y), int(x))
        for line in axes.lines
        if line.get_marker() == marker
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def marked(axes, filled):
    return {
        (int(y), int(x))
        for line in axes.lines
        if line.get_marker() == "o" and (line.get_color() == puzzles.BLUE) == filled
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }


def test_a_sudoku_strikes_out_wrong_cells_clues_included():
    answer = SOLUTION.copy()
    answer[[0, 7]] = [4, 1]  # a clue, a blank
    figure = puzzles.sudoku(CLUES, [answer, SOLUTION], SOLUTION, names=["first", "second"])
    assert titles(figure) == ["input\n6 clues", "first\n2 wrong", "second\nall right", "solution"]
    assert [struck(axes) for axes in figure.axes] == [set(), {(0, 0), (1, 3)}, set(), set()]
    shown = [[t.get_text() for t in axes.texts] for axes in figure.axes]
    assert shown[0] == [str(d or "") for d in CLUES.tolist()]
    assert shown[1] == [str(d) for d in answer.tolist()]
    bold = [t.get_fontweight() == "bold" for t in figure.axes[2].texts]
    assert bold == (CLUES != 0).tolist()


def test_of_many_answers_a_few_are_shown_the_first_and_the_last_among_them():
    figure = puzzles.sudoku(CLUES, [SOLUTION] * 16, SOLUTION)
    names = [title.split("\n")[0] for title in titles(figure)]
    assert names == ["input", *(f"answer {i}" for i in (1, 4, 7, 10, 13, 16)), "solution"]


@pytest.mark.promise("complete", "patterns with their predictions", "hrm plot RUN --only puzzle")
def test_a_pattern_shows_a_row_for_each_strand():
    task = Pattern(modulus=11, strands=2, shown=3, asked=1)
    board = task.encode([1, 2, 2, 4, 3, 8])  # 1 2 3 and 2 4 8
    solution = np.array([1, 2, 2, 4, 3, 8, 4, 5])
    answer = np.array([0, 0, 0, 0, 0, 0, 4, 6])  # what it says of given elements doesn't matter
    figure = puzzles.picture(task, board, [answer], solution)
    assert titles(figure) == ["input", "answer 1\n1 wrong", "solution"]
    assert [t.get_text() for t in figure.axes[0].texts] == ["1", "2", "3", "?", "2", "4", "8", "?"]
    assert [t.get_text() for t in figure.axes[1].texts] == ["1", "2", "3", "4", "2", "4", "8", "6"]
    assert struck(figure.axes[1]) == {(1, 3)}


@pytest.mark.promise("complete", "mazes with their optimal path", "hrm plot RUN --only puzzle")
def test_a_maze_tells_right_wrong_and_missing_marks_apart_by_shape():
    task = Maze(size=4)
    board = task.encode("S...\n###.\n...G\n....")
    solution = np.array([[0, 1, 1, 1], [0, 0, 0, 1], [0] * 4, [0] * 4]).ravel()
    answer = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [0] * 4, [0, 0, 0, 1]]).ravel()
    figure = puzzles.picture(task, board, [answer], solution)
    assert titles(figure) == ["input", "answer 1\n3 wrong", "solution\n5 moves"]
    axes = figure.axes[1]
    assert marked(axes, filled=True) == {(0, 1), (0, 3), (1, 3)}
    assert marked(axes, filled=False) == {(0, 2)}
    assert struck(axes, "X") == {(1, 0), (3, 3)}
    assert [t.get_text() for t in axes.texts] == ["S", "G"]


def test_another_optimal_path_is_all_right():
    task = Maze(size=4)
    board = task.encode("S...\n....\n..G.\n....")
    upper = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [0] * 4, [0] * 4]).ravel()
    lower = np.array([[0] * 4, [1] + [0] * 3, [1, 1, 0, 0], [0] * 4]).ravel()
    figure = puzzles.maze(board, [lower], upper)
    assert titles(figure)[1] == "answer 1\nall right"


def test_an_arc_answer_of_another_shape_is_wrong_beyond_the_solution():
    answer = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    solution = np.array([[1], [5], [6]], dtype=np.uint8)
    assert puzzles.mismatch(answer, solution).tolist() == [[False, True], [True, True]]
    figure = puzzles.arc(answer, [answer, solution], solution)
    assert titles(figure) == [
        "input\n2 × 2",
        "answer 1\n2 × 2 instead of 3 × 1",
        "answer 2\nall right",
        "solution\n3 × 1",
    ]
    assert struck(figure.axes[1]) == {(0, 1), (1, 0), (1, 1)}


def test_arc_has_its_ten_colours_by_number():
    grid = np.arange(10, dtype=np.uint8).reshape(2, 5)
    (image,) = puzzles.arc(grid, [], grid).axes[0].get_images()
    found = image.to_rgba(image.get_array(), bytes=True)[..., :3].reshape(10, 3)
    named = ["".join(f"{v:02x}" for v in rgb) for rgb in found.tolist()]
    assert [f"#{name}" for name in named] == list(puzzles.ARC_COLOURS)
    assert len(set(named)) == 10


def test_arcs_boards_are_drawn_as_grids_and_none_is_no_grid():
    grid = np.array([[1, 2], [0, 3]], dtype=np.uint8)
    board, nothing = embedded(grid), np.zeros(900, dtype=np.int64)
    figure = puzzles.picture(Arc(), board, [nothing, board], board)
    assert titles(figure)[1:3] == ["answer 1\nno grid instead of 2 × 2", "answer 2\nall right"]
    assert figure.axes[2].get_images()[0].get_array().tolist() == grid.tolist()


def test_a_sudoku_of_the_task_is_drawn_as_one():
    boards = Sudoku(size=4).generate(0, 0, 0, 1).test
    figure = puzzles.picture(Sudoku(size=4), boards.inputs[0], [], boards.targets[0])
    assert len(figure.axes) == 2
    assert [t.get_text() for t in figure.axes[1].texts] == [str(d) for d in boards.targets[0]]


def test_other_tasks_are_drawn_as_their_text():
    task = Hanoi()
    boards = task.generate(0, 0, 0, 1).test
    board, solution = boards.inputs[0], boards.targets[0]
    wrong = (solution + 1) % task.classes
    figure = puzzles.picture(task, board, [wrong, solution], solution)
    assert titles(figure) == ["input", "answer 1\nnot valid", "answer 2\nvalid", "solution"]
    assert figure.axes[2].texts[0].get_text() == task.draw(board, solution)
