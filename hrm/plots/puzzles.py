"""A puzzle, its successive answers and its solution, side by side.

A cross marks a wrong cell; a ring marks a cell that is missing from an answer. Given cells are
shaded and bold. Shapes: K answers; H rows and columns of a board.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from hrm.plots.style import (
    BLUE,
    INK,
    MUTED,
    PAPER,
    RULE,
    SHADE,
    VERMILION,
    Array,
    blank,
    grid,
    styled,
    thinned,
)
from hrm.tasks import Task
from hrm.tasks.arc import Arc
from hrm.tasks.arc.data import Grid
from hrm.tasks.grids import BLANK, shapes
from hrm.tasks.maze import GOAL, START, WALL, Maze, nearest_path
from hrm.tasks.pattern import Pattern
from hrm.tasks.sudoku import Sudoku

ARC_COLOURS = (  # as arcprize.org shows them, in the order of their numbers
    *("#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00"),
    *("#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25"),
)
_columns = 4
_shown = 6  # largest number of answers shown, evenly spaced, with the first and the last one
_legible = 12  # largest side of an ARC grid whose cells show the numbers of their colours

Values = TypeVar("Values")
Panel = Callable[[Axes, Values], str]  # draws values, and returns an addition to the title


@styled
def picture(
    task: Task,
    board: Array,
    answers: Sequence[Array],
    solution: Array,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw one board of a task: as a grid if there is a drawing for it, otherwise as text.

    Args:
        task: The task.
        board: The input, [cells].
        answers: Predicted classes, [K, cells].
        solution: The stored answer, [cells].
        names: Titles of the answers, [K], such as "segment 3"; None to number them.
    """
    match task:
        case Sudoku():
            return sudoku(board, answers, solution, names=names)
        case Maze():
            return maze(board, answers, solution, names=names)
        case Pattern():
            return pattern(
                board,
                answers,
                solution,
                strands=task.strands,
                modulus=task.modulus,
                names=names,
            )
        case Arc():
            grids = [_grid(task.decode(board, answer)) for answer in answers]
            asked, right = _grid(task.decode(board)), _grid(task.decode(board, solution))
            return arc(asked, grids, right, names=names)
    texts = [task.draw(board, answer) for answer in (None, *answers, solution)]
    valid = [task.check(board, answer) for answer in answers]
    verdicts = ["", *("valid" if right else "not valid" for right in valid), ""]
    problem, *tried, known = zip(texts, verdicts, strict=True)
    return _side_by_side(
        _text,
        _text,
        (problem, tried, known),
        names,
        height=0.16 * max(text.count("\n") + 1 for text in texts) + 0.8,
    )


