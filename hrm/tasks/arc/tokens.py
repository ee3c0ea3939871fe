"""How ARC's grids lie on boards: the public builder's encoding, and back.

A board has 30 x 30 cells of 12 tokens, padding 0, end 1, colour c as c + 2. A grid of h x w cells
at offset (r, c), with its end markers:

    token[r + i, c + j] = colour[i, j] + 2                0 <= i < h, 0 <= j < w
    token[r + h, c + j] = token[r + i, c + w] = 1         where the board has such a row or column

and padding elsewhere, also at the corner (r + h, c + w). Input and output of a pair have the same
offset, which is where the colours of the input begin.

Source: github.com/sapientinc/HRM, dataset/build_arc_dataset.py; the reading back, `sizes`, follows
the evaluator beside it. Shapes: N boards, 900 cells.
"""

import numpy as np

from hrm.tasks import Bools, Ints
from hrm.tasks.arc.data import COLOURS, LARGEST, Grid

PADDING, END, FIRST = range(3)  # tokens; FIRST is black, the other colours follow
VOCABULARY = FIRST + COLOURS
CELLS = LARGEST**2

_line = np.arange(LARGEST)


def embedded(grid: Grid, offset: tuple[int, int] = (0, 0)) -> Ints:
    """Return a grid with its end markers as tokens [900]; cells that don't fit are dropped."""
    board = np.full((LARGEST, LARGEST), PADDING, dtype=np.int64)
    (top, left), (height, width) = offset, grid.shape
    board[top : top + height + 1, left : left + width] = END
    board[top : top + height, left : left + width + 1] = END
    inside = board[top : top + height, left : left + width]
    inside[:] = grid[: inside.shape[0], : inside.shape[1]].astype(np.int64) + FIRST
    return board.ravel()


def cut_out(inputs: Ints, tokens: Ints) -> list[Grid]:
    """Return the grids in tokens [N, 900], at the offsets of the inputs [N, 900].

    Each is the largest rectangle of colours that begins there, or a grid without cells.
    """
    moved = aligned(inputs, tokens)
    colours = (moved - FIRST).astype(np.uint8)
    return [
        grid[:height, :width]
        for grid, (height, width) in zip(colours, sizes(moved).tolist(), strict=True)
    ]


def origins(inputs: Ints) -> Ints:
    """Return at which row and column [N, 2] the grids of inputs begin."""
    coloured = inputs.reshape(-1, LARGEST, LARGEST) >= FIRST
    return np.stack([coloured.any(axis=a).argmax(axis=1) for a in (2, 1)], axis=1)


def aligned(inputs: Ints, tokens: Ints) -> Ints:
    """Return tokens as [N, 30, 30], shifted so that the grids of the inputs are top left."""
    framed = np.full((len(tokens), LARGEST + 1, LARGEST + 1), PADDING, dtype=np.int64)
    framed[:, :-1, :-1] = tokens.reshape(-1, LARGEST, LARGEST)
    places = np.minimum(origins(inputs)[:, :, None] + _line, LARGEST)
    board = np.arange(len(tokens))[:, None, None]
    moved: Ints = framed[board, places[:, 0, :, None], places[:, 1, None, :]]
    return moved


def sizes(boards: Ints) -> Ints:
    """Return rows and columns [N, 2] of the largest rectangles of colours top left, or zeros.

    Among equally large ones it is that with the fewest rows.

    Args:
        boards: Tokens [N, 30, 30].
    """
    coloured = (boards >= FIRST) & (boards < VOCABULARY)
    widths = np.minimum.accumulate(coloured.cumprod(axis=2).sum(axis=2), axis=1)
    last = (widths * (_line + 1)).argmax(axis=1)
    width = widths[np.arange(len(widths)), last]
    return np.stack([np.where(width > 0, last + 1, 0), width], axis=1)


def rectangles(sizes: Ints) -> Bools:
    """Return which cells [N, 30, 30] belong to top left rectangles of sizes [N, 2]."""
    inside: Bools = (_line[:, None] < sizes[:, :1, None]) & (_line < sizes[:, 1:, None])
    return inside


def malformed(inputs: Ints, tokens: Ints) -> Bools:
    """Return which rows [N] of tokens [N, 900] aren't a single grid at the offset of the input."""
    moved = aligned(inputs, tokens)
    inside = rectangles(sizes(moved))
    below = np.pad(inside, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    beside = np.pad(inside, ((0, 0), (0, 0), (1, 0)))[:, :, :-1]
    there = aligned(inputs, np.ones_like(tokens)) == 1  # not beyond the board
    expected = np.where(inside, FIRST, np.where((below | beside) & there, END, PADDING))
    unlike = (expected != np.minimum(moved, FIRST)).any(axis=(1, 2))
    outside = (moved != PADDING).sum(axis=(1, 2)) != (tokens != PADDING).sum(axis=1)
    foreign = ((tokens < 0) | (tokens >= VOCABULARY)).any(axis=1)
    wrong: Bools = unlike | outside | foreign | ~inside[:, 0, 0]
    return wrong


def drawn_offset(random: np.random.Generator, *grids: Grid) -> tuple[int, int]:
    """Draw a row and column at which all grids fit."""
    most = LARGEST - np.max([grid.shape for grid in grids], axis=0)
    row, column = random.integers(most + 1).tolist()
    return row, column


def numbered(labels: Ints) -> Ints:
    """Return 0 for the first run of equal labels, 1 for the next, and so on."""
    return np.cumsum(np.diff(labels, prepend=labels[:1]) != 0)
