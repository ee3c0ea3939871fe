"""Symmetries of boards: symmetric versions of a board, and keys that are invariant.

A symmetry moves cells and may rename tokens. The set of all boards that the symmetries make of a
board is its *orbit*. A key is a number that all boards of an orbit share. Different orbits may have
equal keys in rare cases, which does no harm. With keys, splits are disjoint up to symmetry.

Squares have eight symmetries, the rotations and reflections. The symmetries of sudoku with boxes of
r rows and c columns are: renaming digits; permuting bands (the n / r strips of r rows that share
boxes) and the rows in a band; permuting stacks and the columns in a stack; and transposing the grid
if r = c.
"""

import numpy as np
from numpy.typing import NDArray

from hrm.tasks import Boards, Ints

Keys = NDArray[np.uint64]

_rounds = 3  # rounds of refinement; a fourth distinguished no more boards


def versions(boards: Boards, moves: Ints, tokens: Ints | None = None) -> Boards:
    """Return V versions of every board in turn; each is a puzzle, those of a board are a group.

    Stored answers are transformed like their boards; difficulty and identity stay the same.

    Args:
        boards: N boards.
        moves: The cell of the board that each cell of a version shows, [N, V, cells].
        tokens: The new token and class of each token and class, [N, V, vocabulary]; None to keep
            them.
    """
    count, each, cells = moves.shape

    def moved(values: Ints) -> Ints:
        turned = np.take_along_axis(values[:, None], moves, axis=2)
        if tokens is not None:
            turned = np.take_along_axis(tokens, turned, axis=2)
        return turned.reshape(-1, cells)

    return Boards(
        inputs=moved(boards.inputs),
        targets=moved(boards.targets),
        difficulty=boards.difficulty.repeat(each),
        identities=boards.identities.repeat(each),
        puzzles=np.arange(count * each),
        groups=boards.groups.repeat(each),
    )


def squares(size: int) -> Ints:
    """Return the moves of the eight symmetries of a square, [8, cells], the identity first."""
    grid = np.arange(size**2).reshape(size, size)
    turns = [np.rot90(half, k) for half in (grid, grid.T) for k in range(4)]
    return np.stack(turns).reshape(8, -1)


def square_keys(inputs: Ints, size: int) -> Keys:
    """Return keys [N] of boards [N, cells] that are invariant under rotation and reflection.

    With h a hash, sum over symmetries g of h(sum over cells c of h(c, token of g's board at c)).
    """
    places = squares(size).argsort(axis=1).astype(np.uint64) << np.uint64(32)
    seen = _mixed(places[:, None] + inputs.astype(np.uint64)).sum(axis=2)
    keys: Keys = _mixed(seen).sum(axis=0)
    return keys


def grid_moves(random: np.random.Generator, count: int, rows: int, columns: int) -> Ints:
    """Return moves [count, cells] drawn uniformly from those of grids with such boxes."""
    size = rows * columns

    def lines(thick: int) -> Ints:
        strips = random.permuted(np.tile(np.arange(0, size, thick), (count, 1)), axis=1)
        inner = random.permuted(np.tile(np.arange(thick), (count * len(strips.T), 1)), axis=1)
        order: Ints = strips.repeat(thick, axis=1) + inner.reshape(count, size)
        return order

    row, column = lines(rows)[:, :, None], lines(columns)[:, None, :]
    transposed = (rows == columns) & (random.random((count, 1, 1)) < 0.5)
    moves = np.where(transposed, column * size + row, row * size + column)
    return moves.reshape(count, size**2)


def grid_keys(inputs: Ints, rows: int, columns: int) -> Keys:
    """Return keys [N] of puzzles [N, cells] that are invariant under the symmetries of sudoku.

    They are computed by colour refinement (Weisfeiler and Leman). At first, the colour of a cell is
    whether it holds a clue. In each round, the colour of a digit becomes a hash of the colours of
    its clues, and the colour of a line or box a hash of those of its cells; then the colour of a
    cell becomes a hash of its own colour and those of its digit, lines and box. All hashes ignore
    the order of their arguments.
    """
    size = rows * columns
    cell = _mixed((inputs > 0).astype(np.uint64))
    clue = inputs[:, :, None] == np.arange(size + 1)
    for _ in range(_rounds):
        digit = _mixed((clue * cell[:, :, None]).sum(axis=1))
        digit[:, 0] = 0
        cell = _mixed(cell + np.take_along_axis(digit, inputs, axis=1))
        grid = cell.reshape(len(inputs), size, size)
        across = _lines(grid, rows)[:, :, None]
        down = _lines(grid.swapaxes(1, 2), columns)[:, None, :]
        if rows != columns:
            down = _mixed(down)
        boxes = grid.reshape(len(inputs), columns, rows, rows, columns).sum(axis=(2, 4))
        box = _mixed(boxes).repeat(rows, axis=1).repeat(columns, axis=2)
        cell = _mixed(grid + across + down + 3 * box).reshape(inputs.shape)
    keys: Keys = _mixed(cell.sum(axis=1))
    return keys


def _lines(grid: Keys, thick: int) -> Keys:
    """Return the colour of each row [N, n] from those of its cells and its strip."""
    line = _mixed(grid.sum(axis=2))
    strip = _mixed(line.reshape(len(line), line.shape[1] // thick, thick).sum(axis=2))
    return _mixed(line + strip.repeat(thick, axis=1))


def _mixed(x: Keys) -> Keys:
    """Return hashes of 64 bits: SplitMix64's finaliser (Steele, Lea and Flood, 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
