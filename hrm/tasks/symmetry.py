"""Symmetries of boards: the versions of a board that they make, and keys that they leave alone.

A symmetry moves cells, and may rename tokens. The boards into which a board's symmetries turn it
are its *orbit*. A key is a number that a whole orbit shares; other orbits have other keys, with
exceptions that do no harm. Keys are how splits stay disjoint up to symmetry.

Squares have eight symmetries, turned and reflected. Those of sudoku, in boxes of r rows and c
columns, are: digits renamed; bands (the n / r strips of r rows with boxes in common) and the rows
in a band permuted; stacks and the columns in a stack permuted; and the grid transposed where r = c.
"""

import numpy as np
from numpy.typing import NDArray

from hrm.tasks import Boards, Ints

Keys = NDArray[np.uint64]

_rounds = 3  # of refinement: a fourth told no more boards apart


def versions(boards: Boards, moves: Ints, tokens: Ints | None = None) -> Boards:
    """Return every board in V versions side by side: a puzzle each, a board's a group.

    The stored answers change with their boards; difficulty and identity stay.

    Args:
        boards: N boards.
        moves: The cell of the board that each cell of the version shows, [N, V, cells].
        tokens: What each token and each class turns into, [N, V, vocabulary]; None for itself.
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
    """Return the moves of a square's eight symmetries, [8, cells], the identity first."""
    grid = np.arange(size**2).reshape(size, size)
    turns = [np.rot90(half, k) for half in (grid, grid.T) for k in range(4)]
    return np.stack(turns).reshape(8, -1)


def square_keys(inputs: Ints, size: int) -> Keys:
    """Return keys [N] of boards [N, cells] that turning and reflecting leave alone.

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
    """Return keys [N] of puzzles [N, cells] that the symmetries of sudoku leave alone.

    Colour refinement (Weisfeiler and Leman): at first, a cell's colour is whether it holds a clue.
    In each round a digit's colour becomes a hash of those of its clues, a line's and a box's one of
    those of its cells, and then a cell's one of its own, its digit's, its lines' and its box's,
    each time of the colours alone and not of their order.
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
    """Return the colour of each row [N, n], its strip's counted in, from those of cells."""
    line = _mixed(grid.sum(axis=2))
    strip = _mixed(line.reshape(len(line), line.shape[1] // thick, thick).sum(axis=2))
    return _mixed(line + strip.repeat(thick, axis=1))


def _mixed(x: Keys) -> Keys:
    """Return hashes of 64 bits: SplitMix64's finaliser (Steele, Lea and Flood, 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