@styled
def sudoku(
    clues: Array,
    answers: Sequence[Array],
    solution: Array,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw a sudoku; all grids [n * n] in tokens, 0 for blank. See `picture` for the rest."""
    size = round(len(clues) ** 0.5)
    rows, columns = shapes[size]

    def draw(axes: Axes, digits: Array, wrong: Array) -> None:
        texts = [str(d) if d != BLANK else "" for d in digits.tolist()]
        _cells(axes, texts, clues != BLANK, wrong, size)
        for at in range(0, size + 1, rows):
            axes.plot([0, size], [at, at], color=INK, lw=1.4, clip_on=False)
        for at in range(0, size + 1, columns):
            axes.plot([at, at], [0, size], color=INK, lw=1.4, clip_on=False)

    def attempt(axes: Axes, answer: Array) -> str:
        wrong = answer != solution
        draw(axes, answer, wrong)
        return _wrong(wrong.sum())

    def whole(axes: Axes, digits: Array) -> str:
        draw(axes, digits, np.zeros(len(digits), dtype=np.bool_))
        return f"{(clues != BLANK).sum()} clues" if digits is clues else ""

    return _side_by_side(whole, attempt, (clues, answers, solution), names)


@styled
def pattern(
    elements: Array,
    answers: Sequence[Array],
    solution: Array,
    *,
    strands: int,
    modulus: int,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw interleaved sequences, one row each; `modulus` is the token of asked cells."""
    given = elements < modulus
    length = len(elements) // strands

    def draw(axes: Axes, values: Array, wrong: Array) -> None:
        texts = [str(v) if v < modulus else "?" for v in values.tolist()]
        order = np.arange(len(values)).reshape(length, strands).T.ravel()
        _cells(axes, [texts[i] for i in order], given[order], wrong[order], length)

    def attempt(axes: Axes, answer: Array) -> str:
        wrong = (answer != solution) & ~given
        draw(axes, np.where(given, elements, answer), wrong)
        return _wrong(wrong.sum())

    def whole(axes: Axes, values: Array) -> str:
        draw(axes, values, np.zeros(len(values), dtype=np.bool_))
        return ""

    panels = (elements, answers, solution)
    return _side_by_side(whole, attempt, panels, names, height=0.62 * strands + 0.7)


@styled
def maze(
    board: Array,
    answers: Sequence[Array],
    solution: Array,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw a maze; each answer is compared with the optimal path nearest to it.

    Args:
        board: Tokens of `hrm.tasks.maze`, [H * H].
        answers: Marks, [K, H * H].
        solution: Marks of the stored answer, [H * H].
        names: Titles of the answers, [K]; None to number them.
    """
    size = round(len(board) ** 0.5)
    dot = min(9.0, 110 / size)

    def draw(axes: Axes, marks: Array, path: Array) -> None:
        axes.imshow(
            (board == WALL).reshape(size, size),
            cmap=ListedColormap([PAPER, MUTED]),
            vmin=0,
            vmax=1,
            extent=(0, size, size, 0),
        )
        blank(axes)
        axes.plot([0, size, size, 0, 0], [0, 0, size, size, 0], color=INK, lw=1.4, clip_on=False)
        for shown, marker, style in (
            (marks & path, "o", {"color": BLUE, "mec": BLUE}),
            (path & ~marks, "o", {"color": PAPER, "mec": BLUE, "mew": 1.2}),
            (marks & ~path, "X", {"color": VERMILION, "mec": PAPER, "mew": 0.5}),
        ):
            y, x = np.divmod(np.flatnonzero(shown), size)
            scale = 1.35 if marker == "X" else 1
            axes.plot(x + 0.5, y + 0.5, marker, ms=scale * dot, **style)
        for token, letter in ((START, "S"), (GOAL, "G")):
            y, x = np.divmod(np.flatnonzero(board == token)[0], size)
            axes.text(
                x + 0.5,
                y + 0.5,
                letter,
                ha="center",
                va="center",
                weight="bold",
                fontsize=min(12.0, 130 / size),
            )

    def attempt(axes: Axes, answer: Array) -> str:
        path = nearest_path(board, answer)
        draw(axes, answer == 1, path)
        return _wrong(((answer == 1) != path).sum())

    def whole(axes: Axes, marks: Array) -> str:
        draw(axes, marks, marks)
        return f"{marks.sum() + 1} moves" if marks.any() else ""

    unmarked = np.zeros(len(board), dtype=np.bool_)
    return _side_by_side(whole, attempt, (unmarked, answers, solution == 1), names)


@styled
def arc(
    asked: Grid,
    answers: Sequence[Grid],
    solution: Grid,
    *,
    names: Sequence[str] | None = None,
) -> Figure:
    """Draw a pair of ARC's grids with answers of any shape, in the usual ten colours."""
    tall, wide = np.max([g.shape for g in (asked, solution, *answers)], axis=0).tolist()
    side = max(tall, wide)

    def draw(axes: Axes, colours: Grid, wrong: Array) -> None:
        blank(axes)
        axes.set_aspect("equal")
        axes.set(xlim=(0, wide), ylim=(tall, 0))  # one scale for all grids
        if colours.size == 0:
            return
        height, width = colours.shape
        axes.imshow(
            colours, cmap=ListedColormap(ARC_COLOURS), vmin=0, vmax=9, extent=(0, width, height, 0)
        )
        axes.set(xlim=(0, wide), ylim=(tall, 0))
        axes.hlines(range(height + 1), 0, width, color=MUTED, lw=0.6, clip_on=False)
        axes.vlines(range(width + 1), 0, height, color=MUTED, lw=0.6, clip_on=False)
        if side <= _legible:
            for (row, column), colour in np.ndenumerate(colours):
                axes.text(
                    column + 0.1,
                    row + 0.13,
                    str(colour),
                    ha="left",
                    va="top",
                    fontsize=min(8.0, 50 / side),
                    alpha=0.9,
                    color=PAPER if colour in (0, 1, 9) else INK,
                )
        _crosses(axes, wrong, 85 / side, INK, at=0.56)

    def attempt(axes: Axes, answer: Grid) -> str:
        wrong = mismatch(answer, solution)
        draw(axes, answer, wrong)
        if answer.shape != solution.shape:
            return f"{_shape(answer)} instead of {_shape(solution)}"
        return _wrong(wrong.sum())

    def whole(axes: Axes, colours: Grid) -> str:
        draw(axes, colours, np.zeros(colours.shape, dtype=np.bool_))
        return _shape(colours)

    return _side_by_side(whole, attempt, (asked, answers, solution), names)


def mismatch(answer: Grid, solution: Grid) -> Array:
    """Return which cells of an answer's grid differ from the solution, or lie outside of it."""
    wrong = np.ones(answer.shape, dtype=np.bool_)
    height, width = np.minimum(answer.shape, solution.shape)
    wrong[:height, :width] = answer[:height, :width] != solution[:height, :width]
    return wrong


def _side_by_side(
    whole: Panel[Values],
    attempt: Panel[Values],
    boards: tuple[Values, Sequence[Values], Values],
    names: Sequence[str] | None,
    height: float = 2.9,
) -> Figure:
    """Draw a problem, some of its answers, and the solution, as panels of one figure.

    Args:
        whole: Draws the problem and the solution.
        attempt: Draws an answer.
        boards: Problem, answers and solution.
        names: Titles of the answers; None to number them.
        height: Height of a panel, in inches.
    """
    problem, answers, solution = boards
    names = names or [f"answer {i}" for i in range(1, len(answers) + 1)]
    panels = [
        ("input", whole, problem),
        *((names[i], attempt, answers[i]) for i in thinned(len(answers), _shown)),
        ("solution", whole, solution),
    ]
    columns = min(_columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = grid(rows, columns, 2.6, height)
    for place, (name, draw, board) in zip(axes, panels, strict=False):
        place.set_title("\n".join(filter(None, (name, draw(place, board) or " "))), fontsize=9.5)
    for place in axes[len(panels) :]:
        place.remove()
    return figure


def _cells(axes: Axes, texts: Sequence[str], given: Array, wrong: Array, columns: int) -> None:
    """Draw cells row by row with a text in each."""
    rows = len(texts) // columns
    axes.imshow(
        given.reshape(rows, columns),
        cmap=ListedColormap([PAPER, SHADE]),
        vmin=0,
        vmax=1,
        extent=(0, columns, rows, 0),
    )
    blank(axes)
    axes.hlines(range(rows + 1), 0, columns, color=RULE, lw=0.7, clip_on=False)
    axes.vlines(range(columns + 1), 0, rows, color=RULE, lw=0.7, clip_on=False)
    cell = min(20.0, 165 / columns)  # points
    y, x = np.divmod(np.flatnonzero(wrong), columns)
    _crosses(axes, wrong.reshape(rows, columns), 0.75 * cell, VERMILION)
    axes.plot(x + 0.5, y + 0.5, "o", ms=0.55 * cell, color=PAPER, zorder=2)  # room for the text
    for i, (text, fixed) in enumerate(zip(texts, given.tolist(), strict=True)):
        axes.text(
            i % columns + 0.5,
            i // columns + 0.52,
            text,
            ha="center",
            va="center",
            fontsize=0.6 * cell,
            weight="bold" if fixed else "normal",
            color=INK if fixed else BLUE,
        )


def _crosses(axes: Axes, wrong: Array, size: float, color: str, at: float = 0.5) -> None:
    """Cross out cells; the crosses have a rim that is visible on dark and light cells."""
    y, x = np.nonzero(wrong)
    for width, shade in ((3.4, PAPER), (1.5, color)):
        axes.plot(x + at, y + at, "x", ms=size, mew=width, color=shade, zorder=2)


def _text(axes: Axes, shown: tuple[str, str]) -> str:
    text, verdict = shown
    blank(axes)
    axes.text(0, 1, text, ha="left", va="top", family="DejaVu Sans Mono", fontsize=8)
    return verdict


def _grid(rows: list[list[int]]) -> Grid:
    return np.array(rows, dtype=np.uint8).reshape(len(rows), len(rows[0]) if rows else 0)


def _wrong(count: int) -> str:
    return f"{count} wrong" if count else "all right"


def _shape(colours: Grid) -> str:
    return " × ".join(map(str, colours.shape)) if colours.size else "no grid"
